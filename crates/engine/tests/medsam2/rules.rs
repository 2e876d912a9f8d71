//! What a person says holds: corrections, absent slices, ranges, ends, cancelling.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use engine::{
    Control, Engine, EngineError, Medsam2, Propagation, SoFar, Stage, Uncertainty, Unwatched,
    medsam2::{CHECKPOINT, CONFIG, Compute, Medsam2Options, PrecisionChoice, WindowChoice},
    propagate, segment_slice,
};
use protocol::{
    prompt::{Combine, Direction, Scribble, SlicePrompt, SliceRef},
    task::{EngineIdentity, SliceConfidence},
};
use sam2::{Config, Device, Sam2, Tensor};
use volume::{Labelmap, Slice};

use crate::support::{KEY, SHAPE, boxed, empty, fixture, network, on, point, request, run, slices};

/// Of the micro network's checkpoint, by `sha256sum`.
const SHA256: &str = "ca5d49a44b5e47d7fce5f837ebbff20dfb29f9a8b73dd0c9738c59e52c2f6a98";

fn visited(network: &Medsam2, prompts: Vec<SlicePrompt>, direction: Direction) -> Vec<u32> {
    let found = run(&network.keeping_logits(), &request(prompts, direction), &empty());
    found.logits.iter().map(|it| it.slice_index).collect()
}

#[test]
fn a_corrected_slice_is_kept_as_it_is_and_its_neighbours_follow_it() {
    let network = network();
    let first = run(&network, &request(vec![boxed()], Direction::Both), &empty());
    let mut base = first.mask.clone();
    let corner = (0..SHAPE[0] * SHAPE[1]).map(|at| u8::from(at % SHAPE[0] < 30 && at < 5000));
    let drawn = Slice { width: SHAPE[0], height: SHAPE[1], pixels: corner.collect() };
    base.set_slice(2, 12, &drawn);

    let key = SlicePrompt { mask: true, ..boxed() };
    let corrected = SlicePrompt { mask: true, ..on(12) };
    let again = run(&network, &request(vec![key, corrected], Direction::Both), &base);
    assert_eq!(again.mask.slice(2, 12), drawn);
    assert_eq!(again.mask.slice(2, KEY as usize), first.mask.slice(2, KEY as usize));
    for neighbour in [11, 13] {
        assert_ne!(again.mask.slice(2, neighbour), first.mask.slice(2, neighbour));
    }
    assert_eq!(network.n_encoded(), 20, "both runs share the slices' embeddings");
}

#[test]
fn points_on_a_slice_that_was_followed_correct_it() {
    let network = network();
    let first = run(&network, &request(vec![boxed()], Direction::Forward), &empty());
    for points in [vec![point(0.5, 0.5, true)], vec![point(0.3, 0.4, false)]] {
        let corrected = SlicePrompt { points, ..on(12) };
        for base in [&empty(), &first.mask] {
            let request = request(vec![boxed(), corrected.clone()], Direction::Forward);
            let again = run(&network, &request, base);
            for slice in [12, 13] {
                assert_ne!(again.mask.slice(2, slice), first.mask.slice(2, slice));
            }
        }
    }
}

#[test]
fn a_slice_that_was_answered_is_remembered_as_its_prompts_answer() {
    let network = network();
    let engine = Engine::Medsam2(network.clone());
    let slice = segment_slice(&engine, &slices(), &boxed(), None).unwrap();
    let vouched = SlicePrompt { mask: true, ..boxed() };
    let from_mask = run(&network, &request(vec![vouched], Direction::Both), &slice.on_grid(SHAPE));
    let from_box = run(&network, &request(vec![boxed()], Direction::Both), &empty());
    assert_eq!(from_mask.mask, from_box.mask);
}

#[test]
fn prompts_of_every_kind_say_something_of_their_own() {
    let engine = Engine::Medsam2(network());
    let mut base = empty();
    let drawn: Vec<u8> =
        (0..SHAPE[0] * SHAPE[1]).map(|at| u8::from((6000..9000).contains(&at))).collect();
    let drawn = Slice { width: SHAPE[0], height: SHAPE[1], pixels: drawn };
    base.set_slice(2, KEY as usize, &drawn);
    let stroke =
        |positive| Scribble { path: vec![[50.0, 60.0], [70.0, 80.0]], radius: 2.0, positive };
    let mask = || SlicePrompt { mask: true, ..on(KEY) };
    let kinds = [
        boxed(),
        SlicePrompt { points: vec![point(0.45, 0.48, true)], ..on(KEY) },
        SlicePrompt { points: vec![point(0.2, 0.3, false)], ..boxed() },
        SlicePrompt { scribbles: vec![stroke(true)], ..on(KEY) },
        mask(),
        SlicePrompt { scribbles: vec![stroke(false)], ..mask() },
    ];
    let answers: Vec<Slice<u8>> = kinds
        .iter()
        .map(|it| segment_slice(&engine, &slices(), it, Some(&base)).unwrap().mask)
        .collect();
    for (n, one) in answers.iter().enumerate() {
        assert!(answers[..n].iter().all(|it| it != one), "kind {n} says nothing new");
    }
    let nothing = SlicePrompt { points: vec![point(0.2, 0.3, false)], ..on(KEY) };
    let error = segment_slice(&engine, &slices(), &nothing, None).unwrap_err();
    assert_eq!(error, EngineError::NothingMarked { field: "box".to_owned() });
}

#[test]
fn a_distant_point_takes_nothing_from_a_confirmed_slice() {
    let engine = Engine::Medsam2(network());
    let mut base = empty();
    let drawn: Vec<u8> = (0..SHAPE[0] * SHAPE[1])
        .map(|at| {
            u8::from((30..45).contains(&(at % SHAPE[0])) && (30..45).contains(&(at / SHAPE[0])))
        })
        .collect();
    let drawn = Slice { width: SHAPE[0], height: SHAPE[1], pixels: drawn };
    base.set_slice(2, KEY as usize, &drawn);
    let points = vec![point(0.9, 0.9, true)];
    let prompt = SlicePrompt { mask: true, points, ..on(KEY) };
    let found = segment_slice(&engine, &slices(), &prompt, Some(&base)).unwrap().mask;
    assert!(found.pixels.iter().zip(&drawn.pixels).all(|(it, drawn)| it >= drawn));
    assert_ne!(found, drawn, "the mark itself");
}

#[test]
fn nothing_is_found_beyond_an_absent_slice_or_the_range() {
    let network = network();
    let absent = |slice| SlicePrompt { absent: true, ..on(slice) };
    let prompts = vec![absent(5), boxed(), absent(11)];
    assert_eq!(visited(&network, prompts, Direction::Both), [6, 7, 8, 9, 10]);

    let ranged = engine::PropagationRequest {
        range: Some([7, 12]),
        ..request(vec![boxed()], Direction::Both)
    };
    let found = run(&network.keeping_logits(), &ranged, &empty());
    assert_eq!(found.logits.len(), 6);
    assert_eq!((found.extent.first, found.extent.last), (7, 12));
    let counts = found.mask.slice_counts(2, 1);
    assert!(counts.iter().enumerate().all(|(slice, n)| *n == 0 || (7..=12).contains(&slice)));
}

#[test]
fn points_on_several_slices_bound_the_object() {
    let at = |slice, x| SlicePrompt { points: vec![point(x, 0.4, true)], ..on(slice) };
    let slices = visited(&network(), vec![at(6, 0.4), at(11, 0.5), at(14, 0.45)], Direction::Both);
    assert_eq!(slices, (6..=14).collect::<Vec<_>>());
}

#[test]
fn two_passes_meet_in_their_intersection_or_union() {
    let network = network();
    let prompts =
        || vec![boxed(), SlicePrompt { bounds: Some([30.0, 40.0, 90.0, 90.0]), ..on(13) }];
    let combined = |combine| {
        let request = engine::PropagationRequest { combine, ..request(prompts(), Direction::Both) };
        run(&network, &request, &empty()).mask
    };
    let one = |direction| run(&network, &request(prompts(), direction), &empty()).mask;
    let (up, down) = (one(Direction::Forward), one(Direction::Backward));
    let (union, both) = (combined(Combine::Union), combined(Combine::Intersection));
    for slice in 0..20 {
        let of = |it: &Labelmap| it.slice(2, slice).pixels;
        let pairs = of(&up).into_iter().zip(of(&down));
        let expected: (Vec<u8>, Vec<u8>) = match slice {
            // Visited by one pass only.
            0..8 => (of(&down), of(&down)),
            14.. => (of(&up), of(&up)),
            _ => pairs.map(|(a, b)| (a | b, a & b)).unzip(),
        };
        assert_eq!((of(&union), of(&both)), expected, "slice {slice}");
    }
    assert_ne!(union, both);
}

#[test]
fn the_largest_part_is_that_of_what_either_pass_found() {
    let network = network();
    let prompts =
        || vec![boxed(), SlicePrompt { bounds: Some([30.0, 40.0, 90.0, 90.0]), ..on(13) }];
    let found = |combine, largest_component| {
        let both = request(prompts(), Direction::Both);
        let request = engine::PropagationRequest { combine, largest_component, ..both };
        run(&network, &request, &empty()).mask
    };
    let mut largest = found(Combine::Union, false);
    volume::component::keep_largest(&mut largest, 1);
    assert_ne!(largest, found(Combine::Union, false), "there is something to leave out");
    assert_eq!(found(Combine::Union, true), largest);
    let mut expected = found(Combine::Intersection, false);
    for (it, other) in expected.voxels.iter_mut().zip(&largest.voxels) {
        *it &= other;
    }
    assert_eq!(found(Combine::Intersection, true), expected);
}

/// The micro network, which says of some slices that the object is not there.
fn forgetful() -> Medsam2 {
    let config = Config::open(&fixture("config.yaml")).unwrap();
    let checkpoint = fixture("checkpoint.pt");
    let trainable = Sam2::open_trainable(&checkpoint, &config, &Device::Cpu).unwrap();
    let bias = &trainable.variables["sam_mask_decoder.pred_obj_score_head.layers.2.bias"];
    bias.set(&Tensor::new(&[-3_f32], &Device::Cpu).unwrap()).unwrap();
    let identity = network().identity(None).model.unwrap();
    Medsam2::new(trainable.model().unwrap(), identity)
}

#[test]
fn a_propagation_ends_where_the_object_disappears() {
    // The published code finds it again on slice 16, after seven slices without it.
    let forgetful = forgetful();
    let options = |stops| Medsam2Options { window: WindowChoice::None, stops };
    let follow =
        |stops| visited(&forgetful.with(options(stops)), vec![boxed()], Direction::Forward);
    assert_eq!(follow(true), [8, 9]);
    assert_eq!(forgetful.n_encoded(), 3, "slices beyond the end are never looked at");
    assert_eq!(follow(false), (8..20).collect::<Vec<_>>());
}

#[derive(Default)]
struct Watcher {
    stop_after: Option<u32>,
    n_partial: AtomicU32,
    progress: Mutex<Vec<(u32, u32)>>,
    /// What the newest mask so far came with.
    said: Mutex<Option<Said>>,
}

#[derive(Debug, PartialEq)]
struct Said {
    engine: EngineIdentity,
    slices: Vec<SliceConfidence>,
    doubt: Option<f32>,
}

impl Control for Watcher {
    fn progress(&self, _: Stage, done: u32, total: u32) {
        self.progress.lock().unwrap().push((done, total));
    }

    fn partial(&self, so_far: SoFar<'_>) {
        assert_eq!(so_far.mask.shape, SHAPE);
        let SoFar { engine, slices, doubt, .. } = so_far;
        let said = Said { engine: engine.clone(), slices: slices.to_vec(), doubt };
        *self.said.lock().unwrap() = Some(said);
        self.n_partial.fetch_add(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.stop_after.is_some_and(|it| self.n_partial.load(Ordering::Relaxed) >= it)
    }
}

#[test]
fn slices_are_shown_as_they_are_ready_and_cancelling_ends_within_one() {
    let network = network();
    let engine = Engine::Medsam2(network.clone());
    let request = request(vec![boxed()], Direction::Forward);
    let follow = |watcher: &Watcher| {
        propagate(&engine, &slices(), &request, &empty(), Uncertainty::Skip, watcher)
    };
    let watcher = Watcher { stop_after: Some(3), ..Watcher::default() };
    assert_eq!(follow(&watcher).unwrap_err(), EngineError::Cancelled);
    assert_eq!((watcher.n_partial.into_inner(), network.n_encoded()), (3, 3));
    let said = watcher.said.into_inner().unwrap().unwrap();
    let solved: Vec<_> = said.slices.iter().map(|it| it.slice_index).collect();
    assert_eq!(solved, [KEY, KEY + 1, KEY + 2]);
    assert_eq!(said.engine.model.unwrap().sha256.as_str(), SHA256);

    let watcher = Watcher::default();
    let whole = follow(&watcher).unwrap();
    assert_eq!(watcher.n_partial.into_inner(), 12);
    // The last word of a run that ends by itself is what it says of the whole.
    let Propagation { engine, slices, doubt, .. } = whole;
    let said = watcher.said.into_inner().unwrap();
    assert_eq!(said, Some(Said { engine, slices, doubt }));
    let progress = watcher.progress.into_inner().unwrap();
    assert!(progress.is_sorted() && progress.last() == Some(&(12, 12)), "{progress:?}");
}

#[test]
fn other_objects_keep_their_voxels_and_share_the_slices() {
    let network = network();
    let mut base = empty();
    let others: Vec<u8> = (0..SHAPE[0] * SHAPE[1]).map(|at| u8::from(at % 2 == 0) * 2).collect();
    for slice in 0..20 {
        let pixels = others.clone();
        base.set_slice(2, slice, &Slice { width: SHAPE[0], height: SHAPE[1], pixels });
    }
    let found = run(&network, &request(vec![boxed()], Direction::Both), &base);
    let taken = found.mask.voxels.iter().zip(&base.voxels).filter(|(a, b)| **a == 1 && **b == 2);
    assert_eq!(taken.count(), 0);
    assert!(found.mask.count(1) > 0);
    run(&network, &request(vec![boxed()], Direction::Both), &empty());
    assert_eq!(network.n_encoded(), 20);
}

#[test]
fn a_mask_says_what_made_it_and_how_sure_it_is() {
    let network = network().with(Medsam2Options::default());
    let request = request(vec![boxed()], Direction::Both);
    let found = run(&network, &request, &empty());
    let model = found.engine.model.unwrap();
    assert_eq!((model.name.as_str(), model.sha256.as_str()), ("checkpoint.pt", SHA256));
    assert_eq!((model.precision.as_str(), model.device.as_str()), ("f32", "cpu"));
    assert!(model.licence.contains("CC-BY-SA-4.0"));
    let [low, high] = model.window.unwrap();
    assert!(low > 0.0 && low < high && high <= 255.0);
    assert_eq!(found.slices.len(), 20);
    assert!(found.slices.iter().any(|it| it.uncertainty > 0.0));
    assert!(found.doubt.is_some_and(|it| (0.0..=1.0).contains(&it)));
}

#[test]
fn points_of_another_plane_are_the_voxels_that_they_are() {
    let network = network();
    // x and y of a slice along axis 0 are j and k.
    let across = SlicePrompt {
        slice: SliceRef { axis: 0, slice_index: 60 },
        points: vec![protocol::prompt::Point { x: 70.0, y: 11.0, positive: true }],
        ..on(0)
    };
    let same = SlicePrompt {
        points: vec![protocol::prompt::Point { x: 60.0, y: 70.0, positive: true }],
        ..on(11)
    };
    let with = |it| run(&network, &request(vec![boxed(), it], Direction::Both), &empty()).mask;
    assert_eq!(with(across), with(same));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let folder = std::env::temp_dir().join("no such folder of models");
    let missing = Medsam2::open_folder(&folder, Compute::default()).unwrap_err().to_string();
    let path = folder.join(CHECKPOINT).display().to_string();
    assert!(missing.starts_with(&path) && missing.contains(CONFIG), "{missing}");
    let checkpoint = fixture("checkpoint.pt");
    let other = Medsam2::open(&checkpoint, None, PrecisionChoice::Auto).unwrap_err().to_string();
    assert!(other.contains("checkpoint.pt") && other.contains("configuration"));
    let request = request(vec![on(KEY)], Direction::Both);
    let engine = Engine::Medsam2(network());
    let nothing = propagate(&engine, &slices(), &request, &empty(), Uncertainty::Skip, &Unwatched);
    assert_eq!(nothing.unwrap_err(), EngineError::NoMask { field: "prompts".to_owned() });
}

#[test]
fn bfloat16_answers_nearly_as_float32_does_and_says_so() {
    let files = (fixture("checkpoint.pt"), fixture("config.yaml"));
    let in_bf16 = Medsam2::open(&files.0, Some(&files.1), PrecisionChoice::Bf16).unwrap();
    let in_bf16 = in_bf16.with(network().options());
    // A click, which takes the best of three masks: no threshold turns on a rounding.
    let click = SlicePrompt { points: vec![point(0.45, 0.48, true)], ..on(KEY) };
    let request = request(vec![click], Direction::Forward);
    let [exact, rounded] =
        [network(), in_bf16].map(|it| run(&it.keeping_logits(), &request, &empty()));
    assert_eq!(rounded.engine.model.as_ref().unwrap().precision, "bf16");
    // The prompted slice: later ones inherit what rounding did to it.
    let of_key = |it: &Propagation| {
        it.logits.iter().find(|it| it.slice_index == KEY).unwrap().logits.pixels.clone()
    };
    let (exact, rounded) = (of_key(&exact), of_key(&rounded));
    let distance: f32 = exact.iter().zip(&rounded).map(|(a, b)| (a - b) * (a - b)).sum();
    let deviation = (distance / exact.iter().map(|it| it * it).sum::<f32>()).sqrt();
    assert!(deviation > 1e-4, "one precision stands for the other");
    assert!(deviation < 0.05, "{deviation}");
}
