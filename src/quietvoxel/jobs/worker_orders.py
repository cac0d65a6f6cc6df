"""From a line of the worker's protocol to a job that can be handed to the inference thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quietvoxel.engines.registry import engine_info
from quietvoxel.errors import BadInputError
from quietvoxel.inference.options import InferenceOptions
from quietvoxel.jobs.array_files import read_array
from quietvoxel.jobs.denoise_job import DenoiseJob
from quietvoxel.jobs.filed_jobs import FiledDenoise, FiledSimulate, FiledStructure
from quietvoxel.jobs.preview_job import PreviewRequest
from quietvoxel.jobs.quality_job import QualityJob
from quietvoxel.jobs.regions_job import Region, RegionsJob
from quietvoxel.jobs.simulate_job import SimulateJob
from quietvoxel.jobs.simulate_measures import MEASURES
from quietvoxel.jobs.structure_job import StructureJob
from quietvoxel.jobs.training_request import TrainingRequest
from quietvoxel.training.settings import PLAN_SECONDS, TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietvoxel.engines.settings import EngineSettings
    from quietvoxel.jobs.worker_volumes import Held, HeldVolumes
    from quietvoxel.models import ModelCard


def denoise_order(line: Mapping[str, Any], volumes: HeldVolumes) -> FiledDenoise:
    """`denoise`: a volume, into the file `output`.

    Raises
    ------
    BadInputError, pydantic.ValidationError
        If volume, model, settings or options cannot be used; so in all functions here.
    """
    held = volumes[line.get("volume")]
    card, settings, options = _how(line, held)
    output = output_of(line)
    statistics = held.measured.statistics if held.measured is not None and options.sigma is None else None
    job = DenoiseJob(held.volume, card, settings, options, statistics)
    return FiledDenoise(job, output, output.with_suffix(".uncertainty.npy"))


def preview_order(line: Mapping[str, Any], volumes: HeldVolumes) -> PreviewRequest:
    """`preview`: slice `index` along the volume's slice axis; it has to be measured before."""
    held = volumes[line.get("volume")]
    card, settings, options = _how(line, held)
    if held.measured is None:
        msg = "The volume's noise is still being measured; ask for the preview again when it is opened."
        raise BadInputError(msg)
    axis = held.measured.axis if options.axis == "auto" else int(options.axis)
    index = line.get("index")
    if not isinstance(index, int) or not 0 <= index < held.volume.shape[axis]:
        msg = f"There is no slice {index}; along this axis the volume has slices 0 to {held.volume.shape[axis] - 1}."
        raise BadInputError(msg)
    purpose = str(line.get("volume"))
    return PreviewRequest(held.volume, card, settings, options, held.measured, axis, index, purpose)


def simulate_order(line: Mapping[str, Any], volumes: HeldVolumes) -> FiledSimulate:
    """`simulate`: `by` one of the measures, its `value`, `seed`, into the file `output`."""
    measure = line.get("by")
    if measure not in MEASURES:
        msg = f"There is no measure '{measure}'; choose one of: {', '.join(MEASURES)}."
        raise BadInputError(msg)
    given = {str(measure): float(line.get("value", MEASURES[str(measure)].start))}
    job = SimulateJob(volumes[line.get("volume")].volume, **given, seed=int(line.get("seed", 0)))  # type: ignore[arg-type]
    return FiledSimulate(job, output_of(line))


def structure_order(line: Mapping[str, Any], volumes: HeldVolumes) -> FiledStructure:
    """`structure`: whether `before` minus `after` is noise; strengths into the file `output`."""
    before, after = (volumes[line.get(name)].volume for name in ("before", "after"))
    if before.shape != after.shape:
        msg = "A and B differ in size; choose two volumes of the same grid."
        raise BadInputError(msg)
    return FiledStructure(StructureJob(before, after), output_of(line))


def quality_order(line: Mapping[str, Any], volumes: HeldVolumes) -> QualityJob:
    """`quality`: PSNR, SSIM and RMSE of the volumes `images` against `reference`."""
    reference = volumes[line.get("reference")].volume
    images = [volumes[name].volume for name in line.get("images", ())]
    if not images or any(image.shape != reference.shape for image in images):
        msg = "The reference differs in size from A and B; choose one of the same grid."
        raise BadInputError(msg)
    return QualityJob(reference, tuple(image.data for image in images))


def regions_order(line: Mapping[str, Any], volumes: HeldVolumes) -> RegionsJob:
    """`regions`: statistics of `before` and `after` in `regions` (mask files with their corners) and a `line`."""
    before, after = (volumes[line.get(name)] for name in ("before", "after"))
    regions = []
    for drawn in line.get("regions", ()):
        mask = read_array(Path(drawn["file"]))
        z, y, x = (int(place) for place in drawn["corner"])
        if mask.ndim != 3:
            msg = "A region's mask has three axes (z, y, x); draw the region again."
            raise BadInputError(msg)
        regions.append(Region(mask.astype(bool), (z, y, x)))
    ends = line.get("line")
    axis = before.measured.axis if before.measured is not None else 0
    return RegionsJob(before.volume, after.volume, tuple(regions), (ends[0], ends[1]) if ends else None, axis)


def training_order(line: Mapping[str, Any]) -> TrainingRequest:
    """`training`: what is asked of a training, with the fields of `TrainingRequest`; it is saved at its end.

    A training runs in a process of its own, so that the front-end is only told the command line that starts it.
    """
    asked = dict(line.get("request") or {})
    plan = asked.get("plan", "standard")
    if plan not in PLAN_SECONDS:
        msg = f"There is no plan '{plan}'; choose one of: {', '.join(PLAN_SECONDS)}."
        raise BadInputError(msg)
    if asked.get("engine"):
        engine_info(str(asked["engine"]))  # says which engines there are
    card = {str(name): str(text) for name, text in (asked.get("card") or {}).items()}
    return TrainingRequest(
        name=str(asked.get("name") or "measure"),
        references=tuple(Path(one) for one in asked.get("references") or ()),
        engine=str(asked.get("engine") or "relativeflow"),
        start=str(asked.get("start") or ""),
        plan=plan,
        settings=TrainingSettings.model_validate(asked.get("settings") or {}),
        modality=str(asked["modality"]) if asked.get("modality") else None,
        device=str(asked.get("device") or "auto"),
        card=tuple(card.items()),
        save=True,
        resume=bool(asked.get("resume")),
        overwrite=bool(asked.get("overwrite")),
        measure=bool(asked.get("measure")),
    )


def _how(line: Mapping[str, Any], held: Held) -> tuple[ModelCard, EngineSettings, InferenceOptions]:
    from quietvoxel.models import find_model

    engine = str(line.get("engine", "relativeflow"))
    info = engine_info(engine)
    card = find_model(line.get("model") or None, engine=engine, modality=held.volume.modality)
    settings = info.settings.model_validate(line.get("settings") or {})
    return card, settings, InferenceOptions.model_validate(line.get("options") or {})


def output_of(line: Mapping[str, Any]) -> Path:
    """The file that a result shall go to."""
    name = line.get("output")
    if not name or not Path(name).parent.is_dir():
        msg = "The folder for the result does not exist; say in `output` which file to write."
        raise BadInputError(msg)
    return Path(name)
