"""SimpleITK and we agree on NRRD and NIfTI wherever its grids, which know no shear, can follow."""

import gzip

import numpy as np
import pytest
import SimpleITK as sitk

import grids

GRIDS = [*grids.axis_orders(), *grids.oblique()]
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def image_with(voxels, affine):
    """A SimpleITK image (which thinks in LPS) on a grid given in RAS."""
    image = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def affine_of(image):
    """The affine in RAS of a SimpleITK image."""
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine


def save(helper, image, suffix=".nrrd", compress=True):
    path = helper.path(suffix)
    sitk.WriteImage(image, path, useCompression=compress)
    return path


def check_read(helper, path):
    """We see in a file what SimpleITK sees."""
    theirs = sitk.ReadImage(path)
    header, stored = helper.read(path)
    expected = sitk.GetArrayFromImage(theirs).transpose(2, 1, 0)
    assert stored.dtype == expected.dtype
    np.testing.assert_array_equal(stored, expected)
    np.testing.assert_allclose(header["affine"], affine_of(theirs), atol=1e-5)


def check_mask(helper, path, rng, suffix):
    """SimpleITK sees our mask where it sees the source."""
    source = sitk.ReadImage(path)
    labels = grids.labels(rng, source.GetSize())
    mask = sitk.ReadImage(helper.write_mask(path, labels, suffix))
    assert mask.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask).transpose(2, 1, 0), labels)
    np.testing.assert_allclose(affine_of(mask), affine_of(source), rtol=1e-6, atol=1e-5)
    return mask


@pytest.mark.parametrize("compress", [True, False], ids=["gzip", "raw"])
def test_every_orthogonal_nrrd_grid_both_ways(helper, rng, compress):
    for _, affine in GRIDS:
        path = save(helper, image_with(grids.voxels(rng, "i2"), affine), compress=compress)
        check_read(helper, path)
        check_mask(helper, path, rng, ".nrrd")
        check_mask(helper, path, rng, ".nii.gz")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_orthogonal_nifti_grid_both_ways(helper, rng, suffix):
    for _, affine in GRIDS:
        path = save(helper, image_with(grids.voxels(rng, "i2"), affine), suffix)
        check_read(helper, path)
        check_mask(helper, path, rng, suffix)
        check_mask(helper, path, rng, ".nrrd")


@pytest.mark.parametrize("dtype", grids.DTYPES)
@pytest.mark.parametrize("compress", [True, False], ids=["gzip", "raw"])
def test_every_type(helper, rng, dtype, compress):
    image = image_with(grids.voxels(rng, dtype), np.diag([1, 2, 3, 1]))
    check_read(helper, save(helper, image, compress=compress))


@pytest.mark.parametrize("shape", [(1, 1, 1), (23, 38, 3), (65, 1, 9)], ids=str)
def test_odd_shapes(helper, rng, shape):
    path = save(helper, image_with(grids.voxels(rng, "i2", shape), np.diag([-1, -2, 3, 1])))
    check_read(helper, path)
    check_mask(helper, path, rng, ".nrrd")


def nrrd_file(helper, fields, content, magic="NRRD0004"):
    """An NRRD file written by hand, for what SimpleITK does not write."""
    path = helper.path(".nrrd")
    with open(path, "wb") as file:
        lines = [magic, "# by hand", *[f"{name}: {value}" for name, value in fields.items()]]
        file.write("\n".join(lines).encode() + b"\n\n" + content)
    return path


def hand_written(dtype="int16", shape=(7, 5, 6), **fields):
    return {"type": dtype, "dimension": len(shape), "sizes": " ".join(map(str, shape)),
            "endian": "little", "encoding": "raw",
            **{name.replace("_", " "): value for name, value in fields.items()}}


@pytest.mark.parametrize("magic", [f"NRRD000{n}" for n in range(1, 6)])
@pytest.mark.parametrize("space", ["right-anterior-superior", "RAS", "left-anterior-superior",
                                   "left-posterior-superior", "LPS", "scanner-xyz"])
def test_every_named_space_and_version(helper, rng, space, magic):
    voxels = grids.voxels(rng, "i2")
    fields = hand_written(space=space, space_directions="(0,2,0) (0,0,-3) (1.5,0,0)",
                          space_origin="(10,-20,30)")
    path = nrrd_file(helper, fields, voxels.ravel(order="F").tobytes(), magic)
    check_read(helper, path)
    check_mask(helper, path, rng, ".nrrd")


@pytest.mark.parametrize("fields", [{}, {"spacings": "1.5 2 3"},
                                    {"space_dimension": "3", "space_directions": "(1,0,0) (0,2,0) (0,0,3)",
                                     "space_origin": "(1,2,3)"}], ids=str)
def test_images_without_a_space(helper, rng, fields):
    voxels = grids.voxels(rng, "i2")
    path = nrrd_file(helper, hand_written(**fields), voxels.ravel(order="F").tobytes())
    check_read(helper, path)
    check_mask(helper, path, rng, ".nrrd")


@pytest.mark.parametrize("dtype, name", [("i2", "short"), ("u4", "unsigned int"), ("i8", "long long int"),
                                         ("f4", "float"), ("f8", "double"), ("u1", "uchar")])
def test_big_endian(helper, rng, dtype, name):
    voxels = grids.voxels(rng, dtype)
    content = voxels.astype(np.dtype(dtype).newbyteorder(">")).ravel(order="F").tobytes()
    fields = hand_written(name) | {"endian": "big"}
    check_read(helper, nrrd_file(helper, fields, content))
    check_read(helper, nrrd_file(helper, fields | {"encoding": "gzip"}, gzip.compress(content)))


@pytest.mark.parametrize("skip", ["17", "-1"])
def test_bytes_before_the_voxels(helper, rng, skip):
    voxels = grids.voxels(rng, "i2")
    content = bytes(17) + voxels.ravel(order="F").tobytes()
    _, stored = helper.read(nrrd_file(helper, hand_written(byte_skip=skip), content))
    np.testing.assert_array_equal(stored, voxels)


@pytest.mark.parametrize("first", [True, False], ids=["interleaved", "planar"])
def test_each_frame_of_a_series(helper, rng, first):
    frames = grids.voxels(rng, "i2", (3, 7, 5, 6) if first else (7, 5, 6, 3))
    vectors = ["(1.5,0,0)", "(0,2,0)", "(0,0,3)"]
    directions = ["none", *vectors] if first else [*vectors, "none"]
    fields = hand_written(shape=frames.shape, space="RAS", space_origin="(1,2,3)",
                          space_directions=" ".join(directions))
    path = nrrd_file(helper, fields, frames.ravel(order="F").tobytes())
    for frame in range(3):
        header, stored = helper.read(path, frame)
        assert header["n_frames"] == 3
        np.testing.assert_array_equal(stored, frames[frame] if first else frames[..., frame])
        np.testing.assert_array_equal(header["affine"][:3, 3], [1, 2, 3])
    assert helper.refuse(path, 3)["field"] == "frame"


@pytest.mark.parametrize("field, value", [
    ("encoding", "bzip2"), ("encoding", "ascii"), ("type", "block"), ("data file", "other.raw"),
    ("space", "left-posterior-superior-time"), ("space directions", "(1,0,0) (0,1,0)"),
    ("space directions", "(1,0,0) (2,0,0) (0,0,1)"), ("space origin", "(nan,0,0)"),
    ("sizes", "7 5"), ("sizes", "7 -5 6"), ("sizes", "9999999999 9999999999 9999999999"),
    ("dimension", "0"), ("kinds", "RGB-color domain domain"), ("byte skip", "-2"),
    ("line skip", "3"), ("endian", "middle"), ("spacings", "1 2"),
])
def test_what_cannot_be_read_is_refused_by_field(helper, field, value):
    fields = hand_written() | {field: value}
    assert helper.refuse(nrrd_file(helper, fields, bytes(420)))["field"] == field


def test_other_formats_are_named(helper, rng):
    image = image_with(grids.voxels(rng, "i2"), np.eye(4))
    assert "MetaImage" in helper.refuse(save(helper, image, ".mha", False))["error"]
    flat = sitk.Cast(sitk.RescaleIntensity(image[:, :, 2]), sitk.sitkUInt8)
    assert "PNG" in helper.refuse(save(helper, flat, ".png"))["error"]
    assert "DICOM" in helper.refuse(save(helper, flat, ".dcm", False))["error"]
    assert helper.refuse(save(helper, image, ".nhdr", False))["field"] == "data file"
