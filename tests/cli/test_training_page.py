"""The commands of docs/training.md do what the page says: each is run, in the order of the page."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.io import write
from quietvoxel.training import settings
from quietvoxel.volume import Geometry, Modality, Volume

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

from quietvoxel.training import pace, recipes, tunable

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_every_documented_command_runs(
    quietvoxel: Callable[..., Any], tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_models / "models", tmp_path / "home" / "models")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path / "home"))
    # A plan of seconds, and from scratch a network as small as the models are here.
    monkeypatch.setitem(settings.PLAN_SECONDS, "quick", 1.0)
    monkeypatch.setattr(pace, "LEAST_STEPS", 4)
    small = recipes.recipe_for(Modality.CT).model_copy(
        update={"halo": 1, "widths": (8, 16), "blocks": (1, 1)}
    )
    engine = tunable.TUNABLE["relativeflow"]
    monkeypatch.setitem(tunable.TUNABLE, "relativeflow", replace(engine, recipe_for=lambda modality: small))
    (tmp_path / "scans").mkdir()
    for seed, path in enumerate(("scans/a.nii.gz", "scans/b.nii.gz", "scan.nii.gz")):
        rng = np.random.default_rng(seed)
        data = rng.normal(40, 20, (3, 48, 48))
        data[:, :, :6] = -1000
        write(Volume(np.rint(data).astype(np.int16), Geometry((0.8, 0.8, 2.5)), Modality.CT), tmp_path / path)

    lines = commands()

    assert len(lines) > 8
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "quietvoxel"
        outcome = quietvoxel(*words)
        assert outcome.code == 0, f"{line}: {outcome.err}"
        if "--name our-scanner" in line:
            assert "was saved" in outcome.err, outcome.err
    assert (tmp_path / "our-scanner.safetensors").exists()
    assert (tmp_path / "home" / "models" / "our-scanner.json").exists()
