//! `voxloop eval`: how well an engine does on cases with known masks.
//!
//! Prompts are derived from the truth: a tight box, boxes with a person's errors, a loose box, and
//! corrections of the slices that the engine itself calls most uncertain.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use engine::{PropagationRequest, Uncertainty, Unwatched};
use protocol::{
    prompt::{Combine, Direction, SlicePrompt, SliceRef},
    task::EngineName,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use volume::{Labelmap, Volume, metrics, plane_axes};

use crate::segment::{EngineArg, read_volume};

/// Voxels by which a derived loose box is wider on each side.
const LOOSE: f64 = 5.0;
/// Greatest shift of a jittered side, as a share of the box's size.
const JITTER: f64 = 0.1;
const N_JITTERED: u32 = 4;
const SEED: u64 = 20_260_101;

/// Arguments of `voxloop eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// Folder of cases: JSON files that name image, label and prompt.
    #[arg(required_unless_present = "image", conflicts_with = "image")]
    pub(crate) dir: Option<PathBuf>,
    /// A single image instead; the prompt is derived from its label.
    #[arg(long, requires = "label")]
    pub(crate) image: Option<PathBuf>,
    /// The image's true mask.
    #[arg(long, requires = "image")]
    pub(crate) label: Option<PathBuf>,
    /// The value of the object in the true mask; any value but 0 without it.
    #[arg(long, requires = "label", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) label_value: Option<u8>,
    /// The engine.
    #[arg(long, value_enum, default_value_t = EngineArg::Graphcut)]
    pub(crate) engine: EngineArg,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is measured of a case.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Scores {
    dice_2d: f64,
    dice_2d_jitter: f64,
    dice_2d_loose: f64,
    dice_3d: f64,
    dice_3d_jitter: f64,
    dice_3d_loose: f64,
    dice_3d_corrected_1: f64,
    dice_3d_corrected_2: f64,
    ms_2d: f64,
    ms_3d: f64,
}

impl Scores {
    fn values(&mut self) -> [&mut f64; 10] {
        [
            &mut self.dice_2d,
            &mut self.dice_2d_jitter,
            &mut self.dice_2d_loose,
            &mut self.dice_3d,
            &mut self.dice_3d_jitter,
            &mut self.dice_3d_loose,
            &mut self.dice_3d_corrected_1,
            &mut self.dice_3d_corrected_2,
            &mut self.ms_2d,
            &mut self.ms_3d,
        ]
    }
}

/// Runs `voxloop eval`.
///
/// # Errors
/// If there are no cases. A case that fails is reported in its place, and the exit code is 1.
pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let sources = sources(args)?;
    let report = Report { json: args.json };
    report.header();
    let mut mean = Scores::default();
    let mut n_scored = 0u32;
    for source in &sources {
        match source.open().and_then(|case| case.scores(args.engine.name())) {
            Ok(mut scores) => {
                report.case(&source.name, &scores);
                n_scored += 1;
                for (sum, value) in mean.values().into_iter().zip(scores.values()) {
                    *sum += *value;
                }
            }
            Err(error) => report.failure(&source.name, &error),
        }
    }
    for sum in mean.values() {
        *sum /= f64::from(n_scored.max(1));
    }
    report.mean(&mean, n_scored);
    let all = usize::try_from(n_scored).is_ok_and(|it| it == sources.len());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a case comes from.
struct Source {
    name: String,
    kind: SourceKind,
}

enum SourceKind {
    /// A file that names image, label and prompt.
    File(PathBuf),
    /// An image and its label; the prompt is derived.
    Pair { image: PathBuf, label: PathBuf, value: Option<u8> },
}

fn sources(args: &EvalArgs) -> anyhow::Result<Vec<Source>> {
    if let (Some(image), Some(label)) = (&args.image, &args.label) {
        let mut name = file_name(image);
        if let Some(value) = args.label_value {
            name = format!("{name}:{value}");
        }
        let (image, label, value) = (image.clone(), label.clone(), args.label_value);
        return Ok(vec![Source { name, kind: SourceKind::Pair { image, label, value } }]);
    }
    let dir = args.dir.as_deref().context("name a folder of cases, or --image and --label")?;
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot open {}", dir.display()))? {
        let path = entry.with_context(|| format!("cannot list {}", dir.display()))?.path();
        if path.extension().is_some_and(|it| it == "json") {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} holds no case (*.json)", dir.display());
    Ok(files
        .into_iter()
        .map(|path| {
            let name = path.file_stem().map_or_else(String::new, |it| it.display().to_string());
            Source { name, kind: SourceKind::File(path) }
        })
        .collect())
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |it| it.display().to_string())
}

/// A case file.
#[derive(Debug, Deserialize)]
struct CaseFile {
    image: PathBuf,
    label: PathBuf,
    #[serde(default)]
    label_value: Option<u8>,
    prompt: CasePrompt,
}

/// The prompt of a case file.
#[derive(Debug, Deserialize)]
struct CasePrompt {
    axis: u8,
    slice: u32,
    #[serde(rename = "box")]
    bounds: [f64; 4],
    #[serde(default)]
    box_loose: Option<[f64; 4]>,
}

impl Source {
    fn open(&self) -> anyhow::Result<Case> {
        match &self.kind {
            SourceKind::File(path) => {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let file: CaseFile = serde_json::from_str(&text)
                    .with_context(|| format!("{} is no case", path.display()))?;
                let folder = path.parent().unwrap_or(Path::new("."));
                let (image, label) = (folder.join(&file.image), folder.join(&file.label));
                Case::read(&image, &label, file.label_value, Some(file.prompt))
            }
            SourceKind::Pair { image, label, value } => Case::read(image, label, *value, None),
        }
    }
}

/// An image, its truth (values 0 and 1) and the prompt.
struct Case {
    volume: Volume,
    truth: Labelmap,
    slice: SliceRef,
    bounds: [f64; 4],
    loose: [f64; 4],
}

impl Case {
    fn read(
        image: &Path,
        label: &Path,
        value: Option<u8>,
        prompt: Option<CasePrompt>,
    ) -> anyhow::Result<Self> {
        let volume = read_volume(image)?;
        let labels = Labelmap::from_volume(&read_volume(label)?)
            .with_context(|| format!("{} is no mask", label.display()))?;
        ensure!(
            labels.shape == volume.shape(),
            "the mask has {:?} voxels, the image {:?}",
            labels.shape,
            volume.shape()
        );
        let mut truth = labels;
        for voxel in &mut truth.voxels {
            *voxel = u8::from(value.map_or(*voxel != 0, |it| *voxel == it));
        }
        let prompt = match prompt {
            Some(prompt) => prompt,
            None => derived_prompt(&truth)?,
        };
        let axis = usize::from(prompt.axis);
        ensure!(axis < 3, "prompt.axis is {axis}, must be from 0 to 2");
        let size = plane_axes(axis).map(|it| truth.shape[it] as f64 - 1.0);
        let [x1, y1, x2, y2] = prompt.bounds;
        let wider = [
            (x1 - LOOSE).max(0.0),
            (y1 - LOOSE).max(0.0),
            (x2 + LOOSE).min(size[0]),
            (y2 + LOOSE).min(size[1]),
        ];
        Ok(Self {
            slice: SliceRef { axis: prompt.axis, slice_index: prompt.slice },
            bounds: prompt.bounds,
            loose: prompt.box_loose.unwrap_or(wider),
            volume,
            truth,
        })
    }

    fn scores(&self, engine: EngineName) -> anyhow::Result<Scores> {
        let tight = self.run(engine, self.bounds)?;
        let loose = self.run(engine, self.loose)?;
        let mut scores = Scores {
            dice_2d: tight.dice_2d,
            dice_3d: tight.dice_3d,
            dice_2d_loose: loose.dice_2d,
            dice_3d_loose: loose.dice_3d,
            ms_2d: tight.ms_2d,
            ms_3d: tight.ms_3d,
            ..Scores::default()
        };
        let mut random = SplitMix(SEED);
        for _ in 0..N_JITTERED {
            let jittered = self.run(engine, self.jittered(&mut random))?;
            scores.dice_2d_jitter += jittered.dice_2d / f64::from(N_JITTERED);
            scores.dice_3d_jitter += jittered.dice_3d / f64::from(N_JITTERED);
        }
        let mut base = tight.base;
        let mut prompts = vec![self.prompt(self.bounds)];
        scores.dice_3d_corrected_1 = self.correct(engine, &mut base, &mut prompts)?;
        scores.dice_3d_corrected_2 = self.correct(engine, &mut base, &mut prompts)?;
        Ok(scores)
    }

    /// The slice from a box, then the volume from the slice.
    fn run(&self, engine: EngineName, bounds: [f64; 4]) -> anyhow::Result<Run> {
        let prompt = self.prompt(bounds);
        let slice = engine::segment_slice(engine, &self.volume, &prompt, None)?;
        let base = slice.on_grid(self.volume.shape());
        let (axis, index) = self.key();
        let truth = self.truth.slice(axis, index);
        let request = self.request(vec![prompt]);
        let volume = engine::propagate(
            engine,
            &self.volume,
            &request,
            &base,
            Uncertainty::Skip,
            &Unwatched,
        )?;
        Ok(Run {
            dice_2d: metrics::dice_of_voxels(&slice.mask.pixels, &truth.pixels, |it| it != 0),
            dice_3d: metrics::dice(&volume.mask, &self.truth),
            ms_2d: slice.engine_ms,
            ms_3d: volume.solve_ms,
            base,
        })
    }

    /// Replaces the most uncertain slice by the truth and solves again.
    fn correct(
        &self,
        engine: EngineName,
        base: &mut Labelmap,
        prompts: &mut Vec<SlicePrompt>,
    ) -> anyhow::Result<f64> {
        let measured = engine::propagate(
            engine,
            &self.volume,
            &self.request(prompts.clone()),
            base,
            Uncertainty::Measure,
            &Unwatched,
        )?;
        let known = |index: u32| prompts.iter().any(|it| it.slice.slice_index == index);
        let doubtful = measured
            .slices
            .iter()
            .filter(|it| !known(it.slice_index))
            .max_by(|a, b| a.uncertainty.total_cmp(&b.uncertainty));
        let Some(doubtful) = doubtful else {
            return Ok(metrics::dice(&measured.mask, &self.truth));
        };
        let (axis, _) = self.key();
        let index = usize::try_from(doubtful.slice_index)?;
        let truth = self.truth.slice(axis, index);
        let shown = truth.pixels.contains(&1);
        base.set_slice(axis, index, &truth);
        prompts.push(SlicePrompt {
            slice: SliceRef { slice_index: doubtful.slice_index, ..self.slice },
            bounds: None,
            mask: shown,
            absent: !shown,
            ..self.prompt(self.bounds)
        });
        let corrected = engine::propagate(
            engine,
            &self.volume,
            &self.request(prompts.clone()),
            base,
            Uncertainty::Skip,
            &Unwatched,
        )?;
        Ok(metrics::dice(&corrected.mask, &self.truth))
    }

    fn key(&self) -> (usize, usize) {
        let index = usize::try_from(self.slice.slice_index).unwrap_or(usize::MAX);
        (usize::from(self.slice.axis), index)
    }

    fn prompt(&self, bounds: [f64; 4]) -> SlicePrompt {
        SlicePrompt {
            slice: self.slice,
            label: 1,
            bounds: Some(bounds),
            points: Vec::new(),
            scribbles: Vec::new(),
            mask: false,
            absent: false,
        }
    }

    fn request(&self, prompts: Vec<SlicePrompt>) -> PropagationRequest {
        PropagationRequest {
            label: 1,
            axis: self.slice.axis,
            prompts,
            direction: Direction::Both,
            range: None,
            combine: Combine::Union,
        }
    }

    /// The box with each side moved by itself, in whole voxels, held on the image.
    fn jittered(&self, random: &mut SplitMix) -> [f64; 4] {
        let [a, b] = plane_axes(usize::from(self.slice.axis));
        let last = [a, b].map(|it| self.truth.shape[it] as f64 - 1.0);
        let [x1, y1, x2, y2] = self.bounds;
        let size = [x2 - x1 + 1.0, y2 - y1 + 1.0];
        let moved = [0, 1, 2, 3].map(|side| {
            let shift = (2.0 * random.next_share() - 1.0) * JITTER * size[side % 2];
            (self.bounds[side] + shift).round().clamp(0.0, last[side % 2])
        });
        [moved[0], moved[1], moved[2].max(moved[0]), moved[3].max(moved[1])]
    }
}

/// What one box led to.
struct Run {
    dice_2d: f64,
    dice_3d: f64,
    ms_2d: f64,
    ms_3d: f64,
    base: Labelmap,
}

/// Axis 2, the slice with the most voxels, the object's own bounds.
fn derived_prompt(truth: &Labelmap) -> anyhow::Result<CasePrompt> {
    let areas = truth.slice_counts(2, 1);
    let Some((index, _)) =
        areas.iter().enumerate().rev().max_by_key(|it| *it.1).filter(|it| *it.1 > 0)
    else {
        bail!("the mask holds no voxel of the object");
    };
    let slice = truth.slice(2, index);
    let mut bounds = [f64::INFINITY, f64::INFINITY, 0.0, 0.0];
    for (at, _) in slice.pixels.iter().enumerate().filter(|it| *it.1 != 0) {
        let (x, y) = ((at % slice.width) as f64, (at / slice.width) as f64);
        bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
    }
    Ok(CasePrompt { axis: 2, slice: u32::try_from(index)?, bounds, box_loose: None })
}

/// `SplitMix64`: the same boxes on every machine.
struct SplitMix(u64);

impl SplitMix {
    /// From 0 up to 1.
    fn next_share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Prints as lines of JSON or as a table.
struct Report {
    json: bool,
}

#[expect(clippy::print_stdout, reason = "the outermost layer prints what was asked for")]
impl Report {
    fn header(&self) {
        if !self.json {
            println!(
                "{:40} {:^20} {:^20} {:^13} {:>6} {:>6}",
                "", "2D tight jitter loose", "3D tight jitter loose", "corrected", "2D ms", "3D ms"
            );
        }
    }

    fn case(&self, name: &str, scores: &Scores) {
        if self.json {
            let mut line = json!({ "case": name });
            if let (Some(line), Some(values)) = (line.as_object_mut(), json!(scores).as_object()) {
                line.extend(values.clone());
            }
            println!("{line}");
        } else {
            println!("{}", row(name, scores));
        }
    }

    fn failure(&self, name: &str, error: &anyhow::Error) {
        if self.json {
            println!("{}", json!({ "case": name, "error": format!("{error:#}") }));
        } else {
            println!("{name:40} failed: {error:#}");
        }
    }

    fn mean(&self, mean: &Scores, n_scored: u32) {
        if self.json {
            let mean = if n_scored == 0 { json!({}) } else { json!(mean) };
            println!("{}", json!({ "mean": mean }));
        } else if n_scored > 0 {
            println!("{}", row(&format!("mean of {n_scored}"), mean));
        }
    }
}

fn row(name: &str, s: &Scores) -> String {
    format!(
        "{name:40}  {:.3} {:.3} {:.3}    {:.3} {:.3} {:.3}    {:.3} {:.3} {:6.1} {:6.1}",
        s.dice_2d,
        s.dice_2d_jitter,
        s.dice_2d_loose,
        s.dice_3d,
        s.dice_3d_jitter,
        s.dice_3d_loose,
        s.dice_3d_corrected_1,
        s.dice_3d_corrected_2,
        s.ms_2d,
        s.ms_3d,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_prompt_is_tight_and_on_the_largest_slice() {
        let mut truth = Labelmap::new([8, 9, 4]);
        for at in [[3, 4, 1], [2, 4, 2], [5, 6, 2]] {
            let place = truth.index(at);
            truth.voxels[place] = 1;
        }
        let prompt = derived_prompt(&truth).unwrap();
        assert_eq!((prompt.axis, prompt.slice), (2, 2));
        assert_eq!(prompt.bounds.map(|it| it.round()), [2.0, 4.0, 5.0, 6.0]);
        assert!(derived_prompt(&Labelmap::new([2, 2, 2])).is_err());
    }

    #[test]
    fn jitter_draws_the_same_shares_each_time() {
        let draw = || {
            let mut random = SplitMix(SEED);
            [(); 3].map(|()| random.next_share())
        };
        assert_eq!(draw().map(f64::to_bits), draw().map(f64::to_bits));
        assert!(draw().iter().all(|it| (0.0..1.0).contains(it)));
    }
}
