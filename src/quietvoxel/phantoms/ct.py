"""A CT of chest and abdomen with known truth, in HU: the patient as a list of shapes drawn from a seed.

Anatomical coordinates in mm: x to the patient's left, y to the back, z to the head; z = 0 lies at the dome of
the diaphragm. What a plane looks like is in `ct_drawing`; this file decides who the patient is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quietvoxel.phantoms.ct_drawing import draw_patient
from quietvoxel.phantoms.drawing import Ellipsoid, Tubes, grow_tree, render
from quietvoxel.phantoms.texture import SmoothField
from quietvoxel.volume import Geometry, Modality, Source, Volume

AIR_HU = -1000.0
FAT_HU = -105.0
MUSCLE_HU = 55.0


@dataclass(frozen=True)
class Tissue:
    """HU of what the contrast agent and the patient change."""

    fat: float
    muscle: float
    lung: float
    liver: float
    spleen: float
    cortex: float
    medulla: float
    blood: float
    vein: float
    bowel: float
    trabecular: float
    cortical: float


@dataclass(frozen=True)
class Patient:
    """Everything that is drawn; sizes in mm, values in HU."""

    tissue: Tissue
    half_width: float
    half_depth: float
    fat_mm: float
    wall_mm: float
    spine_y: float
    vertebra_mm: float
    vertebra_phase: float
    rib_phase: float
    dome: tuple[float, float]
    heart: Ellipsoid
    liver: tuple[Ellipsoid, Ellipsoid]
    spleen: Ellipsoid
    stomach: Ellipsoid
    gallbladder: Ellipsoid
    kidneys: tuple[Ellipsoid, Ellipsoid]
    colon: tuple[Tubes, ...]
    bowel: tuple[tuple[Tubes, float], ...]
    pancreas: Tubes
    arteries: Tubes
    veins: Tubes
    trachea: Tubes
    lung_vessels: Tubes
    liver_vessels: Tubes
    mesentery: Tubes
    splanchnic: Tubes
    lesions: tuple[tuple[Ellipsoid, str, float], ...]
    warp: tuple[SmoothField, SmoothField, SmoothField]
    outline: SmoothField
    organ: SmoothField
    parenchyma: SmoothField
    fine: SmoothField
    bone: SmoothField
    strands: SmoothField


def ct_phantom(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    seed: int = 0,
    *,
    centre_z_mm: float | None = None,
) -> Volume:
    """Noise-free CT of a patient drawn from `seed`, float32 HU, axial, axes (z, y, x).

    The patient is life-size, or shrunk as a whole where the field of view could not hold the body (a test
    volume of 64 pixels is then a small patient, with lesions as much smaller).

    Parameters
    ----------
    shape : voxels (z, y, x).
    spacing_mm : mm between voxel centres (z, y, x), as `Geometry.spacing_zyx`.
    seed : which patient; the same on every grid.
    centre_z_mm : height of the middle slice above the dome of the diaphragm (chest positive, abdomen
        negative); drawn from the seed by default, so that most volumes hold both lung bases and liver.
    """
    patient, level_mm = _patient(np.random.default_rng([seed, 0xC7]))
    needed = 2.0 * (patient.half_width + 1.5 * patient.fat_mm + 8.0)
    flatness = 1.3
    scale = min(1.0, shape[2] * spacing_mm[2] / needed, flatness * shape[1] * spacing_mm[1] / needed)
    data = render(
        shape,
        spacing_mm,
        lambda canvas: draw_patient(canvas, patient),
        centre_z_mm=level_mm if centre_z_mm is None else centre_z_mm,
        scale=scale,
        ground=AIR_HU,
    )
    return Volume(data, axial_geometry(shape, spacing_mm), Modality.CT, Source(window=400.0, level=40.0))


def axial_geometry(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
    """An axial grid (z, y, x) around the origin; the identity is its direction in LPS."""
    (dz, dy, dx), (nz, ny, nx) = spacing_mm, shape
    origin = (-(nx - 1) / 2 * dx, -(ny - 1) / 2 * dy, -(nz - 1) / 2 * dz)
    return Geometry(spacing=(dx, dy, dz), origin=origin)


def _tissue(rng: np.random.Generator) -> Tissue:
    phase = rng.choice(["native", "arterial", "portal", "portal"])
    blood = {"native": 42.0, "arterial": 290.0, "portal": 160.0}[phase] + rng.uniform(-8, 25)
    enhanced = {"native": 0.0, "arterial": 0.4, "portal": 1.0}[phase]
    liver = rng.uniform(45, 65) + 50 * enhanced
    return Tissue(
        fat=FAT_HU + rng.uniform(-6, 6),
        muscle=MUSCLE_HU + rng.uniform(-5, 8),
        lung=rng.uniform(-890, -820),
        liver=liver,
        spleen=liver + rng.uniform(-8, 12) + 20 * enhanced,
        cortex=34 + {"native": 0.0, "arterial": 150.0, "portal": 140.0}[phase],
        medulla=30 + {"native": 0.0, "arterial": 30.0, "portal": 110.0}[phase],
        blood=blood,
        vein=liver + (rng.uniform(18, 60) if phase == "portal" else rng.uniform(-16, -8)),
        bowel=45 + 45 * enhanced,
        trabecular=rng.uniform(120, 230),
        cortical=rng.uniform(550, 900),
    )


def _patient(rng: np.random.Generator) -> tuple[Patient, float]:
    tissue = _tissue(rng)

    def about(x: float, y: float, z: float, spread: float = 5.0) -> tuple[float, float, float]:
        dx, dy, dz = rng.normal(0, spread, 3)
        return (x + dx, y + dy, z + dz)

    def sized(x: float, y: float, z: float) -> tuple[float, float, float]:
        a, b, c = rng.uniform(0.86, 1.14, 3)
        return (x * a, y * b, z * c)

    half_width, half_depth, wall = rng.uniform(136, 160), rng.uniform(96, 112), rng.uniform(14, 19)
    spine_y = half_depth - 56.0
    side = half_width - wall
    kidney_y = spine_y + 2
    kidneys = tuple(
        Ellipsoid(about(s * 58, kidney_y, -112 + 6 * s, 5), sized(27, 24, 54), s * rng.uniform(25, 45))
        for s in (-1, 1)
    )
    gut = tuple(_bowel_loop(rng, tissue, side) for _ in range(26))
    colon = (
        Tubes.chain([(-side + 28, 22, -330), (-side + 26, 14, -190), (-side + 40, -20, -120)], [26, 25, 22]),
        Tubes.chain([(-side + 40, -20, -120), (-20, -72, -135), (side - 48, -40, -80)], [20, 19, 18]),
        Tubes.chain([(side - 48, -40, -80), (side - 22, 22, -120), (side - 25, 28, -330)], [18, 17, 16]),
    )
    porta, hepatic = about(-22, 2, -60, 4), about(-20, 24, -12, 4)
    trees = [
        (porta, (-1, -0.1, 0.3), 32, 6.0),
        (porta, (-0.4, -1, 0.5), 30, 5.5),
        (hepatic, (-1, -0.6, -0.7), 32, 5.5),
        (hepatic, (-0.4, -1, -0.5), 32, 5.0),
        (porta, (-1, 0.6, -0.6), 30, 5.0),
    ]
    liver_vessels = [
        grow_tree(rng, p, d, length_mm=n, radius_mm=r, generations=8, spread=0.55) for p, d, n, r in trees
    ]
    lung_vessels = [
        grow_tree(rng, (s * 34.0, 8.0, at), (s * 0.9, lean, up), length_mm=32, radius_mm=4.6, generations=9)
        for s in (-1, 1)
        for at, lean, up in (
            (44.0, 0.7, -0.9),
            (50.0, -0.4, -0.9),
            (58.0, -0.8, 0.1),
            (62.0, 0.8, 0.3),
            (68.0, 0.0, 0.9),
        )
    ]
    mesentery = [
        grow_tree(
            rng, (0.0, -12.0, z), (d, -0.7, -0.6), length_mm=44, radius_mm=3.8, generations=7, spread=0.7
        )
        for z, d in ((-90.0, -0.4), (-115.0, 0.7), (-150.0, -0.7), (-190.0, 0.5))
    ]
    aorta_x = rng.uniform(12, 22)
    splanchnic = [
        grow_tree(rng, (-6.0, spine_y - 28, z), (d, -1.0, -0.35), length_mm=44, radius_mm=3.6, generations=5)
        for z, d in ((-78.0, -0.4), (-92.0, 0.3))
    ]
    liver = (
        Ellipsoid(about(-64, -6, -50), sized(84, 84, 84)),
        Ellipsoid(about(0, -48, -34), sized(72, 34, 36), rng.uniform(-15, 15)),
    )
    spleen = Ellipsoid(about(side - 26, 40, -42), sized(30, 48, 48), rng.uniform(-35, -10))
    lesions = _lesions(rng, liver[0], spleen, kidneys)
    patient = Patient(
        tissue=tissue,
        half_width=half_width,
        half_depth=half_depth,
        fat_mm=rng.uniform(8, 30),
        wall_mm=wall,
        spine_y=spine_y,
        vertebra_mm=rng.uniform(31, 37),
        vertebra_phase=rng.uniform(0, 37),
        rib_phase=rng.uniform(0, 27),
        dome=(rng.uniform(2, 14), rng.uniform(-14, 2)),
        heart=Ellipsoid(about(22, -36, 44), sized(54, 46, 46), rng.uniform(15, 40)),
        liver=liver,
        spleen=spleen,
        stomach=Ellipsoid(about(58, -32, -38), sized(42, 38, 42), rng.uniform(-20, 30)),
        gallbladder=Ellipsoid(about(-46, -48, -92), sized(14, 17, 28)),
        kidneys=(kidneys[0], kidneys[1]),
        colon=colon,
        bowel=gut,
        pancreas=Tubes.chain(
            [about(-26, -12, -108, 3), about(-4, -22, -92, 3), about(30, -8, -82, 3), about(66, 10, -66, 3)],
            [14, 10, 9, 7],
        ),
        arteries=_arteries(rng, aorta_x, spine_y),
        veins=Tubes.chain(
            [
                (-22, spine_y - 16, -400),
                (-22, spine_y - 18, -60),
                (-20, 14, 0),
                (-20, -2, 30),
                (-26, -4, 130),
            ],
            [11, 12, 13, 12, 9],
        ),
        trachea=Tubes.chain([(0, 18, 220), (0, 20, 88), (28, 16, 68)], [9, 8.5, 6]),
        lung_vessels=Tubes.joined(lung_vessels),
        liver_vessels=Tubes.joined(liver_vessels),
        mesentery=Tubes.joined(mesentery),
        splanchnic=Tubes.joined(splanchnic),
        lesions=lesions,
        warp=(SmoothField(rng, 46.0), SmoothField(rng, 42.0), SmoothField(rng, 42.0)),
        outline=SmoothField(rng, (90.0, 55.0, 55.0)),
        organ=SmoothField(rng, 15.0),
        parenchyma=SmoothField(rng, 4.0),
        fine=SmoothField(rng, 1.7),
        bone=SmoothField(rng, 1.3),
        strands=SmoothField(rng, (16.0, 3.5, 6.0)),
    )
    return patient, rng.uniform(-75, 40)


def _bowel_loop(rng: np.random.Generator, tissue: Tissue, side: float) -> tuple[Tubes, float]:
    at = np.array([rng.uniform(-0.62, 0.62) * side, rng.uniform(-70, 0), rng.uniform(-300, -95)])
    points, way = [tuple(at)], rng.standard_normal(3)
    for _ in range(6):
        way = way / np.linalg.norm(way) + rng.normal(0, 0.5, 3)
        at = at + way / np.linalg.norm(way) * 20
        at[0], at[1] = np.clip(at[0], -0.68 * side, 0.68 * side), np.clip(at[1], -74, 8)
        points.append(tuple(at))
    content = rng.choice([12.0, 25.0, tissue.bowel - 8, -600.0, 260.0], p=[0.35, 0.3, 0.15, 0.12, 0.08])
    calibre = rng.uniform(9, 13)
    chain = Tubes.chain(
        [(float(a), float(b), float(c)) for a, b, c in points], list(calibre * rng.uniform(0.8, 1.2, 7))
    )
    return chain, float(content)


def _arteries(rng: np.random.Generator, aorta_x: float, spine_y: float) -> Tubes:
    radius = rng.uniform(9.5, 13.5)
    behind = spine_y - 26
    descending = Tubes.chain(
        [
            (aorta_x - 8, behind + 1, -400),
            (aorta_x - 6, behind, -60),
            (aorta_x, behind + 3, 60),
            (aorta_x, behind, 112),
        ],
        [radius * 0.75, radius * 0.9, radius, radius * 1.05],
    )
    arch = Tubes.chain(
        [(aorta_x, behind, 112), (8, -6, 128), (-8, -22, 108), (-4, -26, 62)], [radius * 1.05, 13, 15, 16]
    )
    pulmonary = Tubes.chain([(14, -34, 60), (16, -16, 84), (-30, -2, 76)], [14, 14, 10])
    renal = Tubes.chain(
        [(-46, spine_y - 4, -112), (aorta_x - 7, behind, -104), (46, spine_y - 4, -106)], [2.6, 3, 2.6]
    )
    return Tubes.joined([descending, arch, pulmonary, renal])


def _lesions(
    rng: np.random.Generator, liver: Ellipsoid, spleen: Ellipsoid, kidneys: tuple[Ellipsoid, ...]
) -> tuple[tuple[Ellipsoid, str, float], ...]:
    """Low-contrast lesions of 3 to 15 mm: ellipsoid, the organ that bounds it, and its contrast in HU."""
    hosts = [("liver", liver)] * rng.integers(5, 11) + [("spleen", spleen)] * rng.integers(1, 3)
    hosts += [("kidney", kidney) for kidney in kidneys for _ in range(rng.integers(1, 4))]
    hosts += [("lung", Ellipsoid((s * 76.0, 10.0, 40.0), (42, 60, 70))) for s in (-1, 1) for _ in range(4)]
    lesions = []
    for organ, host in hosts:
        offset = rng.uniform(-0.55, 0.55, 3) * 0.9
        x, y, z = (c + o * r for c, o, r in zip(host.centre, offset, host.radii, strict=True))
        diameter = rng.uniform(3, 15) if organ != "lung" else rng.uniform(3, 9)
        contrast = rng.uniform(10, 60) * rng.choice([-1, -1, 1])
        r = diameter / 2 * rng.uniform(0.85, 1.15, 3)
        shape = Ellipsoid((x, y, z), (float(r[0]), float(r[1]), float(r[2])), rng.uniform(0, 180))
        lesions.append((shape, organ, float(contrast)))
    return tuple(lesions)
