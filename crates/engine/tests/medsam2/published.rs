//! The engine against what the published code answered.

use engine::{Engine, Unwatched, propagate, segment_slice};
use protocol::prompt::{Direction, SlicePrompt};
use volume::{Labelmap, Slice};

use crate::support::{
    KEY, SHAPE, boxed, empty, network, on, point, published, request, run, slices, volume,
};

/// Of the range of an array that was rounded to float16.
const TOLERANCE: f32 = 1e-3;

fn check_numbers(name: &str, expected: &[f32], found: &[f32]) {
    assert_eq!(expected.len(), found.len(), "{name}");
    let (low, high) = expected
        .iter()
        .filter(|it| **it > -1024.0)
        .fold((f32::MAX, f32::MIN), |(low, high), it| (low.min(*it), high.max(*it)));
    let tolerance = TOLERANCE * (high - low);
    for (expected, found) in expected.iter().zip(found) {
        let distance = (expected - found).abs();
        assert!(distance <= tolerance, "{name}: {found} where {expected} was expected");
        let is_flipped = (*expected > 0.0) != (*found > 0.0);
        assert!(!is_flipped || expected.abs() <= tolerance, "{name} gives another mask");
    }
}

fn prompts(case: &str) -> Vec<SlicePrompt> {
    let with = |slice, points: &[(f64, f64, bool)]| SlicePrompt {
        points: points.iter().map(|it| point(it.0, it.1, it.2)).collect(),
        ..on(slice)
    };
    match case {
        "box" => vec![boxed()],
        "click" => vec![with(KEY, &[(0.45, 0.48, true)])],
        "clicks" => {
            vec![with(KEY, &[(0.45, 0.48, true), (0.8, 0.8, false), (0.5, 0.5, true)])]
        }
        "box_then_correction" => {
            vec![boxed(), with(KEY + 3, &[(0.5, 0.5, true), (0.2, 0.9, false)])]
        }
        "box_plus_click" => {
            vec![SlicePrompt { points: vec![point(0.46, 0.45, true)], ..boxed() }]
        }
        "mask" => vec![SlicePrompt { mask: true, ..on(KEY) }],
        other => panic!("no case is called {other}"),
    }
}

/// The labelmap that a case starts from.
fn base(case: &str) -> Labelmap {
    let mut base = empty();
    if case == "mask" {
        let pixels = published("mask_prompt_u8").into_iter().map(|it| it as u8).collect();
        let slice = Slice { width: SHAPE[0], height: SHAPE[1], pixels };
        base.set_slice(2, KEY as usize, &slice);
    }
    base
}

#[test]
fn every_case_gives_the_published_logits_in_both_directions() {
    let network = network().keeping_logits();
    for case in ["box", "click", "clicks", "box_then_correction", "box_plus_click", "mask"] {
        for (direction, name) in [(Direction::Forward, "forward"), (Direction::Backward, "reverse")]
        {
            let found = run(&network, &request(prompts(case), direction), &base(case));
            let prefix = format!("{case}/{name}");
            let expected = published(&format!("{prefix}_logits_f16"));
            let frames = published(&format!("{prefix}_frames_i64"));
            assert_eq!(frames.len(), found.logits.len(), "{prefix} visits other slices");
            for (frame, expected) in frames.iter().zip(expected.chunks_exact(SHAPE[0] * SHAPE[1])) {
                let of_frame = |it: &&engine::SliceLogits| it.slice_index == *frame as u32;
                let it = found.logits.iter().find(of_frame).unwrap();
                check_numbers(&format!("{prefix} {frame}"), expected, &it.logits.pixels);
            }
            assert!(found.logits.is_sorted_by_key(|it| it.slice_index));
        }
    }
    // Thirteen passes over twenty slices, every slice encoded once.
    assert_eq!(network.n_encoded(), 20);
}

#[test]
fn a_slice_alone_gives_the_published_logits() {
    let engine = Engine::Medsam2(network());
    for case in ["box", "click", "clicks", "box_plus_click"] {
        let found = segment_slice(&engine, &slices(), &prompts(case)[0], None).unwrap();
        let logits = found.logits.unwrap();
        check_numbers(case, &published(&format!("{case}/prompt0_logits")), &logits.pixels);
        let mask: Vec<u8> = logits.pixels.iter().map(|it| u8::from(*it > 0.0)).collect();
        assert_eq!(found.mask.pixels, mask);
    }
}

#[test]
fn both_directions_are_the_union_of_the_two() {
    let network = network();
    let directed =
        |direction| run(&network, &request(vec![boxed()], direction), &empty()).mask.voxels;
    let (up, down) = (directed(Direction::Forward), directed(Direction::Backward));
    let either: Vec<u8> = up.iter().zip(&down).map(|(a, b)| a | b).collect();
    assert_eq!(directed(Direction::Both), either);
}

#[test]
fn slices_of_any_axis_are_seen_alike() {
    // The same pictures, stacked along the first axis, then along the second.
    let stacked = slices();
    let along_k = run(&network(), &request(vec![boxed()], Direction::Both), &empty());
    let [ni, nj, nk] = SHAPE;
    for (axis, shape) in [(0_u8, [nk, ni, nj]), (1, [ni, nk, nj])] {
        let turned = |index: usize| {
            let [a, b] = [index % shape[0], index / shape[0] % shape[1]];
            let c = index / (shape[0] * shape[1]);
            let [i, j, k] = if axis == 0 { [b, c, a] } else { [a, c, b] };
            i + ni * (j + nj * k)
        };
        let greys = (0..ni * nj * nk).map(|it| stacked.voxels.get(turned(it)) as u8).collect();
        let mut request = request(vec![boxed()], Direction::Both);
        (request.axis, request.prompts[0].slice.axis) = (axis, axis);
        let engine = Engine::Medsam2(network());
        let base = Labelmap::new(shape);
        let uncertainty = engine::Uncertainty::Skip;
        let volume = volume(shape, greys);
        let found = propagate(&engine, &volume, &request, &base, uncertainty, &Unwatched).unwrap();
        let differs = (0..ni * nj * nk)
            .filter(|it| found.mask.voxels[*it] != along_k.mask.voxels[turned(*it)])
            .count();
        assert_eq!(differs, 0, "along axis {axis}");
    }
}
