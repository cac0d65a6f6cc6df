"""The program `quietvoxel`: its commands, its exit codes, and one sentence for whatever goes wrong.

Exit codes: 0 done, 2 bad input, 3 cancelled, 1 anything else.
"""

import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from quietvoxel import __version__
from quietvoxel.cli.about import add_about_commands
from quietvoxel.cli.bench import bench
from quietvoxel.cli.demo import demo
from quietvoxel.cli.denoise import denoise_command
from quietvoxel.cli.evaluate import evaluate
from quietvoxel.cli.simulate import simulate
from quietvoxel.engines.registry import ENGINES, engine_info
from quietvoxel.errors import BadInputError, QuietVoxelError

HELP = """Denoise CT and MR volumes. Results are not for primary diagnosis.

Start with: quietvoxel denoise IN OUT
"""


def build_app(engine: str) -> App:
    """The program, with the settings of one engine as options of `denoise`."""
    app = App(name="quietvoxel", help=HELP, version=__version__, help_format="plaintext")
    app.command(denoise_command(engine_info(engine)), name="denoise")
    app.command(simulate)
    app.command(evaluate)
    app.command(demo)
    app.command(bench)
    add_about_commands(app)
    return app


def chosen_engine(arguments: Sequence[str]) -> str:
    """The value of --engine: the options of `denoise` depend on it, so it is read before everything else."""
    for place, word in enumerate(arguments):
        if word == "--engine" and place + 1 < len(arguments):
            return arguments[place + 1]
        if word.startswith("--engine="):
            return word.partition("=")[2]
    return next(iter(ENGINES))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and give its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app = build_app(chosen_engine(arguments))
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _say(BadInputError(_one_sentence(error)))
    except QuietVoxelError as error:
        return _say(error)
    except KeyboardInterrupt:
        print("Cancelled.", file=sys.stderr)
        return 3
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stdout = None  # type: ignore[assignment]  # so that Python's own flush at exit stays quiet
        return 0
    except Exception as error:  # noqa: BLE001  # nobody at a console should meet a traceback
        if os.environ.get("QUIETVOXEL_DEBUG"):
            traceback.print_exc()
        kind = type(error).__name__
        print(
            f"Something went wrong inside QuietVoxel ({kind}); set QUIETVOXEL_DEBUG=1 and run again for details.",
            file=sys.stderr,
        )
        return 1
    return result if isinstance(result, int) else 0


def _say(error: QuietVoxelError) -> int:
    print(error, file=sys.stderr)
    return error.exit_code


def _one_sentence(error: CycloptsError) -> str:
    """Cyclopts and pydantic explain over several lines; keep what a user needs."""
    text = " ".join(str(error).split())
    return f"{text} See quietvoxel --help." if text else "The command line was not understood; see quietvoxel --help."
