"""One sentence and one exit code for whatever goes wrong: 2 bad input, 3 cancelled, 1 anything else."""

from cyclopts import CycloptsError
from pydantic import ValidationError

from quietvoxel.errors import QuietVoxelError

SEE_HELP = "See quietvoxel --help."


def explain(error: BaseException, command: str = "denoise") -> tuple[int, str]:
    """Give the exit code and the sentence for an error; `command` is the one whose help is pointed to."""
    if isinstance(error, QuietVoxelError):
        return error.exit_code, str(error)
    if isinstance(error, CycloptsError):
        cause = _validation_error(error)
        return 2, setting_sentence(cause, command) if cause else f"{_first_sentence(error)} {SEE_HELP}"
    if isinstance(error, ValidationError):
        return 2, setting_sentence(error, command)
    if isinstance(error, KeyboardInterrupt):
        return 3, "Cancelled."
    if isinstance(error, MemoryError):
        return 1, "The memory does not hold the volume; close other programs or crop the volume."
    kind = type(error).__name__
    return (
        1,
        f"Something went wrong inside QuietVoxel ({kind}); set QUIETVOXEL_DEBUG=1 and run again for details.",
    )


def setting_sentence(error: ValidationError, command: str = "denoise") -> str:
    """Name the option, the value and what would be right: pydantic says it over several lines with a link."""
    first = error.errors(include_url=False, include_context=False)[0]
    option = "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-")
    wrong = first["msg"].removeprefix("Input ").removesuffix(".")
    wrong = wrong.split(", unable to parse")[0]
    return f"{option} is {first['input']} but {wrong}; see quietvoxel {command} --help."


def _validation_error(error: BaseException) -> ValidationError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ValidationError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _first_sentence(error: CycloptsError) -> str:
    text = " ".join(str(error).split())
    return text or "The command line was not understood."
