"""How one plane of the head is drawn: scalp, skull and fluid, then brain, ventricles and vessels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.phantoms.drawing import EVERYWHERE, Canvas, ellipse_distance, smooth_max, smooth_min

if TYPE_CHECKING:
    from quietvoxel.phantoms.drawing import FloatArray, Window
    from quietvoxel.phantoms.mr import Head

_FAR = np.float32(1e3)


def draw_head(canvas: Canvas, head: Head) -> None:
    """Draw the whole head on a plane of zeros and shade it as a coil would."""
    s = head.signal
    canvas.warp(head.warp, 1.5)
    inner = _draw_skull(canvas, head)
    depth = _brain_depth(canvas, head, inner)
    _draw_cortex(canvas, head, depth)
    _draw_hindbrain(canvas, head, inner)
    _draw_depths(canvas, head)
    inside = canvas.share(inner)
    head.arteries.paint(canvas, s["vessel"], within=inside)
    head.sinus_vein.paint(canvas, 0.5 * (s["vessel"] + s["grey"]), warped=True)
    texture = 1 + 0.012 * canvas.field(head.tissue) + 0.012 * canvas.field(head.grain)
    shading = np.exp(np.float32(head.shading_strength) * canvas.field(head.shading))
    canvas.image *= head.gain * texture * shading


def _draw_skull(canvas: Canvas, head: Head) -> FloatArray:
    """Scalp, skull and the tissue below the base; returns the signed distance to the inner table."""
    s = head.signal
    found = head.skull.distance(canvas, warp_mm=60.0)
    inner = np.full_like(canvas.image, _FAR)
    if found:
        window, distance = found
        inner[window] = distance
    # Below its widest level the head goes on as neck and face, so the outline does not close.
    low = np.clip((-25 - canvas.z) / 45, 0, 1)
    if low.any():
        tube = np.hypot(canvas.x / 64, (canvas.y + 8) / 82)
        column = (tube - 1) * np.float32(70)
        outer_base = np.where(low > 0, np.minimum(inner, column + 6), inner)
    else:
        outer_base = inner
    outline = canvas.field(head.outline)
    inner_table, diploe, outer_table = head.skull_mm
    thick = np.clip(1 + 0.25 * outline, 0.5, 1.6)
    scalp = outer_base - inner_table - outer_table - diploe * thick
    grain = canvas.field(head.grain)
    canvas.paint(s["skin"], scalp - head.scalp_mm * (1 + 0.15 * outline) - 1.8)
    canvas.paint(
        s["fat"] * (1 + 0.05 * grain),
        scalp - head.scalp_mm * (1 + 0.15 * outline),
    )
    # The temporal muscle fills the hollow beside the skull.
    temple = np.hypot((canvas.y + 28) / 34, (canvas.z + 14) / 36) * 30 - 30
    muscle = smooth_max(scalp - 0.75 * head.scalp_mm, temple, 8.0)
    canvas.paint(s["muscle"] * (1 + 0.04 * grain), muscle)
    canvas.paint(s["bone"], scalp)
    marrow = np.maximum(inner_table - inner, inner - inner_table - diploe * thick)
    canvas.paint(s["marrow"] * (0.9 + 0.12 * canvas.field(head.tissue)), marrow)
    base = np.float32(-44) - np.float32(0.24) * canvas.y - canvas.z + 3 * outline
    if base.max() > -8:
        _draw_face(canvas, head, scalp, base)
    inner = smooth_max(inner, base, 6.0)
    canvas.paint(s["csf"], inner)
    return inner


def _draw_face(canvas: Canvas, head: Head, scalp: FloatArray, base: FloatArray) -> None:
    """Muscle, fat, air and eyes below the base of the skull."""
    s = head.signal
    below = np.maximum(scalp, 5 - base)
    tissue = canvas.field(head.tissue)
    canvas.paint(s["muscle"], below)
    lobules = np.maximum(below, 0.6 - 4 * (tissue - 0.4))
    canvas.paint(s["fat"], lobules)
    canvas.paint(s["bone"], np.maximum(below, np.abs(tissue + 0.9) * 6 - 1.2))
    for sinus in head.sinuses:
        if found := sinus.distance(canvas):
            canvas.paint(0.0, found[1] + tissue[found[0]], found[0])
    for eye in head.eyes:
        if found := eye.distance(canvas):
            window, ball = found
            canvas.paint(s["fat"], ball - 5, window)
            canvas.paint(s["muscle"], ball - 1, window)
            canvas.paint(s["csf"], ball, window)


def _brain_depth(canvas: Canvas, head: Head, inner: FloatArray) -> FloatArray:
    """Depth in mm below the nearest surface of the cerebrum, sulci included; negative outside."""
    hull = np.full_like(inner, _FAR)
    for part in head.cerebrum:
        if found := part.distance(canvas):
            window, distance = found
            hull[window] = smooth_min(hull[window], distance, 5.0)
    hull = smooth_max(hull, inner + np.float32(1.8 + 1.5 * head.sulcus_mm), 3.0)
    below = -hull
    fold, slope = head.folds.plane_and_slope(canvas.z_mm, canvas.y_mm, canvas.x_mm)
    # First-order distance to the sheets fold = 0; the small term keeps saddles from becoming wide gaps.
    sheet = np.abs(fold) / np.sqrt(np.square(slope) + np.float32(0.02**2))
    reach = head.sulcus_depth_mm * (1 + 0.2 * canvas.field(head.outline))
    sheet = np.maximum(sheet, below - reach) - np.float32(head.sulcus_mm) * np.clip(
        1.6 - below / reach, 0.4, 1.6
    )
    midline = np.abs(canvas.x + 1.2 * canvas.field(head.outline))
    # The hemispheres stay joined by the callosum, the thalami and what lies below them.
    joined = ellipse_distance((canvas.y + 2, 44.0), (np.maximum(canvas.z + 4, 0), 31.0))
    fissure = np.maximum(midline, -joined) - np.float32(0.7 + head.sulcus_mm)
    depth = np.minimum(np.minimum(below, sheet), fissure)
    sylvian = _tube_depth(canvas, head)
    return np.minimum(depth, sylvian)


def _tube_depth(canvas: Canvas, head: Head) -> FloatArray:
    """Distance to the Sylvian fissures, flat tubes that the cortex follows inwards."""
    nearest = np.full_like(canvas.image, _FAR)
    tubes = head.cisterns
    for a, b, r0, r1 in zip(tubes.start, tubes.end, tubes.start_radius, tubes.end_radius, strict=True):
        if not min(a[2], b[2]) - 25 < canvas.z_mm < max(a[2], b[2]) + 25:
            continue
        x, y, z = canvas.x - np.float32(a[0]), canvas.y - np.float32(a[1]), (canvas.z - np.float32(a[2]))
        step = b - a
        along = np.clip((x * step[0] + y * step[1] + z * step[2]) / (step @ step), 0, 1)
        off = np.square(x - along * step[0]) + np.square(y - along * step[1])
        off = np.sqrt(off + np.square(z - along * step[2]) * np.float32(0.35)) - np.float32((r0 + r1) / 2)
        nearest = np.minimum(nearest, off)
    return nearest


def _draw_cortex(canvas: Canvas, head: Head, depth: FloatArray) -> None:
    tracts = 1 + 0.015 * canvas.field(head.outline)
    thickness = np.float32(head.cortex_mm) * (1 + np.float32(0.12) * canvas.field(head.tissue))
    _paint_folded(canvas, head, depth, thickness, tracts, EVERYWHERE)


def _paint_folded(
    canvas: Canvas, head: Head, depth: FloatArray, thickness: FloatArray, tracts: FloatArray, window: Window
) -> None:
    """Grey matter down to `thickness` below the surface, white matter under it, with edges one pixel wide."""
    if min(depth.shape) < 2:
        return
    rise = np.hypot(*np.gradient(depth, float(canvas.pixel_mm)))
    rise = np.clip(rise, 0.4, 2.5)
    canvas.paint(head.signal["grey"], -depth / rise, window)
    canvas.paint(head.signal["white"] * tracts, (thickness - depth) / rise, window)


def _draw_hindbrain(canvas: Canvas, head: Head, inner: FloatArray) -> None:
    s = head.signal
    if found := head.cerebellum.distance(canvas):
        window, hull = found
        hull = np.maximum(hull, inner[window] + 2)
        fold, slope = head.folia.plane_and_slope(canvas.z_mm, canvas.y_mm[window[0]], canvas.x_mm[window[1]])
        sheet = np.abs(fold) / np.sqrt(np.square(slope) + np.float32(0.06**2))
        depth = np.minimum(-hull, np.maximum(sheet, -hull - 13) - np.float32(0.15 + 0.3 * head.sulcus_mm))
        canvas.paint(s["csf"], hull - np.float32(2), window, canvas.share(inner))
        _paint_folded(canvas, head, depth, np.full_like(depth, 1.5), np.ones_like(depth), window)
    head.brainstem.paint(canvas, s["csf"], wall_mm=1.6, warped=True)
    head.brainstem.paint(canvas, 0.75 * s["white"] + 0.25 * s["grey"], warped=True)


def _draw_depths(canvas: Canvas, head: Head) -> None:
    """Nuclei, lesions and ventricles."""
    s = head.signal
    for nucleus in head.deep:
        if found := nucleus.distance(canvas):
            window, distance = found
            soft = 0.5 * s["deep"] + 0.5 * s["grey"]
            canvas.paint(soft, distance + 0.4 * canvas.field(head.tissue)[window], window)
    tissue = canvas.field(head.tissue)
    for lesion in head.lesions:
        if found := lesion.distance(canvas):
            window, distance = found
            ragged = (distance + 0.8 * tissue[window]) * np.float32(0.6)
            canvas.paint(s["lesion"], ragged, window, weight=0.85)
    head.ventricles.paint(canvas, s["csf"], warped=True)
    for chamber in head.midline:
        if found := chamber.distance(canvas):
            canvas.paint(s["csf"], found[1], found[0])
