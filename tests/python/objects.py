"""Objects for the tests of measurements, surfaces and operations, on grids of every kind."""

import itertools

import nibabel
import numpy as np
import SimpleITK as sitk

import grids

SPACING = (0.9, 1.3, 2.1)


def some_grids():
    """Axis orders with and without mirrors, oblique grids of either hand, and all along RAS."""
    orders = list(grids.axis_orders())
    yield "plain", np.diag([*SPACING, 1.0])
    yield from orders[::7]
    yield from itertools.islice(grids.oblique(), 4)


def places(affine, shape):
    """Millimetres in RAS of every voxel centre, the last axis x, y, z."""
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return voxels @ affine[:3, :3].T + affine[:3, 3]


def middle(affine, shape):
    return affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]


def ellipsoid(affine, shape, radii, turn=None, centre=None):
    """Voxels whose centres lie in an ellipsoid with these half-axes along R, A, S, turned."""
    centre = middle(affine, shape) if centre is None else centre
    offset = places(affine, shape) - centre
    if turn is not None:
        offset = offset @ turn
    return ((offset / radii) ** 2).sum(-1) <= 1


def box(affine, shape, halves, turn):
    """Voxels whose centres lie in a turned box."""
    offset = (places(affine, shape) - middle(affine, shape)) @ turn
    return (np.abs(offset) <= halves).all(-1)


def blobs(rng, shape, share=0.3):
    """Irregular objects with holes and islands: smoothed noise, its highest values."""
    noise = sitk.GetImageFromArray(rng.normal(size=shape))
    field = sitk.GetArrayFromImage(sitk.DiscreteGaussian(noise, 2.0, 16, 0.01, False))
    return field > np.quantile(field, 1 - share)


def save(helper, voxels, affine):
    """An image file of voxels (axes i, j, k)."""
    path = helper.path(".nii")
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, 1)
    nibabel.save(image, path)
    return path


def ask(helper, command, path, labels, **request):
    """Sends labels (axes i, j, k) that lie on the grid of a file."""
    raw = helper.path(".raw")
    labels.astype(np.uint8).ravel(order="F").tofile(raw)
    answer = helper.ask(command, file=path, source=path, raw=raw, **request)
    assert "error" not in answer, answer
    return answer


def operate(helper, path, labels, kind, amount=0, label=1, where=None):
    """The labels after an operation."""
    out = helper.path(".raw")
    ask(helper, "operate", path, labels, kind=kind, amount=amount, label=label, slice=where, out=out)
    return np.fromfile(out, np.uint8).reshape(labels.shape, order="F")


def surface(helper, path, labels, label=1, n_smoothings=40, max_triangles=10_000_000):
    """The path of an object's surface."""
    out = helper.path(".stl")
    ask(helper, "surface", path, labels, label=label, n_smoothings=n_smoothings,
        max_triangles=max_triangles, out=out)
    return out


def itk_image(voxels, affine):
    """A SimpleITK image (which thinks in LPS) on a grid given in RAS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def of_itk(image):
    """Voxels (axes i, j, k) of a SimpleITK image."""
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0)
