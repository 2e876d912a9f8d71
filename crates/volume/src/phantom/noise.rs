//! What a scanner adds to the truth.

use super::random::{Random, mix, normal, wave};
use crate::Grid;

/// Noise of deviation 1 for slice `k`, correlated with its neighbours in the plane as the kernels
/// of CT reconstruction leave it.
pub(super) fn correlated(seed: u64, k: usize, [width, height]: [usize; 2]) -> Vec<f32> {
    // Deviation of the sum of (1, 2, 1) ⊗ (1, 2, 1) independent values.
    const DEVIATION: f32 = 6.0;
    let base = mix(seed ^ mix(k as u64));
    // One more pixel around, so that the border is as noisy as the middle.
    let (full_width, full_height) = (width + 2, height + 2);
    let white: Vec<f32> =
        (0..full_width * full_height).map(|it| normal(base.wrapping_add(it as u64))).collect();
    let across: Vec<f32> = white
        .chunks_exact(full_width)
        .flat_map(|row| row.windows(3).map(|it| it[0] + 2.0 * it[1] + it[2]))
        .collect();
    (0..width * height)
        .map(|it| (across[it] + 2.0 * across[it + width] + across[it + 2 * width]) / DEVIATION)
        .collect()
}

/// Uncorrelated noise of deviation 1 for slice `k`.
pub(super) fn white(seed: u64, k: usize, n: usize) -> impl Iterator<Item = f32> {
    let base = mix(seed ^ mix(k as u64));
    (0..n).map(move |it| normal(base.wrapping_add(it as u64)))
}

/// Bright and dark rays through dense spots, as beam hardening and metal make them.
pub(super) struct Streaks {
    rays: Vec<Ray>,
}

struct Ray {
    source: [f64; 3],
    /// Unit vector across the ray, in the axial plane.
    across: [f64; 2],
    amplitude: f64,
    half_width_mm: f64,
    half_height_mm: f64,
}

impl Streaks {
    /// A star of rays around each source, all strongest on its own height.
    pub(super) fn around(sources: &[([f64; 3], f64)], random: &mut Random) -> Self {
        let mut rays = Vec::new();
        for &(source, amplitude) in sources {
            for number in 0..6 {
                let sign = if number % 2 == 0 { 1.0 } else { -1.0 };
                let [x, y, _] = random.vector();
                let length = (x * x + y * y).sqrt().max(1e-3);
                rays.push(Ray {
                    source,
                    across: [x / length, y / length],
                    amplitude: sign * amplitude * random.between(0.5, 1.0),
                    half_width_mm: random.between(1.5, 4.0),
                    half_height_mm: random.between(5.0, 10.0),
                });
            }
        }
        Self { rays }
    }

    /// Adds the rays to a slice of a grid.
    pub(super) fn add(&self, grid: &Grid, k: usize, intensities: &mut [f32]) {
        let [ni, nj, _] = grid.shape;
        let [right, below] = [ni, nj].map(|it| it as f64 - 1.0);
        let heights = [[0.0, 0.0], [right, 0.0], [0.0, below], [right, below]]
            .map(|[i, j]| grid.ras_from_voxel.apply([i, j, k as f64])[2]);
        let lowest = heights.into_iter().fold(f64::INFINITY, f64::min);
        let highest = heights.into_iter().fold(f64::NEG_INFINITY, f64::max);
        for ray in &self.rays {
            let distance = (lowest - ray.source[2]).max(ray.source[2] - highest);
            if distance < REACH * ray.half_height_mm {
                ray.add(grid, k, intensities);
            }
        }
    }
}

/// Half heights beyond which a ray is too faint to matter.
const REACH: f64 = 4.0;

impl Ray {
    #[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
    fn add(&self, grid: &Grid, k: usize, intensities: &mut [f32]) {
        let ni = grid.shape[0];
        for (at, intensity) in intensities.iter_mut().enumerate() {
            let voxel = [(at % ni) as f64, (at / ni) as f64, k as f64];
            let point = grid.ras_from_voxel.apply(voxel);
            let [x, y, z]: [f64; 3] = std::array::from_fn(|it| point[it] - self.source[it]);
            let off = (x * self.across[0] + y * self.across[1]) / self.half_width_mm;
            let height = z / self.half_height_mm;
            let off_square = 1.0 + off * off;
            let fading = 1.0 + (x * x + y * y) / 10_000.0;
            let peak = off_square * off_square * (1.0 + height * height * height * height) * fading;
            *intensity += (self.amplitude / peak) as f32;
        }
    }
}

/// Slow changes of intensity within a tissue, fixed to the patient.
pub(super) struct Texture {
    waves: [([f64; 3], f64); 5],
    amplitude: f32,
}

impl Texture {
    /// Changes by up to `amplitude` over distances of about a centimetre and more.
    pub(super) fn new(amplitude: f32, random: &mut Random) -> Self {
        let waves = [0; 5].map(|_| (random.vector().map(|it| it / 14.0), random.unit()));
        Self { waves, amplitude }
    }

    /// Adds the texture to the voxels of a slice that are brighter than a limit.
    #[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
    pub(super) fn add(&self, grid: &Grid, k: usize, above: f32, intensities: &mut [f32]) {
        let ni = grid.shape[0];
        for (at, intensity) in intensities.iter_mut().enumerate().filter(|(_, it)| **it > above) {
            let voxel = [(at % ni) as f64, (at / ni) as f64, k as f64];
            let [x, y, z] = grid.ras_from_voxel.apply(voxel);
            let sum: f64 =
                self.waves.iter().map(|([a, b, c], d)| wave(a * x + b * y + c * z + d)).sum();
            *intensity += self.amplitude * (sum / 5.0) as f32;
        }
    }
}
