//! The MedSAM2 network part by part, in float32 and bfloat16, beside the published PyTorch code.

pub(super) mod child;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::{
    Bench,
    child::{ask, command},
    figure::{Figure, Limit, Peer, median},
};
use crate::random::SplitMix64;
use child::{Manifest, Runs};

/// Runs the published code.
const SCRIPT: &str = include_str!("../../../../../tools/sam2/published.py");
/// Threads of each: what a small server has.
const N_THREADS: &str = "2";
const N_SLICES: usize = 13;
/// The parts, with the GFLOP that PyTorch counts in the published code and dimensions.
const PARTS: [(&str, f64); 4] =
    [("encoder", 62.8), ("memory attention", 43.6), ("mask decoder", 1.0), ("memory encoder", 2.9)];

/// Which network is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Sam2Args {
    /// A clone of bowang-lab/MedSAM2: `bench sam2` then measures the published code as well, in the
    /// Python of --python, on random weights or those of --model.
    #[arg(long, value_name = "DIR", help_heading = "MedSAM2")]
    source: Option<PathBuf>,
    /// Weights for `bench sam2`; without --source they are needed.
    #[arg(long, value_name = "CKPT", help_heading = "MedSAM2")]
    model: Option<PathBuf>,
    /// Their dimensions; the published ones by default.
    #[arg(long, value_name = "YAML", requires = "model", help_heading = "MedSAM2")]
    config: Option<PathBuf>,
}

impl Sam2Args {
    /// Whether there is a network to measure.
    pub(super) fn has_network(&self) -> bool {
        self.source.is_some() || self.model.is_some()
    }
}

/// What the published code answered.
#[derive(Debug, Deserialize)]
struct Published {
    name: String,
    f32: Runs,
    bf16: Runs,
    comparison: Comparison,
}

/// Its logits beside ours.
#[derive(Debug, Deserialize)]
struct Comparison {
    /// Pixels of another mask whose logit is not next to 0.
    flipped: u64,
    /// Relative L2 distance per slice: ours from its float32.
    f32_deviation: Vec<f64>,
    /// Our bfloat16 from our float32.
    bf16_deviation: Vec<f64>,
    /// Its bfloat16 autocast from its float32.
    bf16_deviation_of_peer: Vec<f64>,
}

/// Measures the network.
///
/// # Errors
/// If there is none, or a process that is measured fails.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let args = bench.sam2;
    ensure!(args.has_network(), "`bench sam2` needs --source or --model");
    let folder = bench.folder.join("sam2");
    fs::create_dir(&folder).context("making a folder")?;
    match &args.model {
        Some(model) => {
            let config = args.config.as_deref();
            link(model, &folder.join("checkpoint.pt"))?;
            let text = config.map_or_else(
                || Ok(models::catalogue::PUBLISHED_CONFIG_TEXT.to_owned()),
                |it| fs::read_to_string(it).with_context(|| format!("reading {}", it.display())),
            );
            fs::write(folder.join("config.yaml"), text?).context("writing the configuration")?;
        }
        None => published(bench, &folder, "weights").and_then(|mut it| {
            let output = it.output().context("starting the published code")?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "the published code: {}", said.trim());
            Ok(())
        })?,
    }
    write_scene(&folder)?;
    let ours = |precision: &str| -> anyhow::Result<Runs> {
        let n_runs = bench.n_runs.to_string();
        let mut child =
            command(["sam2".as_ref(), folder.as_os_str(), precision.as_ref(), n_runs.as_ref()])?;
        ask(child.env("RAYON_NUM_THREADS", N_THREADS))
    };
    let (f32, bf16) = (ours("f32")?, ours("bf16")?);
    let is_published =
        sam2::Config::open(&folder.join("config.yaml"))? == sam2::Config::sam2_1_hiera_t512();
    let peer: Option<Published> = match &args.source {
        Some(_) => Some(ask(&mut published(bench, &folder, "measure")?)?),
        None => None,
    };
    let mut figures =
        vec![Figure::new("sam2 load", "ms", runs(&f32, "load"), Limit::AtMost(1000.0), None)];
    for (precision, ours, share) in [("f32", &f32, 0.85), ("bf16", &bf16, 0.65)] {
        let floor = is_published.then(|| median(&runs(ours, "peak"))).flatten();
        figures.extend(figures_of(precision, ours, Goal { share, peak: floor }, peer.as_ref()));
    }
    figures.extend(peer.iter().flat_map(|it| deviations(&it.comparison)));
    Ok(figures)
}

/// What a precision's figures are measured by.
#[derive(Clone, Copy)]
struct Goal {
    /// Of the time that PyTorch takes in float32.
    share: f64,
    /// GFLOP/s of a large product; none where the GFLOP of the parts are not known.
    peak: Option<f64>,
}

/// The whole and its parts in one precision; all are set beside PyTorch in float32.
fn figures_of(
    precision: &str,
    ours: &Runs,
    goal: Goal,
    published: Option<&Published>,
) -> Vec<Figure> {
    let peer = |name: &str| {
        let published = published?;
        Peer::measured(format!("{} f32", published.name), runs(&published.f32, name))
    };
    let in_bf16 = |name: &str| {
        let at_bf16 = published.and_then(|it| median(&runs(&it.bf16, name)));
        at_bf16.map(|ms| format!("PyTorch bf16 autocast {ms:.1} ms"))
    };
    let whole = Figure::new(
        format!("sam2 {precision}, {N_SLICES} slices, both directions"),
        "ms",
        runs(ours, "whole"),
        Limit::OfPeer(goal.share),
        peer("whole"),
    );
    let whole = whole.noting(in_bf16("whole").unwrap_or_default());
    let parts = PARTS.map(|(name, gflop)| {
        let runs = runs(ours, name);
        let figure = Figure::new(
            format!("sam2 {precision}, {name}"),
            "ms",
            runs,
            // Only the decoder has a limit of its own: what a prompt waits for.
            if name == "mask decoder" { Limit::AtMost(120.0) } else { Limit::OfPeer(1.0) },
            peer(name),
        );
        let floor = goal.peak.map(|peak| {
            let floor = 1e3 * gflop / peak;
            let how =
                if name == "memory attention" { "; a step without the other two" } else { "" };
            format!("{gflop} GFLOP, {floor:.1} ms at {peak:.0} GFLOP/s of a product of 2048²{how}")
        });
        figure.noting([floor, in_bf16(name)].into_iter().flatten().collect::<Vec<_>>().join("; "))
    });
    std::iter::once(whole).chain(parts).collect()
}

fn deviations(comparison: &Comparison) -> Vec<Figure> {
    let Comparison { flipped, f32_deviation, bf16_deviation, bf16_deviation_of_peer } = comparison;
    let worst = |it: &[f64]| it.iter().copied().fold(0.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "pixels are few")]
    let flipped = *flipped as f64;
    let peer = Peer::measured("PyTorch bf16 autocast".to_owned(), bf16_deviation_of_peer.clone());
    let pairs = bf16_deviation.iter().zip(bf16_deviation_of_peer);
    let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
    let all = format!(
        "relative L2 of the logits, median of all slices; worst {:.4}, PyTorch's worst {:.4}; \
         shares of PyTorch's, slice by slice: {}",
        worst(bf16_deviation),
        worst(bf16_deviation_of_peer),
        ratios.iter().map(|it| format!("{it:.2}")).collect::<Vec<_>>().join(" "),
    );
    vec![
        Figure::new(
            "sam2 f32, pixels of another mask",
            "",
            vec![flipped],
            Limit::AtMost(0.0),
            None,
        )
        .noting(format!("worst relative L2 of a slice {:.1e}", worst(f32_deviation))),
        Figure::new(
            "sam2 bf16, deviation from f32",
            "",
            bf16_deviation.clone(),
            Limit::OfPeer(1.2),
            peer,
        )
        .noting(all),
        Figure::new(
            "sam2 bf16, deviation of the worst slice",
            "× PyTorch's",
            vec![worst(&ratios)],
            Limit::AtMost(1.2),
            None,
        ),
    ]
}

fn runs(runs: &Runs, name: &str) -> Vec<f64> {
    runs.get(name).cloned().unwrap_or_default()
}

/// The published code with these arguments.
fn published(bench: &Bench<'_>, folder: &Path, what: &str) -> anyhow::Result<Command> {
    let source = bench.sam2.source.as_deref().context("the published code needs --source")?;
    let python = bench.python.as_ref().context("the published code needs --python with PyTorch")?;
    let mut command = python.program();
    command.args(["-c", SCRIPT, what, "--threads", N_THREADS]);
    command.arg("--repeat").arg(bench.n_runs.to_string());
    command.arg("--source").arg(source).arg("--out").arg(folder);
    if bench.sam2.model.is_some() {
        command.arg("--config").arg(fs::canonicalize(folder.join("config.yaml"))?);
    }
    Ok(command)
}

fn link(model: &Path, place: &Path) -> anyhow::Result<()> {
    let model = fs::canonicalize(model).with_context(|| format!("--model {}", model.display()))?;
    // Another file system, or one without links: a copy does as well.
    if fs::hard_link(&model, place).is_err() {
        fs::copy(&model, place).with_context(|| format!("copying {}", model.display()))?;
    }
    Ok(())
}

/// A bright ellipse that drifts and shrinks through waves and noise.
fn write_scene(folder: &Path) -> anyhow::Result<()> {
    let config = sam2::Config::open(&folder.join("config.yaml"))?;
    let side = config.image_size;
    let mut random = SplitMix64(7);
    let mut slices = Vec::with_capacity(N_SLICES * side * side);
    for z in 0..N_SLICES {
        let z = z as f64;
        for y in 0..side {
            for x in 0..side {
                // Places as on slices of 512 × 512.
                let place = |it: usize| it as f64 * 512.0 / side as f64;
                let (x, y) = (place(x), place(y));
                let waves = (x / 37.0 + z / 3.0).sin() * (y / 53.0 - z / 5.0).cos();
                let dx = (x - 240.0 - 4.0 * z) / (95.0 - 3.0 * z);
                let dy = (y - 245.0 + 3.0 * z) / (110.0 - 4.0 * z);
                let object = if dx * dx + dy * dy < 1.0 { 70.0 } else { 0.0 };
                let grey = 78.0 + 30.0 * waves + 24.0 * random.share() + object;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 255"
                )]
                slices.push(grey.clamp(0.0, 255.0) as u8);
            }
        }
    }
    fs::write(folder.join("slices.u8"), slices).context("writing the slices")?;
    #[expect(clippy::cast_precision_loss, reason = "sides are small")]
    let corners = [150.5, 140.25, 330.0, 345.75].map(|it: f32| it * side as f32 / 512.0);
    let manifest = Manifest { n_slices: N_SLICES, side, prompted: N_SLICES / 2, corners };
    let manifest = serde_json::to_vec(&manifest).context("writing the manifest")?;
    fs::write(folder.join("manifest.json"), manifest).context("writing the manifest")
}
