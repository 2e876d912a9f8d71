//! A volume from key slices: what is known stays, what is not known is found, ends are ends.

mod scene;

use std::sync::atomic::{AtomicU32, Ordering};

use graphcut::{
    control::{Control, Stage, Unwatched},
    propagate::{KeySlice, Pass, SolveError, Solver},
    settings::VolumeSettings,
    uncertainty::confidence,
};
use proptest::prelude::*;
use scene::{Scene, count, dice, distance, slice_of};

const THICK: [f64; 3] = [1.0, 1.0, 4.0];

#[test]
fn a_ball_is_found_from_one_slice_in_any_plane_and_spacing() {
    for spacing in [[1.0; 3], THICK, [1.0, 3.0, 1.5]] {
        let scene = Scene::ball(spacing);
        for axis in 0..3 {
            let key = scene.key(axis, scene.largest_slice(axis));
            let found = dice(&scene.solve(&scene.request(axis, vec![key])), &scene.truth);
            assert!(found > 0.9, "spacing {spacing:?}, axis {axis}: {found}");
        }
    }
}

#[test]
fn key_slices_of_several_planes_agree() {
    let scene = Scene::ball(THICK);
    let keys = || [2, 0, 1].map(|axis| scene.key(axis, scene.largest_slice(axis)));
    let one = scene.solve(&scene.request(2, vec![keys()[0].clone()]));
    let all = scene.solve(&scene.request(2, keys().to_vec()));
    for key in keys() {
        assert_eq!(slice_of(&all, scene.image.shape, key.axis, key.index), key.mask);
    }
    let (one, all) = (dice(&one, &scene.truth), dice(&all, &scene.truth));
    assert!(all > one - 0.005 && all > 0.94, "one {one}, all {all}");
}

#[test]
fn the_object_ends_where_it_ends() {
    // A cylinder of constant section and sharp ends: the ball's expectation is wrong both ways.
    let scene = Scene::new(
        [56, 56, 40],
        [1.0, 1.0, 2.0],
        14.0,
        |at| {
            distance([at[0], at[1], 0.0], [28.0, 27.0, 0.0]) < 11.0 && (24.0..54.0).contains(&at[2])
        },
        |_, inside| if inside { 135.0 } else { 100.0 },
    );
    let mask = scene.solve(&scene.request(2, vec![scene.key(2, 16)]));
    let area = |k| count(&slice_of(&mask, scene.image.shape, 2, k));
    assert_eq!((0..11).map(area).sum::<usize>(), 0, "nothing before its beginning");
    assert_eq!((29..40).map(area).sum::<usize>(), 0, "nothing past its end");
    assert!((13..26).all(|k| area(k) > 250), "the whole of its length");
    assert!(dice(&mask, &scene.truth) > 0.93);
}

#[test]
fn a_low_contrast_lesion_in_an_organ_is_found() {
    let scene = Scene::new(
        [64, 64, 24],
        [0.8, 0.8, 2.5],
        14.0,
        |at| {
            let off = [at[0] - 24.0, at[1] - 26.0, at[2] - 29.0];
            (off[0] / 10.0).powi(2) + (off[1] / 7.5).powi(2) + (off[2] / 12.0).powi(2) < 1.0
        },
        |at, inside| {
            let organ = distance([at[0], at[1], 0.0], [26.0, 24.0, 0.0]) < 20.0;
            if inside {
                84.0
            } else if organ {
                106.0
            } else {
                20.0
            }
        },
    );
    let mask = scene.solve(&scene.request(2, vec![scene.key(2, scene.largest_slice(2))]));
    let found = dice(&mask, &scene.truth);
    assert!(found > 0.9, "{found}");
}

#[test]
fn corrections_help_and_interpolation_follows_the_image() {
    // A bent tube: neither the ball nor a straight line fits.
    let scene = Scene::new(
        [64, 64, 30],
        [1.0, 1.0, 2.0],
        14.0,
        |at| {
            let x = 22.0 + 0.006 * (at[2] - 4.0).powi(2);
            (6.0..52.0).contains(&at[2]) && distance([at[0], at[1], 0.0], [x, 32.0, 0.0]) < 8.0
        },
        |_, inside| if inside { 135.0 } else { 100.0 },
    );
    let solve = |slices: &[usize]| {
        let keys = slices.iter().map(|&it| scene.key(2, it)).collect();
        dice(&scene.solve(&scene.request(2, keys)), &scene.truth)
    };
    let (one, two, three) = (solve(&[8]), solve(&[8, 24]), solve(&[8, 16, 24]));
    assert!(one < two + 0.01 && two < three + 0.005, "{one} {two} {three}");
    assert!(three > 0.95, "{three}");
}

#[test]
fn absent_slices_end_the_object() {
    let scene = Scene::ball([1.0; 3]);
    let absent = |index| KeySlice { axis: 2, index, mask: vec![false; 64 * 64] };
    let keys = vec![scene.key(2, 33), absent(38), absent(27)];
    let mask = scene.solve(&scene.request(2, keys));
    for k in (0..=27).chain(38..64) {
        assert_eq!(count(&slice_of(&mask, [64, 64, 64], 2, k)), 0, "slice {k}");
    }
    assert!(count(&slice_of(&mask, [64, 64, 64], 2, 34)) > 100);
}

#[test]
fn range_seeds_and_other_objects_are_obeyed() {
    let scene = Scene::ball([1.0; 3]);
    let plane = 64 * 64;
    let is_other = |at: usize| at % 64 > 36;
    let mut request = scene.request(2, vec![scene.key(2, 33)]);
    for (at, inside) in request.keys[0].mask.iter_mut().enumerate() {
        *inside &= !is_other(at);
    }
    request.slices = 30..=36;
    request.forbidden = Some(&is_other);
    request.seeds = vec![([30, 32, 35], false), ([30, 12, 34], true)];
    let mask = scene.solve(&request);
    assert!(
        mask.iter().enumerate().all(|(at, inside)| {
            !inside || ((30..=36).contains(&(at / plane)) && !is_other(at))
        })
    );
    assert!(!mask[30 + 64 * 32 + plane * 35]);
    assert!(mask[30 + 64 * 12 + plane * 34]);
}

#[test]
fn a_stored_order_changes_nothing() {
    let scene = Scene::ball([1.0, 1.0, 2.0]);
    let plain = scene.solve(&scene.request(2, vec![scene.key(2, 16)]));
    assert!(dice(&plain, &scene.truth) > 0.9);
    for (axes, flips, axis, index) in [
        ([0, 1, 2], [true, true, false], 2, 16),
        ([0, 1, 2], [false, false, true], 2, 15),
        ([1, 0, 2], [false, true, false], 2, 16),
        ([2, 0, 1], [false, true, true], 0, 16),
        ([2, 1, 0], [true, false, true], 0, 15),
        ([0, 2, 1], [false, true, false], 1, 15),
    ] {
        let stored = scene.stored(axes, flips);
        let found = stored.solve(&stored.request(axis, vec![stored.key(axis, index)]));
        let expected = Scene { truth: plain.clone(), ..scene.clone() }.stored(axes, flips).truth;
        let same = dice(&found, &expected);
        assert!(same >= 0.999, "{axes:?} {flips:?}: {same}");
    }
}

#[test]
fn uncertainty_is_high_where_the_mask_is_wrong() {
    // From slice 17 on, everything looks like the object.
    let scene = Scene::new(
        [64, 64, 28],
        [1.0, 1.0, 2.0],
        14.0,
        |at| distance(at, [30.0, 32.0, 28.0]) < 16.0,
        |at, inside| if inside || at[2] >= 34.0 { 135.0 } else { 100.0 },
    );
    let request = scene.request(2, vec![scene.key(2, 13)]);
    let settings = VolumeSettings::default();
    let solver = Solver::new(&scene.image, &request, &settings, &Unwatched).unwrap();
    let solution = solver.solve(&settings, &Unwatched).unwrap();
    let found = confidence(&solver, &solution, &settings, &Unwatched).unwrap();
    assert_eq!(found.slices.len(), 28);
    let of = |k: usize| found.slices[k].uncertainty;
    assert!(of(13).abs() < 1e-6, "a key slice is certain");
    let (sure, unsure) = (of(10) + of(11) + of(12), of(17) + of(18) + of(19));
    assert!(unsure > 2.0 * sure, "sure {sure}, unsure {unsure}");
    let easy = Scene::ball([1.0; 3]);
    let request = easy.request(2, vec![easy.key(2, 33)]);
    let solver = Solver::new(&easy.image, &request, &settings, &Unwatched).unwrap();
    let solution = solver.solve(&settings, &Unwatched).unwrap();
    let sure = confidence(&solver, &solution, &settings, &Unwatched).unwrap();
    assert!(sure.doubt < found.doubt, "{} {}", sure.doubt, found.doubt);
}

#[test]
fn passes_in_two_directions_differ_only_between_key_slices() {
    let scene = Scene::ball([1.0; 3]);
    let solve = |pass| {
        let mut request = scene.request(2, vec![scene.key(2, 28), scene.key(2, 40)]);
        request.pass = pass;
        scene.solve(&request)
    };
    let (joint, rising, falling) = (solve(Pass::Joint), solve(Pass::Rising), solve(Pass::Falling));
    for mask in [&joint, &rising, &falling] {
        assert!(dice(mask, &scene.truth) > 0.88);
        for index in [28, 40] {
            assert_eq!(slice_of(mask, [64; 3], 2, index), scene.key(2, index).mask);
        }
    }
}

#[test]
fn large_regions_are_solved_coarsely_with_key_slices_exact() {
    let scene = Scene::ball([1.0; 3]);
    let request = scene.request(2, vec![scene.key(2, 33), scene.key(0, 30)]);
    let settings = VolumeSettings { max_nodes: 9_000, ..VolumeSettings::default() };
    let mask = scene.solve_with(&request, &settings);
    for key in &request.keys {
        assert_eq!(slice_of(&mask, [64; 3], key.axis, key.index), key.mask);
    }
    let found = dice(&mask, &scene.truth);
    assert!(found > 0.88, "{found}");
}

/// Stops after a number of questions.
struct Impatient(AtomicU32);

impl Control for Impatient {
    fn progress(&self, _: Stage, _: u32, _: u32) {}

    fn is_cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

#[test]
fn a_solve_can_be_stopped_at_every_step() {
    let scene = Scene::ball([2.0; 3]);
    let request = scene.request(2, vec![scene.key(2, 16)]);
    let settings = VolumeSettings::default();
    for questions in 0..4 {
        let control = Impatient(AtomicU32::new(questions));
        let stopped = Solver::new(&scene.image, &request, &settings, &control)
            .and_then(|solver| solver.solve(&settings, &control).map(|_| ()));
        assert_eq!(stopped, Err(SolveError::Cancelled), "after {questions}");
    }
    let nothing = scene.request(2, vec![KeySlice { axis: 2, index: 3, mask: vec![false; 1024] }]);
    let refused = Solver::new(&scene.image, &nothing, &settings, &Unwatched).map(|_| ());
    assert_eq!(refused, Err(SolveError::NoKeySlice));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the image and the masks, a slice that a person gave comes back as it was.
    #[test]
    fn known_slices_come_back_exactly(
        seed in any::<u64>(),
        shape in [1usize..14, 1usize..14, 1usize..9],
        planes in prop::collection::vec((0usize..3, any::<prop::sample::Index>()), 1..4),
    ) {
        let mut random = scene::Random(seed);
        let n = shape.iter().product::<usize>();
        let values = (0..n).map(|_| {
            if random.share() < 0.02 { f32::NAN } else { 200.0 * random.noise() }
        });
        let image = graphcut::field::Field {
            shape, spacing_mm: [0.7, 1.1, 3.0], values: values.collect(),
        };
        let truth: Vec<bool> = (0..n).map(|_| random.share() < 0.4).collect();
        let scene = Scene { image, truth };
        let keys: Vec<KeySlice> =
            planes.iter().map(|(axis, it)| scene.key(*axis, it.index(shape[*axis]))).collect();
        prop_assume!(keys.iter().any(|it| it.mask.contains(&true)));
        let mask = scene.solve(&scene.request(2, keys.clone()));
        for key in keys {
            prop_assert_eq!(slice_of(&mask, shape, key.axis, key.index), key.mask);
        }
    }
}
