//! The embedded engine on one shape in four sizes: its cost must grow no worse than n · log n.

use std::time::Instant;

use anyhow::{Context, ensure};
use graphcut::{
    control::Unwatched,
    field::Field,
    prompt::SliceRequest,
    propagate::{KeySlice, Pass, Solver, VolumeRequest},
    settings::{SliceSettings, VolumeSettings},
    slice::segment_slice,
};

use super::{
    Bench,
    figure::{Figure, Limit, median},
};
use crate::random::SplitMix64;

/// Sizes of the object.
const VOLUMES_CM3: [f64; 4] = [1.0, 4.0, 16.0, 64.0];

/// An object in the middle of an image that the engine's working region covers whole: so many
/// voxels are solved as the image has.
struct Scene {
    image: Field,
    truth: Vec<bool>,
}

/// The voxels that a solve looked at, and its seconds in each run.
struct Point {
    n_voxels: usize,
    runs: Vec<f64>,
}

impl Point {
    fn secs(&self) -> f64 {
        median(&self.runs).unwrap_or_default()
    }
}

/// Measures the engine.
///
/// # Errors
/// If it finds nothing: then it did not do the work.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let spacing_mm = if bench.quick { 3.0 } else { 1.0 };
    let (mut flat, mut solid) = (Vec::new(), Vec::new());
    for volume_cm3 in VOLUMES_CM3 {
        let scene = Scene::new(volume_cm3, spacing_mm);
        flat.push(point(bench, scene.image.plane(), || scene.solve_slice())?);
        solid.push(point(bench, scene.image.values.len(), || scene.solve_volume())?);
    }
    Ok(vec![figure("2D", &flat)?, figure("3D", &solid)?])
}

fn point(
    bench: &Bench<'_>,
    n_voxels: usize,
    solve: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<Point> {
    let mut runs = Vec::new();
    for _ in 0..bench.n_runs {
        let started = Instant::now();
        solve()?;
        runs.push(started.elapsed().as_secs_f64());
    }
    Ok(Point { n_voxels, runs })
}

/// How much faster than n · log n the cost grows from the smallest to the largest size.
fn figure(what: &str, points: &[Point]) -> anyhow::Result<Figure> {
    let (first, last) = points.first().zip(points.last()).context("no size")?;
    let bound = |it: &Point| it.n_voxels as f64 * (it.n_voxels as f64).ln();
    let growth = last.secs() / first.secs();
    let allowed = bound(last) / bound(first);
    let list: Vec<String> = points
        .iter()
        .zip(VOLUMES_CM3)
        .map(|(it, cm3)| format!("{cm3} cm³ {} voxels {:.1} ms", it.n_voxels, it.secs() * 1e3))
        .collect();
    let steepest = points
        .windows(2)
        .map(|pair| pair[1].secs() / pair[0].secs() / (bound(&pair[1]) / bound(&pair[0])))
        .fold(0.0, f64::max);
    let name = format!("graphcut {what}, growth from 1 to 64 cm³");
    let runs = first.runs.iter().zip(&last.runs).map(|(first, last)| last / first / allowed);
    let figure = Figure::new(name, "× n·log n", runs.collect(), Limit::AtMost(1.0), None);
    Ok(figure.noting(format!(
        "{}; time × {growth:.1}, n·log n × {allowed:.1}; steepest step {steepest:.2} × n·log n; \
         exponent {:.2}, that of n·log n {:.2}",
        list.join(", "),
        exponent(points, Point::secs),
        exponent(points, bound),
    )))
}

/// Slope of a quantity against the number of voxels, both as logarithms, by least squares.
fn exponent(points: &[Point], quantity: impl Fn(&Point) -> f64) -> f64 {
    let places: Vec<[f64; 2]> =
        points.iter().map(|it| [(it.n_voxels as f64).ln(), quantity(it).ln()]).collect();
    let mean = |axis: usize| places.iter().map(|it| it[axis]).sum::<f64>() / places.len() as f64;
    let (x, y) = (mean(0), mean(1));
    let covariance: f64 = places.iter().map(|it| (it[0] - x) * (it[1] - y)).sum();
    let variance: f64 = places.iter().map(|it| (it[0] - x).powi(2)).sum();
    covariance / variance
}

impl Scene {
    /// A ball with a dent in it and a neighbour of its own intensity beside it, in noise.
    fn new(volume_cm3: f64, spacing_mm: f64) -> Self {
        let radius = (volume_cm3 * 1e3 * 3.0 / (4.0 * std::f64::consts::PI)).cbrt();
        // Within the region that the engine chooses: 0.4 of the box around it, three radii along.
        let half_mm = [1.7 * radius, 1.7 * radius, 2.9 * radius];
        let shape = half_mm.map(|it| whole(2.0 * it / spacing_mm));
        let mut noise = Noise(SplitMix64(1));
        let (mut values, mut truth) = (Vec::new(), Vec::new());
        for k in 0..shape[2] {
            for j in 0..shape[1] {
                for i in 0..shape[0] {
                    // In radii from the middle.
                    let at: [f64; 3] = std::array::from_fn(|axis| {
                        let middle = (shape[axis] - 1) as f64 / 2.0;
                        ([i, j, k][axis] as f64 - middle) * spacing_mm / radius
                    });
                    let inside =
                        distance(at, [0.0; 3]) < 1.0 && distance(at, [1.1, 0.3, 0.0]) > 0.4;
                    let texture = 12.0 * (5.0 * at[0]).sin() * (4.0 * at[1] + at[2]).cos();
                    let beside = distance(at, [-1.5, -0.6, 0.2]) < 0.6;
                    let mean = if inside || beside { 110.0 } else { 55.0 + texture };
                    values.push(narrow(mean) + 12.0 * noise.next());
                    truth.push(inside);
                }
            }
        }
        Self { image: Field { shape, spacing_mm: [spacing_mm; 3], values }, truth }
    }

    fn middle(&self) -> usize {
        self.image.shape[2] / 2
    }

    fn middle_mask(&self) -> &[bool] {
        let plane = self.image.plane();
        &self.truth[self.middle() * plane..][..plane]
    }

    fn solve_slice(&self) -> anyhow::Result<()> {
        let [width, height, _] = self.image.shape;
        let plane = self.image.plane();
        let values = self.image.values[self.middle() * plane..][..plane].to_vec();
        let slice = Field { shape: [width, height, 1], spacing_mm: self.image.spacing_mm, values };
        let request = SliceRequest {
            bounds: Some(bounds(self.middle_mask(), width)),
            seeds: &[],
            mask: None,
            forbidden: None,
        };
        let mask = segment_slice(&slice, &request, &SliceSettings::default());
        ensure!(mask.contains(&true), "the engine found nothing on the slice");
        Ok(())
    }

    fn solve_volume(&self) -> anyhow::Result<()> {
        let index = self.middle();
        let request = VolumeRequest {
            keys: vec![KeySlice { axis: 2, index, mask: self.middle_mask().to_vec() }],
            seeds: Vec::new(),
            axis: 2,
            slices: 0..=self.image.shape[2] - 1,
            whole_range: false,
            forbidden: None,
            pass: Pass::Joint,
        };
        let settings = VolumeSettings::default();
        let solver = Solver::new(&self.image, &request, &settings, &Unwatched)?;
        let solution = solver.solve(&settings, &Unwatched)?;
        ensure!(solution.mask.len() == self.image.values.len(), "not all of the image was solved");
        ensure!(solution.mask.contains(&true), "the engine found nothing in the volume");
        Ok(())
    }
}

/// Corners of the box around a mask, inclusive.
fn bounds(mask: &[bool], width: usize) -> [f64; 4] {
    let places = || mask.iter().enumerate().filter(|it| *it.1).map(|(at, _)| at);
    let low = |of: fn(usize, usize) -> usize| places().map(|at| of(at, width)).min();
    let high = |of: fn(usize, usize) -> usize| places().map(|at| of(at, width)).max();
    let (x, y) = (|at, width| at % width, |at, width| at / width);
    [low(x), low(y), high(x), high(y)].map(|it| it.unwrap_or_default() as f64)
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
fn whole(length: f64) -> usize {
    length.round() as usize
}

#[expect(clippy::cast_possible_truncation, reason = "intensities are small")]
fn narrow(intensity: f64) -> f32 {
    intensity as f32
}

/// The same noise on every machine: three draws added up.
struct Noise(SplitMix64);

impl Noise {
    /// From -1 up to 1, about 0, deviation 0.5.
    fn next(&mut self) -> f32 {
        (0..3).map(|_| self.share() - 0.5).sum()
    }

    fn share(&mut self) -> f32 {
        (self.0.bits() >> 48) as f32 / 65_536.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Point, exponent};

    #[test]
    fn the_exponent_of_a_square_is_two() {
        let points = [10, 20, 70].map(|n_voxels| Point { n_voxels, runs: Vec::new() });
        let square = exponent(&points, |it| (it.n_voxels as f64).powi(2));
        assert!((square - 2.0).abs() < 1e-9, "{square}");
    }
}
