"""What the user asks of a training, as words of a command line; and which trainings can be gone on with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quietvoxel.training.runs import interrupted_runs
from quietvoxel.training.settings import PlanName, TrainingSettings

if TYPE_CHECKING:
    from pathlib import Path

    from quietvoxel.training.runs import RunRecord


@dataclass(frozen=True)
class TrainingRequest:
    """What the user asks for; frozen when it is handed in.

    Attributes
    ----------
    name : of the run, and of its model where it is saved at once.
    references : files and folders.
    engine, start : which engine, from which model ("scratch", or "" for the general one).
    plan, settings, max_steps : how long and how.
    modality, device, devices : as on the command line.
    card : words for the model's card, as (field, text) with title, description, licence, intended_use.
    save : put the model into the store at the end; otherwise `training.outcome.save_trained` does, with a card.
    resume : go on with the training of this name; everything else is known then.
    overwrite : throw away a training and a model of this name.
    measure : train nothing; say what each plan would take. References are not looked at.
    """

    name: str
    references: tuple[Path, ...] = ()
    engine: str = "relativeflow"
    start: str = ""
    plan: PlanName = "standard"
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    max_steps: int | None = None
    modality: str | None = None
    device: str = "auto"
    devices: int = 1
    card: tuple[tuple[str, str], ...] = ()
    save: bool = False
    resume: bool = False
    overwrite: bool = False
    measure: bool = False

    def arguments(self) -> list[str]:
        """The words after `quietvoxel`."""
        words = ["train", "--name", self.name, "--progress", "jsonl", "--commands", "--background"]
        if self.resume:
            return [*words, "--resume"]
        words += ["--engine", self.engine, "--plan", self.plan, "--device", self.device]
        words += ["--devices", str(self.devices)]
        for option, value in (
            ("--from", self.start),
            ("--max-steps", self.max_steps),
            ("--modality", self.modality),
        ):
            words += [option, str(value)] if value else []
        for name, text in self.card:
            # In one word: a text may begin as an option does.
            words += [f"--{name.replace('_', '-')}={text}"] if text else []
        defaults = TrainingSettings()
        for name, value in self.settings.model_dump().items():
            if value != getattr(defaults, name):
                words += [f"--{name.replace('_', '-')}", str(value)]
        words += ["--overwrite"] if self.overwrite else []
        words += ["--measure"] if self.measure else []
        words += [] if self.save else ["--no-save"]
        # Behind "--": a file may be called as an option is.
        return [*words, "--", *map(str, self.references)]


@dataclass(frozen=True)
class Interrupted:
    """A training that was stopped in the middle.

    Attributes
    ----------
    name : by which it is resumed.
    folder : where it lies.
    record : everything known of it.
    """

    name: str
    folder: Path
    record: RunRecord

    @property
    def request(self) -> TrainingRequest:
        """What resumes it."""
        return TrainingRequest(self.name, resume=True)


def interrupted_trainings() -> list[Interrupted]:
    """Trainings that can be gone on with, the newest first; those that are running are not among them."""
    return [Interrupted(record.name, folder, record) for folder, record in interrupted_runs()]
