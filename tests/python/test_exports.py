"""What the server exports is what other programs read: one mask in every format, one set of numbers."""

import base64
import csv
import hashlib
import io
import json
import zipfile

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
import trimesh

from voxloop import Voxloop, needs_binary

pytestmark = needs_binary


def runs(labels):
    """Labels (axes i, j, k) in the run-length format."""
    flat = labels.ravel(order="F")
    ends = np.append(np.flatnonzero(np.diff(flat)) + 1, flat.size)
    encoded = b"VXR1" + np.array(labels.shape, "<u4").tobytes()
    start = 0
    for end in ends.tolist():
        length, label = end - start, int(flat[start])
        start = end
        while length > 127:
            encoded += bytes([length & 127 | 128])
            length >>= 7
        encoded += bytes([length, label])
    return encoded


def drawn(shape):
    """Two balls of voxels that do not touch."""
    i, j, k = np.meshgrid(*map(np.arange, shape), indexing="ij")
    labels = np.zeros(shape, np.uint8)
    labels[((i - 90) ** 2 + (j - 120) ** 2) / 20**2 + (k - 30) ** 2 / 11**2 <= 1] = 1
    labels[((i - 170) ** 2 + (j - 110) ** 2) / 12**2 + (k - 40) ** 2 / 6**2 <= 1] = 2
    return labels


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A job of the sample with two drawn objects: a call for its exports, and its folder of files."""
    folder = tmp_path_factory.mktemp("exports")
    server = Voxloop(folder)
    job = json.loads(server.ask("POST", "/api/v1/sample"))
    path = f"/api/v1/jobs/{job['job_id']}"
    shape = job["image"]["shape"]
    edit = {"parent": None, "box": [[0, 0, 0], [it - 1 for it in shape]],
            "rle_base64": base64.b64encode(runs(drawn(shape))).decode()}
    server.ask("POST", f"{path}/revisions", json.dumps(edit).encode())
    (folder / "ct.nii.gz").write_bytes(server.ask("GET", f"{path}/image"))

    def export(name):
        content = server.ask("GET", f"{path}/export/{name}")
        file = folder / name.split("?")[0]
        file.write_bytes(content)
        return file

    yield export, folder
    server.kill()


def test_both_masks_hold_what_was_drawn_where_the_image_lies(case):
    export, folder = case
    nifti, nrrd = (sitk.ReadImage(export(it)) for it in ("mask.nii.gz", "mask.nrrd"))
    image = sitk.ReadImage(folder / "ct.nii.gz")
    for mask in (nifti, nrrd):
        labels = sitk.GetArrayFromImage(mask).transpose(2, 1, 0)
        np.testing.assert_array_equal(labels, drawn(labels.shape))
        assert mask.GetSize() == image.GetSize()
        np.testing.assert_allclose(mask.GetOrigin(), image.GetOrigin(), atol=1e-5)
        np.testing.assert_allclose(mask.GetSpacing(), image.GetSpacing(), rtol=1e-6)
        np.testing.assert_allclose(mask.GetDirection(), image.GetDirection(), atol=1e-6)
    np.testing.assert_array_equal(nibabel.load(folder / "mask.nii.gz").affine,
                                  nibabel.load(folder / "ct.nii.gz").affine)


def test_the_table_says_what_simpleitk_measures(case):
    export, folder = case
    lines = list(csv.DictReader(io.StringIO(export("measurements.csv").read_text())))
    measured = json.loads(export("measurements.json").read_text())
    mask, image = sitk.ReadImage(export("mask.nrrd")), sitk.ReadImage(folder / "ct.nii.gz")
    mask.CopyInformation(image)
    statistics = sitk.LabelIntensityStatisticsImageFilter()
    statistics.Execute(mask, image)
    assert [int(it["label"]) for it in lines] == [it["label"] for it in measured["objects"]] == [1, 2]
    for line, object in zip(lines, measured["objects"]):
        label = object["label"]
        close = {"volume_ml": statistics.GetPhysicalSize(label) / 1000, "mean": statistics.GetMean(label),
                 "sd": statistics.GetStandardDeviation(label), "min": statistics.GetMinimum(label),
                 "max": statistics.GetMaximum(label)}
        for name, expected in close.items():
            np.testing.assert_allclose(float(line[name]), expected, rtol=1e-5)
            assert float(line[name]) == object[name]
        centroid = [float(line[f"centroid_{it}_mm"]) for it in "ras"]
        np.testing.assert_allclose(np.array(centroid) * [-1, -1, 1], statistics.GetCentroid(label), atol=1e-3)
    # Voxels of 1.5 × 1.5 × 3 mm: balls of 20 and 12 voxels in the slice where they are widest.
    for object, (radius, index) in zip(measured["objects"], [(20, 30), (12, 40)]):
        assert object["longest"]["slice_index"] == index
        assert abs(object["longest"]["mm"] - 2 * 1.5 * radius) < 2.2
        assert abs(object["perpendicular"]["mm"] - 2 * 1.5 * radius) < 2.2


def test_surfaces_lie_on_their_objects(case):
    export, folder = case
    image = sitk.ReadImage(folder / "ct.nii.gz")
    for label, centre, radii in [(1, (90, 120, 30), (30, 30, 33)), (2, (170, 110, 40), (18, 18, 18))]:
        mesh = trimesh.load(export(f"surface.stl?label={label}"))
        assert mesh.is_watertight and mesh.is_winding_consistent
        np.testing.assert_allclose(mesh.volume, 4 / 3 * np.pi * np.prod(radii), rtol=0.03)
        place = image.TransformContinuousIndexToPhysicalPoint([float(it) for it in centre])
        np.testing.assert_allclose(mesh.center_mass, place, atol=0.1)


def test_a_case_is_complete_and_its_digests_are_right(case):
    export, folder = case
    with zipfile.ZipFile(export("case.zip?image=true")) as archive:
        assert archive.testzip() is None
        files = {it: archive.read(it) for it in archive.namelist()}
    provenance = json.loads(files["provenance.json"])
    for file in provenance["files"]:
        assert hashlib.sha256(files[file["name"]]).hexdigest() == file["sha256"]
        assert len(files[file["name"]]) == file["bytes"]
    assert {it["name"] for it in provenance["files"]} | {"provenance.json"} == set(files)
    assert files["image/source-sample-ct-abdomen.nii.gz"] == (folder / "ct.nii.gz").read_bytes()
    assert files["mask.nii.gz"] == export("mask.nii.gz").read_bytes()
    assert sum(it.startswith("surfaces/") for it in files) == 2
    assert sum(it.startswith("pictures/") and files[it].startswith(b"\x89PNG") for it in files) == 2
    assert provenance["history"][0]["author"] == {"by": "person", "name": ""}
