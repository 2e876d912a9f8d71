//! `voxloop demo`: the main job once, without a browser. Makes a phantom with a known lesion, draws
//! the box a person would draw, segments the slice, propagates, writes mask and picture.

use std::{fs, path::PathBuf, process::ExitCode, time::Instant};

use anyhow::Context;
use engine::{Engine, PropagationRequest, Uncertainty, Unwatched};
use protocol::prompt::{Combine, Direction, SlicePrompt, SliceRef};
use volume::{
    Labelmap, MaskFormat, Volume, metrics,
    phantom::{Phantom, PhantomLabel, PhantomOptions, phantom},
    render, write_mask, write_volume,
};

use crate::whole_file;

/// Arguments of `voxloop demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Folder for the files; it is made where it is missing.
    #[arg(long, default_value = "demo", value_name = "DIR")]
    dir: PathBuf,
    /// Every seed makes another patient.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Stored axis of the slices that people mark: the scanner's own.
const AXIS: u8 = 2;

/// Does the main job once and says what it did.
///
/// # Errors
/// If a file cannot be written.
#[expect(clippy::print_stdout, reason = "the outermost layer says what it does")]
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&args.dir)
        .with_context(|| format!("--dir: cannot make the folder {}", args.dir.display()))?;
    let options = PhantomOptions { seed: args.seed, ..PhantomOptions::ct([256, 256, 64]) };
    let Phantom { volume, labelmap, labels } = phantom(&options);
    let image = args.dir.join("ct.nii.gz");
    whole_file::write(&image, |out| write_volume(&volume, MaskFormat::NiftiGz, out))?;
    println!("1. made a CT phantom of {:?} voxels: {}", volume.grid.shape, image.display());

    let lesion = largest_lesion(&labelmap, &labels).context("the phantom has no lesion")?;
    let truth = labelmap.binary(lesion.value);
    let prompt = careful_prompt(&truth).context("the lesion has no voxels")?;
    let [x1, y1, x2, y2] = prompt.bounds.unwrap_or_default();
    let slice = prompt.slice.slice_index;
    println!("2. drew the box {x1},{y1},{x2},{y2} around the {} on slice {slice}", lesion.name);

    let found = engine::segment_slice(&Engine::Graphcut, &volume, &prompt, None)?;
    let base = found.on_grid(volume.grid.shape);
    println!("3. segmented the slice in {:.0} ms: {} voxels", found.engine_ms, base.count(1));

    let mask = carry(&volume, prompt, &base, &truth)?;
    let file = args.dir.join("mask.nii.gz");
    whole_file::write(&file, |out| write_mask(&mask, &volume.header, MaskFormat::NiftiGz, out))?;
    let picture = args.dir.join("contact-sheet.png");
    let sheet = render::contact_sheet(&volume, &mask).context("drawing the contact sheet")?;
    whole_file::write(&picture, |out| out.write_all(&sheet))?;
    println!("5. wrote {} and {}", file.display(), picture.display());
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the outermost layer says what it does")]
fn carry(
    volume: &Volume,
    mut prompt: SlicePrompt,
    base: &Labelmap,
    truth: &Labelmap,
) -> anyhow::Result<Labelmap> {
    prompt.mask = true;
    let request = PropagationRequest {
        label: 1,
        axis: AXIS,
        prompts: vec![prompt],
        direction: Direction::Both,
        range: None,
        combine: Combine::Union,
        largest_component: false,
        frugal: false,
    };
    let started = Instant::now();
    let found = engine::propagate(
        &Engine::Graphcut,
        volume,
        &request,
        base,
        Uncertainty::Measure,
        &Unwatched,
    )?;
    let doubtful = found.slices.iter().max_by(|a, b| a.uncertainty.total_cmp(&b.uncertainty));
    println!(
        "4. propagated in {:.0} ms ({:.0} ms with uncertainty): {:.1} ml on slices {}–{}; Dice with \
         the truth {:.3}; most doubtful is slice {}",
        found.solve_ms,
        started.elapsed().as_secs_f64() * 1e3,
        metrics::volume_ml(&found.mask, &volume.grid, 1),
        found.slices.iter().find(|it| it.area_voxels > 0).map_or(0, |it| it.slice_index),
        found.slices.iter().rfind(|it| it.area_voxels > 0).map_or(0, |it| it.slice_index),
        metrics::dice(&found.mask, truth),
        doubtful.map_or(0, |it| it.slice_index),
    );
    Ok(found.mask)
}

fn largest_lesion(labelmap: &Labelmap, labels: &[PhantomLabel]) -> Option<PhantomLabel> {
    labels.iter().filter(|it| it.is_lesion).max_by_key(|it| labelmap.count(it.value)).copied()
}

/// The box that a careful person draws: tight, on the slice where the object is largest.
fn careful_prompt(truth: &Labelmap) -> Option<SlicePrompt> {
    let areas = truth.slice_counts(usize::from(AXIS), 1);
    let (slice, _) = areas.iter().enumerate().max_by_key(|(_, area)| **area)?;
    let mut shown = Labelmap::new(truth.shape);
    shown.set_slice(usize::from(AXIS), slice, &truth.slice(usize::from(AXIS), slice));
    let [i, j, _] = shown.bounding_box(1)?;
    let corner = |it: usize| u32::try_from(it).map_or(0.0, f64::from);
    Some(SlicePrompt {
        slice: SliceRef { axis: AXIS, slice_index: u32::try_from(slice).ok()? },
        label: 1,
        bounds: Some([corner(*i.start()), corner(*j.start()), corner(*i.end()), corner(*j.end())]),
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    })
}
