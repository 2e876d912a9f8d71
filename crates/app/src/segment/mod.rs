//! `voxloop segment`: one object in one image, or every object in many images.

mod args;

mod logits;
mod many;
mod objects;
mod plan;
mod prompts;
mod record;
mod report;
mod shape;

use std::{path::Path, process::ExitCode, time::Instant};

use anyhow::Context;
use engine::{Engine, Propagation, PropagationRequest, SliceLogits, SoFar, Stage, Uncertainty};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{
    prompt::{SlicePrompt, SliceRef},
    task::EngineIdentity,
};
use serde_json::json;
use volume::{Labelmap, MaskFormat, ReadOptions, Volume};

use crate::{
    apart::{self, Named},
    batch::{Misuse, inputs::file_name, pool},
    whole_file,
};

pub(crate) use args::{SegmentArgs, parse_jobs};

/// Runs `voxloop segment`.
///
/// # Errors
/// If a file cannot be read or written, or the prompt does not fit the image.
#[expect(clippy::print_stdout, reason = "the outermost layer says what it wrote")]
pub(crate) fn run(args: &SegmentArgs) -> anyhow::Result<ExitCode> {
    args.engine.check(&[("--logits", args.logits.is_some())])?;
    if let Some(out) = &args.many.out {
        return many::run(args, out);
    }
    let [image] = args.inputs.as_slice() else {
        return Err(Misuse("several images need --out DIR in place of -o".to_owned()).into());
    };
    // Both flags are required without --out.
    let output = args.output.as_deref().context("-o MASK is missing")?;
    let format = mask_format(output)?;
    keep_apart(args, image, output)?;
    let prompts = prompts(args)?;
    let started = Instant::now();
    let volume = read_volume(image)?;
    let load_ms = milliseconds(started);
    let bar = Bar::new();
    let engine = opened(args)?;
    let Segmented { mask, logits, engine, times } = segment(args, prompts, &engine, &volume, &bar)?;
    bar.0.finish_and_clear();
    let started = Instant::now();
    whole_file::write(output, |out| volume::write_mask(&mask, &volume.header, format, out))?;
    if let Some(path) = &args.logits {
        whole_file::write(path, |out| logits::write(&logits, out))?;
    }
    let write_ms = milliseconds(started);
    if let Some(path) = &args.timing {
        let timing = json!({
            "load_ms": load_ms,
            "ms_2d": times.slice,
            "ms_3d": times.volume,
            "ms_uncertainty": times.uncertainty,
            "write_ms": write_ms,
            "threads": pool::n_cpus(),
            "engine": engine,
        });
        whole_file::write(path, |out| writeln!(out, "{timing:#}"))?;
    }
    let ml = volume::metrics::volume_ml(&mask, &volume.grid, 1);
    println!("{}: {} voxels, {ml:.2} ml", output.display(), mask.count(1));
    Ok(ExitCode::SUCCESS)
}

/// Refuses a file to write that is another file of the call.
fn keep_apart(args: &SegmentArgs, image: &Path, output: &Path) -> Result<(), Misuse> {
    let read = [vec![Named { argument: "IMAGE", path: image }], args.engine.files()].concat();
    let written = apart::named([
        ("-o", Some(output)),
        ("--logits", args.logits.as_deref()),
        ("--timing", args.timing.as_deref()),
    ]);
    apart::check(&read, &written)
}

/// Milliseconds in the engine; none for a step that was not asked for.
struct Times {
    slice: f64,
    volume: Option<f64>,
    uncertainty: Option<f64>,
}

/// What came of an image.
struct Segmented {
    mask: Labelmap,
    logits: Vec<SliceLogits>,
    engine: EngineIdentity,
    times: Times,
}

/// The engine, with logits where they are asked for.
fn opened(args: &SegmentArgs) -> anyhow::Result<Engine> {
    Ok(match args.engine.open()? {
        Engine::Medsam2(network) if args.logits.is_some() => {
            Engine::Medsam2(network.keeping_logits())
        }
        engine @ (Engine::Graphcut | Engine::Medsam2(_)) => engine,
    })
}

fn segment(
    args: &SegmentArgs,
    mut prompts: Vec<SlicePrompt>,
    engine: &Engine,
    volume: &Volume,
    bar: &Bar,
) -> anyhow::Result<Segmented> {
    let slice = engine::segment_slice(engine, volume, &prompts[0], None)?;
    let mut times = Times { slice: slice.engine_ms, volume: None, uncertainty: None };
    let mut base = slice.on_grid(volume.shape());
    if args.two_d {
        let slice_index = slice.extent.first;
        let logits = slice.logits.map(|logits| SliceLogits { slice_index, logits });
        let logits = logits.into_iter().collect();
        return Ok(Segmented { mask: base, logits, engine: slice.engine, times });
    }
    match engine {
        Engine::Graphcut => prompts[0].mask = true,
        // It starts from what was marked rather than from the slice's mask.
        Engine::Medsam2(_) => base = Labelmap::new(volume.shape()),
    }
    let request = PropagationRequest {
        label: 1,
        axis: args.axis,
        prompts,
        direction: args.direction.into(),
        range: args.range.map(|it| it.0),
        combine: args.combine.into(),
        largest_component: args.largest_component,
        frugal: false,
    };
    let uncertainty = if args.timing.is_some() { Uncertainty::Measure } else { Uncertainty::Skip };
    let Propagation { mask, doubt, engine, solve_ms, uncertainty_ms, logits, .. } =
        engine::propagate(engine, volume, &request, &base, uncertainty, bar)?;
    times.volume = Some(solve_ms);
    times.uncertainty = doubt.map(|_| uncertainty_ms);
    Ok(Segmented { mask, logits, engine, times })
}

/// The slice that comes first: the one that --slice names, else that of the first positive point.
fn key_slice(args: &SegmentArgs) -> Result<u32, Misuse> {
    if let Some(key) = args.slice {
        return Ok(key);
    }
    if args.bounds.is_some() {
        return Err(Misuse("--slice is missing: on which slice does --box lie?".to_owned()));
    }
    if args.point.iter().any(|it| it.slice_index.is_none()) {
        let message =
            "--slice is missing: on which slice does a --point without one of its own lie?";
        return Err(Misuse(message.to_owned()));
    }
    let positive = args.point.iter().find(|it| it.point.positive);
    positive.and_then(|it| it.slice_index).ok_or_else(|| {
        Misuse("the object needs --slice and --box, or a positive --point X,Y,K,+".to_owned())
    })
}

/// The key slice's prompt first, then one for each other slice with points.
fn prompts(args: &SegmentArgs) -> Result<Vec<SlicePrompt>, Misuse> {
    let key = key_slice(args)?;
    let on = |slice_index: u32| SlicePrompt {
        slice: SliceRef { axis: args.axis, slice_index },
        label: 1,
        bounds: None,
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    };
    let mut prompts = vec![SlicePrompt { bounds: args.bounds.map(|it| it.0), ..on(key) }];
    for it in &args.point {
        let index = it.slice_index.unwrap_or(key);
        let known = prompts.iter().position(|prompt| prompt.slice.slice_index == index);
        let at = known.unwrap_or_else(|| {
            prompts.push(on(index));
            prompts.len() - 1
        });
        prompts[at].points.push(it.point);
    }
    if args.bounds.is_none() && !prompts[0].points.iter().any(|it| it.positive) {
        return Err(Misuse(format!("slice {key} needs --box or a positive --point")));
    }
    if args.two_d && prompts.len() > 1 {
        return Err(Misuse(format!("--two-d takes points on slice {key} only")));
    }
    Ok(prompts)
}

/// Reads an image, naming the file in the error.
///
/// # Errors
/// If the file is missing or is no image that can be read.
pub(crate) fn read_volume(path: &Path) -> anyhow::Result<Volume> {
    volume::read(path, &file_name(path), &ReadOptions::default())
        .with_context(|| format!("cannot read {}", path.display()))
}

fn mask_format(path: &Path) -> anyhow::Result<MaskFormat> {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    MaskFormat::of_file_name(name)
        .with_context(|| format!("{name}: a mask's name ends in .nii.gz, .nii or .nrrd"))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// A progress bar on a terminal; nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        let style = ProgressStyle::with_template("{msg:12} {bar:30} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }
}

impl engine::Control for Bar {
    fn progress(&self, stage: Stage, done: u32, total: u32) {
        self.0.set_message(match stage {
            Stage::Solving => "solving",
            Stage::Uncertainty => "uncertainty",
        });
        self.0.set_length(u64::from(total));
        self.0.set_position(u64::from(done));
    }

    fn partial(&self, _: SoFar<'_>) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
