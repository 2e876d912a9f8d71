"""nibabel and we agree on NIfTI: voxels, affines, codes; theirs read by us, ours read by them."""

import gzip
import itertools

import nibabel as nib
import numpy as np
import pytest

import grids

IMAGES = {1: nib.Nifti1Image, 2: nib.Nifti2Image}
GRIDS = [*grids.axis_orders(), *grids.oblique(), *grids.sheared()]


def save(helper, image, suffix=".nii.gz"):
    path = helper.path(suffix)
    nib.save(image, path)
    return path


def check_read(helper, path, frame=None):
    """We see in a file what nibabel sees."""
    theirs = nib.load(path)
    header, stored = helper.read(path, frame or 0)
    expected = np.asarray(theirs.dataobj.get_unscaled())
    expected = expected[..., frame] if frame is not None else expected
    assert header["type"] == expected.dtype.newbyteorder("=").name
    np.testing.assert_array_equal(stored, expected.reshape(stored.shape, order="F"))
    check_affine(header["affine"], theirs)
    assert header["codes"] == "".join(nib.aff2axcodes(theirs.affine))
    scaled = stored * header["slope"] + header["intercept"]
    expected = np.asarray(theirs.dataobj)
    expected = expected[..., frame] if frame is not None else expected
    np.testing.assert_allclose(scaled, expected.reshape(scaled.shape, order="F"), rtol=1e-12)
    return header, theirs


def check_affine(ours, theirs):
    """Equal bit by bit where the file holds the affine itself; else up to rounding."""
    if theirs.header["sform_code"] > 0:
        np.testing.assert_array_equal(ours, theirs.affine)
    else:
        np.testing.assert_allclose(ours, theirs.affine, rtol=1e-12, atol=1e-12)


def check_mask(helper, path, rng, suffix):
    """nibabel sees our mask where it sees the source, with the same header bits."""
    source = nib.load(path)
    labels = grids.labels(rng, source.shape[:3])
    mask = nib.load(helper.write_mask(path, labels, suffix))
    assert type(mask) is type(source)
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(mask.dataobj).reshape(labels.shape), labels)
    np.testing.assert_array_equal(mask.affine, source.affine)
    for field in ["sform_code", "qform_code", "xyzt_units", "pixdim", "quatern_b", "quatern_c",
                  "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"]:
        np.testing.assert_array_equal(mask.header[field], source.header[field], err_msg=field)
    assert mask.header["dim"][4] == 1
    assert mask.header["descrip"].item() == b"voxloop"


@pytest.mark.parametrize("version", [1, 2])
def test_every_grid_is_read_and_written_as_nibabel_has_it(helper, rng, version):
    assert len(GRIDS) == 48 + 12 + 6
    for number, (name, affine) in enumerate(GRIDS):
        image = IMAGES[version](grids.voxels(rng, "i2"), affine)
        image.set_qform(affine, code=1, strip_shears=True)
        image.header.set_xyzt_units("mm", "sec")
        suffix = (".nii", ".nii.gz")[number % 2]
        path = save(helper, image, suffix)
        check_read(helper, path)
        check_mask(helper, path, rng, suffix)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("codes", list(itertools.product((0, 1, 4), repeat=2)), ids=str)
def test_the_same_transform_counts(helper, rng, version, codes):
    sform_code, qform_code = codes
    for _, affine in grids.oblique():
        image = IMAGES[version](grids.voxels(rng, "u1"), np.diag([2, 3, 4, 1]))
        other = affine.copy()
        other[:3, 3] += 5
        image.set_sform(affine, code=sform_code)
        image.set_qform(other, code=qform_code)
        path = save(helper, image)
        check_read(helper, path)
        check_mask(helper, path, rng, ".nii.gz")


@pytest.mark.parametrize("dtype", grids.DTYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [1, 2])
def test_every_type_in_both_byte_orders(helper, rng, dtype, order, version):
    header = type(IMAGES[version].header_class())(endianness=order)
    header.set_data_dtype(np.dtype(dtype).newbyteorder(order))
    image = IMAGES[version](grids.voxels(rng, dtype), np.diag([1, 2, 3, 1]), header)
    path = save(helper, image, ".nii")
    assert nib.load(path).header.endianness == order
    check_read(helper, path)
    check_mask(helper, path, rng, ".nii")


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (1, 7, 1), (23, 38, 3), (65, 1, 9), (9, 4),
                                   (5, 6, 7, 1), (5, 6, 7, 1, 1)], ids=str)
def test_odd_shapes(helper, rng, shape):
    image = nib.Nifti1Image(grids.voxels(rng, "i2", shape), np.diag([-1, -2, 3, 1]))
    path = save(helper, image)
    check_read(helper, path)
    check_mask(helper, path, rng, ".nii.gz")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_each_frame_of_a_series(helper, rng, suffix):
    image = nib.Nifti1Image(grids.voxels(rng, "f4", (5, 6, 7, 4)), np.diag([1, 2, 3, 1]))
    path = save(helper, image, suffix)
    for frame in range(4):
        header, _ = check_read(helper, path, frame)
        assert header["n_frames"] == 4
    assert helper.refuse(path, 4)["field"] == "frame"
    check_mask(helper, path, rng, suffix)


@pytest.mark.parametrize("slope, inter", [(0, 3), (np.nan, 3), (np.inf, 3), (1, 0), (2.5, -1024),
                                          (-0.5, 7)])
def test_slope_and_intercept(helper, rng, slope, inter):
    image = nib.Nifti1Image(grids.voxels(rng, "i2"), np.diag([1, 2, 3, 1]))
    path = save(helper, image, ".nii")
    with open(path, "r+b") as file:
        file.seek(112)
        file.write(np.array([slope, inter], dtype="<f4").tobytes())
    check_read(helper, path)


@pytest.mark.parametrize("pixdim", [(0, 2, 3), (-2, 3, 4), (2, 2, 0)], ids=str)
@pytest.mark.parametrize("qform_code", [0, 1])
def test_voxel_sizes_are_repaired_alike(helper, rng, pixdim, qform_code):
    image = nib.Nifti1Image(grids.voxels(rng, "i2"), None)
    image.set_qform(np.diag([2, 3, 4, 1]), code=qform_code)
    path = save(helper, image, ".nii")
    with open(path, "r+b") as file:
        file.seek(76)
        file.write(np.array([0, *pixdim], dtype="<f4").tobytes())
    check_read(helper, path)


def test_a_matrix_code_out_of_range_counts_as_none(helper, rng):
    image = nib.Nifti1Image(grids.voxels(rng, "i2"), np.diag([1, 2, 3, 1]))
    image.set_qform(np.diag([-4, 3, 2, 1]), code=1)
    path = save(helper, image, ".nii")
    with open(path, "r+b") as file:
        file.seek(254)
        file.write(np.array([99], dtype="<i2").tobytes())
    check_read(helper, path)


def test_voxels_may_start_late(helper, rng):
    image = nib.Nifti1Image(grids.voxels(rng, "i2"), np.diag([1, 2, 3, 1]))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a note " * 30))
    path = save(helper, image)
    assert nib.load(path).dataobj.offset > 352
    check_read(helper, path)


def test_several_gzip_members_are_one_file(helper, rng):
    image = nib.Nifti1Image(grids.voxels(rng, "i2", (40, 30, 20)), np.diag([1, 2, 3, 1]))
    content = image.to_bytes()
    path = helper.path(".nii.gz")
    with open(path, "wb") as file:
        for start in range(0, len(content), 5000):
            file.write(gzip.compress(content[start:start + 5000]))
    check_read(helper, path)


@pytest.mark.parametrize("code, name", [(1, "binary"), (32, "complex64"), (128, "RGB24"),
                                        (1536, "float128"), (1792, "complex128"),
                                        (2048, "complex256"), (2304, "RGBA32"), (77, "77")])
def test_other_types_are_refused_by_name(helper, code, name):
    path = save(helper, nib.Nifti1Image(np.zeros((2, 2, 2), "u1"), np.eye(4)), ".nii")
    with open(path, "r+b") as file:
        file.seek(70)
        file.write(np.array([code], dtype="<i2").tobytes())
    answer = helper.refuse(path)
    assert answer["field"] == "datatype" and name in answer["error"]


def test_colour_is_refused_by_name(helper):
    rgb = np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    answer = helper.refuse(save(helper, nib.Nifti1Image(rgb, np.eye(4))))
    assert answer["field"] == "datatype" and "RGB24" in answer["error"]


def test_pairs_are_refused_by_name(helper, rng):
    path = save(helper, nib.Nifti1Pair(grids.voxels(rng, "i2"), np.eye(4)), ".img")
    answer = helper.refuse(path.replace(".img", ".hdr"))
    assert answer["field"] == "magic" and ".hdr/.img pair" in answer["error"]
    assert ".hdr/.img pair" in helper.refuse(path)["error"]


@pytest.mark.parametrize("codes", [(0, 0), (0, 1), (1, 0), (2, 1)], ids=str)
def test_a_nifti_grid_survives_the_way_through_nrrd(helper, rng, codes):
    for _, affine in [*grids.axis_orders(), *grids.oblique()]:
        image = nib.Nifti1Image(grids.voxels(rng, "i2"), affine)
        image.set_sform(affine, code=codes[0])
        image.set_qform(affine, code=codes[1])
        path = save(helper, image)
        labels = grids.labels(rng)
        nrrd = helper.write_mask(path, labels, ".nrrd")
        header, stored = helper.read(nrrd)
        np.testing.assert_array_equal(stored, labels)
        check_affine(header["affine"], nib.load(path))
        back = nib.load(helper.write_mask(nrrd, labels, ".nii.gz"))
        np.testing.assert_allclose(back.affine, header["affine"], rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(back.get_qform(), header["affine"], rtol=1e-5, atol=1e-4)
        assert (back.header["sform_code"], back.header["qform_code"]) == (1, 1)


def test_reading_holds_the_voxels_once(helper, rng):
    smooth = np.cumsum(rng.integers(-3, 4, (256, 256, 400), dtype=np.int16), axis=0, dtype=np.int16)
    path = save(helper, nib.Nifti1Image(smooth, np.diag([1, 1, 1, 1])))
    fresh = type(helper)(helper.process.args[0], helper.folder)
    answer = fresh.ask("time_read", file=path)
    fresh.process.stdin.close()
    assert fresh.process.wait(timeout=10) == 0
    if answer["peak_kib"] is None:
        pytest.skip("this system does not tell a process' peak memory")
    assert answer["peak_kib"] * 1024 <= 1.3 * smooth.nbytes
