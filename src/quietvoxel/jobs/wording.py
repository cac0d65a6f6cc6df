"""Sentences of the core, which name options of the command line, in the words of the docks."""

import re

from quietvoxel.inference.options import InferenceOptions
from quietvoxel.training.settings import TrainingSettings

_OPTION = re.compile(r"--([a-z][a-z-]*)(?: (cpu|float32))?")
_ELSEWHERE = {
    "fill-nonfinite": "the command line's --fill-nonfinite",
    "engine": "Engine",
    "dose": "Dose fraction",
    "snr": "Signal-to-noise ratio",
    "delta": "Degradation time",
    "modality": "Modality",
    "resume": "Resume",
    "overwrite": "Throw away",
    "name": "name",
}


def in_dock_words(sentence: str) -> str:
    """Turn "--device cpu" into "Device: cpu", and so on."""

    def word(match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        key = name.replace("-", "_")
        field = InferenceOptions.model_fields.get(key) or TrainingSettings.model_fields.get(key)
        title = _ELSEWHERE.get(name) or (field.title if field else None) or name
        return f"{title}: {value}" if value else title

    return _OPTION.sub(word, sentence)
