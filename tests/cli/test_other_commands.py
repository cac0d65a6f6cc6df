"""simulate, evaluate, demo and bench on small volumes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.io import imread

from quietvoxel.io import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    Run = Callable[..., Any]


def test_simulate_adds_noise_and_says_how_much(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    outcome = quietvoxel("simulate", ct_file, "noisy.nii", "--sigma", 30, "--modality", "CT")
    assert outcome.code == 0, outcome.err
    assert "Added noise of SD 30" in outcome.err
    before, after = (read(tmp_path / name, modality="CT").data for name in ("ct.nii.gz", "noisy.nii"))
    assert after.dtype == np.int16
    assert (after[before == -2000] == -2000).all()
    assert after[before > -100].std() > 1.2 * before[before > -100].std()
    assert quietvoxel("simulate", ct_file, "noisy.nii", "--sigma", 30).code == 2
    assert quietvoxel("simulate", ct_file, "quiet.nii", "--sigma", 3, "--quiet", "--modality", "CT").err == ""


def test_evaluate_scores_each_volume_against_the_reference(quietvoxel: Run, ct_file: Path, make: Any) -> None:
    quietvoxel("simulate", ct_file, "little.nii", "--sigma", 10, "--modality", "CT")
    quietvoxel("simulate", ct_file, "much.nii", "--sigma", 40, "--modality", "CT")
    words = ("evaluate", "--reference", ct_file, "little.nii", "much.nii", "--modality", "CT")
    figures = json.loads(quietvoxel(*words, "--json").out)["figures"]
    assert (
        figures["little.nii"]["PSNR (dB, range 400 HU)"] > figures["much.nii"]["PSNR (dB, range 400 HU)"] + 6
    )
    assert quietvoxel(*words).out.startswith("little.nii: PSNR (dB, range 400 HU)")


def test_evaluate_says_when_the_grids_differ(
    quietvoxel: Run, ct_file: Path, make: Any, tmp_path: Path
) -> None:
    make(tmp_path / "small.nii", (4, 40, 40))
    outcome = quietvoxel("evaluate", "--reference", ct_file, "small.nii", "--modality", "CT")
    assert outcome.code == 2
    assert "4 x 40 x 40 voxels (z, y, x), the reference 4 x 48 x 40" in outcome.err


def test_demo_of_a_study_writes_a_picture_a_volume_and_its_record(
    quietvoxel: Run, ct_file: Path, tmp_path: Path
) -> None:
    outcome = quietvoxel("demo", ct_file, "--out", tmp_path / "out", "--modality", "CT", "--no-viewer")
    assert outcome.code == 0, outcome.err
    assert "Noise before" in outcome.out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "study-before-after-residual.png",
        "study-denoised.nii.gz",
        "study-denoised.quietvoxel.json",
    ]
    assert imread(tmp_path / "out" / "study-before-after-residual.png").shape == (48, 3 * 40)


def test_demo_of_the_phantom_gives_figures_against_the_truth(
    quietvoxel: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quietvoxel.cli.demo.PHANTOM_SHAPE", (3, 96, 96))
    monkeypatch.setattr("quietvoxel.cli.demo.PHANTOM_SPACING", (5.0, 4.0, 4.0))
    outcome = quietvoxel("demo", "--no-viewer")
    assert outcome.code == 0, outcome.err
    assert "noisy" in outcome.out
    assert "denoised" in outcome.out
    assert "PSNR" in outcome.out


def test_bench_measures_this_machine(quietvoxel: Run) -> None:
    outcome = quietvoxel("bench", "--size", 64, "--slices", 2, "--steps", 1, "--device", "cpu")
    assert outcome.code == 0, outcome.err
    assert "GFLOP/s of a bare convolution" in outcome.out
