"""The NIfTI header: its fields, and its two ways (sform and qform) of saying where the voxels lie.

NIfTI is read and written here rather than by ITK for three reasons: ITK coerces the sheared grid of a tilted
gantry into an orthogonal one with nothing but a warning, it cannot write slope and intercept, and it turns
rescaled integers into floats. The format: https://nifti.nimh.nih.gov/nifti-1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.volume import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Header = np.void

NIFTI1 = np.dtype(
    [
        ("sizeof_hdr", "i4"), ("unused_1", "V35"), ("dim_info", "u1"), ("dim", "i2", 8),
        ("intent_p", "f4", 3), ("intent_code", "i2"), ("datatype", "i2"), ("bitpix", "i2"),
        ("slice_start", "i2"), ("pixdim", "f4", 8), ("vox_offset", "f4"), ("scl_slope", "f4"),
        ("scl_inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1"), ("xyzt_units", "u1"),
        ("cal_max", "f4"), ("cal_min", "f4"), ("slice_duration", "f4"), ("toffset", "f4"),
        ("unused_2", "V8"), ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i2"),
        ("sform_code", "i2"), ("quatern", "f4", 3), ("qoffset", "f4", 3), ("srow", "f4", (3, 4)),
        ("intent_name", "S16"), ("magic", "S4"),
    ]
)  # fmt: skip

NIFTI2 = np.dtype(
    [
        ("sizeof_hdr", "i4"), ("magic", "S8"), ("datatype", "i2"), ("bitpix", "i2"), ("dim", "i8", 8),
        ("intent_p", "f8", 3), ("pixdim", "f8", 8), ("vox_offset", "i8"), ("scl_slope", "f8"),
        ("scl_inter", "f8"), ("cal_max", "f8"), ("cal_min", "f8"), ("slice_duration", "f8"),
        ("toffset", "f8"), ("slice_start", "i8"), ("slice_end", "i8"), ("descrip", "S80"),
        ("aux_file", "S24"), ("qform_code", "i4"), ("sform_code", "i4"), ("quatern", "f8", 3),
        ("qoffset", "f8", 3), ("srow", "f8", (3, 4)), ("slice_code", "i4"), ("xyzt_units", "i4"),
        ("intent_code", "i4"), ("intent_name", "S16"), ("dim_info", "u1"), ("unused_2", "V15"),
    ]
)  # fmt: skip

DATATYPES = {
    2: "uint8", 4: "int16", 8: "int32", 16: "float32", 64: "float64", 256: "int8", 512: "uint16",
    768: "uint32", 1024: "int64", 1280: "uint64",
}  # fmt: skip
COLOUR_TYPES = (128, 2304)

# NIfTI's world is right-anterior-superior, ours left-posterior-superior.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_MILLIMETRES = {1: 1000.0, 2: 1.0, 3: 0.001}


def parse_header(head: bytes) -> Header | None:
    """Interpret the first bytes of a file, in either byte order; None if it is no NIfTI header."""
    layout: np.dtype[Any]
    for layout, magics in ((NIFTI1, (b"n+1", b"ni1")), (NIFTI2, (b"n+2", b"ni2"))):
        if len(head) < layout.itemsize:
            continue
        orders: tuple[Any, ...] = ("<", ">")
        for order in orders:
            header: Header = np.frombuffer(head[: layout.itemsize], layout.newbyteorder(order))[0]
            if header["sizeof_hdr"] == layout.itemsize and header["magic"][:3] in magics:
                return header
    return None


def voxel_type(header: Header) -> np.dtype[Any]:
    """Find the type of the voxels, in the byte order of the header; it must be one of `DATATYPES`."""
    order: Any = header.dtype["datatype"].byteorder
    native: np.dtype[Any] = np.dtype(DATATYPES[int(header["datatype"])])
    return native.newbyteorder(order)


def geometry_of(header: Header) -> tuple[Geometry, list[str]]:
    """Find where the voxels lie, and what has to be said about it.

    The sform is taken when its code is set and its matrix is not singular, then the qform, then the voxel
    size alone. Units other than millimetres are converted.
    """
    notes = []
    scale = _MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    pixdim = np.abs(np.asarray(header["pixdim"][1:4], np.float64))
    pixdim[~np.isfinite(pixdim) | (pixdim == 0)] = 1.0
    qform = _qform(header, pixdim) if header["qform_code"] > 0 else None
    sform = np.asarray(header["srow"], np.float64) if header["sform_code"] > 0 else None
    if sform is not None and not _is_usable(sform):
        notes.append("The orientation matrix (sform) of the file is unusable and was not used.")
        sform = None
    if sform is not None and qform is not None and not _agree(sform, qform):
        notes.append("The two orientations of the file (sform and qform) differ; the sform was used.")
    affine = sform if sform is not None else qform
    if affine is None:
        notes.append("The file says nothing about orientation; left and right may be swapped.")
        affine = np.hstack([_RAS_TO_LPS @ np.diag(pixdim), np.zeros((3, 1))])
    columns = _RAS_TO_LPS @ affine[:, :3]
    spacing = np.linalg.norm(columns, axis=0)
    direction = columns / spacing
    # The voxel size is stored once more by itself, without the rounding of nine products.
    spacing = np.where(np.isclose(spacing, pixdim, rtol=1e-5), pixdim, spacing) * scale
    origin = _RAS_TO_LPS @ affine[:, 3] * scale
    x, y, z = (float(v) for v in spacing)
    i, j, k = (float(v) for v in origin)
    return Geometry((x, y, z), (i, j, k), tuple(float(v) for v in direction.ravel())), notes


def set_geometry(header: NDArray[Any], geometry: Geometry, sform_code: int = 1) -> None:
    """Write spacing, origin and direction into sform and qform."""
    direction = _RAS_TO_LPS @ np.asarray(geometry.direction, np.float64).reshape(3, 3)
    origin = _RAS_TO_LPS @ np.asarray(geometry.origin, np.float64)
    header["srow"][:, :3] = direction * np.asarray(geometry.spacing)
    header["srow"][:, 3] = origin
    header["sform_code"] = sform_code
    header["pixdim"][1:4] = geometry.spacing
    header["pixdim"][0] = 1.0
    header["qoffset"] = origin
    # A sheared grid fits the sform alone. The qform then gets the axes of the slices and their normal: ITK,
    # which takes sheared files by their qform or not at all, opens it and shows each slice in its shape.
    rotation = _orthogonal(direction)
    if np.linalg.det(rotation) < 0:  # the qform mirrors the third axis by its sign in pixdim[0]
        rotation[:, 2] *= -1
        header["pixdim"][0] = -1.0
    header["quatern"] = _quaternion(rotation)
    header["qform_code"] = sform_code


def _orthogonal(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the third axis, and as little as needed the second, to right angles."""
    row = direction[:, 0] / np.linalg.norm(direction[:, 0])
    column = direction[:, 1] - row * (row @ direction[:, 1])
    column /= np.linalg.norm(column)
    normal = np.cross(row, column)
    return np.stack([row, column, normal * (1.0 if normal @ direction[:, 2] >= 0 else -1.0)], axis=1)


def _is_usable(form: NDArray[np.float64]) -> bool:
    """Whether the three axes are finite and not in one plane."""
    sizes = np.linalg.norm(form[:, :3], axis=0)
    return bool(np.isfinite(form).all() and sizes.all() and abs(np.linalg.det(form[:, :3] / sizes)) > 1e-4)


def _agree(sform: NDArray[np.float64], qform: NDArray[np.float64]) -> bool:
    """Whether a qform says what the sform says, or at least the upright version of a sheared one."""
    axes = sform[:, :3] / np.linalg.norm(sform[:, :3], axis=0)
    upright = np.hstack([_orthogonal(axes) * np.linalg.norm(sform[:, :3], axis=0), sform[:, 3:]])
    return any(np.allclose(form, qform, atol=1e-2, rtol=1e-3) for form in (sform, upright))


def _qform(header: Header, pixdim: NDArray[np.float64]) -> NDArray[np.float64]:
    b, c, d = (float(v) for v in header["quatern"])
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    if header["pixdim"][0] < 0:
        rotation[:, 2] *= -1
    return np.hstack([rotation * pixdim, np.asarray(header["qoffset"], np.float64)[:, None]])


def _quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    # The eigenvector of the largest eigenvalue: no case distinction, stable for every angle.
    m = rotation
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    b, c, d, a = np.linalg.eigh(k, UPLO="L")[1][:, -1]
    sign = -1.0 if a < 0 else 1.0
    return float(sign * b), float(sign * c), float(sign * d)
