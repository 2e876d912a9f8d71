//! One precision of the network, measured part by part in a process of its own.

use std::{
    collections::BTreeMap, fs::File, io::BufWriter, io::Write as _, path::Path, time::Instant,
};

use anyhow::{Context, ensure};
use sam2::{
    Config, Device, Direction, Origin, Point, PointLabel, Precision, Sam2, SliceEmbedding, Tensor,
    Tracker,
};
use serde::{Deserialize, Serialize};

/// What is measured on: a box on one of some slices. Lies beside them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) n_slices: usize,
    /// Rows and columns of every slice: what the network takes.
    pub(super) side: usize,
    /// The slice with the box.
    pub(super) prompted: usize,
    /// x1, y1, x2, y2 in pixels.
    #[serde(rename = "box")]
    pub(super) corners: [f32; 4],
}

/// Milliseconds of every run, and GFLOP/s of the matrix product.
pub(super) type Runs = BTreeMap<String, Vec<f64>>;

/// Mean and deviation of the colours that the network was trained with.
const COLOURS: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];
/// Side of the matrices whose product shows what the processor can do.
const PEAK_SIDE: usize = 2048;

/// Measures the network of a folder and leaves its logits there.
///
/// # Errors
/// If a file cannot be read or written, or the computation fails.
pub(in crate::bench) fn measure(
    folder: &Path,
    precision: &str,
    n_runs: usize,
) -> anyhow::Result<Runs> {
    let precision = match precision {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        other => anyhow::bail!("{other} is neither f32 nor bf16"),
    };
    let manifest = std::fs::read(folder.join("manifest.json")).context("reading the manifest")?;
    let manifest: Manifest = serde_json::from_slice(&manifest).context("reading the manifest")?;
    let slices = std::fs::read(folder.join("slices.u8")).context("reading the slices")?;
    ensure!(slices.len() == manifest.n_slices * manifest.side.pow(2), "other slices than manifest");
    let config = Config::open(&folder.join("config.yaml"))?;
    let open = || Sam2::open(&folder.join("checkpoint.pt"), &config, &Device::Cpu, precision);
    let mut runs = Runs::new();
    let load = each_time(n_runs, || Ok(open()?))?;
    let network = Network { model: open()?, manifest, pixels: Vec::new() }.with_slices(&slices)?;
    runs.insert("load".to_owned(), load);
    network.measure_parts(n_runs, &mut runs)?;
    let mut logits = Vec::new();
    let whole = each_time(n_runs, || {
        logits = network.logits_of_both_directions()?;
        Ok(())
    })?;
    runs.insert("whole".to_owned(), whole);
    runs.insert("peak".to_owned(), peak(n_runs, precision)?);
    let path = folder.join(format!("logits_{precision}.f32"));
    let mut file = BufWriter::new(File::create(&path).context("writing the logits")?);
    for it in logits {
        file.write_all(&it.to_le_bytes()).context("writing the logits")?;
    }
    file.flush().context("writing the logits")?;
    Ok(runs)
}

struct Network {
    model: Sam2,
    manifest: Manifest,
    /// Every slice as the network takes it.
    pixels: Vec<Tensor>,
}

impl Network {
    fn with_slices(mut self, slices: &[u8]) -> anyhow::Result<Self> {
        let side = self.manifest.side;
        for slice in slices.chunks_exact(side * side) {
            let colours = COLOURS.iter().flat_map(|(mean, deviation)| {
                slice.iter().map(move |it| (f32::from(*it) / 255.0 - mean) / deviation)
            });
            let pixels = Tensor::from_iter(colours, &Device::Cpu)?;
            self.pixels.push(pixels.reshape((1, 3, side, side))?);
        }
        Ok(self)
    }

    fn corners(&self) -> [Point; 2] {
        let [x1, y1, x2, y2] = self.manifest.corners;
        [
            Point { x: x1, y: y1, label: PointLabel::BoxTopLeft },
            Point { x: x2, y: y2, label: PointLabel::BoxBottomRight },
        ]
    }

    fn measure_parts(&self, n_runs: usize, runs: &mut Runs) -> anyhow::Result<()> {
        let Self { model, manifest, pixels } = self;
        let Manifest { n_slices, prompted, .. } = *manifest;
        let corners = self.corners();
        let encoder = each_time(n_runs, || Ok(model.encode(&pixels[0])?))?;
        let embeddings = self.embeddings()?;
        let embedding = &embeddings[prompted];
        let decoder = each_time(n_runs, || Ok(model.prompt(embedding, &corners, None)?))?;
        let found = model.prompt(embedding, &corners, None)?;
        let memory_encoder =
            each_time(n_runs, || Ok(model.remember(embedding, &found, Origin::Tracking)?))?;

        // A full memory: all slices up to the last.
        let memory = model.remember(embedding, &found, Origin::Prompt)?;
        let conditioning = [(prompted, memory)].into_iter().collect();
        let mut tracker = Tracker::new(model, n_slices, Direction::Forward, conditioning);
        let last = n_slices - 1;
        for (slice, embedding) in embeddings.iter().enumerate().take(last).skip(prompted + 1) {
            tracker.step(slice, embedding)?;
        }
        let steps = each_time(n_runs, || Ok(tracker.step(last, &embeddings[last])?))?;
        // A step is attention, decoder and memory encoder.
        let others = [&decoder, &memory_encoder].map(|it| it.iter().sum::<f64>() / it.len() as f64);
        let attention = steps.iter().map(|it| it - others[0] - others[1]).collect();
        for (name, times) in [
            ("encoder", encoder),
            ("memory attention", attention),
            ("mask decoder", decoder),
            ("memory encoder", memory_encoder),
        ] {
            runs.insert(name.to_owned(), times);
        }
        Ok(())
    }

    fn embeddings(&self) -> anyhow::Result<Vec<SliceEmbedding>> {
        self.pixels.iter().map(|it| Ok(self.model.encode(it)?)).collect()
    }

    /// The box applied once per direction; every slice is encoded once. (direction, slice, row,
    /// column), 0 where a direction does not go.
    fn logits_of_both_directions(&self) -> anyhow::Result<Vec<f32>> {
        let Self { model, manifest, .. } = self;
        let Manifest { n_slices, side, prompted, .. } = *manifest;
        let embeddings = self.embeddings()?;
        let mut logits = vec![0_f32; 2 * n_slices * side * side];
        let directions = [Direction::Forward, Direction::Reverse];
        for (direction, logits) in
            directions.into_iter().zip(logits.chunks_exact_mut(n_slices * side * side))
        {
            let found = model.prompt(&embeddings[prompted], &self.corners(), None)?;
            let memory = model.remember(&embeddings[prompted], &found, Origin::Prompt)?;
            let conditioning = [(prompted, memory)].into_iter().collect();
            let mut tracker = Tracker::new(model, n_slices, direction, conditioning);
            let mut keep = |slice: usize, mask: &sam2::SliceMask| -> anyhow::Result<()> {
                let numbers = mask.logits(side, side)?.flatten_all()?.to_vec1::<f32>()?;
                logits[slice * side * side..][..side * side].copy_from_slice(&numbers);
                Ok(())
            };
            keep(prompted, &found)?;
            let slices: Vec<usize> = match direction {
                Direction::Forward => (prompted + 1..n_slices).collect(),
                Direction::Reverse => (0..prompted).rev().collect(),
            };
            for slice in slices {
                keep(slice, &tracker.step(slice, &embeddings[slice])?)?;
            }
        }
        Ok(logits)
    }
}

/// GFLOP/s of a large matrix product.
fn peak(n_runs: usize, precision: Precision) -> anyhow::Result<Vec<f64>> {
    let side = PEAK_SIDE;
    let layer = kernels::Linear::new(&vec![0.5; side * side], vec![0.0; side], precision);
    let rows = vec![0.25; side * side];
    let times = each_time(n_runs, || Ok(layer.forward(&rows, kernels::Around::default())))?;
    Ok(times.iter().map(|ms| 2e-6 * (side as f64).powi(3) / ms).collect())
}

/// Wall time of every run in milliseconds, after one that does not count.
fn each_time<T>(
    n_runs: usize,
    mut work: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<Vec<f64>> {
    work()?;
    let mut times = Vec::with_capacity(n_runs);
    for _ in 0..n_runs {
        let started = Instant::now();
        std::hint::black_box(work()?);
        times.push(1e3 * started.elapsed().as_secs_f64());
    }
    Ok(times)
}
