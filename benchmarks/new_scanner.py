"""A new scanner, played through: a model that never saw it, fine-tuned on its noisy scans, tested on others of it.

The sarcoma CTs (STS_*, one scanner type) are left out of a pre-training, the eight of them in train/ct are the
hospital's own references, and the four in val/ct are the test, at the standard points. Every part is skipped where it
is done and gone on with where it was stopped.

python benchmarks/new_scanner.py                                  # hours: pre-training, Quick, Standard, naive
python benchmarks/new_scanner.py --pretrain-steps 3 --tune-steps 3 --plans quick   # a try, in a folder of its own
python benchmarks/new_scanner.py --engines diffdenoise --plans standard
python benchmarks/new_scanner.py --plans quick --rates 3e-5 1e-4 3e-4 1e-3        # which learning rate
python benchmarks/new_scanner.py --engines relativeflow fdn diffdenoise --done    # only the table of what is done
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from machine import facts_of_the_machine
from scoring import score
from standard_points import points
from volumes import RUNS, add_data_option, indexed_volumes

from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.models import find_model, load_tensors, save_model
from quietvoxel.models.store import list_models
from quietvoxel.training import pretrain
from quietvoxel.training.fine_tune import fine_tune, quiet_libraries
from quietvoxel.training.order import TrainingOrder
from quietvoxel.training.runs import read_run, run_folder
from quietvoxel.training.settings import TrainingSettings
from quietvoxel.volume import Geometry, Modality, Volume

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "new_scanner.md"
LEFT_OUT = "STS_"

#: engine -> its name in the pre-training program
PRETRAINED = {"relativeflow": "relative-flow", "diffdenoise": "diffdenoise", "fdn": "fdn"}


def pretrained(engine: str, data: Path, folder: Path, steps: int) -> str:
    """Train the variant that never saw the scanner; gives its name."""
    name = f"{engine}-blind"
    if name not in {card.name for card in list_models()}:
        words = [PRETRAINED[engine], "--modality", "ct", "--data", str(data / "train" / "ct")]
        words += ["--skip", LEFT_OUT, "--max-steps", str(steps), "--name", name]
        words += ["--folder", str(folder / f"pretrain-{engine}"), "--out", str(folder / "home" / "models")]
        if steps < 100:
            words += ["--phantoms", "1", "--stacks", "1"]
        code = pretrain.main(words)
        if code:
            raise SystemExit(code)
    return name


def naive_variant(folder: Path, name: str) -> str:
    """The same weights with the naive recipe: references are taken as clean, the loss is on the image."""
    naive = f"{name}-naive-start"
    if naive not in {card.name for card in list_models()}:
        card = find_model(name)
        fields = card.model_dump(mode="json", exclude={"origin", "sha256", "parameters"})
        fields["architecture"] |= {"loss": "image", "degrade_references": False}
        save_model(folder / "home" / "models", load_tensors(card), fields | {"name": naive})
    return naive


def tuned(
    engine: str, start: str, name: str, plan: Any, data: Path, steps: int | None, rate: float = 0.0
) -> str | None:
    """Fine-tune on the scanner's own scans; gives the model's name, None where the starting model stayed."""
    record = read_run(run_folder(name))
    if record is None or record.state in ("preparing", "training"):
        scans = tuple(sorted((data / "train" / "ct").glob(f"{LEFT_OUT}*.nii.gz")))
        # A try is content with two of them.
        scans = scans[: 2 if steps else None]
        settings = TrainingSettings(learning_rate=rate)
        order = TrainingOrder(scans, engine, name, start, plan, settings, steps, modality="CT")
        resume = record is not None and record.resumable
        record = fine_tune(order, resume=resume, tell=lambda event: print(json.dumps(event), flush=True))
    return name if record.state == "saved" else None


def tested(engine: str, model: str, data: Path, folder: Path) -> dict[str, Any]:
    """Scores of a model at the standard points of the scanner's test volumes: the scans, and the same ones cleaned."""
    card = find_model(model, engine=engine)
    path = folder / f"scores-{model}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    if kept.get("sha256") != card.sha256:
        kept = {"sha256": card.sha256, "points": {}}
    names = [v.name for v in indexed_volumes(data, "val/ct") if v.name.startswith(LEFT_OUT)]
    names += [f"cleaned-{name}" for name in names]
    for point in points(data, modality="CT", kinds=("scan", "truth"), names=names):
        if point.key in kept["points"]:
            continue
        z, y, x = point.spacing_zyx
        volume = Volume(point.noisy, Geometry((x, y, z)), Modality.CT)
        # Naive training is one evaluation from the degraded to the reference; all else runs as it comes.
        settings = RelativeFlowSettings(steps=1) if model.endswith("-naive") else None
        image = denoise(
            volume, card, settings, InferenceOptions(sigma=point.sigma_added, axis="0")
        ).volume.data
        kept["points"][point.key] = {"kind": point.kind, "level": point.level, **score(point, image)}
        path.write_text(json.dumps(kept, indent=1))
    return dict(kept["points"])


def row(name: str, kind: str, scores: dict[str, Any], base: dict[str, Any] | None) -> str:
    """One line of a table: mean PSNR and SSIM over the points of a kind, and the change from the starting model."""
    scores = {key: one for key, one in scores.items() if one["kind"] == kind}
    cells = [name]
    for level in (None, *sorted({one["level"] for one in scores.values()})):
        keys = [key for key, one in scores.items() if level in (None, one["level"])]
        psnr = np.mean([scores[key]["psnr"] for key in keys])
        change = "" if base is None else f" ({psnr - np.mean([base[key]['psnr'] for key in keys]):+.2f})"
        cells.append(f"{psnr:.2f}{change}")
    cells.append(f"{np.mean([one['ssim'] for one in scores.values()]):.4f}")
    return "| " + " | ".join(cells) + " |"


def effort(name: str, engine: str, model: str, minutes: float | None) -> str:
    """One line of the first table: steps of all stages, and the time from start to model."""
    training = find_model(model, engine=engine).training
    steps = training.get("stages", [training])
    counted = " + ".join(f"{one['steps']}" for one in steps)
    return f"| {name} | {counted} | {'' if minutes is None else f'{minutes:.0f} min'} |"


def main() -> None:
    """Do what is not done yet, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--engines", nargs="+", choices=tuple(PRETRAINED), default=("relativeflow",))
    parser.add_argument(
        "--plans", nargs="+", choices=("quick", "standard", "overnight"), default=("quick", "standard")
    )
    parser.add_argument("--pretrain-steps", type=int, default=7000)
    parser.add_argument(
        "--rates", nargs="+", type=float, default=(0.0,), help="learning rates to compare; 0: the usual one"
    )
    parser.add_argument(
        "--tune-steps", type=int, help="instead of what the plan has time for; writes no table"
    )
    parser.add_argument(
        "--done", action="store_true", help="train nothing more; write the table of what is done"
    )
    options = parser.parse_args()
    folder = RUNS / ("new-scanner-try" if options.tune_steps else "new-scanner")
    os.environ["QUIETVOXEL_HOME"] = str(folder / "home")
    os.environ.pop("QUIETVOXEL_MODELS", None)
    quiet_libraries()
    efforts: list[str] = []
    rows: dict[str, list[str]] = {"scan": [], "truth": []}
    for engine in options.engines:
        blind = f"{engine}-blind"
        if not options.done:
            pretrained(engine, options.data, folder, options.pretrain_steps)
        elif blind not in {card.name for card in list_models()}:
            continue
        base = tested(engine, blind, options.data, folder)
        efforts.append(effort(f"{engine}, without the scanner", engine, blind, None))
        for kind, lines in rows.items():
            lines.append(row(f"{engine}, without the scanner", kind, base, None))
        jobs = [
            (plan, blind, f"{engine}-{plan}" + (f"-{rate:g}" if rate else ""), rate)
            for plan in options.plans
            for rate in options.rates
        ]
        if engine == "relativeflow":
            naive = naive_variant(folder, blind)
            jobs.append((options.plans[0], naive, f"{engine}-naive", 0.0))
        for plan, start, name, rate in jobs:
            title = f"{engine}, fine-tuned {'naively' if start != blind else ''}, {plan}".replace(" ,", ",")
            title += f", rate {rate:g}" if rate else ""
            record = read_run(run_folder(name))
            if options.done and (record is None or record.resumable):
                continue
            made = tuned(engine, start, name, plan, options.data, options.tune_steps, rate)
            record = read_run(run_folder(name))
            assert record is not None  # `tuned` has written it
            if made is None:
                efforts.append(f"| {title}: the starting model stayed | | {record.seconds / 60:.0f} min |")
                continue
            efforts.append(effort(title, engine, made, record.seconds / 60))
            scores = tested(engine, made, options.data, folder)
            for kind, lines in rows.items():
                lines.append(row(title, kind, scores, base))
    columns = "| model | PSNR | at 10 HU | at 20 HU | at 40 HU | SSIM |"
    heads = {
        kind: ("", f"## {title}", "", columns, "|---|---|---|---|---|---|")
        for kind, title in (("scan", "Against the scans"), ("truth", "Against the cleaned scans"))
    }
    text = "\n".join(
        [
            "# A new scanner",
            "",
            "CT of one scanner type (TCIA Soft-tissue-Sarcoma): eight noisy scans to fine-tune on, four to test",
            "on with 10, 20 and 40 HU of inserted FBP noise; PSNR in dB, range 400 HU, within -160 to 240 HU,",
            "over the body, means over the four; in brackets the change from the model that never saw the",
            "scanner. Only the cleaned scans have no noise of their own: a network that learns to leave the",
            "references' noise in place loses nothing against noisy scans. Naive: the same network, data, steps",
            "and degradations, references taken as clean.",
            f"{facts_of_the_machine()}. Made by `python benchmarks/new_scanner.py --pretrain-steps N`,",
            "with the N of the table, `--engines` and `--plans`; DiffDenoise's N are steps of its diffusion.",
            "",
            "| model | steps | time |",
            "|---|---|---|",
            *efforts,
            *(line for kind in rows for line in (*heads[kind], *rows[kind])),
            "",
        ]
    )
    print(text)
    if not options.tune_steps:
        TABLE.write_text(text)


if __name__ == "__main__":
    main()
