"""`quietvoxel denoise IN OUT`, with the options of the engine chosen.

No `from __future__ import annotations` here: cyclopts reads the annotations of the function built below.
"""

import json
import signal
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from quietvoxel.cli.reporting import ProgressKind, Reporter
from quietvoxel.engines.registry import EngineInfo
from quietvoxel.errors import QuietVoxelError
from quietvoxel.inference.options import InferenceOptions

ENGINE_HELP = "Which engine; its own settings are listed below."


def denoise_command(info: EngineInfo) -> Callable[..., int]:
    """The command `denoise` with the settings of one engine as options."""
    settings_class: Any = info.settings

    def denoise(
        source: Path,
        output: Path,
        /,
        *,
        engine: Annotated[str, Parameter(help=ENGINE_HELP)] = info.name,
        model: Annotated[str | None, Parameter(help="Model name; see quietvoxel models list.")] = None,
        modality: Annotated[str | None, Parameter(help="CT or MR, where the file does not say.")] = None,
        series: Annotated[str | None, Parameter(help="Which series of a DICOM folder: UID or number.")] = None,
        frame: Annotated[int | None, Parameter(help="Which frame of a 4-D file, from 0.")] = None,
        fill_nonfinite: Annotated[
            float | None, Parameter(help="Value that replaces NaN and infinity.")
        ] = None,
        overwrite: Annotated[bool, Parameter(help="Replace the output where it exists.", negative="")] = False,
        residual: Annotated[Path | None, Parameter(help="Also write what was removed to this file.")] = None,
        progress: Annotated[ProgressKind, Parameter(help="bar, jsonl for programs, or none.")] = "bar",
        quiet: Annotated[bool, Parameter(help="Print nothing but errors.", negative="")] = False,
        run: Annotated[InferenceOptions, Parameter(name="*", group="Run")] = InferenceOptions(),  # noqa: B008
        settings: Annotated[
            settings_class, Parameter(name="*", group=f"Settings of {info.title}")
        ] = settings_class(),  # noqa: B008
    ) -> int:
        """Denoise a volume: NIfTI, NRRD, MetaImage, a DICOM file or folder.

        Parameters
        ----------
        source
            File or DICOM folder to denoise.
        output
            File to write: .nii, .nii.gz, .nrrd, .mha or .mhd.
        """
        from quietvoxel.inference import denoise as run_denoise
        from quietvoxel.io import check_output, read, write
        from quietvoxel.volume import Modality

        reporter = Reporter("none" if quiet else progress)
        record_path = sidecar(output)
        outputs = [output, *([residual] if residual else [])]
        try:
            for path in outputs:
                check_output(path, overwrite=overwrite)
            check_output(record_path, overwrite=overwrite, side=True)
            volume = read(source, series=series, frame=frame, modality=modality, fill_nonfinite=fill_nonfinite)
            for path in outputs:
                check_output(path, volume, overwrite=overwrite)
            reporter.unit = " HU" if volume.modality == Modality.CT else ""
            for note in volume.source.notes:
                reporter.say(note)
            with interruptible() as cancelled:
                result = run_denoise(
                    volume, model, settings, run, engine=engine, on_event=reporter, cancelled=cancelled
                )
            report = write(result.volume, output, overwrite=overwrite)
            write_record(result.provenance, record_path)
            if residual:
                difference = volume.as_float32() - result.volume.as_float32()
                write(volume.with_data(difference), residual, overwrite=overwrite)
        except QuietVoxelError as error:
            reporter.emit({"event": "failed", "message": str(error), "code": error.exit_code})
            raise
        finally:
            reporter.close()
        clipped = result.clipped + report.clipped
        if clipped:
            reporter.say(f"{clipped} voxels lay outside the range of the stored type and were clipped.")
        reporter.say(f"Wrote {output}. Not for primary diagnosis.")
        return 0

    return denoise


def sidecar(output: Path) -> Path:
    """Where the record of how a file was made goes: scan.nii.gz -> scan.quietvoxel.json."""
    name = output.name
    for ending in (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return output.with_name(f"{name}.quietvoxel.json")


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a provenance record whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    partial.replace(path)


@contextmanager
def interruptible() -> Any:
    """Turn Ctrl-C and SIGTERM into a question that the engine asks before each step."""
    asked = threading.Event()
    watched = [signal.SIGINT, signal.SIGTERM]
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, lambda *_: asked.set()) for number in watched}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


