"""Sentences with places that come as a whole: found again among the known ones, and put into another language."""

import functools
import re

MANY = 4096
"""No sentence is longer; what is, is something else."""


def translated(text, translate, known):
    """A sentence in the user's language; as it is where nobody has translated it.

    Parameters
    ----------
    text : the whole sentence.
    translate : text to text.
    known : the known sentences, with {places}.
    """
    whole = translate(text)
    if whole != text or len(text) > MANY:
        return whole
    for pattern, template in _patterns(known):
        match = pattern.fullmatch(text)
        if match is not None:
            other = translate(template)
            return other.format(**match.groupdict()) if other != template else text
    return text


@functools.cache
def _patterns(known):
    """(what a sentence looks like, the sentence with its places), those with most words of their own first."""
    found = [(_pattern(one), one) for one in known if "{" in one]
    return sorted(found, key=lambda one: -len(re.sub(r"{\w+}", "", one[1])))


def _pattern(template):
    parts = re.split(r"({\w+})", template)
    return re.compile(
        "".join(f"(?P<{one[1:-1]}>.+?)" if one.startswith("{") else re.escape(one) for one in parts),
        re.DOTALL,
    )
