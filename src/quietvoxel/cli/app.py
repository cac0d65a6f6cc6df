"""The program `quietvoxel`: its commands, its exit codes, and one sentence for whatever goes wrong.

Exit codes: 0 done, 2 bad input, 3 cancelled, 1 anything else.
"""

import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App

from quietvoxel import __version__
from quietvoxel.cli.about import engines
from quietvoxel.cli.bench import bench
from quietvoxel.cli.demo import demo
from quietvoxel.cli.denoise import denoise_command
from quietvoxel.cli.evaluate import evaluate
from quietvoxel.cli.explaining import explain
from quietvoxel.cli.interrupts import terminate_as_interrupt
from quietvoxel.cli.models import models_app
from quietvoxel.cli.reporting import emit
from quietvoxel.cli.simulate import simulate
from quietvoxel.cli.train import train
from quietvoxel.cli.view import view
from quietvoxel.cli.worker import worker
from quietvoxel.engines.registry import ENGINES, engine_info

HELP = """Denoise CT and MR volumes. Results are not for primary diagnosis.

Start with: quietvoxel denoise IN OUT
"""


def build_app(engine: str) -> App:
    """The program, with the settings of one engine as options of `denoise`."""
    app = App(name="quietvoxel", help=HELP, version=__version__, help_format="plaintext")
    app.command(denoise_command(engine_info(engine)), name="denoise")
    app.command(train)
    app.command(simulate)
    app.command(evaluate)
    app.command(view)
    app.command(demo)
    app.command(bench)
    app.command(worker)
    app.command(engines)
    app.command(models_app())
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
        with terminate_as_interrupt():
            app = build_app(chosen_engine(arguments))
            result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stdout = None
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # nobody should meet a traceback
        return _fail(error, arguments)
    return result if isinstance(result, int) else 0


def _fail(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what went wrong, to a person and, where one listens, to a program; give the exit code."""
    if os.environ.get("QUIETVOXEL_DEBUG"):
        traceback.print_exception(error)
    code, sentence = explain(error, next(iter(arguments), "denoise"))
    print(sentence, file=sys.stderr)
    if wants_jsonl(arguments):
        emit({"event": "failed", "message": sentence, "code": code})
    return code


def wants_jsonl(arguments: Sequence[str]) -> bool:
    """Whether a program reads standard output, known even where the command line is not understood."""
    text = " ".join(arguments)
    return "--progress jsonl" in text or "--progress=jsonl" in text
