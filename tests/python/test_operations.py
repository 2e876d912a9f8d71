"""Operations on objects, and distances, are those of SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk

import objects

GRIDS = list(objects.some_grids())
IDS = [it[0] for it in GRIDS]
SHAPE = (22, 20, 18)


def squared_distances(sites, affine):
    """From each voxel to the nearest site, as SimpleITK's map says outside of the sites."""
    image = objects.itk_image(sites.astype(np.uint8), affine)
    field = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=True,
                                         useImageSpacing=True)
    return np.where(sites, 0, objects.of_itk(field))


def two_objects(rng):
    labels = np.zeros(SHAPE, np.uint8)
    labels[objects.blobs(rng, SHAPE, 0.15)] = 1
    labels[objects.blobs(rng, SHAPE, 0.15)] = 2
    return labels


def on_file(helper, affine):
    return objects.save(helper, np.zeros(SHAPE, np.int16), affine)


@pytest.mark.parametrize("name, affine", GRIDS, ids=IDS)
def test_distances(helper, rng, name, affine):
    labels = two_objects(rng)
    out = helper.path(".raw")
    objects.ask(helper, "distances", on_file(helper, affine), labels, out=out)
    ours = np.fromfile(out, np.float32).reshape(SHAPE, order="F")
    np.testing.assert_allclose(ours, squared_distances(labels == 1, affine), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mm", [0.5, 2.0, 4.7])
@pytest.mark.parametrize("name, affine", GRIDS, ids=IDS)
def test_growing_and_shrinking(helper, rng, name, affine, mm):
    labels = two_objects(rng)
    path = on_file(helper, affine)
    near = squared_distances(labels == 1, affine) <= mm**2 * (1 + 1e-5)
    expected = np.where((labels == 0) & near, 1, labels)
    np.testing.assert_array_equal(objects.operate(helper, path, labels, "grow", mm), expected)
    near = squared_distances(labels != 1, affine) <= mm**2 * (1 + 1e-5)
    expected = np.where((labels == 1) & near, 0, labels)
    np.testing.assert_array_equal(objects.operate(helper, path, labels, "shrink", mm), expected)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_growing_on_a_slice(helper, rng, axis):
    affine = GRIDS[0][1]
    labels = two_objects(rng)
    index = labels.shape[axis] // 2
    found = objects.operate(helper, on_file(helper, affine), labels, "grow", 3, where=[axis, index])
    plane = labels.take([index], axis)
    near = squared_distances(plane == 1, affine) <= 9 * (1 + 1e-5)
    expected = labels.copy()
    where = [slice(None)] * 3
    where[axis] = slice(index, index + 1)
    expected[tuple(where)] = np.where((plane == 0) & near, 1, plane)
    assert (expected != labels).any()
    np.testing.assert_array_equal(found, expected)


def parts(labels, affine):
    """Parts of label 1 that are connected by faces, the largest first."""
    image = objects.itk_image((labels == 1).astype(np.uint8), affine)
    return sitk.ConnectedComponent(image, False)


def test_islands(helper, rng):
    affine = GRIDS[0][1]
    labels = two_objects(rng)
    path = on_file(helper, affine)
    voxel_ml = abs(np.linalg.det(affine[:3, :3])) / 1000
    found = parts(labels, affine)
    largest = objects.of_itk(sitk.RelabelComponent(found)) == 1
    expected = np.where((labels == 1) & ~largest, 0, labels)
    np.testing.assert_array_equal(objects.operate(helper, path, labels, "keep_largest"), expected)
    for least in (2, 5, 20):
        stay = objects.of_itk(sitk.RelabelComponent(found, least)) > 0
        expected = np.where((labels == 1) & ~stay, 0, labels)
        ours = objects.operate(helper, path, labels, "remove_islands", least * voxel_ml)
        np.testing.assert_array_equal(ours, expected)


def test_holes(helper, rng):
    affine = GRIDS[0][1]
    labels = two_objects(rng)
    labels[objects.blobs(rng, SHAPE, 0.6)] = 1
    path = on_file(helper, affine)
    image = objects.itk_image((labels == 1).astype(np.uint8), affine)
    filled = objects.of_itk(sitk.BinaryFillhole(image, False)) == 1
    expected = np.where((labels == 0) & filled, 1, labels)
    assert (expected != labels).any()
    np.testing.assert_array_equal(objects.operate(helper, path, labels, "fill_holes"), expected)


@pytest.mark.parametrize("name, affine", GRIDS[::3], ids=IDS[::3])
def test_smoothing_takes_noise_and_keeps_volume_and_place(helper, rng, name, affine):
    shape = (44, 40, 36)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    radius = 0.36 * (spacing * shape).min()
    true = objects.ellipsoid(affine, shape, [radius] * 3)
    near = np.abs(np.linalg.norm(objects.places(affine, shape) - objects.middle(affine, shape), axis=-1) - radius)
    noisy = true ^ ((near < 1.5 * spacing.max()) & (rng.random(shape) < 0.25))
    path = objects.save(helper, np.zeros(shape, np.int16), affine)
    smooth = objects.operate(helper, path, noisy, "smooth", 1.2 * spacing.max()) == 1
    assert abs(int(smooth.sum()) - int(noisy.sum())) <= 0.01 * noisy.sum()

    def dice(mask):
        return 2 * (mask & true).sum() / (mask.sum() + true.sum())

    assert 1 - dice(smooth) < 0.5 * (1 - dice(noisy)), (dice(smooth), dice(noisy))
