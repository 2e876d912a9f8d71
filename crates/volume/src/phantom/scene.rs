//! From bodies to voxels, with partial volume at their borders.

use std::{num::NonZero, thread};

use super::solid::{Solid, Tissue};
use crate::{Grid, Labelmap};

/// Bodies one over the other: a later one covers an earlier one.
pub(super) struct Scene {
    pub(super) background: Tissue,
    pub(super) solids: Vec<Solid>,
}

/// What a scene looks like on a grid: clean intensities and labels, `i` fastest.
pub(super) struct Raster {
    pub(super) intensities: Vec<f32>,
    pub(super) labelmap: Labelmap,
}

/// Points sampled in a border voxel along each axis; slices are thicker than pixels are wide.
const SAMPLES: [usize; 3] = [3, 3, 4];
/// The background's place among the tissues.
const BACKGROUND: u16 = 0;

impl Scene {
    /// The scene on a grid.
    ///
    /// A voxel whose eight corners lie in one tissue has that tissue's intensity; any other is the
    /// mean of several points in it, and takes the label that most of them have.
    pub(super) fn raster(&self, grid: &Grid) -> Raster {
        let slice_len = grid.shape[0] * grid.shape[1];
        let mut intensities = vec![0.0_f32; grid.n_voxels()];
        let mut labels = vec![0_u8; grid.n_voxels()];
        let n_threads = thread::available_parallelism().map_or(1, NonZero::get);
        let n_slices = grid.shape[2].div_ceil(n_threads).max(1);
        thread::scope(|scope| {
            let parts = intensities
                .chunks_mut(slice_len * n_slices)
                .zip(labels.chunks_mut(slice_len * n_slices));
            for (part, (intensities, labels)) in parts.enumerate() {
                scope.spawn(move || {
                    let slab = Slab { scene: self, grid, first_slice: part * n_slices };
                    slab.raster(intensities, labels);
                });
            }
        });
        Raster { intensities, labelmap: Labelmap { shape: grid.shape, voxels: labels } }
    }

    fn tissue(&self, id: u16) -> Tissue {
        match id {
            BACKGROUND => self.background,
            id => self.solids[usize::from(id) - 1].tissue,
        }
    }

    /// The uppermost of the candidates (ids, ascending) at a point.
    fn tissue_at(&self, point: [f64; 3], candidates: &[u16]) -> u16 {
        for (below, &id) in candidates.iter().enumerate().rev() {
            let solid = &self.solids[usize::from(id) - 1];
            if !solid.contains(point) {
                continue;
            }
            if solid.within.is_empty() {
                return id;
            }
            let covered = self.tissue(self.tissue_at(point, &candidates[..below])).label;
            if solid.within.contains(&covered) {
                return id;
            }
        }
        BACKGROUND
    }

    /// Ids of the bodies that touch a box given by two opposite corners.
    fn candidates(&self, a: [f64; 3], b: [f64; 3], margin: [f64; 3]) -> Vec<u16> {
        let low = std::array::from_fn(|it| a[it].min(b[it]) - margin[it]);
        let high = std::array::from_fn(|it| a[it].max(b[it]) + margin[it]);
        let touched = (1..).zip(&self.solids).filter(|(_, it)| it.touches(low, high));
        touched.map(|(id, _)| id).collect()
    }
}

/// Some slices of the grid.
struct Slab<'a> {
    scene: &'a Scene,
    grid: &'a Grid,
    first_slice: usize,
}

impl Slab<'_> {
    fn raster(&self, intensities: &mut [f32], labels: &mut [u8]) {
        let [ni, nj, _] = self.grid.shape;
        let mut upper = self.corners(self.first_slice);
        let slices = intensities.chunks_mut(ni * nj).zip(labels.chunks_mut(ni * nj));
        for (k, (intensities, labels)) in (self.first_slice..).zip(slices) {
            let lower = std::mem::replace(&mut upper, self.corners(k + 1));
            let rows = intensities.chunks_mut(ni).zip(labels.chunks_mut(ni));
            for (j, (intensities, labels)) in rows.enumerate() {
                let mut candidates = None;
                for i in 0..ni {
                    let tissue = match common(&lower, &upper, i + (ni + 1) * j, ni + 1) {
                        Some(id) => self.scene.tissue(id),
                        None => {
                            let row = candidates.get_or_insert_with(|| self.row_candidates(j, k));
                            self.mean([i, j, k], row)
                        }
                    };
                    intensities[i] = tissue.intensity;
                    labels[i] = tissue.label;
                }
            }
        }
    }

    /// Tissues at the corners of the voxels, on the lower face of slice `k`.
    fn corners(&self, k: usize) -> Vec<u16> {
        let [ni, nj, _] = self.grid.shape;
        let mut ids = Vec::with_capacity((ni + 1) * (nj + 1));
        for j in 0..=nj {
            let point = |i: usize| self.point([i as f64 - 0.5, j as f64 - 0.5, k as f64 - 0.5]);
            let candidates = self.scene.candidates(point(0), point(ni), [0.0; 3]);
            ids.extend((0..=ni).map(|i| self.scene.tissue_at(point(i), &candidates)));
        }
        ids
    }

    fn row_candidates(&self, j: usize, k: usize) -> Vec<u16> {
        let end = |i: f64| self.point([i, j as f64, k as f64]);
        let spacing = self.grid.spacing_mm();
        let margin = spacing.iter().sum::<f64>();
        self.scene.candidates(end(0.0), end(self.grid.shape[0] as f64), [margin; 3])
    }

    /// Mean intensity and most frequent label in a voxel.
    fn mean(&self, voxel: [usize; 3], candidates: &[u16]) -> Tissue {
        let mut intensity = 0.0;
        let mut counts = [(0_u8, 0_u32); 8];
        for sample in 0..SAMPLES.iter().product() {
            let steps = [
                sample % SAMPLES[0],
                sample / SAMPLES[0] % SAMPLES[1],
                sample / (SAMPLES[0] * SAMPLES[1]),
            ];
            let point = std::array::from_fn(|it| {
                voxel[it] as f64 - 0.5 + (steps[it] as f64 + 0.5) / SAMPLES[it] as f64
            });
            let tissue = self.scene.tissue(self.scene.tissue_at(self.point(point), candidates));
            intensity += tissue.intensity;
            let slot = counts.iter_mut().find(|(label, n)| *label == tissue.label || *n == 0);
            if let Some((label, n)) = slot {
                *label = tissue.label;
                *n += 1;
            }
        }
        let n_samples: usize = SAMPLES.iter().product();
        let label = counts.iter().max_by_key(|(_, n)| *n).map_or(0, |(label, _)| *label);
        Tissue { intensity: intensity / n_samples as f32, label }
    }

    fn point(&self, voxel: [f64; 3]) -> [f64; 3] {
        self.grid.ras_from_voxel.apply(voxel)
    }
}

/// The tissue of all eight corners of a voxel, where they agree.
fn common(lower: &[u16], upper: &[u16], at: usize, row: usize) -> Option<u16> {
    let id = lower[at];
    let agree = [lower, upper].iter().all(|plane| {
        plane[at] == id && plane[at + 1] == id && plane[at + row] == id && plane[at + row + 1] == id
    });
    agree.then_some(id)
}
