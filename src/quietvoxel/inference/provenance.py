"""How a result was made, as a JSON-able record that goes with it everywhere. No patient data, no paths."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from quietvoxel import __version__

if TYPE_CHECKING:
    from quietvoxel.engines.settings import EngineSettings
    from quietvoxel.inference.options import InferenceOptions
    from quietvoxel.models import ModelCard
    from quietvoxel.volume import Volume

NOT_FOR_DIAGNOSIS = "Denoised by QuietVoxel; not for primary diagnosis."


def provenance(
    volume: Volume,
    card: ModelCard,
    settings: EngineSettings,
    options: InferenceOptions,
    axis: int,
    sigma: float,
    device: str,
    precision: str,
) -> dict[str, Any]:
    """The record of one run."""
    return {
        "software": "QuietVoxel",
        "version": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": card.engine,
        "model": card.name,
        "model_sha256": card.sha256,
        "settings": settings.model_dump(mode="json"),
        "blend": options.blend,
        "slice_axis": axis,
        "sigma": float(f"{sigma:.6g}"),
        "sigma_given": options.sigma is not None,
        "device": device,
        "precision": precision,
        "source": {
            "format": volume.source.format,
            "series_uid": volume.source.series_uid,
            "modality": str(volume.modality),
            "shape": list(volume.shape),
            "spacing_mm": list(volume.geometry.spacing),
        },
        "notice": NOT_FOR_DIAGNOSIS,
    }
