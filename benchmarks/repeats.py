"""Real repeated scans, for what else is compared with DiffDenoise: its first network alone, and Noise2Void.

Every frame of the dynamic MR series against the mean of the others, as in `standard_points.py`; the other methods'
rows come from `run_peers.py` and `run_ours.py --kinds repeat`. Noise2Void (CAREamics, see `diffdenoise_noise.py`)
learns from the seven frames themselves for ten minutes.

python benchmarks/repeats.py                  # both; goes on where it was stopped
python benchmarks/repeats.py --seconds 1800   # a longer training of Noise2Void

Results lie beside those of `run_ours.py`; `table.py` puts them into docs/tables/quality.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from diffdenoise_runs import DEVICE, blind_spot_alone, bundled
from noise_peers import noise2void
from run_ours import RESULTS
from run_peers import facts, result_file
from scoring import score
from standard_points import points
from volumes import add_data_option

from quietvoxel.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from standard_points import StandardPoint


def first_network() -> Callable[[StandardPoint], NDArray[np.float32]]:
    """The blind-spot network of the bundled MR model."""
    engine = bundled("MR")

    def denoise(point: StandardPoint) -> NDArray[np.float32]:
        z, y, x = point.spacing_zyx
        ratio = z / (0.5 * (y + x))
        slices = range(len(point.noisy))
        return np.stack([blind_spot_alone(engine, point.noisy, k, point.sigma_added, ratio) for k in slices])

    return denoise


def learned_from(frames: list[NDArray[np.float32]], seconds: float) -> Callable[[StandardPoint], Any]:
    """Noise2Void, trained on the frames."""
    run = noise2void(seconds, frames)
    return lambda point: np.stack([run(point.noisy, k) for k in range(len(point.noisy))])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--seconds", type=float, default=600.0, help="of Noise2Void's training")
    options = parser.parse_args()
    frames = list(points(options.data, modality="MR", kinds=("repeat",)))
    RESULTS.mkdir(parents=True, exist_ok=True)
    model = find_model(engine="diffdenoise", modality="MR").sha256[:12]
    ways: dict[str, tuple[Callable[[], Callable[[StandardPoint], Any]], dict[str, Any]]] = {
        "blind-spot network": (first_network, {"model": model}),
    }
    if importlib.util.find_spec("careamics"):
        stacks = [point.noisy for point in frames]
        ways["Noise2Void"] = (lambda: learned_from(stacks, options.seconds), {"seconds": options.seconds})
    for name, (make, settings) in ways.items():
        files = {point.key: result_file(RESULTS, point.key, name) for point in frames}
        if all(file.exists() for file in files.values()):
            continue
        denoise = make()
        for point in frames:
            result = {
                "method": name,
                **facts(point),
                "scores": score(point, denoise(point)),
                "settings": settings,
                "device": str(DEVICE),
            }
            files[point.key].write_text(json.dumps(result, indent=1))
            print(point.key, name, f"{result['scores']['psnr']:.2f} dB", flush=True)


if __name__ == "__main__":
    main()
