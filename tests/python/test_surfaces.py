"""Surfaces are closed, face outwards and lie where the object does, as trimesh and formulas say."""

import numpy as np
import pytest
import trimesh

import grids
import objects

GRIDS = list(objects.some_grids())
IDS = [it[0] for it in GRIDS]
LPS = np.array([-1, -1, 1])


def load(path):
    mesh = trimesh.load(path)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    return mesh


def surface(helper, mask, affine, **options):
    path = objects.save(helper, np.zeros(mask.shape, np.int16), affine)
    return load(objects.surface(helper, path, mask, **options))


@pytest.mark.parametrize("name, affine", GRIDS, ids=IDS)
def test_ellipsoids(helper, name, affine):
    shape = (48, 44, 40)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    radii = 0.42 * (spacing * shape).min() * np.array([1, 0.8, 0.9])
    mask = objects.ellipsoid(affine, shape, radii)
    mesh = surface(helper, mask, affine)
    volume = 4 / 3 * np.pi * radii.prod()
    assert mesh.euler_number == 2
    # Positive: the triangles face outwards, also where the affine mirrors.
    np.testing.assert_allclose(mesh.volume, volume, rtol=0.02)
    np.testing.assert_allclose(mesh.volume, mask.sum() * abs(np.linalg.det(affine[:3, :3])), rtol=1e-3)
    middle = objects.middle(affine, shape) * LPS
    np.testing.assert_allclose(mesh.center_mass, middle, atol=0.15 * spacing.max())
    np.testing.assert_allclose(mesh.extents, 2 * radii, atol=1.2 * spacing.max())
    np.testing.assert_allclose(mesh.area, measured(helper, mask, affine)["surface_mm2"], rtol=0.06)


def measured(helper, mask, affine):
    path = objects.save(helper, mask.astype(np.int16), affine)
    return objects.ask(helper, "measure", path, mask)["objects"][0]


def test_a_sphere_has_the_area_of_its_formula(helper):
    affine = np.diag([0.8, 0.8, 1.2, 1.0])
    mesh = surface(helper, objects.ellipsoid(affine, (70, 70, 48), [25] * 3), affine)
    np.testing.assert_allclose(mesh.area, 4 * np.pi * 625, rtol=0.02)
    distances = np.linalg.norm(mesh.vertices - objects.middle(affine, (70, 70, 48)) * LPS, axis=1)
    assert np.abs(distances - 25).max() < 0.8


@pytest.mark.parametrize("angle", [0, 0.4, 0.8])
def test_boxes(helper, angle):
    affine = np.diag([0.7, 0.9, 1.1, 1.0])
    turn = grids.rotation(angle, 0.2, angle / 2)
    halves = [22, 14, 16]
    mask = objects.box(affine, (90, 70, 60), halves, turn)
    mesh = surface(helper, mask, affine)
    np.testing.assert_allclose(mesh.volume, 8 * 22 * 14 * 16, rtol=0.03)
    offset = (mesh.vertices * LPS - objects.middle(affine, mask.shape)) @ turn
    # Smoothing rounds the edges off: the sides are those between the middles of the faces.
    for axis in range(3):
        others = [it for it in range(3) if it != axis]
        central = (np.abs(offset[:, others]) < 6).all(1)
        np.testing.assert_allclose(np.ptp(offset[central, axis]), 2 * halves[axis], atol=1.6)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_noise_is_closed_however_voxels_touch(helper, rng, share):
    mask = rng.random((14, 12, 10)) < share
    for n_smoothings in (0, 40):
        mesh = surface(helper, mask, GRIDS[0][1], n_smoothings=n_smoothings)
        assert mesh.volume > 0


@pytest.mark.parametrize("name, affine", GRIDS[::4], ids=IDS[::4])
def test_blobs(helper, rng, name, affine):
    mask = objects.blobs(rng, (26, 24, 22), 0.3)
    mesh = surface(helper, mask, affine)
    volume = mask.sum() * abs(np.linalg.det(affine[:3, :3]))
    np.testing.assert_allclose(mesh.volume, volume, rtol=0.03)


def test_large_surfaces_are_made_smaller(helper):
    affine = np.diag([0.7, 0.7, 1.5, 1.0])
    mask = objects.ellipsoid(affine, (120, 120, 60), [38, 36, 40])
    mesh = surface(helper, mask, affine, max_triangles=20_000)
    assert 5_000 < len(mesh.faces) <= 20_000
    np.testing.assert_allclose(mesh.volume, 4 / 3 * np.pi * 38 * 36 * 40, rtol=0.02)
    np.testing.assert_allclose(mesh.center_mass, objects.middle(affine, mask.shape) * LPS, atol=0.4)


def test_3d_slicer_can_tell_the_axes(helper):
    path = objects.save(helper, np.zeros((4, 4, 4), np.int16), np.eye(4))
    mask = np.zeros((4, 4, 4), bool)
    mask[1, 1, 1] = True
    with open(objects.surface(helper, path, mask), "rb") as file:
        header = file.read(80)
    assert b"SPACE=LPS" in header and not header.startswith(b"solid")
