//! Operations on one object: what they take, what they leave, and that others keep theirs.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use volume::{
    Affine, Grid, Labelmap,
    morphology::{OneSlice, Operation, apply},
};

fn grid(shape: [usize; 3], spacing: [f64; 3]) -> Grid {
    let linear = [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]];
    Grid { shape, ras_from_voxel: Affine::new(linear, [0.0; 3]) }
}

fn slice(rows: &[&str]) -> Labelmap {
    let voxels = rows.concat().bytes().map(|it| it.saturating_sub(b'0')).collect();
    Labelmap { shape: [rows[0].len(), rows.len(), 1], voxels }
}

fn after(rows: &[&str], operation: Operation) -> Labelmap {
    let mut map = slice(rows);
    let grid = grid(map.shape, [1.0; 3]);
    apply(&mut map, &grid, 1, operation, None);
    map
}

#[test]
fn growing_takes_background_within_the_distance_only() {
    let found = after(&[".....", ".....", "..12.", ".....", "....."], Operation::Grow { mm: 1.0 });
    assert_eq!(found, slice(&[".....", "..1..", ".112.", "..1..", "....."]));
    let mut anisotropic = slice(&[".....", "..1..", "....."]);
    let grid = grid([5, 3, 1], [1.0, 2.0, 9.0]);
    apply(&mut anisotropic, &grid, 1, Operation::Grow { mm: 2.0 }, None);
    assert_eq!(anisotropic, slice(&["..1..", "11111", "..1.."]));
}

#[test]
fn shrinking_leaves_the_edge_of_the_image_alone() {
    let rows = ["11111", "11111", "11111", "....."];
    let found = after(&rows, Operation::Shrink { mm: 1.0 });
    assert_eq!(found, slice(&["11111", "11111", ".....", "....."]));
}

#[test]
fn only_the_slice_changes() {
    let mut map = Labelmap::new([5, 5, 5]);
    let middle = map.index([2, 2, 2]);
    map.voxels[middle] = 1;
    let grid = grid([5, 5, 5], [1.0; 3]);
    for axis in 0..3 {
        let mut grown = map.clone();
        let here = OneSlice { axis, index: 2 };
        apply(&mut grown, &grid, 1, Operation::Grow { mm: 1.0 }, Some(here));
        assert_eq!((grown.count(1), grown.slice_counts(axis, 1)[2]), (5, 5));
        let elsewhere = OneSlice { axis, index: 1 };
        let mut same = map.clone();
        apply(&mut same, &grid, 1, Operation::Grow { mm: 1.0 }, Some(elsewhere));
        assert_eq!(same, map);
    }
}

#[test]
fn islands_go_by_their_volume_and_the_largest_stays() {
    let rows = ["11.1", "...1", "1..1"];
    assert_eq!(after(&rows, Operation::KeepLargest), slice(&["...1", "...1", "...1"]));
    let below = |below_ml| after(&rows, Operation::RemoveIslands { below_ml });
    assert_eq!(below(0.002), slice(&["11.1", "...1", "...1"]));
    assert_eq!(below(0.0021), slice(&["...1", "...1", "...1"]));
    assert_eq!(below(5.0), slice(&["...1", "...1", "...1"]));
}

#[test]
fn holes_are_what_is_enclosed_and_other_objects_keep_theirs() {
    let rows = ["11111.", "1.2.1.", "11111.", "1.....", "111..."];
    let expected = ["11111.", "11211.", "11111.", "1.....", "111..."];
    assert_eq!(after(&rows, Operation::FillHoles), slice(&expected));
    // At the image's edge nothing is enclosed.
    let open = ["111", "1.1", "1.1"];
    assert_eq!(after(&open, Operation::FillHoles), slice(&open));
}

#[test]
fn a_tunnel_is_a_hole_on_its_slices_only() {
    let mut map = Labelmap { shape: [3, 3, 3], voxels: vec![1; 27] };
    for k in 0..3 {
        let index = map.index([1, 1, k]);
        map.voxels[index] = 0;
    }
    let grid = grid([3, 3, 3], [1.0; 3]);
    let mut whole = map.clone();
    apply(&mut whole, &grid, 1, Operation::FillHoles, None);
    assert_eq!(whole, map);
    apply(&mut map, &grid, 1, Operation::FillHoles, Some(OneSlice { axis: 2, index: 1 }));
    assert_eq!(map.count(1), 25);
}

#[test]
fn smoothing_keeps_the_volume_and_takes_a_spike() {
    let mut map = Labelmap::new([40, 40, 40]);
    for at in 0..map.voxels.len() {
        let r2: usize =
            [at % 40, at / 40 % 40, at / 1600].iter().map(|it| it.abs_diff(20).pow(2)).sum();
        map.voxels[at] = u8::from(r2 <= 100);
    }
    let spike = (31..36).map(|i| map.index([i, 20, 20])).collect::<Vec<_>>();
    for at in &spike {
        map.voxels[*at] = 1;
    }
    let before = map.count(1);
    apply(&mut map, &grid([40, 40, 40], [1.0; 3]), 1, Operation::Smooth { mm: 1.5 }, None);
    assert_eq!(spike[2..].iter().filter(|it| map.voxels[**it] == 1).count(), 0);
    assert!(map.count(1).abs_diff(before) <= before / 50, "{} of {before}", map.count(1));
}

proptest! {
    #[test]
    fn other_objects_never_change(
        voxels in proptest::collection::vec(0_u8..3, 120),
        mm in 0.1_f64..4.0,
        kind in 0_usize..6,
    ) {
        let before = Labelmap { shape: [6, 5, 4], voxels };
        let operation = [
            Operation::Grow { mm },
            Operation::Shrink { mm },
            Operation::Smooth { mm },
            Operation::KeepLargest,
            Operation::RemoveIslands { below_ml: mm / 1000.0 },
            Operation::FillHoles,
        ][kind];
        let mut map = before.clone();
        apply(&mut map, &grid([6, 5, 4], [1.0, 0.7, 2.0]), 1, operation, None);
        for (after, before) in map.voxels.iter().zip(&before.voxels) {
            prop_assert_eq!(*after == 2, *before == 2);
            let grows = matches!(operation, Operation::Grow { .. });
            prop_assert!(!grows || *before == 0 || after == before);
        }
    }
}
