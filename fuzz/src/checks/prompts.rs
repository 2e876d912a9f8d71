//! Any prompts, on small images with odd voxels: what engines must answer.

use arbitrary::{Arbitrary, Unstructured};
use engine::{
    Engine, EngineError, PropagationRequest, Uncertainty, Unwatched, propagate, segment_slice,
};
use protocol::prompt::{Combine, Direction, Point, Scribble, SlicePrompt, SliceRef};
use volume::{Affine, Grid, Labelmap, SourceHeader, Volume, Voxels};

const SHAPE: [usize; 3] = [12, 10, 6];

/// Segments a slice, then the volume, and looks at the masks.
pub fn check(input: &[u8]) {
    let mut source = Unstructured::new(input);
    let Ok(wish) = Wish::arbitrary(&mut source) else {
        return;
    };
    let volume = wish.image.volume();
    let base = wish.base.labelmap();
    let label = wish.label % 4;
    let prompts: Vec<SlicePrompt> =
        wish.prompts.iter().take(3).map(|it| it.prompt(label)).collect();
    let engine = &Engine::Graphcut;
    for prompt in &prompts {
        // What is stored and sent as JSON is read again; numbers that JSON has no word for are not.
        let text = serde_json::to_string(prompt).unwrap();
        let read = serde_json::from_str::<SlicePrompt>(&text);
        assert_eq!(read.is_ok(), !text.contains("null"), "{text}");
        match segment_slice(engine, &volume, prompt, Some(&base)) {
            Ok(found) => check_mask(&found.on_grid(SHAPE), prompt.label, &base),
            Err(error) => check_error(&error),
        }
    }
    let request = PropagationRequest {
        label,
        axis: wish.axis % 4,
        prompts,
        direction: [Direction::Both, Direction::Forward, Direction::Backward]
            [usize::from(wish.direction % 3)],
        range: wish.range.map(|it| it.map(|it| u32::from(it % 16))),
        combine: if wish.is_intersection { Combine::Intersection } else { Combine::Union },
        largest_component: wish.is_intersection && wish.is_measured,
        frugal: false,
    };
    let uncertainty = if wish.is_measured { Uncertainty::Measure } else { Uncertainty::Skip };
    match propagate(engine, &volume, &request, &base, uncertainty, &Unwatched) {
        Ok(found) => {
            check_mask(&found.mask, request.label, &base);
            assert!(found.doubt.is_none_or(|it| (0.0..=1.0).contains(&it)));
        }
        Err(error) => check_error(&error),
    }
}

fn check_error(error: &EngineError) {
    assert!(*error != EngineError::Cancelled, "nobody asked to stop");
    assert!((1..500).contains(&error.to_string().len()));
}

/// Ones on the image's grid, none on a voxel of another object.
fn check_mask(mask: &Labelmap, label: u8, base: &Labelmap) {
    assert_eq!(mask.shape, SHAPE);
    for (&found, &before) in mask.voxels.iter().zip(&base.voxels) {
        assert!(found <= 1);
        assert!(found == 0 || before == 0 || before == label, "a voxel of another object");
    }
}

#[derive(Debug, Arbitrary)]
struct Wish {
    label: u8,
    axis: u8,
    direction: u8,
    is_intersection: bool,
    is_measured: bool,
    range: Option<[u8; 2]>,
    image: Image,
    base: Base,
    prompts: Vec<Prompt>,
}

#[derive(Debug, Arbitrary)]
struct Image {
    kind: u8,
    spacing: [u8; 3],
    slope: i8,
    values: [i16; 16],
}

impl Image {
    fn volume(&self) -> Volume {
        let [x, y, z] = self.spacing.map(|it| 10_f64.powi(i32::from(it % 9) - 4));
        let linear = [[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]];
        let grid = Grid { shape: SHAPE, ras_from_voxel: Affine::new(linear, [0.0; 3]) };
        let n = grid.n_voxels();
        let mixed = |it: usize| self.values[(it / 3 + it / 12 * 5) % self.values.len()];
        let voxels = match self.kind % 4 {
            0 => Voxels::I16((0..n).map(mixed).collect()),
            1 => Voxels::F32((0..n).map(|it| odd(mixed(it))).collect()),
            2 => Voxels::U8(vec![7; n]),
            _ => Voxels::F64((0..n).map(|it| f64::from(mixed(it)) * 1e304).collect()),
        };
        let header = SourceHeader::for_grid(&grid);
        let slope = f64::from(self.slope);
        Volume { grid, voxels, slope, intercept: 0.0, n_frames: 1, frame: 0, header }
    }
}

/// Some values stand for what is no number.
fn odd(value: i16) -> f32 {
    match value {
        i16::MIN..-30000 => f32::NAN,
        -30000..-20000 => f32::NEG_INFINITY,
        20000..30000 => f32::INFINITY,
        30000.. => f32::MAX,
        _ => f32::from(value),
    }
}

#[derive(Debug, Arbitrary)]
struct Base {
    labels: [u8; 8],
    step: u8,
}

impl Base {
    fn labelmap(&self) -> Labelmap {
        let step = usize::from(self.step) + 1;
        let label = |it: usize| self.labels[it / step % self.labels.len()] % 4;
        let n_voxels = SHAPE.iter().product();
        Labelmap::from_voxels(SHAPE, (0..n_voxels).map(label).collect()).unwrap()
    }
}

/// A place that is mostly on the slice.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Place {
    Whole(u8),
    Half(u8),
    Any(f64),
}

impl Place {
    fn value(self) -> f64 {
        match self {
            Self::Whole(it) => f64::from(it % 12),
            Self::Half(it) => f64::from(it % 24) / 2.0,
            Self::Any(it) => it,
        }
    }
}

#[derive(Debug, Arbitrary)]
struct Prompt {
    axis: u8,
    slice: u8,
    label: u8,
    bounds: Option<[Place; 4]>,
    points: Vec<([Place; 2], bool)>,
    scribbles: Vec<(Vec<[Place; 2]>, Place, bool)>,
    mask: bool,
    absent: bool,
}

impl Prompt {
    /// For the object with `label`, and sometimes for another.
    fn prompt(&self, label: u8) -> SlicePrompt {
        let point = |(place, positive): &([Place; 2], bool)| {
            let [x, y] = place.map(Place::value);
            Point { x, y, positive: *positive }
        };
        let scribble = |(path, radius, positive): &(Vec<[Place; 2]>, Place, bool)| Scribble {
            path: path.iter().map(|it| it.map(Place::value)).collect(),
            radius: radius.value(),
            positive: *positive,
        };
        SlicePrompt {
            slice: SliceRef { axis: self.axis % 4, slice_index: u32::from(self.slice % 13) },
            label: if self.label < 224 { label } else { self.label % 4 },
            bounds: self.bounds.map(|it| it.map(Place::value)),
            points: self.points.iter().map(point).collect(),
            scribbles: self.scribbles.iter().map(scribble).collect(),
            mask: self.mask,
            absent: self.absent,
        }
    }
}
