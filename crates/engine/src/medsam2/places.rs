//! Prompts and voxels of one plane as seen along another axis.

use protocol::prompt::{Point, SlicePrompt};
use volume::{Slice, plane_axes};

use crate::check::CheckedSlice;

/// Adds what a second prompt says of the same slice.
pub(super) fn merge(prompt: &mut SlicePrompt, other: &SlicePrompt) {
    prompt.bounds = other.bounds.or(prompt.bounds);
    prompt.points.extend(&other.points);
    prompt.scribbles.extend(other.scribbles.iter().cloned());
    prompt.mask |= other.mask;
    prompt.absent |= other.absent;
}

/// A point of another plane as a point of a slice of `axis`: the slice, and the place there.
pub(super) fn on_axis(point: Point, slice: &CheckedSlice, axis: usize) -> (usize, Point) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "points lie on the image"
    )]
    let voxel = [point.x, point.y].map(|it| it.round() as usize);
    let at = along_axis(slice.axis, slice.index, voxel[0], voxel[1]);
    let [x, y] = plane_axes(axis).map(|it| at[it] as f64);
    (at[axis], Point { x, y, positive: point.positive })
}

/// The voxel at (x, y) of a slice.
pub(super) fn along_axis(axis: usize, index: usize, x: usize, y: usize) -> [usize; 3] {
    let [a, b] = plane_axes(axis);
    let mut voxel = [index; 3];
    (voxel[a], voxel[b]) = (x, y);
    voxel
}

pub(super) fn on_slice(mask: &[bool], [width, height]: [usize; 2]) -> Slice<u8> {
    Slice { width, height, pixels: mask.iter().map(|it| u8::from(*it)).collect() }
}

pub(super) fn count(it: usize) -> u32 {
    u32::try_from(it).unwrap_or(u32::MAX)
}
