//! Numbers about masks.

use crate::{Grid, Labelmap};

/// Dice similarity of two binary masks: any label but 0 counts as inside. Two empty masks are alike.
///
/// # Panics
/// If the masks have different shapes.
#[must_use]
pub fn dice(a: &Labelmap, b: &Labelmap) -> f64 {
    dice_where(a, b, |it| it != 0)
}

/// Dice similarity of one label in two labelmaps.
///
/// # Panics
/// If the labelmaps have different shapes.
#[must_use]
pub fn dice_of_label(a: &Labelmap, b: &Labelmap, label: u8) -> f64 {
    dice_where(a, b, |it| it == label)
}

fn dice_where(a: &Labelmap, b: &Labelmap, is_inside: impl Fn(u8) -> bool) -> f64 {
    assert_eq!(a.shape, b.shape, "masks of different shapes");
    dice_of_voxels(&a.voxels, &b.voxels, is_inside)
}

/// Dice similarity of two equally long voxel lists (a slice, say) by a rule for "inside".
///
/// # Panics
/// If the lists have different lengths.
#[must_use]
pub fn dice_of_voxels(a: &[u8], b: &[u8], is_inside: impl Fn(u8) -> bool) -> f64 {
    assert_eq!(a.len(), b.len(), "voxel lists of different lengths");
    let (mut n_a, mut n_b, mut n_both) = (0_u64, 0_u64, 0_u64);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (is_inside(a), is_inside(b));
        n_a += u64::from(a);
        n_b += u64::from(b);
        n_both += u64::from(a && b);
    }
    if n_a + n_b == 0 {
        return 1.0;
    }
    2.0 * n_both as f64 / (n_a + n_b) as f64
}

/// Voxels of each label in `a`, in `b`, and in both at the same place.
///
/// # Panics
/// If the labelmaps have different shapes.
#[must_use]
pub fn agreement(a: &Labelmap, b: &Labelmap) -> [[u64; 3]; 256] {
    assert_eq!(a.shape, b.shape, "masks of different shapes");
    let mut counts = [[0; 3]; 256];
    for (&a, &b) in a.voxels.iter().zip(&b.voxels) {
        counts[usize::from(a)][0] += 1;
        counts[usize::from(b)][1] += 1;
        counts[usize::from(a)][2] += u64::from(a == b);
    }
    counts
}

/// Volume of one label in millilitres.
#[must_use]
pub fn volume_ml(labelmap: &Labelmap, grid: &Grid, label: u8) -> f64 {
    labelmap.count(label) as f64 * grid.voxel_mm3() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{agreement, dice, dice_of_label, volume_ml};
    use crate::{Affine, Grid, Labelmap};

    fn map(voxels: &[u8]) -> Labelmap {
        Labelmap { shape: [voxels.len(), 1, 1], voxels: voxels.to_vec() }
    }

    #[test]
    fn dice_is_twice_the_overlap_over_the_sum() {
        assert_eq!(dice(&map(&[1, 1, 0, 0]), &map(&[0, 2, 2, 2])), 0.4);
        assert_eq!(dice_of_label(&map(&[1, 1, 2, 0]), &map(&[1, 2, 2, 0]), 2), 2.0 / 3.0);
        assert_eq!(dice(&map(&[0, 0]), &map(&[0, 0])), 1.0);
        assert_eq!(dice(&map(&[0, 1]), &map(&[0, 0])), 0.0);
    }

    #[test]
    fn agreement_counts_voxels_of_each_and_of_both() {
        let counts = agreement(&map(&[1, 1, 2, 0, 0]), &map(&[1, 2, 2, 3, 0]));
        assert_eq!(counts[..4], [[2, 1, 1], [2, 1, 1], [1, 2, 1], [0, 1, 0]]);
    }

    #[test]
    fn volumes_are_in_millilitres() {
        let linear = [[2.0, 0.0, 0.0], [0.0, -5.0, 0.0], [0.0, 0.0, 10.0]];
        let grid = Grid { shape: [4, 1, 1], ras_from_voxel: Affine::new(linear, [0.0; 3]) };
        assert_eq!(volume_ml(&map(&[1, 1, 0, 2]), &grid, 1), 0.2);
    }
}
