//! Masks: how an engine's output or a person's edit becomes the next labelmap of a job.

use protocol::task::MaskExtent;
use volume::{Labelmap, rle};

/// A mask does not fit the image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mask has {got:?} voxels, expected {expected:?}")]
pub(crate) struct WrongShape {
    got: [usize; 3],
    expected: [usize; 3],
}

fn check_shape(mask: &Labelmap, expected: [usize; 3]) -> Result<(), WrongShape> {
    if mask.shape == expected { Ok(()) } else { Err(WrongShape { got: mask.shape, expected }) }
}

/// Where two masks differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// First and last voxel of the box that holds every voxel that differs, inclusive.
    pub(crate) bounds: Option<[[u32; 3]; 2]>,
    /// The objects that lose or gain voxels, ascending.
    pub(crate) labels: Vec<u8>,
}

/// Where two masks of the same shape differ; `first` is their lowest voxel in the image.
pub(crate) fn difference(before: &Labelmap, after: &Labelmap, first: [u32; 3]) -> Difference {
    let [width, height, _] = after.shape;
    let mut is_touched = [false; 256];
    let (mut low, mut high) = ([usize::MAX; 3], [0; 3]);
    let rows =
        before.voxels.chunks_exact(width.max(1)).zip(after.voxels.chunks_exact(width.max(1)));
    for (row, (old, new)) in rows.enumerate().filter(|(_, (old, new))| old != new) {
        let differing = old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new);
        for (i, (&old, &new)) in differing {
            is_touched[usize::from(old)] = true;
            is_touched[usize::from(new)] = true;
            (low[0], high[0]) = (low[0].min(i), high[0].max(i));
        }
        for (axis, at) in [(1, row % height), (2, row / height)] {
            (low[axis], high[axis]) = (low[axis].min(at), high[axis].max(at));
        }
    }
    let place = |at: [usize; 3]| {
        [0, 1, 2].map(|axis| first[axis] + u32::try_from(at[axis]).unwrap_or(u32::MAX))
    };
    Difference {
        bounds: (low[0] != usize::MAX).then(|| [place(low), place(high)]),
        labels: (1..=255).filter(|it| is_touched[usize::from(*it)]).collect(),
    }
}

/// Objects that have voxels in an encoded labelmap.
///
/// # Errors
/// If the bytes are no labelmap.
pub(crate) fn n_objects(encoded: &[u8]) -> Result<u32, rle::RleError> {
    // There are 255 labels.
    Ok(u32::try_from(rle::labels(encoded)?.len()).unwrap_or(u32::MAX))
}

/// Puts an engine's mask of one object into a labelmap.
///
/// Within `extent` the object becomes exactly what the engine found, with two exceptions: voxels of
/// other objects stay theirs, and voxels that a person changed since `base`, the labelmap the
/// engine started from, stay as the person left them.
///
/// # Errors
/// If they do not have the same shape.
pub(crate) fn merge_object(
    labelmap: &mut Labelmap,
    base: &Labelmap,
    object: &Labelmap,
    label: u8,
    extent: MaskExtent,
) -> Result<(), WrongShape> {
    check_shape(object, labelmap.shape)?;
    check_shape(base, labelmap.shape)?;
    for_each_voxel(labelmap.shape, extent, |index| {
        let voxel = &mut labelmap.voxels[index];
        let is_free = *voxel == label || *voxel == 0;
        if is_free && *voxel == base.voxels[index] {
            *voxel = if object.voxels[index] == 0 { 0 } else { label };
        }
    });
    Ok(())
}

/// Calls `visit` with the index of each voxel in the slices of `extent`.
fn for_each_voxel(shape: [usize; 3], extent: MaskExtent, mut visit: impl FnMut(usize)) {
    let axis = usize::from(extent.axis);
    let mut ranges = shape.map(|it| 0..it);
    let last = (extent.last as usize).min(shape[axis].saturating_sub(1));
    ranges[axis] = extent.first as usize..last + 1;
    let [along_i, along_j, along_k] = ranges;
    for k in along_k {
        for j in along_j.clone() {
            let row = (k * shape[1] + j) * shape[0];
            (row + along_i.start..row + along_i.end).for_each(&mut visit);
        }
    }
}

/// Puts a person's labels of a box into a labelmap; `first` is the box's lowest voxel.
///
/// # Errors
/// If the box does not lie inside the labelmap.
pub(crate) fn paste(
    labelmap: &mut Labelmap,
    edit: &Labelmap,
    first: [usize; 3],
) -> Result<(), WrongShape> {
    let fits = (0..3).all(|axis| first[axis] + edit.shape[axis] <= labelmap.shape[axis]);
    if !fits {
        return Err(WrongShape { got: edit.shape, expected: labelmap.shape });
    }
    let width = edit.shape[0];
    for k in 0..edit.shape[2] {
        for j in 0..edit.shape[1] {
            let from = (k * edit.shape[1] + j) * width;
            let to =
                ((k + first[2]) * labelmap.shape[1] + j + first[1]) * labelmap.shape[0] + first[0];
            labelmap.voxels[to..to + width].copy_from_slice(&edit.voxels[from..from + width]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(shape: [usize; 3], value: u8) -> Labelmap {
        Labelmap { shape, voxels: vec![value; shape.iter().product()] }
    }

    #[test]
    fn an_object_replaces_only_its_own_voxels_in_its_slices() {
        let mut labelmap = filled([2, 2, 3], 0);
        labelmap.voxels[..4].copy_from_slice(&[1, 1, 2, 0]);
        labelmap.voxels[4..8].copy_from_slice(&[1, 1, 2, 0]);
        let mut object = filled([2, 2, 3], 1);
        object.voxels[5] = 0;
        let extent = MaskExtent { axis: 2, first: 1, last: 1 };
        let base = labelmap.clone();
        merge_object(&mut labelmap, &base, &object, 1, extent).unwrap();
        assert_eq!(labelmap.voxels[..4], [1, 1, 2, 0], "another slice is left alone");
        assert_eq!(labelmap.voxels[4..8], [1, 0, 2, 1], "label 2 keeps its voxel");
        assert_eq!(labelmap.voxels[8..], [0, 0, 0, 0]);
    }

    #[test]
    fn what_a_person_changed_meanwhile_stays() {
        let base = filled([2, 2, 1], 1);
        let mut labelmap = base.clone();
        (labelmap.voxels[0], labelmap.voxels[1]) = (0, 3);
        let extent = MaskExtent { axis: 2, first: 0, last: 0 };
        merge_object(&mut labelmap, &base, &filled([2, 2, 1], 0), 1, extent).unwrap();
        assert_eq!(labelmap.voxels, [0, 3, 0, 0]);
        labelmap.voxels[0] = 0;
        merge_object(&mut labelmap, &base, &filled([2, 2, 1], 1), 1, extent).unwrap();
        assert_eq!(labelmap.voxels[0], 0, "erased by hand, and not painted again");
    }

    #[test]
    fn extents_count_along_their_own_axis() {
        for axis in 0..3_u8 {
            let mut labelmap = filled([2, 3, 4], 0);
            let object = filled([2, 3, 4], 1);
            let extent = MaskExtent { axis, first: 1, last: 1 };
            let base = labelmap.clone();
            merge_object(&mut labelmap, &base, &object, 7, extent).unwrap();
            let n_set = labelmap.voxels.iter().filter(|it| **it == 7).count();
            assert_eq!(n_set, 24 / labelmap.shape[usize::from(axis)]);
        }
    }

    #[test]
    fn a_difference_is_the_smallest_box_and_the_objects_it_touches() {
        let before = filled([4, 3, 2], 0);
        let mut after = before.clone();
        assert_eq!(difference(&before, &after, [0; 3]), Difference::default());
        for (at, label) in [([1, 2, 0], 5), ([3, 1, 1], 7)] {
            let index = after.index(at);
            after.voxels[index] = label;
        }
        let found = difference(&before, &after, [10, 20, 30]);
        assert_eq!(found.bounds, Some([[11, 21, 30], [13, 22, 31]]));
        assert_eq!(found.labels, [5, 7]);
        assert_eq!(difference(&after, &before, [0; 3]).labels, [5, 7], "losing counts, too");
    }

    #[test]
    fn a_pasted_box_lands_where_it_was_cut() {
        let mut labelmap = filled([4, 3, 2], 0);
        paste(&mut labelmap, &filled([2, 1, 1], 5), [1, 2, 1]).unwrap();
        let set: Vec<_> = (0..24).filter(|it| labelmap.voxels[*it] == 5).collect();
        assert_eq!(set, [12 + 8 + 1, 12 + 8 + 2]);
        assert!(paste(&mut labelmap, &filled([2, 1, 1], 5), [3, 2, 1]).is_err());
    }
}
