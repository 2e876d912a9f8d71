//! The engine on the volume crate's phantoms, and what it says of requests that do not fit.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use engine::{
    Engine::Graphcut, EngineError, PropagationRequest, Uncertainty, Unwatched, propagate,
    segment_slice,
};
use protocol::prompt::{Combine, Direction, Point, Scribble, SlicePrompt, SliceRef};
use volume::{
    Labelmap, Volume, metrics,
    phantom::{PhantomOptions, phantom},
};

/// A small CT, the largest of its lesions (values 0 and 1) and the slice that shows most of it.
fn case() -> (Volume, Labelmap, u32) {
    let made = phantom(&PhantomOptions::ct([96, 96, 48]));
    let lesion = made
        .labels
        .iter()
        .filter(|it| it.is_lesion)
        .max_by_key(|it| made.labelmap.count(it.value))
        .unwrap();
    let truth = made.labelmap.binary(lesion.value);
    let areas = truth.slice_counts(2, 1);
    let index = (0..areas.len()).max_by_key(|&it| areas[it]).unwrap();
    (made.volume, truth, u32::try_from(index).unwrap())
}

fn prompt(slice_index: u32) -> SlicePrompt {
    SlicePrompt {
        slice: SliceRef { axis: 2, slice_index },
        label: 1,
        bounds: None,
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    }
}

fn boxed(truth: &Labelmap, slice_index: u32) -> SlicePrompt {
    let slice = truth.slice(2, slice_index as usize);
    let mut bounds = [f64::INFINITY, f64::INFINITY, 0.0, 0.0];
    for (at, _) in slice.pixels.iter().enumerate().filter(|it| *it.1 != 0) {
        let (x, y) = ((at % slice.width) as f64, (at / slice.width) as f64);
        bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
    }
    SlicePrompt { bounds: Some(bounds), ..prompt(slice_index) }
}

fn request(prompts: Vec<SlicePrompt>) -> PropagationRequest {
    PropagationRequest {
        label: 1,
        axis: 2,
        prompts,
        direction: Direction::Both,
        range: None,
        combine: Combine::Union,
        largest_component: false,
        frugal: false,
    }
}

fn run(volume: &Volume, request: &PropagationRequest, base: &Labelmap) -> engine::Propagation {
    propagate(&Graphcut, volume, request, base, Uncertainty::Measure, &Unwatched).unwrap()
}

#[test]
fn a_lesion_is_found_from_its_box() {
    let (volume, truth, index) = case();
    let prompt = boxed(&truth, index);
    let slice = segment_slice(&Graphcut, &volume, &prompt, None).unwrap();
    let expected = truth.slice(2, index as usize);
    let on_slice = metrics::dice_of_voxels(&slice.mask.pixels, &expected.pixels, |it| it != 0);
    assert!(on_slice > 0.8, "slice {on_slice}");
    let base = slice.on_grid(volume.shape());
    let whole = run(&volume, &request(vec![prompt]), &base);
    assert_eq!(whole.mask.slice(2, index as usize), slice.mask, "the known slice is kept");
    let in_volume = metrics::dice(&whole.mask, &truth);
    assert!(in_volume > 0.7, "volume {in_volume}");
    assert_eq!((whole.extent.first, whole.extent.last), (0, 47));
    assert_eq!(whole.slices.len(), 48);
    assert!(whole.doubt.is_some_and(|it| (0.0..1.0).contains(&it)));
    let areas: Vec<u32> = whole.slices.iter().map(|it| it.area_voxels).collect();
    let counted: Vec<u32> =
        whole.mask.slice_counts(2, 1).into_iter().map(|it| u32::try_from(it).unwrap()).collect();
    assert_eq!(areas, counted);
}

#[test]
fn a_distant_point_leaves_a_confirmed_slice_as_it_was() {
    let (volume, truth, index) = case();
    let drawn = truth.slice(2, index as usize);
    for (x, y) in [(5_u8, 5_u8), (90, 48), (48, 90)] {
        let at = usize::from(x) + 96 * usize::from(y);
        assert_eq!(drawn.pixels[at], 0, "beside the lesion");
        let points = vec![Point { x: x.into(), y: y.into(), positive: true }];
        let prompt = SlicePrompt { mask: true, points, ..prompt(index) };
        let found = segment_slice(&Graphcut, &volume, &prompt, Some(&truth)).unwrap().mask;
        let kept: Vec<u8> =
            found.pixels.iter().zip(&drawn.pixels).map(|(it, drawn)| it & drawn).collect();
        assert_eq!(kept, drawn.pixels, "({x}, {y})");
        assert_eq!(found.pixels[at], 1);
    }
}

#[test]
fn direction_range_and_absent_slices_bound_the_object() {
    let (volume, truth, index) = case();
    let prompts = vec![SlicePrompt { mask: true, ..prompt(index) }];
    let spans = |request: &PropagationRequest| -> Vec<u32> {
        let areas = run(&volume, request, &truth).mask.slice_counts(2, 1);
        (0..48u32).filter(|&it| areas[it as usize] > 0).collect()
    };
    let both = spans(&request(prompts.clone()));
    assert!(both.first() < Some(&index) && both.last() > Some(&index));
    let forward = PropagationRequest { direction: Direction::Forward, ..request(prompts.clone()) };
    assert_eq!(spans(&forward).first(), Some(&index));
    let backward =
        PropagationRequest { direction: Direction::Backward, ..request(prompts.clone()) };
    assert_eq!(spans(&backward).last(), Some(&index));
    let range = PropagationRequest { range: Some([index, index + 1]), ..request(prompts.clone()) };
    assert!(spans(&range).iter().all(|it| (index..=index + 1).contains(it)));
    let mut with_end = prompts;
    with_end.push(SlicePrompt { absent: true, ..prompt(index + 1) });
    assert_eq!(spans(&request(with_end)).last(), Some(&index));
}

#[test]
fn an_intersection_lies_in_both_passes_and_keeps_known_slices() {
    let (volume, truth, index) = case();
    let prompts: Vec<SlicePrompt> =
        [index - 2, index + 2].map(|it| SlicePrompt { mask: true, ..prompt(it) }).to_vec();
    let both = run(
        &volume,
        &PropagationRequest { combine: Combine::Intersection, ..request(prompts) },
        &truth,
    );
    for it in [index - 2, index + 2] {
        assert_eq!(both.mask.slice(2, it as usize), truth.slice(2, it as usize));
    }
    assert!(metrics::dice(&both.mask, &truth) > 0.6);
}

/// Of two objects under one label, each known on a slice of its own, the smaller one goes unless its
/// slice was confirmed.
#[test]
fn the_largest_part_stays_with_what_was_confirmed() {
    let (volume, truth, index) = case();
    let prompts =
        |mask| vec![SlicePrompt { mask: true, ..prompt(index) }, SlicePrompt { mask, ..prompt(0) }];
    let mut base = truth;
    let corner = (0..96 * 96).map(|at| u8::from(at % 96 < 6 && at / 96 < 6)).collect();
    base.set_slice(2, 0, &volume::Slice { width: 96, height: 96, pixels: corner });
    for combine in [Combine::Union, Combine::Intersection] {
        let find = |largest_component, confirmed| {
            let request = request(prompts(confirmed));
            let request = PropagationRequest { combine, largest_component, ..request };
            run(&volume, &request, &base).mask
        };
        let (all, largest) = (find(false, true), find(true, true));
        assert_eq!(largest.slice(2, 0), all.slice(2, 0));
        assert_eq!(largest.slice(2, 0).pixels.iter().filter(|it| **it == 1).count(), 36);
        let mut expected = all.clone();
        volume::component::keep_largest(&mut expected, 1);
        assert!(expected.voxels.iter().zip(&largest.voxels).all(|(a, b)| a <= b));
        assert_eq!(expected.slice(2, index as usize), largest.slice(2, index as usize));
    }
}

#[test]
fn other_objects_keep_their_voxels() {
    let (volume, truth, index) = case();
    let mut base = truth.clone();
    let bounds = truth.bounding_box(1).unwrap();
    let middle = usize::midpoint(*bounds[0].start(), *bounds[0].end());
    for (at, voxel) in base.voxels.iter_mut().enumerate() {
        if at % 96 > middle {
            *voxel = 2;
        }
    }
    let slice = segment_slice(&Graphcut, &volume, &boxed(&truth, index), Some(&base)).unwrap();
    assert!((0..96 * 96).all(|at| slice.mask.pixels[at] == 0 || at % 96 <= middle));
    let prompts = vec![SlicePrompt { mask: true, ..prompt(index) }];
    let whole = run(&volume, &request(prompts), &base);
    assert!((0..base.voxels.len()).all(|at| whole.mask.voxels[at] == 0 || base.voxels[at] != 2));
}

/// Even where a person marks them as this one's.
#[test]
fn a_mark_on_another_object_takes_no_voxel_of_it() {
    let (volume, truth, index) = case();
    let other = truth.slice(2, index as usize + 1);
    let at = other.pixels.iter().position(|it| *it != 0).unwrap();
    let [x, y] = [at % other.width, at / other.width];
    let taken = truth.index([x, y, index as usize + 1]);
    let mut base = truth.clone();
    base.voxels[taken] = 2;
    let points = vec![Point { x: x as f64, y: y as f64, positive: true }];
    let mark = SlicePrompt { points, ..prompt(index + 1) };
    let known = SlicePrompt { mask: true, ..prompt(index) };
    let found = run(&volume, &request(vec![known, mark.clone()]), &base);
    assert_eq!(found.mask.voxels[taken], 0);
    let boxed = SlicePrompt { points: mark.points, ..boxed(&truth, index + 1) };
    let slice = segment_slice(&Graphcut, &volume, &boxed, Some(&base)).unwrap();
    assert_eq!(slice.mask.pixels[at], 0);
}

#[test]
fn marks_on_other_slices_are_obeyed() {
    let (volume, truth, index) = case();
    let slice = truth.slice(2, index as usize);
    let at = slice.pixels.iter().rposition(|it| *it != 0).unwrap();
    let point =
        |positive| Point { x: (at % slice.width) as f64, y: (at / slice.width) as f64, positive };
    for positive in [true, false] {
        let prompts = vec![
            SlicePrompt { mask: true, ..prompt(index) },
            SlicePrompt { points: vec![point(positive)], ..prompt(index + 1) },
        ];
        let mut base = truth.clone();
        base.set_slice(2, index as usize + 1, &Labelmap::new(truth.shape).slice(2, 0));
        let mask = run(&volume, &request(prompts), &base).mask;
        let found = mask.slice(2, index as usize + 1).pixels[at];
        assert_eq!(found, u8::from(positive));
    }
}

#[track_caller]
fn check_refused(result: Result<impl std::fmt::Debug, EngineError>, field: &str, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.field(), Some(field));
    assert_eq!(error.to_string(), message);
}

#[test]
fn what_does_not_fit_is_refused_by_name_with_its_bounds() {
    let volume = phantom(&PhantomOptions::ct([32, 24, 16])).volume;
    let slice = |prompt: SlicePrompt| segment_slice(&Graphcut, &volume, &prompt, None);
    let plain = || prompt(3);
    check_refused(slice(prompt(16)), "slice_index", "slice_index is 16, must be from 0 to 15");
    let outside = SlicePrompt { bounds: Some([0.0, 0.0, 31.0, 24.0]), ..plain() };
    check_refused(slice(outside), "box[3]", "box[3] is 24, must be from 0 to 23");
    let nowhere = SlicePrompt { bounds: Some([f64::NAN, 0.0, 31.0, 20.0]), ..plain() };
    check_refused(slice(nowhere), "box[0]", "box[0] is NaN, must be from 0 to 31");
    let turned = SlicePrompt { bounds: Some([9.0, 0.0, 4.0, 2.0]), ..plain() };
    check_refused(slice(turned), "box", "box ends at 4 before it begins at 9");
    check_refused(
        slice(plain()),
        "box",
        "box needs a box, a positive point, a positive stroke or a mask",
    );
    let negative = Point { x: 1.0, y: 24.5, positive: false };
    let point = SlicePrompt { points: vec![negative], ..plain() };
    check_refused(slice(point), "points[0].y", "points[0].y is 24.5, must be from 0 to 23");
    let stroke = Scribble { path: vec![[1.0, 1.0]], radius: -1.0, positive: true };
    let scribbled = SlicePrompt { scribbles: vec![stroke], ..plain() };
    let message = "scribbles[0].radius is -1, must be from 0 to 1000";
    check_refused(slice(scribbled), "scribbles[0].radius", message);
    let absent = SlicePrompt { absent: true, mask: true, ..plain() };
    check_refused(slice(absent), "absent", "absent excludes every other mark on its slice");
    let masked = SlicePrompt { mask: true, ..plain() };
    check_refused(slice(masked), "mask", "mask refers to a mask that does not exist");
}

#[test]
fn a_propagation_needs_a_mask_on_the_image_s_grid() {
    let volume = phantom(&PhantomOptions::ct([32, 24, 16])).volume;
    let run = |request: PropagationRequest, base: &Labelmap| {
        propagate(&Graphcut, &volume, &request, base, Uncertainty::Skip, &Unwatched)
    };
    let empty = Labelmap::new([32, 24, 16]);
    let prompts = vec![SlicePrompt { mask: true, ..prompt(3) }];
    check_refused(
        run(request(prompts.clone()), &empty),
        "prompts",
        "prompts refers to a mask that does not exist",
    );
    check_refused(
        run(request(prompts.clone()), &Labelmap::new([32, 24, 15])),
        "base",
        "the mask has [32, 24, 15] voxels, the image [32, 24, 16]",
    );
    let far = PropagationRequest { range: Some([2, 16]), ..request(prompts.clone()) };
    check_refused(run(far, &empty), "range[1]", "range[1] is 16, must be from 0 to 15");
    let turned = PropagationRequest { range: Some([9, 2]), ..request(prompts) };
    check_refused(run(turned, &empty), "range", "range ends at 2 before it begins at 9");
    check_refused(
        run(request(vec![prompt(3), prompt(40)]), &empty),
        "prompts[1].slice_index",
        "prompts[1].slice_index is 40, must be from 0 to 15",
    );
}
