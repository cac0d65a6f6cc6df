"""What there is to choose from: engines with the schemas of their settings, models, measures, windows. JSON-able."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from quietvoxel import __version__
from quietvoxel.engines.registry import ENGINES
from quietvoxel.inference.options import InferenceOptions
from quietvoxel.jobs.model_choice import card_lines, models_for
from quietvoxel.jobs.simulate_measures import MEASURES, measures_for
from quietvoxel.jobs.windows import MR_AUTO, PRESETS
from quietvoxel.jobs.wording import in_dock_words
from quietvoxel.training.runs import interrupted_runs
from quietvoxel.training.settings import PLAN_SECONDS, SCRATCH, TrainingSettings
from quietvoxel.volume import Modality

_OPTIONS = [
    f"--{name.replace('_', '-')}"
    for name in (*InferenceOptions.model_fields, *TrainingSettings.model_fields, "modality", "engine")
] + ["--resume", "--overwrite", "--name"]


def engine_schemas() -> dict[str, Any]:
    """Name, words and settings schema of every engine, and of the options of a run."""
    return {
        "engines": [
            {
                "name": info.name,
                "title": info.title,
                "summary": info.summary,
                "settings": info.settings.model_json_schema(),
            }
            for info in ENGINES.values()
        ],
        "run": InferenceOptions.model_json_schema(),
    }


def about() -> dict[str, Any]:
    """All that a front-end in another process needs to build its controls."""
    modalities = [str(modality) for modality in Modality]
    return {
        "version": __version__,
        **engine_schemas(),
        "modalities": modalities,
        # For each modality the models of every engine, in the order in which they are offered.
        "models": {
            modality: {
                name: [
                    {
                        "name": card.name,
                        "title": card.title,
                        "modality": card.modality,
                        "lines": card_lines(card),
                    }
                    for card in models_for(name, modality)
                ]
                for name in ENGINES
            }
            for modality in modalities
        },
        "measures": {name: asdict(measure) for name, measure in MEASURES.items()},
        "measures_for": {modality: measures_for(modality) for modality in modalities},
        "windows": {name: list(window) for name, window in PRESETS.items()},
        "window_auto": MR_AUTO,
        # For sentences of a training, which name options of the command line.
        "option_words": {option: in_dock_words(option) for option in _OPTIONS},
        "training": {
            "plans": PLAN_SECONDS,
            "scratch": SCRATCH,
            "settings": TrainingSettings.model_json_schema(),
            "interrupted": [record.name for _, record in interrupted_runs()],
        },
    }
