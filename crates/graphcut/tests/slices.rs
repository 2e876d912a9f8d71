//! One slice: boxes, points, strokes and masks on scenes with a known object.

mod scene;

use graphcut::{
    field::Field,
    prompt::{Seed, SliceRequest, disc, stroke},
    settings::SliceSettings,
    slice::segment_slice,
};
use scene::{Scene, box_of, count, dice};

/// The ball's largest slice and its truth.
fn ball_slice() -> (Field, Vec<bool>) {
    let scene = Scene::ball([1.0, 1.0, 1.0]);
    let index = scene.largest_slice(2);
    (scene.slice(2, index), scene.key(2, index).mask)
}

fn segment(image: &Field, bounds: Option<[f64; 4]>, seeds: &[Seed]) -> Vec<bool> {
    let request = SliceRequest { bounds, seeds, ..SliceRequest::default() };
    segment_slice(image, &request, &SliceSettings::default())
}

#[test]
fn a_box_finds_the_object_whether_tight_or_loose() {
    let (image, truth) = ball_slice();
    for (margin, least) in [(0.0, 0.96), (-1.0, 0.95), (2.0, 0.95), (4.0, 0.92)] {
        let bounds = box_of(&truth, [64, 64], margin);
        let found = dice(&segment(&image, Some(bounds), &[]), &truth);
        assert!(found >= least, "margin {margin}: {found}");
    }
}

#[test]
fn points_alone_find_the_object() {
    let (image, truth) = ball_slice();
    let seeds = disc([64, 64], [28.0, 30.0], 1.0, true);
    let found = dice(&segment(&image, None, &seeds), &truth);
    assert!(found >= 0.9, "{found}");
}

#[test]
fn strokes_alone_find_the_object() {
    let (image, truth) = ball_slice();
    let seeds = stroke([64, 64], &[[24.0, 30.0], [36.0, 34.0]], 1.0, true);
    let found = dice(&segment(&image, None, &seeds), &truth);
    assert!(found >= 0.9, "{found}");
}

#[test]
fn marks_are_obeyed_and_move_the_outline_their_way() {
    let (image, truth) = ball_slice();
    let bounds = Some(box_of(&truth, [64, 64], 0.0));
    let plain = segment(&image, bounds, &[]);
    for (at, positive) in [([17.0, 32.0], true), ([22.0, 32.0], false), ([30.0, 32.0], false)] {
        let seeds = disc([64, 64], at, 1.0, positive);
        let marked = segment(&image, bounds, &seeds);
        for seed in &seeds {
            assert_eq!(marked[seed.at[0] + 64 * seed.at[1]], positive, "{at:?}");
        }
        if positive {
            assert!(count(&marked) >= count(&plain), "{at:?}");
        } else {
            assert!(count(&marked) < count(&plain), "{at:?}");
        }
    }
}

#[test]
fn a_mask_is_kept_and_marks_correct_it() {
    let (image, truth) = ball_slice();
    let request = |seeds| SliceRequest { mask: Some(&truth), seeds, ..SliceRequest::default() };
    let settings = SliceSettings::default();
    assert_eq!(segment_slice(&image, &request(&[]), &settings), truth);
    let seeds = disc([64, 64], [42.0, 32.0], 2.0, true);
    let corrected = segment_slice(&image, &request(&seeds), &settings);
    assert!(corrected[42 + 64 * 32] && dice(&corrected, &truth) > 0.95);
}

#[test]
fn a_distant_mark_takes_nothing_from_a_mask() {
    let (image, truth) = ball_slice();
    let in_stroke = |at: usize| (6..=9).contains(&(at / 64)) && (6..=20).contains(&(at % 64));
    let painted: Vec<bool> = (0..truth.len()).map(in_stroke).collect();
    let both: Vec<bool> = (0..truth.len()).map(|at| truth[at] || painted[at]).collect();
    for held in [&truth, &painted, &both] {
        for (at, positive) in
            [([56.0, 40.0], true), ([50.0, 58.0], true), ([4.0, 60.0], true), ([50.0, 58.0], false)]
        {
            let seeds = disc([64, 64], at, 1.0, positive);
            let request =
                SliceRequest { mask: Some(held), seeds: &seeds, ..SliceRequest::default() };
            let found = segment_slice(&image, &request, &SliceSettings::default());
            let lost = (0..held.len()).filter(|&it| held[it] && !found[it]).count();
            assert_eq!(lost, 0, "{at:?} {positive}");
            assert!(seeds.iter().all(|it| found[it.at[0] + 64 * it.at[1]] == positive));
            if !positive {
                assert_eq!(&found, held, "nothing was there to take away");
            }
        }
    }
}

#[test]
fn voxels_of_other_objects_stay_theirs() {
    let (image, truth) = ball_slice();
    let forbidden: Vec<bool> = (0..64 * 64).map(|at| at % 64 < 28).collect();
    let request = SliceRequest {
        bounds: Some(box_of(&truth, [64, 64], 0.0)),
        forbidden: Some(&forbidden),
        ..SliceRequest::default()
    };
    let mask = segment_slice(&image, &request, &SliceSettings::default());
    assert!(mask.iter().zip(&forbidden).all(|(inside, forbidden)| !(inside & forbidden)));
    assert!(count(&mask) > count(&truth) / 2);
}

#[test]
fn a_tilted_ellipse_of_low_contrast_beside_its_like_is_found() {
    let inside = |at: [f64; 3]| {
        let (u, v) = (at[0] + at[1] - 90.0, at[0] - at[1]);
        (u / 26.0).powi(2) + (v / 14.0).powi(2) < 1.0
    };
    let scene = Scene::new([96, 96, 1], [1.0; 3], 16.0, inside, |at, inside| {
        let organ = at[0] > 62.0;
        if inside {
            118.0
        } else if organ {
            130.0
        } else {
            100.0
        }
    });
    for margin in [0.0, 4.0] {
        let bounds = box_of(&scene.truth, [96, 96], margin);
        let found = dice(&segment(&scene.image, Some(bounds), &[]), &scene.truth);
        assert!(found > 0.9, "margin {margin}: {found}");
    }
}

#[test]
fn a_stored_order_changes_nothing() {
    let (image, truth) = ball_slice();
    let scene = Scene { image, truth };
    let bounds = box_of(&scene.truth, [64, 64], 2.0);
    let plain = segment(&scene.image, Some(bounds), &[]);
    for (axes, flips) in [
        ([1, 0, 2], [false, false, false]),
        ([0, 1, 2], [true, false, false]),
        ([1, 0, 2], [true, true, false]),
    ] {
        let stored = scene.stored(axes, flips);
        let bounds = box_of(&stored.truth, [64, 64], 2.0);
        let found = segment(&stored.image, Some(bounds), &[]);
        let expected = Scene { truth: plain.clone(), ..scene.clone() }.stored(axes, flips).truth;
        assert!(dice(&found, &expected) >= 0.999, "{axes:?} {flips:?}");
    }
}

#[test]
fn odd_input_gives_a_mask_and_no_panic() {
    let (image, _) = ball_slice();
    let constant = Field { values: vec![5.0; 64 * 64], ..image };
    let mut broken = image.clone();
    broken.values.iter_mut().step_by(3).for_each(|it| *it = f32::NAN);
    let unknown = Field { values: vec![f32::NAN; 64 * 64], ..image };
    let row = Field { shape: [64, 1, 1], values: image.values[..64].to_vec(), ..image };
    let boxes = [
        [30.0, 30.0, 30.0, 30.0],
        [0.0, 0.0, 63.0, 63.0],
        [0.0, 0.0, 1.0, 63.0],
        [60.0, 60.0, 63.0, 63.0],
    ];
    for image in [&image, &constant, &broken, &unknown] {
        for bounds in boxes {
            let mask = segment(image, Some(bounds), &[]);
            assert_eq!(mask.len(), image.values.len());
            let far = (0..64 * 64).filter(|at| mask[*at]).any(|at| {
                let [x1, y1, x2, y2] = bounds;
                let reach = [0.25 * (x2 - x1 + 9.0), 0.25 * (y2 - y1 + 9.0)];
                let (x, y) = ((at % 64) as f64, (at / 64) as f64);
                x < x1 - reach[0] || x > x2 + reach[0] || y < y1 - reach[1] || y > y2 + reach[1]
            });
            assert!(!far, "{bounds:?}: voxels far outside the box");
        }
        assert_eq!(segment(image, None, &[]), vec![false; 64 * 64], "nothing marked");
        let found = segment(image, None, &disc([64, 64], [63.0, 0.0], 0.0, true));
        assert!(found[63], "a point in the corner");
    }
    assert_eq!(segment(&row, Some([10.0, 0.0, 20.0, 0.0]), &[]).len(), 64);
}

#[test]
fn a_huge_box_is_solved_on_a_coarser_grid() {
    let scene = Scene::new(
        [900, 900, 1],
        [0.5; 3],
        20.0,
        |at| scene::distance(at, [220.0, 225.0, 0.0]) < 150.0,
        |_, inside| if inside { 140.0 } else { 100.0 },
    );
    let bounds = box_of(&scene.truth, [900, 900], 3.0);
    let found = dice(&segment(&scene.image, Some(bounds), &[]), &scene.truth);
    assert!(found > 0.97, "{found}");
}
