"""`quietvoxel denoise`: files in the type and place of the input, a record beside them, or nothing at all."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  # its own documentation calls it so

from quietvoxel.io import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

CT = ("--modality", "CT", "--device", "cpu")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_int16_ct_comes_back_int16_in_its_place(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    outcome = quietvoxel("denoise", ct_file, "out.nii.gz", *CT)

    assert outcome.code == 0, outcome.err
    before, after = sitk.ReadImage(str(ct_file)), sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    assert after.GetPixelID() == sitk.sitkInt16
    for what in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(after, what)() == getattr(before, what)()
    old, new = sitk.GetArrayFromImage(before), sitk.GetArrayFromImage(after)
    assert np.array_equal(old == -2000, new == -2000)
    assert not np.array_equal(old, new)
    assert read(tmp_path / "out.nii.gz").source.derived_by_us


def test_the_record_lies_beside_the_file(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    quietvoxel("denoise", ct_file, "out.nii.gz", *CT, "--steps", 2, "--strength", 0.5, "--seed", 7)
    record = json.loads((tmp_path / "out.quietvoxel.json").read_text())
    assert record["model"] == "relativeflow-ct"
    assert record["settings"]["steps"] == 2
    assert record["settings"]["strength"] == 0.5
    assert record["settings"]["seed"] == 7
    assert str(tmp_path) not in json.dumps(record)
    assert files(tmp_path) == ["ct.nii.gz", "out.nii.gz", "out.quietvoxel.json"]


def test_people_read_on_the_error_stream_and_nothing_on_standard_output(
    quietvoxel: Run, ct_file: Path
) -> None:
    outcome = quietvoxel("denoise", ct_file, "out.mha", *CT)
    assert outcome.out == ""
    assert "HU; 4 slices on cpu" in outcome.err
    assert outcome.err.splitlines()[-1] == (
        "Wrote out.mha and out.quietvoxel.json. Not for primary diagnosis."
    )


def test_quiet_prints_nothing(quietvoxel: Run, ct_file: Path) -> None:
    for more in ((), ("--progress", "jsonl")):
        outcome = quietvoxel("denoise", ct_file, "out.nii", *CT, "--quiet", "--overwrite", *more)
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_jsonl_prints_the_protocol_and_nothing_else(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    outcome = quietvoxel(
        "denoise", ct_file, "out.nii.gz", *CT, "--progress", "jsonl", "--sigma", 20, "--tile", 0
    )

    assert outcome.err == ""
    events = outcome.events
    kinds = [event["event"] for event in events]
    assert kinds == ["started", *(["progress"] * 3 + ["slice"]) * 4, "finished"]
    assert events[0]["total"] == 4
    assert events[0]["sigma"] == 20
    assert {"done", "total", "step", "steps", "eta_s"} < set(events[1])
    assert sorted(e["index"] for e in events if e["event"] == "slice") == [0, 1, 2, 3]
    assert events[-1]["output"] == "out.nii.gz"
    assert (tmp_path / "out.nii.gz").exists()


def test_jsonl_of_a_failure_ends_with_failed(quietvoxel: Run, tmp_path: Path) -> None:
    for words, code in (
        (("missing.nii", "out.nii"), 2),
        (("missing.nii", "out.nii", "--steps", "0"), 2),
        (("missing.nii", "out.nii", "--nonsense"), 2),
    ):
        outcome = quietvoxel("denoise", *words, "--progress", "jsonl")
        assert outcome.code == code
        (event,) = outcome.events
        assert event["event"] == "failed"
        assert event["code"] == code
        assert event["message"] == outcome.err.strip()
    assert files(tmp_path) == []


def test_the_residual_is_the_difference_with_its_sign(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    assert quietvoxel("denoise", ct_file, "out.nii", *CT, "--residual", "noise.nii").code == 0
    before, after, noise = (
        read(tmp_path / n, modality="CT").as_float32() for n in ("ct.nii.gz", "out.nii", "noise.nii")
    )
    assert np.allclose(before - after, noise)
    assert noise.min() < 0 < noise.max()


def test_the_residual_of_an_unsigned_image_is_not_clipped(quietvoxel: Run, tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(100, 900, (2, 32, 32)).astype(np.uint16)
    sitk.WriteImage(sitk.GetImageFromArray(data), str(tmp_path / "mr.mha"))
    assert quietvoxel("denoise", "mr.mha", "out.mha", "--modality", "MR", "--residual", "noise.mha").code == 0
    after, noise = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / n))) for n in ("out.mha", "noise.mha")
    )
    assert after.dtype == np.uint16
    assert noise.min() < 0
    assert np.array_equal(data.astype(np.float32) - after, noise)


def test_strength_0_gives_the_voxels_of_the_input(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    quietvoxel("denoise", ct_file, "out.nii", *CT, "--strength", 0)
    assert np.array_equal(read(tmp_path / "out.nii", modality="CT").data, read(ct_file, modality="CT").data)


def test_nothing_is_replaced_without_overwrite_and_the_input_never(
    quietvoxel: Run, ct_file: Path, tmp_path: Path
) -> None:
    before = ct_file.read_bytes()
    (tmp_path / "out.nii").write_text("mine")
    (tmp_path / "other.quietvoxel.json").write_text("mine")
    for output, words in (
        ("out.nii", "out.nii exists already"),
        ("other.nii", r"other.quietvoxel.json exists already"),
        ("ct.nii.gz", "ct.nii.gz exists already"),
    ):
        outcome = quietvoxel("denoise", ct_file, output, *CT)
        assert outcome.code == 2
        assert words in outcome.err
    outcome = quietvoxel("denoise", ct_file, "ct.nii.gz", *CT, "--overwrite")
    assert outcome.code == 2
    assert "never replaced" in outcome.err
    assert ct_file.read_bytes() == before
    assert (tmp_path / "out.nii").read_text() == "mine"
    assert quietvoxel("denoise", ct_file, "out.nii", *CT, "--overwrite").code == 0
    assert read(tmp_path / "out.nii", modality="CT").shape == (4, 48, 40)


def test_when_writing_fails_nothing_stays_behind(
    quietvoxel: Run, ct_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quietvoxel.io import write as whole

    def full(volume: Any, path: Path, **more: Any) -> Any:
        if path.name == "out.nii":
            raise MemoryError
        return whole(volume, path, **more)

    monkeypatch.setattr("quietvoxel.io.write", full, raising=True)
    outcome = quietvoxel("denoise", ct_file, "out.nii", *CT, "--residual", "noise.nii")
    assert outcome.code == 1
    assert "memory" in outcome.err
    assert files(tmp_path) == ["ct.nii.gz"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_exits_3_and_leaves_no_file(
    python: Callable[..., Any], make: Callable[..., Path], tmp_path: Path, number: int
) -> None:
    make(tmp_path / "long.nii", (96, 64, 64))
    words = ("long.nii", "out.nii", *CT, "--progress", "jsonl", "--steps", 8, "--best-quality", "--sigma", 20)
    process = python("-m", "quietvoxel", "denoise", *words)
    seen = []
    for line in process.stdout:
        seen.append(json.loads(line)["event"])
        if seen[-1] == "slice":
            process.send_signal(number)
            break
    rest, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert err == "Denoising was cancelled.\n"
    assert json.loads(rest.splitlines()[-1]) == {"event": "failed", "message": err.strip(), "code": 3}
    assert sum(json.loads(line)["event"] == "slice" for line in rest.splitlines()) < 90
    assert files(tmp_path) == ["long.nii"]


def test_the_program_runs_as_a_child_process(
    python: Callable[..., Any], ct_file: Path, tmp_path: Path
) -> None:
    process = python("-m", "quietvoxel", "denoise", ct_file, "out.nrrd", *CT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, ""), err
    assert (tmp_path / "out.nrrd").exists()
