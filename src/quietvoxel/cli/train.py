"""`quietvoxel train REFERENCES…`: adapt an engine to one's own noisy scans, alone or driven by a viewer."""

import signal
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from quietvoxel.cli.interrupts import handling
from quietvoxel.cli.reporting import ProgressKind
from quietvoxel.cli.train_reporting import TrainReporter
from quietvoxel.errors import CancelledError, QuietVoxelError
from quietvoxel.training.settings import PLAN_SECONDS, PlanName, TrainingSettings

AtLeast1 = Number(gte=1)
PLANS = ", ".join(f"{name} (~{seconds / 60:g} min)" for name, seconds in PLAN_SECONDS.items())
NEEDS_LIGHTNING = "Training needs a few more packages; install them with: pip install 'quietvoxel[train]'."


def train(
    *references: Annotated[Path, Parameter(help="Noisy scans: files, folders, DICOM folders.")],
    name: Annotated[
        str, Parameter(help="Of the model that is made: small letters, digits, '-', '.' and '_'.")
    ],
    engine: Annotated[str | None, Parameter(help="Which engine; that of the starting model.")] = None,
    start: Annotated[
        str, Parameter(name="--from", help="Starting model, or scratch; the general one when not given.")
    ] = "",
    plan: Annotated[PlanName, Parameter(help=f"How long: {PLANS}.")] = "standard",
    max_steps: Annotated[
        int | None, Parameter(help="Steps of each stage, whatever the plan's time.", validator=AtLeast1)
    ] = None,
    resume: Annotated[bool, Parameter(help="Go on with the training of this name.", negative="")] = False,
    overwrite: Annotated[
        bool, Parameter(help="Replace a training and a model of this name.", negative="")
    ] = False,
    modality: Annotated[str | None, Parameter(help="CT or MR, where the files do not say.")] = None,
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    devices: Annotated[
        int, Parameter(help="GPUs, or processes on the CPU, of each node.", validator=AtLeast1)
    ] = 1,
    nodes: Annotated[int, Parameter(help="Machines; the command runs on each.", validator=AtLeast1)] = 1,
    title: Annotated[str, Parameter(help="Of the model, on screens.")] = "",
    description: Annotated[str, Parameter(help="For the model's card; no patient data.")] = "",
    licence: Annotated[str, Parameter(help="For the model's card.")] = "",
    intended_use: Annotated[str, Parameter(help="For the model's card.")] = "",
    save: Annotated[bool, Parameter(help="Put the model into the store at the end.")] = True,
    measure: Annotated[
        bool, Parameter(help="Train nothing; say what each plan would take on this machine.", negative="")
    ] = False,
    background: Annotated[
        bool, Parameter(help="Leave a core and the priority to other programs.", negative="")
    ] = False,
    commands: Annotated[
        bool,
        Parameter(help="Obey JSON lines on standard input; its end stops after a checkpoint.", negative=""),
    ] = False,
    progress: Annotated[ProgressKind, Parameter(help="bar, jsonl (for programs) or none.")] = "bar",
    quiet: Annotated[bool, Parameter(help="Print nothing but errors.", negative="")] = False,
    settings: Annotated[TrainingSettings, Parameter(name="*", group="Advanced")] = TrainingSettings(),  # noqa: B008
) -> int:
    """Fine-tune an engine on noisy scans of your own: no clean image is needed.

    Ctrl-C stops after a checkpoint, from which --resume goes on; a second Ctrl-C stops at once.
    """
    # Before torch is there: its helper threads inherit priority and number.
    if background:
        from quietvoxel.cli.background import give_way

        give_way()
    try:
        import lightning  # noqa: F401
    except ImportError as error:
        raise QuietVoxelError(NEEDS_LIGHTNING) from error
    from quietvoxel.training.control import TrainingControl, Wish
    from quietvoxel.training.fine_tune import fine_tune, quiet_libraries
    from quietvoxel.training.order import TrainingOrder

    quiet_libraries()
    order = TrainingOrder(
        references=references,
        engine=engine or _engine_of(start),
        name=name,
        start=start,
        plan=plan,
        settings=settings,
        max_steps=max_steps,
        modality=modality.upper() if modality else None,
        device=device,
        devices=devices,
        nodes=nodes,
        card=tuple(
            (key, value)
            for key, value in (
                ("title", title),
                ("description", description),
                ("licence", licence),
                ("intended_use", intended_use),
            )
            if value
        ),
        save=save,
    )
    control = TrainingControl()
    if commands:
        from quietvoxel.cli.commands import obey_standard_input

        obey_standard_input(control)
    reporter = TrainReporter(progress, quiet=quiet)

    def stop(_number: int, _frame: Any) -> None:
        if control.wish is Wish.CANCEL:
            raise KeyboardInterrupt
        control.ask(Wish.CANCEL)
        reporter.say("Stopping after this step; once more stops at once.")

    try:
        with handling((signal.SIGINT, signal.SIGTERM), stop):
            if measure:
                from quietvoxel.training.foresee import foresee

                foresee(order, reporter, lambda: _still_wanted(control))
                return 0
            fine_tune(order, control=control, tell=reporter, resume=resume, overwrite=overwrite)
    except CancelledError as error:
        reporter.cancelled(str(error))
        return error.exit_code
    finally:
        reporter.close()
    return 0


def _still_wanted(control: Any) -> None:
    """Stop measuring when that was asked for."""
    if control.wish in ("stop", "cancel"):
        msg = "Measuring was stopped."
        raise CancelledError(msg)


def _engine_of(start: str) -> str:
    """The engine of a starting model; RelativeFlow where no model says."""
    from quietvoxel.models.store import list_models

    return next((card.engine for card in list_models() if card.name == start), "relativeflow")
