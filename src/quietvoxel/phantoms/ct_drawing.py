"""How one plane of the CT patient is drawn: from the skin inwards, each organ over what lies behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.phantoms.drawing import Canvas, Ellipsoid, ellipse_distance, smooth_max, smooth_min

if TYPE_CHECKING:
    from quietvoxel.phantoms.ct import Patient
    from quietvoxel.phantoms.drawing import FloatArray

_AIR = -1000.0


def draw_patient(canvas: Canvas, patient: Patient) -> None:
    """Draw the whole patient on a plane of air."""
    canvas.warp(patient.warp, 3.2)
    wall = _draw_body(canvas, patient)
    cavity = wall + np.float32(patient.wall_mm)
    lung = _draw_lungs(canvas, patient, cavity)
    _draw_mediastinum(canvas, patient)
    if canvas.z_mm < 45:
        _draw_abdomen(canvas, patient, cavity)
    _draw_lesions(canvas, patient, lung)
    _draw_spine(canvas, patient)
    _draw_ribs(canvas, patient, wall)


def _draw_body(canvas: Canvas, patient: Patient) -> FloatArray:
    """Table, skin, fat and muscle; returns the signed distance to the outer surface of the muscles."""
    t = patient.tissue
    x, y = canvas.x, canvas.y
    # Chest and belly are squarer than an ellipse: pull the diagonals in before measuring.
    u, v = np.square(x / np.float32(patient.half_width)), np.square(y / np.float32(patient.half_depth))
    squarer = 1 - np.float32(0.36) * u * v / np.square(u + v + np.float32(1e-6))
    muscle = ellipse_distance((x * squarer, patient.half_width), (y * squarer, patient.half_depth))
    outline = canvas.field(patient.outline)
    sideways = np.abs(x) / (np.abs(x) + np.abs(y) + 1)
    fat_mm = np.float32(patient.fat_mm) * (
        np.float32(0.8) + np.float32(0.3) * sideways + np.float32(0.16) * outline
    )
    body = muscle - fat_mm
    table_y = patient.half_depth * 1.0 + patient.fat_mm + 10
    curve = (
        canvas.y_mm[:, None] - np.float32(table_y) + np.square(canvas.x_mm[None, :]) * np.float32(1 / 1100)
    )
    table = np.maximum(np.abs(curve - 5) - 6, np.abs(canvas.x_mm[None, :]) - 205)
    canvas.paint(-160.0, np.where(np.abs(curve - 5) > 4.6, table, np.float32(9)))
    canvas.paint(20.0, body)
    strands = canvas.field(patient.strands)
    septa = np.clip((np.abs(canvas.field(patient.organ)) - 0.05) * -25, 0, 1)
    fat = t.fat + 5 * canvas.field(patient.parenchyma) + 30 * septa
    canvas.paint(fat, body + np.float32(1.8))
    # Fat runs between the muscle bundles and between the layers of the wall.
    layers = np.abs(muscle + 0.45 * patient.wall_mm + 1.2 * strands) - 0.5
    marbling = np.clip(0.55 * (strands - 1.15), 0, 0.8)
    meat = t.muscle + 4 * canvas.field(patient.fine)
    meat = meat + (np.float32(t.fat) - meat) * np.maximum(marbling, 0.65 * canvas.share(layers))
    canvas.paint(meat, muscle)
    inner = muscle + np.float32(patient.wall_mm)
    canvas.paint(fat, inner)
    for s in (-1.0, 1.0):
        back = ellipse_distance((x - s * 29, 25.0), (y - (patient.spine_y + 30), 19.0))
        canvas.paint(meat, smooth_max(back, muscle, 4.0))
        psoas_mm = np.clip((-40 - canvas.z) * 0.16, 0.1, 19)
        psoas = np.hypot(x - s * 36, (y - patient.spine_y - 4) * 0.9) - psoas_mm
        canvas.paint(meat, psoas)
    return muscle


def _draw_lungs(canvas: Canvas, patient: Patient, cavity: FloatArray) -> FloatArray:
    """Both lungs with their vessels; returns the share of lung in each pixel."""
    x, y, z = canvas.x, canvas.y, canvas.z
    lung = np.full_like(cavity, 1e3)
    for s, dome in zip((-1.0, 1.0), patient.dome, strict=True):
        floor = dome - (np.square(s * x - 66) + 0.8 * np.square(y + 12)) * np.float32(1 / 95)
        base = (floor - z) * np.float32(0.7)
        apex = (z - 190) * np.float32(0.5)
        medial = 30 - s * x + 3 * canvas.field(patient.organ) - 8 * np.clip(y / 60, -0.4, 1)
        one = smooth_max(smooth_max(cavity + 3, medial, 14.0), np.maximum(base, apex), 4.0)
        lung = np.minimum(lung, one)
    share = canvas.share(lung)
    if share.any():
        texture = 14 * canvas.field(patient.parenchyma) + 10 * canvas.field(patient.fine)
        gravity = 0.35 * canvas.y
        canvas.paint(patient.tissue.lung + texture + gravity, lung)
        patient.lung_vessels.paint(canvas, max(45.0, 0.8 * patient.tissue.blood), within=share)
    return share


def _draw_mediastinum(canvas: Canvas, patient: Patient) -> None:
    t = patient.tissue
    if found := patient.heart.distance(canvas):
        window, heart = found
        heart = heart + np.float32(1.5) * canvas.field(patient.organ)[window]
        canvas.paint(t.fat, heart - 4, window)
        canvas.paint(t.muscle + 0.25 * (t.blood - t.muscle), heart, window)
        septum = np.abs(
            canvas.x[window] - patient.heart.centre[0] + 0.6 * (canvas.y[window] - patient.heart.centre[1])
        )
        canvas.paint(t.blood, np.maximum(heart + 10, 5 - septum), window)
    patient.veins.paint(canvas, 0.5 * (t.blood + t.vein), warped=True)
    patient.arteries.paint(canvas, t.blood, warped=True)
    if canvas.z_mm > 60:
        patient.trachea.paint(canvas, 30.0, wall_mm=1.3, warped=True)
        patient.trachea.paint(canvas, _AIR, warped=True)
    if canvas.z_mm > -10:
        gullet = np.hypot(canvas.x - 2, canvas.y - patient.spine_y + 28) - 7
        canvas.paint(t.muscle - 15, gullet)
        canvas.paint(-500.0, gullet + 5, weight=0.7)


def _draw_abdomen(canvas: Canvas, patient: Patient, cavity: FloatArray) -> None:
    t = patient.tissue
    x, y, z = canvas.x, canvas.y, canvas.z
    bumps = canvas.field(patient.organ)
    grain = canvas.field(patient.parenchyma)
    fine = canvas.field(patient.fine)
    # Every abdominal organ stays inside the wall and under the dome of its side.
    right = patient.dome[0] - 4 - (np.square(x + 66) + 0.8 * np.square(y + 12)) * np.float32(1 / 95)
    left = patient.dome[1] - 4 - (np.square(x - 66) + 0.8 * np.square(y + 12)) * np.float32(1 / 95)
    roof = (z - np.where(x < 0, right, np.maximum(left, right - 6 * np.abs(x)))) * np.float32(0.7)
    inside = smooth_max(cavity + 2.5, roof, 3.0)

    bounded = canvas.share(inside)
    patient.mesentery.paint(canvas, 0.6 * t.blood + 0.4 * t.muscle, within=bounded)
    patient.splanchnic.paint(canvas, t.blood, within=bounded)
    for loop, content in patient.bowel:
        loop.paint(canvas, t.bowel, wall_mm=2.4, warped=True)
        loop.paint(canvas, content, warped=True)
    for part in patient.colon:
        part.paint(canvas, t.bowel, wall_mm=2.0, warped=True)
        before = canvas.image.copy()
        part.paint(canvas, 10.0, warped=True)
        stool = np.clip(0.5 * (before - canvas.image) / (t.bowel - 10.0 + 1e-3), 0, 1)
        canvas.image -= stool * np.clip(160 * bumps + 130 * grain, -40, 700)
    patient.pancreas.paint(canvas, t.bowel + 8, warped=True)

    if found := patient.stomach.distance(canvas):
        window, stomach = found
        stomach = smooth_max(stomach + 2 * bumps[window], inside[window] + 3, 5.0)
        canvas.paint(t.bowel, stomach, window)
        food = 18 + 14 * np.clip(grain[window] + bumps[window], -1, 3)
        canvas.paint(food, stomach + 4, window)
        # Gas collects in front, with a level as flat as the table.
        level = canvas.y_mm[window[0], None] - np.float32(
            patient.stomach.centre[1] - 0.45 * patient.stomach.radii[1]
        )
        canvas.paint(_AIR + 20, np.maximum(stomach + 4.5, level), window)
    if found := patient.spleen.distance(canvas):
        window, spleen = found
        spleen = smooth_max(spleen + 1.5 * bumps[window], inside[window], 4.0)
        canvas.paint(t.spleen + 2.5 * grain[window] + 1.5 * fine[window], spleen, window)
    _draw_liver(canvas, patient, inside, bumps, grain)
    if found := patient.gallbladder.distance(canvas):
        window, gall = found
        canvas.paint(55.0, gall - 1.2, window)
        canvas.paint(9.0, gall, window)
    for kidney in patient.kidneys:
        _draw_kidney(canvas, patient, kidney, bumps, grain)


def _draw_liver(
    canvas: Canvas, patient: Patient, inside: FloatArray, bumps: FloatArray, grain: FloatArray
) -> None:
    t = patient.tissue
    liver = np.full_like(inside, 1e3)
    for lobe in patient.liver:
        if found := lobe.distance(canvas):
            window, distance = found
            liver[window] = smooth_min(liver[window], distance, 8.0)
    liver = smooth_max(liver + 2.0 * bumps, inside, 6.0)
    share = canvas.share(liver)
    if share.any():
        canvas.paint(t.liver + 2.5 * grain + 1.2 * bumps + 1.5 * canvas.field(patient.fine), liver)
        patient.liver_vessels.paint(canvas, t.vein, within=share)


def _draw_kidney(
    canvas: Canvas, patient: Patient, kidney: Ellipsoid, bumps: FloatArray, grain: FloatArray
) -> None:
    if not (found := kidney.distance(canvas)):
        return
    t = patient.tissue
    window, outer = found
    outer = outer + 0.8 * bumps[window]
    # The sinus opens towards the spine.
    inward = np.abs(canvas.x[window]) - (abs(kidney.centre[0]) - 4)
    sinus = np.maximum(outer + 11, inward + 3 * grain[window])
    canvas.paint(t.cortex + 3 * grain[window], outer, window)
    pyramids = np.maximum(outer + 7, 0.8 - 3.5 * (bumps[window] + 0.6))
    canvas.paint(t.medulla, pyramids, window)
    canvas.paint(t.fat + 25, sinus, window)
    canvas.paint(t.medulla - 12, np.abs(sinus + 5) - 1.6, window)


def _draw_lesions(canvas: Canvas, patient: Patient, lung: FloatArray) -> None:
    """Lesions keep their contrast to whatever they lie in, and their organ's texture."""
    for lesion, organ, contrast in patient.lesions:
        if not (found := lesion.distance(canvas)):
            continue
        window, distance = found
        if organ == "lung":
            canvas.paint(35.0, distance, window, within=lung)
        else:
            canvas.image[window] += canvas.share(distance) * np.float32(contrast)


def _draw_spine(canvas: Canvas, patient: Patient) -> None:
    t = patient.tissue
    window = canvas.window(patient.spine_y + 22, 0.0, 58.0, 62.0, 8.0)
    if not canvas.image[window].size:
        return
    x, y, z = canvas.x[window], canvas.y[window] - np.float32(patient.spine_y), canvas.z[window]
    height = patient.vertebra_mm
    along = np.mod(z + np.float32(patient.vertebra_phase), np.float32(height))
    body_half, middle = 0.39 * height, 0.39 * height
    level = np.abs(along - np.float32(middle)) - np.float32(body_half)
    waist = 2.2 * np.clip(-level / body_half, 0, 1)
    bean = ellipse_distance((x, 23.0), (y - 0.004 * x * x, 17.0))
    disc = np.maximum(bean - 0.5, -level)
    marrow = t.trabecular + 55 * canvas.field(patient.bone)[window]

    canvas.paint(88.0, disc, window)
    vertebra = np.maximum(bean + waist, level)
    parts = [vertebra]
    canal = ellipse_distance((x, 12.0), (y - 25, 9.5))
    arch = np.maximum(np.abs(canal - 3.2) - 3.4, np.abs(along - 0.42 * height) - 0.30 * height)
    spinous = np.maximum(
        np.maximum(np.abs(x) - 3.2, np.abs(y - 49) - 15), np.abs(along - 0.25 * height) - 0.27 * height
    )
    cross = np.abs(y - 24 - 0.25 * np.abs(x)) - 4.0
    transverse = np.maximum(np.maximum(cross, np.abs(np.abs(x) - 26) - 14), np.abs(along - 0.5 * height) - 6)
    parts += [arch, spinous, transverse]
    for part in parts:
        canvas.paint(t.cortical, part, window)
    for part in parts:
        canvas.paint(marrow, part + np.float32(1.5), window)
    canvas.paint(14.0, canal, window)
    canvas.paint(38.0, ellipse_distance((x, 6.5), (y - 25, 5.0)), window)


def _draw_ribs(canvas: Canvas, patient: Patient, wall: FloatArray) -> None:
    """Ribs run down and forward in the wall, so that an axial plane cuts each one obliquely."""
    t = patient.tissue
    if canvas.z_mm < -150:
        return
    pitch = 27.0
    x, y, z = canvas.x, canvas.y, canvas.z
    across = wall + np.float32(0.6 * patient.wall_mm)
    slope = np.float32(0.55)
    off = np.mod(z - slope * y + np.float32(patient.rib_phase), np.float32(pitch)) - np.float32(pitch / 2)
    # Perpendicular to the rib, a height difference counts for the cosine of its slope only.
    rib = ellipse_distance((across, 4.2), (off * np.float32(0.88), 6.2))
    lowest = np.float32(-95) + np.float32(0.5) * y
    front = -0.72 * np.float32(patient.half_depth) - y
    limits = np.maximum(np.maximum(lowest - z, 20 - np.abs(x)), (np.abs(x) < 30) * (y - 40)).astype(
        np.float32
    )
    rib = np.maximum(rib, limits)
    canvas.paint(95.0, np.maximum(rib, -front))
    bony = np.maximum(rib, front)
    canvas.paint(t.cortical, bony)
    canvas.paint(t.trabecular + 40 * canvas.field(patient.bone), bony + np.float32(1.3))
    if canvas.z_mm > 15:
        sternum = ellipse_distance((x, 19.0), (y + patient.half_depth - 9, 6.0))
        canvas.paint(t.cortical - 150, sternum)
        canvas.paint(t.trabecular, sternum + np.float32(1.2))
