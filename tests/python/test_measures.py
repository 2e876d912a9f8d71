"""What we measure is what SimpleITK, brute force and formulas say."""

import itertools

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

import grids
import objects

GRIDS = list(objects.some_grids())
IDS = [it[0] for it in GRIDS]


def measure(helper, voxels, labels, affine):
    path = objects.save(helper, voxels, affine)
    return {it["label"]: it for it in objects.ask(helper, "measure", path, labels)["objects"]}


def measure_one(helper, mask, affine):
    return measure(helper, mask.astype(np.int16), mask, affine)[1]


@pytest.mark.parametrize("dtype", ["i2", "u1", "f4", "f8"])
@pytest.mark.parametrize("name, affine", GRIDS, ids=IDS)
def test_statistics_are_those_of_simpleitk(helper, rng, name, affine, dtype):
    shape = (24, 20, 18)
    voxels = rng.normal(90, 40, shape).clip(0, 250).astype(dtype)
    labels = np.zeros(shape, np.uint8)
    labels[objects.blobs(rng, shape)] = 3
    labels[objects.blobs(rng, shape, 0.1)] = 7
    found = measure(helper, voxels, labels, affine)
    image = objects.itk_image(voxels, affine)
    mask = objects.itk_image(labels, affine)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(mask)
    intensities = sitk.LabelIntensityStatisticsImageFilter()
    intensities.Execute(mask, image)
    assert sorted(found) == sorted(shapes.GetLabels()) == [3, 7]
    for label, ours in found.items():
        assert ours["n_voxels"] == shapes.GetNumberOfPixels(label)
        np.testing.assert_allclose(ours["volume_ml"] * 1000, shapes.GetPhysicalSize(label), rtol=1e-6)
        lps = np.array(ours["centroid_mm"]) * [-1, -1, 1]
        np.testing.assert_allclose(lps, shapes.GetCentroid(label), atol=1e-4)
        box = shapes.GetBoundingBox(label)
        assert tuple(ours["first"]) == box[:3]
        assert tuple(np.array(ours["last"]) - ours["first"] + 1) == box[3:]
        ours = ours["intensities"]
        np.testing.assert_allclose(ours["mean"], intensities.GetMean(label), rtol=1e-6)
        np.testing.assert_allclose(ours["sd"], intensities.GetStandardDeviation(label), rtol=1e-5)
        assert ours["min"] == intensities.GetMinimum(label)
        assert ours["max"] == intensities.GetMaximum(label)
        np.testing.assert_allclose(ours["median"], np.median(voxels[labels == label].astype("f8")), rtol=1e-6)


@pytest.mark.parametrize("name, affine", GRIDS, ids=IDS)
def test_the_surface_of_an_ellipsoid_is_that_of_simpleitk(helper, name, affine):
    shape = (60, 56, 52)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    radius = 0.42 * (spacing * shape).min()
    mask = objects.ellipsoid(affine, shape, [radius] * 3)
    ours = measure_one(helper, mask, affine)["surface_mm2"]
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(objects.itk_image(mask.astype(np.uint8), affine))
    np.testing.assert_allclose(ours, 4 * np.pi * radius**2, rtol=0.03)
    np.testing.assert_allclose(ours, shapes.GetPerimeter(1), rtol=0.04)


def axial_axis(affine):
    """The stored axis nearest to head–foot, as nibabel says."""
    return int(np.argwhere(nibabel.io_orientation(affine)[:, 0] == 2)[0, 0])


def regions(plane):
    """Pixels of one slice that touch at an edge or a corner, one mask each."""
    found = sitk.ConnectedComponent(sitk.GetImageFromArray(plane.astype(np.uint8)), True)
    found = sitk.GetArrayFromImage(found)
    return [found == it for it in range(1, found.max() + 1)]


def outline(region):
    """Points half-way between pixels inside and outside, `[x, y]`."""
    padded = np.pad(region, 1)
    points = []
    for step, offset in [((1, 0), (0.5, 0)), ((-1, 0), (-0.5, 0)), ((0, 1), (0, 0.5)), ((0, -1), (0, -0.5))]:
        border = padded & ~np.roll(padded, (-step[0], -step[1]), (0, 1))
        points.append(np.argwhere(border) - 1 + offset)
    return np.unique(np.concatenate(points), axis=0)


def slice_mm(affine, axis):
    """Millimetres in space from `[x, y]` on a slice, up to its place."""
    return affine[:3, :3][:, [it for it in range(3) if it != axis]]


def longest_by_brute_force(mask, affine):
    axis = axial_axis(affine)
    to_mm = slice_mm(affine, axis)
    best = 0
    for index in range(mask.shape[axis]):
        for region in regions(mask.take(index, axis)):
            points = outline(region) @ to_mm.T
            best = max(best, np.linalg.norm(points[:, None] - points[None], axis=-1).max())
    return best


def inside(region, points):
    """Whether points lie within the outline with its corners cut off."""
    padded = np.pad(region, 2)
    low = np.floor(points).astype(int)
    part = points - low
    result = np.zeros(len(points), bool)
    n_inside = np.zeros(len(points), int)
    near = np.zeros((len(points), 4), bool)
    corner = np.zeros((len(points), 4), bool)
    for n, (dx, dy) in enumerate(itertools.product((0, 1), repeat=2)):
        x = np.clip(low[:, 0] + dx + 2, 0, padded.shape[0] - 1)
        y = np.clip(low[:, 1] + dy + 2, 0, padded.shape[1] - 1)
        corner[:, n] = padded[x, y]
        near[:, n] = np.abs(part[:, 0] - dx) + np.abs(part[:, 1] - dy) <= 0.5
    n_inside = corner.sum(1)
    is_diagonal = (n_inside == 2) & (corner[:, 0] == corner[:, 3])
    # One pixel inside: only its corner. One outside, or two across: all but the outer corners.
    result |= (n_inside == 1) & (near & corner).any(1)
    many = (n_inside >= 3) | is_diagonal
    result |= many & ~(near & ~corner).any(1)
    # Two side by side: the half that is nearer to them.
    beside = (n_inside == 2) & ~is_diagonal
    along_x = corner[:, 0] == corner[:, 1]
    half = np.where(along_x, np.where(corner[:, 0], part[:, 0] <= 0.5, part[:, 0] >= 0.5),
                    np.where(corner[:, 0], part[:, 1] <= 0.5, part[:, 1] >= 0.5))
    result |= beside & half
    return result


def perpendicular_by_brute_force(mask, affine, longest, step):
    """The longest run of points inside on lines at a right angle to the longest diameter."""
    axis = axial_axis(affine)
    to_mm = slice_mm(affine, axis)
    plane = mask.take(longest["slice"], axis)
    end = np.array(longest["from"])
    region = next(it for it in regions(plane) if np.abs(outline(it) - end).sum(1).min() < 1e-6)
    # Right angles are those of millimetres: orthonormal directions in the plane.
    metric = to_mm.T @ to_mm
    along = np.array(longest["to"]) - end
    along = along / np.sqrt(along @ metric @ along)
    across = np.array([-(metric @ along)[1], (metric @ along)[0]])
    across = across / np.sqrt(across @ metric @ across)
    assert abs(along @ metric @ across) < 1e-9
    reach = longest["mm"]
    best = 0
    for offset in np.arange(step / 2, reach, step):
        places = np.arange(-reach, reach, step)
        hits = inside(region, end + offset * along + places[:, None] * across)
        run = longest_run(hits)
        best = max(best, run * step)
    return best


def longest_run(hits):
    best = run = 0
    for hit in hits:
        run = run + 1 if hit else 0
        best = max(best, run)
    return best


SHEARED = list(grids.sheared())[:2]


@pytest.mark.parametrize("name, affine", GRIDS + SHEARED, ids=IDS + [it[0] for it in SHEARED])
def test_diameters_are_those_of_brute_force(helper, rng, name, affine):
    shape = (22, 20, 21)
    mask = objects.blobs(rng, shape, 0.2)
    found = measure_one(helper, mask, affine)
    axis = axial_axis(affine)
    assert found["axis"] == axis
    np.testing.assert_allclose(found["longest"]["mm"], longest_by_brute_force(mask, affine), rtol=1e-6)
    to_mm = slice_mm(affine, axis)
    for line in (found["longest"], found["perpendicular"]):
        length = np.linalg.norm(to_mm @ (np.array(line["to"]) - line["from"]))
        np.testing.assert_allclose(length, line["mm"], rtol=1e-6)
    lines = [np.array(it["to"]) - it["from"] for it in (found["longest"], found["perpendicular"])]
    assert abs((to_mm @ lines[0]) @ (to_mm @ lines[1])) < 1e-6 * found["longest"]["mm"] ** 2
    assert found["perpendicular"]["slice"] == found["longest"]["slice"]
    step = 0.05
    brute = perpendicular_by_brute_force(mask, affine, found["longest"], step)
    assert brute - 2 * step <= found["perpendicular"]["mm"] <= brute + 12 * step, brute


@pytest.mark.parametrize("name, affine", GRIDS, ids=IDS)
def test_areas_add_up_to_the_volume_of_their_slices(helper, rng, name, affine):
    mask = objects.blobs(rng, (20, 18, 16))
    found = measure_one(helper, mask, affine)
    axis = axial_axis(affine)
    columns = [affine[:3, it] for it in range(3) if it != axis]
    pixel = np.linalg.norm(np.cross(*columns))
    counts = mask.sum(axis=tuple(it for it in range(3) if it != axis))
    expected = counts[found["first"][axis]:found["last"][axis] + 1] * pixel
    np.testing.assert_allclose(found["areas"], expected, rtol=1e-6)


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 1.0), (0.9, 0.6, 3.0)], ids=str)
@pytest.mark.parametrize("angle", [0, 0.3, 0.8, 1.3])
def test_ellipsoids_and_boxes_have_the_diameters_of_their_formulas(helper, spacing, angle):
    affine = np.diag([*spacing, 1.0])
    shape = tuple(np.ceil(76 / np.array(spacing)).astype(int))
    turn = grids.rotation(0, 0, angle)
    voxel = np.hypot(*spacing[:2])
    mask = objects.ellipsoid(affine, shape, [30, 17, 20], turn)
    found = measure_one(helper, mask, affine)
    assert abs(found["longest"]["mm"] - 60) < voxel
    assert abs(found["perpendicular"]["mm"] - 34) < 1.5 * voxel
    mask = objects.box(affine, shape, [24, 10, 12], turn)
    found = measure_one(helper, mask, affine)
    assert abs(found["longest"]["mm"] - np.hypot(48, 20)) < 1.2 * voxel
    # Across a diagonal of a × b the longest chord at a right angle ends at the long side: b·√(a² + b²) / a.
    assert abs(found["perpendicular"]["mm"] - 20 * np.hypot(48, 20) / 48) < 1.5 * voxel
    volume = 48 * 20 * 24 / 1000
    assert abs(found["volume_ml"] - volume) < 0.06 * volume


def test_a_ring_is_measured_across_but_not_through_its_hole(helper):
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    shape = (64, 64, 5)
    offset = objects.places(affine, shape) - objects.middle(affine, shape)
    radius = np.hypot(offset[..., 0], offset[..., 1])
    found = measure_one(helper, (radius >= 20) & (radius <= 28), affine)
    assert abs(found["longest"]["mm"] - 56) < 1.2
    # The longest chord at a right angle that stays inside touches the hole: 2·√(28² − 20²).
    assert abs(found["perpendicular"]["mm"] - 2 * np.sqrt(28**2 - 20**2)) < 2.5
