"""The end of a training: the best weights become a model with a card, or the starting model stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietvoxel.errors import BadInputError
from quietvoxel.models.store import model_folder, model_named
from quietvoxel.training.checkpoints import load_best
from quietvoxel.training.export import INTENDED_USE, export_model, tensors_of
from quietvoxel.training.judge import BEST
from quietvoxel.training.order import starting_networks
from quietvoxel.training.runs import RunRecord, read_run, write_run
from quietvoxel.training.settings import SCRATCH
from quietvoxel.training.tunable import tunable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from quietvoxel.models import ModelCard

LICENCE = "Not licensed for distribution: trained on local data"
"""Where the user says nothing else."""

RANGES = {"CT": "range 400 HU, -160 to 240 HU", "MR": "range 1, the 99.5th percentile"}
"""Of PSNR and SSIM; without it a PSNR means nothing."""


def best_networks(record: RunRecord, folder: Path, until: str | None = None) -> dict[str, nn.Module]:
    """The networks of a run: the starting ones, and for each stage the best, where one was better.

    Parameters
    ----------
    until : name of a stage; it and later ones stay as they were at the start.
    """
    networks = starting_networks(record)
    for stage in tunable(record.engine).stages:
        if stage.name == until:
            break
        kept = load_best(folder / stage.name / BEST)
        if kept is not None:
            networks[stage.name].load_state_dict(kept[0])
    return networks


def outcome(record: RunRecord, folder: Path) -> tuple[bool, dict[str, float]]:
    """Whether training made the engine better, and its figures before and after.

    The last stage decides: it is judged by the engine as the user runs it.
    """
    last = record.stages[-1]
    kept = load_best(folder / last.name / BEST)
    before = {"psnr_before": last.psnr_start or 0.0, "ssim_before": last.ssim_start or 0.0}
    facts = kept[1] if kept else {"psnr": before["psnr_before"], "ssim": before["ssim_before"]}
    figures = {**before, "psnr_after": float(facts["psnr"]), "ssim_after": float(facts["ssim"])}
    return kept is not None, {name: round(value, 4) for name, value in figures.items()}


def final_sentence(record: RunRecord) -> str:
    """What came out, for the user."""
    f = record.figures
    if record.state == "unchanged" and not f["psnr_before"]:
        return "The training was stopped before its last stage, without which there is no new model."
    change = f"PSNR {f['psnr_before']:.2f} dB before, {f['psnr_after']:.2f} dB after"
    if record.state == "unchanged":
        return (
            f"Nothing was better on the held-out slices than the starting model '{record.start}' "
            f"({f['psnr_before']:.2f} dB), so that it stays and no new model was made."
        )
    saved = (
        f"The model '{record.name}' was saved" if record.state == "saved" else "The model waits to be saved"
    )
    return f"{saved}: {change} on held-out slices."


def save_trained(folder: Path, name: str | None = None, card: Mapping[str, str] | None = None) -> ModelCard:
    """Put the best weights of a finished training into the user's models.

    Parameters
    ----------
    folder : of the run.
    name : of the model; the run's name when not given.
    card : `title`, `description`, `licence` and `intended_use`, in place of those given at the start.

    Raises
    ------
    BadInputError
        If there is no finished training, or it found nothing better than its start.
    ModelError
        If a weight is not finite.
    """
    record = read_run(folder)
    if record is None or record.state not in ("trained", "saved"):
        why = "kept its starting model" if record and record.state == "unchanged" else "is not finished"
        msg = f"The training '{folder.name}' {why}, so that there is no new model to save."
        raise BadInputError(msg)
    engine = tunable(record.engine)
    recipe = engine.recipe_class.model_validate(record.recipe)
    fields = card_fields(record, name or record.name, {**record.card, **(card or {})})
    made = export_model(model_folder(), tensors_of(best_networks(record, folder)), recipe, fields)
    write_run(folder, record.model_copy(update={"state": "saved"}))
    return made


def card_fields(record: RunRecord, name: str, words: Mapping[str, str]) -> dict[str, Any]:
    """The card of a trained model; numbers of references only, no patient data."""
    summary, title = record.summary, tunable(record.engine).title
    low, high = summary["noise"]
    local = (
        f"{summary['volumes']} local {record.modality} volumes of the user, {summary['slices']} slices, "
        f"estimated noise {low:g} to {high:g} {summary['unit']} (not public)"
    )
    start = None if record.start == SCRATCH else model_named(record.start)
    f = record.figures
    how = (
        f"PSNR {f['psnr_before']:.2f} dB before, {f['psnr_after']:.2f} dB after; "
        f"SSIM {f['ssim_before']:.4f} before, {f['ssim_after']:.4f} after ({RANGES[record.modality]}): "
        "held-out noisy references degraded further, denoised and compared with themselves, "
        f"by quietvoxel train --engine {record.engine} --plan {record.plan}"
    )
    return {
        "name": name,
        "title": words.get("title") or name,
        "engine": record.engine,
        "description": words.get("description")
        or (
            f"{title} for {record.modality}, trained from scratch on noisy local references."
            if start is None
            else f"{title} for {record.modality}, '{start.name}' fine-tuned on noisy local references."
        ),
        "training_data": [*(start.training_data if start else []), local],
        "training": {
            "start": record.start,
            "start_sha256": record.start_sha256,
            "plan": record.plan,
            "stages": [
                {"name": s.name, "steps": s.steps, "batch": s.batch, "patch": s.patch} for s in record.stages
            ],
            "settings": record.settings.model_dump(mode="json"),
            "seconds": round(record.seconds),
            "stopped_early": record.stopped_early,
            "command": f"quietvoxel train REFERENCES --engine {record.engine} --from {record.start}"
            f" --name {name} --plan {record.plan}",
        },
        "quality": [how],
        "intended_use": words.get("intended_use") or INTENDED_USE,
        "licence": words.get("licence") or LICENCE,
    }
