"""An MR of the head with known truth: grey and white matter folded by a labyrinth of sulci.

Coordinates in mm: x to the patient's left, y to the back, z to the head; the origin lies between the thalami.
The image is the magnitude a scanner would give without noise, in arbitrary units, coil shading included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from quietvoxel.phantoms.ct import axial_geometry
from quietvoxel.phantoms.drawing import Ellipsoid, Tubes, grow_tree, render
from quietvoxel.phantoms.mr_drawing import draw_head
from quietvoxel.phantoms.texture import SmoothField, WaveField
from quietvoxel.volume import Modality, Source, Volume

MRContrast = Literal["T1", "T2", "FLAIR"]

# Relative signal at the usual parameters of each sequence, 1.5 to 3 T; white matter of T1 is 1.
_SIGNALS: dict[str, dict[str, float]] = {
    "T1": {
        "white": 1.0,
        "grey": 0.72,
        "deep": 0.84,
        "csf": 0.24,
        "fat": 1.35,
        "muscle": 0.58,
        "bone": 0.05,
        "marrow": 0.75,
        "vessel": 0.35,
        "lesion": 0.62,
        "skin": 0.8,
    },
    "T2": {
        "white": 0.46,
        "grey": 0.66,
        "deep": 0.52,
        "csf": 1.45,
        "fat": 0.85,
        "muscle": 0.28,
        "bone": 0.04,
        "marrow": 0.5,
        "vessel": 0.08,
        "lesion": 0.95,
        "skin": 0.5,
    },
    "FLAIR": {
        "white": 0.62,
        "grey": 0.82,
        "deep": 0.7,
        "csf": 0.12,
        "fat": 0.9,
        "muscle": 0.4,
        "bone": 0.04,
        "marrow": 0.5,
        "vessel": 0.1,
        "lesion": 1.25,
        "skin": 0.6,
    },
}


@dataclass(frozen=True)
class Head:
    """Everything that is drawn; sizes in mm, `signal` in units of the whole image's `gain`."""

    signal: dict[str, float]
    gain: float
    skull: Ellipsoid
    skull_mm: tuple[float, float, float]
    scalp_mm: float
    cerebrum: tuple[Ellipsoid, ...]
    cerebellum: Ellipsoid
    brainstem: Tubes
    ventricles: Tubes
    cisterns: Tubes
    midline: tuple[Ellipsoid, ...]
    deep: tuple[Ellipsoid, ...]
    eyes: tuple[Ellipsoid, ...]
    sinuses: tuple[Ellipsoid, ...]
    arteries: Tubes
    sinus_vein: Tubes
    lesions: tuple[Ellipsoid, ...]
    cortex_mm: float
    sulcus_mm: float
    sulcus_depth_mm: float
    folds: WaveField
    folia: WaveField
    warp: tuple[SmoothField, SmoothField, SmoothField]
    shading: SmoothField
    shading_strength: float
    tissue: SmoothField
    grain: SmoothField
    outline: SmoothField


def mr_phantom(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    seed: int = 0,
    contrast: MRContrast = "T1",
    *,
    centre_z_mm: float | None = None,
) -> Volume:
    """Noise-free magnitude image of a head drawn from `seed`, float32, axial, axes (z, y, x).

    The head is life-size, or shrunk as a whole where the field of view could not hold it. The three contrasts
    of one seed show the same anatomy.

    Parameters
    ----------
    shape : voxels (z, y, x).
    spacing_mm : mm between voxel centres (z, y, x), as `Geometry.spacing_zyx`.
    seed : which head; the same on every grid.
    contrast : "T1", "T2" or "FLAIR".
    centre_z_mm : height of the middle slice above the thalami; drawn from the seed by default.

    Raises
    ------
    ValueError : the contrast is none of the three.
    """
    if contrast not in _SIGNALS:
        msg = f"The contrast of an MR phantom is one of {', '.join(_SIGNALS)}, not {contrast!r}."
        raise ValueError(msg)
    head, level_mm = _head(np.random.default_rng([seed, 0x4D]), _SIGNALS[contrast])
    scale = min(1.0, shape[2] * spacing_mm[2] / 184.0, shape[1] * spacing_mm[1] / 226.0)
    data = render(
        shape,
        spacing_mm,
        lambda canvas: draw_head(canvas, head),
        centre_z_mm=level_mm if centre_z_mm is None else centre_z_mm,
        scale=scale,
        ground=0.0,
    )
    np.maximum(data, 0, out=data)
    top = float(1.6 * head.gain)
    return Volume(data, axial_geometry(shape, spacing_mm), Modality.MR, Source(window=top, level=top / 2))


def _head(rng: np.random.Generator, signal: dict[str, float]) -> tuple[Head, float]:
    def sized(*radii: float) -> tuple[float, float, float]:
        a, b, c = np.asarray(radii) * rng.uniform(0.93, 1.07, 3)
        return (float(a), float(b), float(c))

    def both(x: float, y: float, z: float, *radii: float, angle: float = 0.0) -> list[Ellipsoid]:
        dx, dy, dz = rng.normal(0, 1.0, 3)
        size = sized(*radii)
        return [Ellipsoid((s * (x + dx), y + dy, z + dz), size, s * angle) for s in (-1, 1)]

    age = rng.uniform(0, 1)
    grey = {name: value * rng.uniform(0.95, 1.05) for name, value in signal.items()}
    cerebrum = [Ellipsoid((0.0, 0.0, 14.0), sized(72, 93, 65))]
    cerebrum += both(44, -14, -26, 26, 44, 24, angle=-8) + both(28, 52, -4, 38, 36, 32)
    horn = 4.0 + 4.5 * age + rng.uniform(-0.5, 0.8)
    lateral = [
        _joined_sides(
            [(9, -36, 8), (9, -22, 17), (9, 4, 22), (14, 24, 19), (21, 36, 11), (22, 54, 8)], horn, rng
        ),
        _joined_sides([(22, 34, 10), (31, 20, -10), (34, -4, -19)], 0.6 * horn, rng),
    ]
    sylvian = _joined_sides(
        [(66, -14, -4), (44, -10, 0), (37, 4, 6), (42, 24, 14), (62, 34, 20)], 2.2 + 2 * age, rng
    )
    deep = both(14.5, -26, 9, 5.5, 12, 10) + both(26, -4, 3, 6, 19, 12, angle=-12)
    deep += both(11, 16, 6, 9.5, 15, 9.5, angle=-25)
    lesions = []
    for _ in range(rng.integers(3, 5 + int(14 * age))):
        r = rng.uniform(1.2, 5.5)
        spot = (rng.choice([-1, 1]) * rng.uniform(16, 40), rng.uniform(-45, 55), rng.uniform(8, 46))
        lesions.append(
            Ellipsoid(spot, (r * rng.uniform(0.7, 1.3), r * rng.uniform(0.8, 1.5), r), rng.uniform(0, 180))
        )
    sides = ((1.0, -0.3), (-1.0, -0.3), (0.25, -1.0), (-0.25, -1.0), (0.6, 1.0), (-0.6, 1.0))
    arteries = [
        grow_tree(rng, (4 * x, -14 + 6 * y, -12.0), (x, y, 0.35), length_mm=26, radius_mm=1.6, generations=7)
        for x, y in sides
    ]
    skull = Ellipsoid((0.0, 1.0, 2.0), sized(71, 90, 78))
    bow = [
        (0.0, -88 + 1.0, 8.0),
        (0.0, -66.0, 56.0),
        (0.0, -20.0, 77.0),
        (0.0, 32.0, 73.0),
        (0.0, 78.0, 42.0),
        (0, 88, 4),
    ]
    head = Head(
        signal=grey,
        gain=float(np.exp(rng.uniform(np.log(150), np.log(1500)))),
        skull=skull,
        skull_mm=(rng.uniform(1.2, 2), rng.uniform(2, 4.5), rng.uniform(1.2, 2)),
        scalp_mm=rng.uniform(3.5, 7.5),
        cerebrum=tuple(cerebrum),
        cerebellum=Ellipsoid((0.0, 50.0, -46.0), sized(49, 33, 26)),
        brainstem=Tubes.chain([(0, 14, -8), (0, 13, -30), (0, 24, -60), (0, 34, -120)], [14, 15, 10, 8]),
        ventricles=Tubes.joined(lateral),
        cisterns=sylvian,
        midline=(Ellipsoid((0, 4, 0), (1.6 + 2.5 * age, 15, 9)), Ellipsoid((0, 38, -42), (7, 6, 9))),
        deep=tuple(deep),
        eyes=tuple(both(33, -71, -36, 12, 12, 12)),
        sinuses=tuple(both(9, -70, -48, 8, 18, 18) + both(28, -62, -74, 16, 18, 17)),
        arteries=Tubes.joined(arteries),
        sinus_vein=Tubes.chain([(float(a), float(b), float(c)) for a, b, c in bow], [2, 2.5, 3, 3.5, 4, 5]),
        lesions=tuple(lesions),
        cortex_mm=rng.uniform(2.3, 3.1),
        sulcus_mm=0.3 + 0.8 * age,
        sulcus_depth_mm=rng.uniform(19, 29),
        folds=WaveField(rng, rng.uniform(17, 22)),
        folia=WaveField(rng, rng.uniform(7, 9)),
        warp=(SmoothField(rng, 32.0), SmoothField(rng, 32.0), SmoothField(rng, 32.0)),
        shading=SmoothField(rng, 75.0),
        shading_strength=rng.uniform(0.08, 0.2),
        tissue=SmoothField(rng, 9.0),
        grain=SmoothField(rng, 1.8),
        outline=SmoothField(rng, 34.0),
    )
    return head, rng.uniform(-8, 34)


def _joined_sides(points: list[tuple[float, float, float]], radius: float, rng: np.random.Generator) -> Tubes:
    """The same tube on both sides of the head, each with its own small deviations."""
    sides = []
    for s in (-1.0, 1.0):
        moved = np.asarray(points, dtype=float) * (s, 1, 1) + rng.normal(0, 0.8, (len(points), 3))
        radii = radius * rng.uniform(0.85, 1.15, len(points))
        sides.append(Tubes.chain([(float(x), float(y), float(z)) for x, y, z in moved], list(radii)))
    return Tubes.joined(sides)
