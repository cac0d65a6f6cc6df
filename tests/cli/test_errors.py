"""Whatever goes wrong is one sentence on the error stream, with an exit code, and never a traceback."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.cli.explaining import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("denoise in.nii out.nii --steps 0", "--steps is 0 but should be greater than or equal to 1;"),
        ("denoise in.nii out.nii --steps abc", "--steps is abc but should be a valid integer;"),
        ("denoise in.nii out.nii --strength 9", "--strength is 9 but should be less than or equal to 3;"),
        ("denoise in.nii out.nii --strength nan", "--strength is nan but"),
        ("denoise in.nii out.nii --sigma inf", "--sigma is inf but should be a finite number;"),
        ("denoise in.nii out.nii --blend 2", "--blend is 2 but should be less than or equal to 1;"),
        ("denoise in.nii out.nii --axis 7", "--axis is 7 but should be 'auto', '0', '1' or '2';"),
        (
            "denoise in.nii out.nii --update-rule euler",
            "--update-rule is euler but should be 'expm1' or 'identity'",
        ),
        ("denoise in.nii out.nii --engine magic", "There is no engine 'magic'; choose one of: relativeflow"),
        ("denoise in.nii out.nii --engine=magic", "There is no engine 'magic'"),
        ("denoise in.nii out.nii --nonsense 3", "Unknown option: --nonsense"),
        ("denoise in.nii out.nii --progress xml", 'Invalid value "xml" for --progress'),
        ("denoise in.nii out.nii --steps", "--steps requires an argument"),
        ("denoise in.nii", "OUTPUT requires an argument"),
        ("denoise", "SOURCE requires an argument"),
        ("denoise a b c", "c"),
        ("denoise in.nii out.nii", "in.nii does not exist"),
        ("denoise in.nii out.jpg", "out.jpg cannot be written: its ending"),
        ("denoise in.nii no/out.nii", "does not exist; create it first"),
        ("denoise in.nii out.nii --residual out.nii", "give --residual another name"),
        ("denoise in.nii out.nii --modality XR", "'XR' is no modality"),
        ("evaluate --reference a.nii", "nothing to score"),
        ("models show nope", "There is no model 'nope'; available: relativeflow-ct, relativeflow-mr"),
        ("bench --slices 0", "--slices"),
        ("simulate in.nii out.nii --dose x", "--dose"),
        ("frobnicate", 'Unknown command "frobnicate"'),
    ],
)
def test_bad_words_are_answered_in_one_sentence(
    quietvoxel: Run, tmp_path: Path, words: str, sentence: str
) -> None:
    outcome = quietvoxel(*words.split())
    assert outcome.code == 2
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert sentence in outcome.err
    assert "pydantic" not in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--model", "nope"), "There is no model 'nope'"),
        (("--device", "gpu"), "There is no device 'gpu'"),
        (("--device", "mps:9"), "mps:9"),
    ],
)
def test_what_only_the_run_can_know_is_answered_too(
    quietvoxel: Run, ct_file: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    outcome = quietvoxel("denoise", ct_file, "out.nii", *words)
    assert outcome.code == 2
    assert sentence in outcome.err
    assert [p.name for p in tmp_path.iterdir()] == ["ct.nii.gz"]


def test_a_truncated_file_is_named(quietvoxel: Run, ct_file: Path, tmp_path: Path) -> None:
    whole = gzip.decompress(ct_file.read_bytes())
    (tmp_path / "half.nii").write_bytes(whole[: len(whole) // 2])
    outcome = quietvoxel("denoise", "half.nii", "out.nii")
    assert outcome.code == 2
    assert "half.nii" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "out.nii").exists()


def test_a_volume_with_nan_needs_to_be_told_what_to_do(quietvoxel: Run, tmp_path: Path) -> None:
    import SimpleITK

    data = np.random.default_rng(0).normal(40, 20, (2, 32, 32)).astype(np.float32)
    data[0, 0, :3] = np.nan
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(data), str(tmp_path / "nan.mha"))
    outcome = quietvoxel("denoise", "nan.mha", "out.mha", "--modality", "CT")
    assert outcome.code == 2
    assert "--fill-nonfinite" in outcome.err
    assert quietvoxel("denoise", "nan.mha", "out.mha", "--modality", "CT", "--fill-nonfinite", 0).code == 0


def test_a_bug_is_one_sentence_with_a_way_to_see_more(
    quietvoxel: Run, ct_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        msg = "list index out of range"
        raise IndexError(msg)

    monkeypatch.setattr("quietvoxel.io.read", broken)
    outcome = quietvoxel("denoise", ct_file, "out.nii")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "Something went wrong inside QuietVoxel (IndexError); set QUIETVOXEL_DEBUG=1 and run again for details."
    ]
    monkeypatch.setenv("QUIETVOXEL_DEBUG", "1")
    assert "list index out of range" in quietvoxel("denoise", ct_file, "out.nii").err


def test_interrupts_and_full_memory_have_their_codes() -> None:
    assert explain(KeyboardInterrupt()) == (3, "Cancelled.")
    assert explain(MemoryError())[0] == 1
