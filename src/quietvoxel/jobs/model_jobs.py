"""What is done with models beside a viewer: saving what was trained, export, import and removal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quietvoxel.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from quietvoxel.jobs.job import JobContext
    from quietvoxel.models import ModelCard

CARD_WORDS = ("title", "description", "licence", "intended_use")
"""What the user may say of a model, by the card's own names."""


@dataclass(frozen=True)
class CardProposal:
    """What the card of a trained model would say where the user says nothing.

    Attributes
    ----------
    words : by the names of `CARD_WORDS`.
    quality : the figures before and after, in sentences.
    """

    words: dict[str, str]
    quality: tuple[str, ...]


@dataclass(frozen=True)
class ProposeCardJob:
    """Look up what the card of a finished training would say."""

    folder: Path
    name: str

    def run(self, _context: JobContext) -> CardProposal:
        """Make the words.

        Raises
        ------
        BadInputError
            If there is no training in the folder.
        """
        from quietvoxel.training.outcome import card_fields  # it imports torch
        from quietvoxel.training.runs import read_run

        record = read_run(self.folder)
        if record is None:
            msg = f"The training '{self.folder.name}' is gone; train again."
            raise BadInputError(msg)
        fields = card_fields(record, self.name, record.card)
        return CardProposal({word: fields[word] for word in CARD_WORDS}, tuple(fields["quality"]))


@dataclass(frozen=True)
class SaveTrainedJob:
    """Make a model of a finished training.

    Attributes
    ----------
    folder : of the run.
    name : of the model.
    card : words of `CARD_WORDS`.
    """

    folder: Path
    name: str
    card: Mapping[str, str] = field(default_factory=dict)

    def run(self, _context: JobContext) -> ModelCard:
        """Save it.

        Raises
        ------
        BadInputError
            If the name is taken or cannot be one.
        """
        from quietvoxel.models import list_models
        from quietvoxel.training.outcome import save_trained
        from quietvoxel.training.runs import run_folder

        run_folder(self.name)  # refuses what cannot be a name
        if self.name in {card.name for card in list_models()}:
            msg = f"There is a model '{self.name}' already; give another name."
            raise BadInputError(msg)
        return save_trained(self.folder, self.name, self.card)


@dataclass(frozen=True)
class ExportModelJob:
    """Write a model as one file; the dialog has asked before it replaces one."""

    name: str
    path: Path

    def run(self, _context: JobContext) -> ModelCard:
        """Write it; the card's `origin` is the file."""
        from quietvoxel.models.transfer import export_file

        return export_file(self.name, self.path, overwrite=True)


@dataclass(frozen=True)
class ImportModelJob:
    """Check a file, and put it among the user's own models."""

    path: Path

    def run(self, _context: JobContext) -> ModelCard:
        """Import it."""
        from quietvoxel.models.transfer import import_file

        return import_file(self.path)


@dataclass(frozen=True)
class RemoveModelJob:
    """Delete one of the user's own models."""

    name: str

    def run(self, _context: JobContext) -> ModelCard:
        """Delete it."""
        from quietvoxel.models.transfer import remove_model

        return remove_model(self.name)
