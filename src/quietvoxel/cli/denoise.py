"""`quietvoxel denoise IN OUT`, with the options of the engine chosen.

No `from __future__ import annotations` here: cyclopts reads the annotations of the function built below.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from quietvoxel.cli.interrupts import interruptible
from quietvoxel.cli.outputs import all_or_none, removed_noise, sidecar, write_record
from quietvoxel.cli.reporting import ProgressKind, Reporter
from quietvoxel.engines.registry import EngineInfo
from quietvoxel.errors import BadInputError
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
        series: Annotated[
            str | None, Parameter(help="Which series of a DICOM folder: UID or number.")
        ] = None,
        frame: Annotated[int | None, Parameter(help="Which frame of a 4-D file, from 0.")] = None,
        fill_nonfinite: Annotated[
            float | None, Parameter(help="Value that replaces NaN and infinity.")
        ] = None,
        overwrite: Annotated[
            bool, Parameter(help="Replace the output where it exists.", negative="")
        ] = False,
        residual: Annotated[Path | None, Parameter(help="Also write what was removed to this file.")] = None,
        progress: Annotated[ProgressKind, Parameter(help="bar, jsonl (for programs) or none.")] = "bar",
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

        outputs = [output, *([residual] if residual else [])]
        record_path = sidecar(output)
        _check_outputs(outputs, record_path, overwrite)
        volume = read(source, series=series, frame=frame, modality=modality, fill_nonfinite=fill_nonfinite)
        for path in outputs:
            check_output(path, volume, overwrite=overwrite)
        reporter = Reporter(progress, quiet=quiet)
        reporter.unit = " HU" if volume.modality == Modality.CT else ""
        reporter.notes = volume.source.notes
        try:
            with interruptible() as cancelled:
                result = run_denoise(
                    volume, model, settings, run, engine=engine, on_event=reporter, cancelled=cancelled
                )
        finally:
            reporter.close()
        written = {"output": str(output), "record": str(record_path)}
        with all_or_none() as made:
            if residual:
                write(removed_noise(volume, result.volume), residual, overwrite=overwrite)
                made.append(residual)
                written["residual"] = str(residual)
            write_record(result.provenance, record_path)
            made.append(record_path)
            clipped = write(result.volume, output, overwrite=overwrite).clipped
        reporter.finish(clipped, **written)
        return 0

    return denoise


def _check_outputs(images: list[Path], record: Path, overwrite: bool) -> None:
    """Refuse, before anything is read, files that could not be written later."""
    from quietvoxel.io import check_output

    for path in images:
        check_output(path, overwrite=overwrite)
    check_output(record, overwrite=overwrite, side=True)
    if len({path.resolve() for path in images}) < len(images):
        msg = f"{images[0]} was given for the image and for the residual; give --residual another name."
        raise BadInputError(msg)
