//! Golden answers of the published code: reads a folder of them and replays its cases.
//!
//! The folder holds `checkpoint.pt`, `config.yaml`, `expected.npz` and `manifest.json`;
//! `fixtures/medsam2-micro` is one, `tools/sam2/published.py` makes others.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sam2::{
    Config, Device, Direction, Origin, Point, PointLabel, Precision, Sam2, SliceEmbedding,
    SliceMask, SliceMemory, Tensor, Tracker,
};

/// The committed folder: a network of small dimensions with random weights.
pub fn micro() -> Golden {
    Golden::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro"))
}

/// A folder of answers.
pub struct Golden {
    folder: PathBuf,
    arrays: RefCell<zip::ZipArchive<File>>,
    manifest: serde_json::Value,
    resized: OnceCell<Array>,
    embeddings: RefCell<BTreeMap<usize, SliceEmbedding>>,
}

/// An array of the folder.
pub struct Array {
    pub shape: Vec<usize>,
    pub numbers: Vec<f32>,
}

/// What one slice of a case answers.
pub struct Visited {
    pub slice: usize,
    pub mask: SliceMask,
    pub memory: Option<SliceMemory>,
}

/// A slice's memory that was made without tracking: from its prompt.
pub struct Prompted {
    pub mask: SliceMask,
    pub memory: SliceMemory,
}

impl Golden {
    pub fn open(folder: &Path) -> Self {
        let file = File::open(folder.join("expected.npz")).unwrap();
        let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
        Self {
            folder: folder.to_owned(),
            arrays: RefCell::new(zip::ZipArchive::new(file).unwrap()),
            manifest: serde_json::from_str(&manifest).unwrap(),
            resized: OnceCell::new(),
            embeddings: RefCell::default(),
        }
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.pt")
    }

    pub fn config(&self) -> Config {
        Config::open(&self.folder.join("config.yaml")).unwrap()
    }

    pub fn model(&self) -> Sam2 {
        self.model_in(Precision::F32)
    }

    pub fn model_in(&self, precision: Precision) -> Sam2 {
        Sam2::open(&self.checkpoint(), &self.config(), &Device::Cpu, precision).unwrap()
    }

    /// The cases, each with the directions it was run in.
    pub fn cases(&self) -> Vec<(String, Direction)> {
        let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
        let cases = self.manifest["cases"].as_array().unwrap();
        cases.iter().map(|it| (text(&it["name"]), direction(&text(&it["direction"])))).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.arrays.borrow().index_for_name(&format!("{name}.npy")).is_some()
    }

    /// An array by name, whatever its numbers are stored as.
    pub fn array(&self, name: &str) -> Array {
        let mut bytes = Vec::new();
        let mut arrays = self.arrays.borrow_mut();
        arrays.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
        let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
        let shape = npy.shape().iter().map(|it| usize::try_from(*it).unwrap()).collect();
        let kind = npy.dtype().descr();
        let numbers = match kind.trim_matches('\'') {
            "<f4" => npy.into_vec::<f32>().unwrap(),
            "<f2" => {
                npy.into_vec::<half::f16>().unwrap().into_iter().map(half::f16::to_f32).collect()
            }
            "|u1" => npy.into_vec::<u8>().unwrap().into_iter().map(f32::from).collect(),
            "<i8" => {
                let whole = npy.into_vec::<i64>().unwrap();
                whole.into_iter().map(|it| f32::from(i16::try_from(it).unwrap())).collect()
            }
            other => panic!("{name} holds {other}"),
        };
        Array { shape, numbers }
    }

    fn number(&self, key: &str) -> usize {
        usize::try_from(self.manifest[key].as_u64().unwrap()).unwrap()
    }

    pub fn n_slices(&self) -> usize {
        self.number("frames")
    }

    pub fn size(&self) -> (usize, usize) {
        (self.number("height"), self.number("width"))
    }

    pub fn prompted_slice(&self) -> usize {
        self.number("prompt_frame")
    }

    /// A slice as the network takes it: grey levels of the resized slices, normalised.
    pub fn pixels(&self, slice: usize) -> Tensor {
        let rgb = self.resized.get_or_init(|| self.array("resized_rgb_u8"));
        let size = rgb.shape[2];
        let channel = size * size;
        let normalised: Vec<f32> = rgb.numbers[slice * 3 * channel..(slice + 1) * 3 * channel]
            .iter()
            .enumerate()
            .map(|(i, grey)| {
                // In float64 from float32 constants, as the published script does it.
                let (mean, deviation): (f32, f32) =
                    [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)][i / channel];
                let share = f64::from(*grey) / 255.0 - f64::from(mean);
                (share / f64::from(deviation)) as f32
            })
            .collect();
        Tensor::from_vec(normalised, (1, 3, size, size), &Device::Cpu).unwrap()
    }

    /// A slice's embedding; every slice is encoded once.
    pub fn embedding(&self, model: &Sam2, slice: usize) -> SliceEmbedding {
        let mut embeddings = self.embeddings.borrow_mut();
        let encode = || model.encode(&self.pixels(slice)).unwrap();
        embeddings.entry(slice).or_insert_with(encode).clone()
    }

    /// A point of the slice, on the resized slice.
    fn point(&self, x: f64, y: f64, label: PointLabel) -> Point {
        let (height, width) = self.size();
        let side = self.number("image_size") as f32;
        let placed = |at: f64, length: usize| at as f32 / length as f32 * side;
        Point { x: placed(x, width), y: placed(y, height), label }
    }

    pub fn corners(&self) -> [Point; 2] {
        let ends = self.manifest["box_xyxy"].as_array().unwrap();
        let end = |i: usize| ends[i].as_f64().unwrap();
        [
            self.point(end(0), end(1), PointLabel::BoxTopLeft),
            self.point(end(2), end(3), PointLabel::BoxBottomRight),
        ]
    }

    /// The slices that a case prompts, with what the prompts answer.
    pub fn prompted(&self, model: &Sam2, case: &str) -> BTreeMap<usize, Prompted> {
        use PointLabel::{Negative, Positive};
        let first = self.prompted_slice();
        let corners = self.corners();
        // Clicks are given as shares of the slice's width and height.
        let (height, width) = self.size();
        let (height, width) = (height as f64, width as f64);
        let points = |it: &[(f64, f64, PointLabel)]| -> Vec<Point> {
            it.iter().map(|(x, y, label)| self.point(x * width, y * height, *label)).collect()
        };
        let by_points: Vec<(usize, Vec<Point>)> = match case {
            "box" | "absent" => vec![(first, corners.to_vec())],
            "click" => vec![(first, points(&[(0.45, 0.48, Positive)]))],
            "clicks" => {
                let clicks = [(0.45, 0.48, Positive), (0.8, 0.8, Negative), (0.5, 0.5, Positive)];
                vec![(first, points(&clicks))]
            }
            "box_then_correction" => {
                let correction = [(0.5, 0.5, Positive), (0.2, 0.9, Negative)];
                vec![(first, corners.to_vec()), (first + 3, points(&correction))]
            }
            "box_plus_click" => {
                let click = points(&[(0.46, 0.45, Positive)]);
                vec![(first, [corners.to_vec(), click].concat())]
            }
            "mask" => Vec::new(),
            other => panic!("no case is called {other}"),
        };
        let mut masks = BTreeMap::new();
        for (slice, points) in by_points {
            let embedding = self.embedding(model, slice);
            masks.insert(slice, model.prompt(&embedding, &points, None).unwrap());
        }
        if case == "mask" {
            let Array { shape, numbers } = self.array("mask_prompt_u8");
            let mask = Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
            let embedding = self.embedding(model, first);
            masks.insert(first, model.prompt_mask(&embedding, &mask).unwrap());
        }
        let remembered = masks.into_iter().map(|(slice, mask)| {
            let embedding = self.embedding(model, slice);
            let memory = model.remember(&embedding, &mask, Origin::Prompt).unwrap();
            (slice, Prompted { mask, memory })
        });
        remembered.collect()
    }

    /// Runs a case in one direction, from the first prompted slice to the volume's end.
    pub fn replay(&self, model: &Sam2, case: &str, direction: Direction) -> Vec<Visited> {
        self.follow(model, case, direction, |_, _| {})
    }

    /// As [`Golden::replay`], but every slice is told what the published code remembered, so that no
    /// slice inherits the rounding of those before it.
    pub fn replay_apart(&self, model: &Sam2, case: &str, direction: Direction) -> Vec<Visited> {
        self.follow(model, case, direction, |tracker, slice| {
            let named = |what: &str| {
                let Array { shape, numbers } =
                    self.array(&format!("{case}/{}_{what}_{slice}", name_of(direction)));
                Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
            };
            let obj_ptr = named("obj_ptr").unsqueeze(0).unwrap();
            tracker.resume(slice, SliceMemory::new(&named("maskmem"), &obj_ptr).unwrap());
        })
    }

    fn follow(
        &self,
        model: &Sam2,
        case: &str,
        direction: Direction,
        correct: impl Fn(&mut Tracker<'_>, usize),
    ) -> Vec<Visited> {
        let prompted = self.prompted(model, case);
        let conditioning = prompted.iter().map(|(slice, it)| (*slice, it.memory.clone())).collect();
        let mut tracker = Tracker::new(model, self.n_slices(), direction, conditioning);
        let first = self.prompted_slice();
        let slices: Vec<usize> = match direction {
            Direction::Forward => (first..self.n_slices()).collect(),
            Direction::Reverse => (0..=first).rev().collect(),
        };
        let visit = |slice: usize| {
            if let Some(Prompted { mask, memory }) = prompted.get(&slice) {
                return Visited { slice, mask: mask.clone(), memory: Some(memory.clone()) };
            }
            let mask = tracker.step(slice, &self.embedding(model, slice)).unwrap();
            let memory = tracker.memory(slice).cloned();
            correct(&mut tracker, slice);
            Visited { slice, mask, memory }
        };
        slices.into_iter().map(visit).collect()
    }

    /// Every array that the folder has of a visited slice, with what was found.
    pub fn of_slice(
        &self,
        case: &str,
        direction: Direction,
        visited: &Visited,
    ) -> Vec<(String, Array, Vec<f32>)> {
        let Visited { slice, mask, memory } = visited;
        let numbers = |it: &Tensor| it.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let found = [
            ("lowres", Some(numbers(&mask.low_res))),
            ("obj_ptr", Some(numbers(&mask.obj_ptr))),
            ("objscore", Some(vec![mask.object_score])),
            ("maskmem", memory.as_ref().map(|it| numbers(&it.features().unwrap()))),
        ];
        let named = found.into_iter().filter_map(|(what, found)| {
            let name = format!("{case}/{}_{what}_{slice}", name_of(direction));
            Some((name.clone(), self.has(&name).then(|| self.array(&name))?, found?))
        });
        named.collect()
    }
}

pub fn name_of(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Reverse => "reverse",
    }
}

fn direction(name: &str) -> Direction {
    match name {
        "forward" => Direction::Forward,
        "reverse" => Direction::Reverse,
        other => panic!("no direction is called {other}"),
    }
}

/// How far numbers are from the golden ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deviation {
    /// Largest distance, as a share of the golden numbers' range.
    pub of_range: f32,
    /// How many masks' pixels differ though the golden logit is farther from 0 than the tolerance.
    pub flipped: usize,
}

/// Compares logits or features; `tolerance` is a share of the range of the golden numbers above
/// −1024.
pub fn deviation(golden: &[f32], found: &[f32], tolerance: f32) -> Deviation {
    assert_eq!(golden.len(), found.len(), "another number of values");
    let finite = golden.iter().copied().filter(|it| *it > -1024.0);
    let (low, high) =
        finite.fold((f32::MAX, f32::MIN), |(low, high), it| (low.min(it), high.max(it)));
    // A single number's range is its size.
    let range = if high > low { high - low } else { high.abs().max(1.0) };
    let mut result = Deviation::default();
    for (golden, found) in golden.iter().zip(found) {
        let distance = (golden - found).abs() / range;
        assert!(distance.is_finite(), "{found} where {golden} was expected");
        result.of_range = result.of_range.max(distance);
        let is_flipped = (*golden > 0.0) != (*found > 0.0);
        if is_flipped && golden.abs() > tolerance * range {
            result.flipped += 1;
        }
    }
    result
}
