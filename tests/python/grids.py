"""Affines and voxels that the tests share."""

import itertools

import numpy as np

SHAPE = (7, 5, 6)
DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def axis_orders():
    """All 48 ways to store an image along the anatomical axes: name and affine."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = 0
            for stored, world in enumerate(order):
                affine[world, stored] = signs[stored] * (0.75, 1.5, 3.25)[stored]
            affine[:3, 3] = (-12.5, 33.25, 101.0)
            yield "".join(map(str, order)) + "".join("+-"[s < 0] for s in signs), affine


def rotation(x, y, z):
    """A rotation by angles about the three axes, one after the other."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def oblique():
    """Orthogonal grids that follow no anatomical axis, left- and right-handed."""
    rng = np.random.default_rng(7)
    for n in range(12):
        affine = np.eye(4)
        spacing = np.diag(rng.uniform(0.4, 6, 3) * np.array([1, 1, -1 if n % 2 else 1]))
        affine[:3, :3] = rotation(*rng.uniform(-3.1, 3.1, 3)) @ spacing
        affine[:3, 3] = rng.uniform(-300, 300, 3)
        yield f"oblique{n}", affine


def sheared():
    """Grids whose axes are not at right angles, such as those of a tilted gantry."""
    rng = np.random.default_rng(8)
    for n in range(6):
        affine = np.eye(4)
        shear = np.eye(3)
        shear[np.triu_indices(3, 1)] = rng.uniform(-0.4, 0.4, 3)
        affine[:3, :3] = rotation(*rng.uniform(-0.6, 0.6, 3)) @ shear @ np.diag((0.9, 0.9, 4.5))
        affine[:3, 3] = rng.uniform(-300, 300, 3)
        yield f"sheared{n}", affine


def voxels(rng, dtype, shape=SHAPE):
    """Random values over the whole range of a type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0, 1000, shape).astype(dtype)
    ends = np.iinfo(dtype)
    return rng.integers(ends.min, ends.max, shape, dtype=dtype.newbyteorder("="), endpoint=True)


def labels(rng, shape=SHAPE):
    """Random labels, background among them."""
    return rng.integers(0, 4, shape, dtype=np.uint8)
