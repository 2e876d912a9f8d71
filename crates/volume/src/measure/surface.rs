//! The surface area of a mask, from how often lines cross its border.
//!
//! # Source
//! Lehmann & Legland, "Efficient N-Dimensional surface estimation using Crofton formula and
//! run-length encoding" (2012), which ITK's label shapes follow, too. Counting the faces of voxels
//! would say 6/4 of a sphere's area however fine the grid is; this is right on average over all
//! orientations.

use crate::{Grid, Labelmap, affine::norm};

/// Steps to the neighbours of a voxel, one of each opposite pair.
const STEPS: [[i8; 3]; 13] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 0],
    [-1, 1, 0],
    [1, 0, 1],
    [-1, 0, 1],
    [0, 1, 1],
    [0, -1, 1],
    [1, 1, 1],
    [-1, 1, 1],
    [1, -1, 1],
    [-1, -1, 1],
];

/// Directions of space that are shared out among the steps.
const N_DIRECTIONS: usize = 8192;

/// The area of the border of a mask's non-zero voxels in square millimetres; what lies outside the
/// mask's grid is outside.
#[must_use]
pub fn surface_mm2(mask: &Labelmap, grid: &Grid) -> f64 {
    let padded = Padded::of(mask);
    let steps_mm = STEPS.map(|step| {
        let linear = grid.ras_from_voxel.linear();
        linear.map(|row| row.iter().zip(step).map(|(it, n)| it * f64::from(n)).sum())
    });
    let shares = shares(&steps_mm);
    let voxel_mm3 = grid.voxel_mm3();
    let crossings = STEPS.map(|it| padded.crossings(it) as f64);
    // Lines along a step lie voxel_mm3 / length apart, in area across them; the mean number of
    // crossings over all directions is half the surface.
    (0..STEPS.len())
        .map(|it| 2.0 * shares[it] * crossings[it] * voxel_mm3 / norm(steps_mm[it]))
        .sum()
}

/// Which part of all directions each step is the nearest to.
fn shares(steps_mm: &[[f64; 3]; 13]) -> [f64; 13] {
    let units = steps_mm.map(|it| it.map(|part| part / norm(it)));
    let golden = std::f64::consts::PI * (3.0 - 5.0_f64.sqrt());
    let mut n_nearest = [0.0; 13];
    for n in 0..N_DIRECTIONS {
        // Evenly over the half sphere (Fibonacci's spiral); the other half is the same.
        let z = (n as f64 + 0.5) / N_DIRECTIONS as f64;
        let (sin, cos) = (golden * n as f64).sin_cos();
        let radius = (1.0 - z * z).sqrt();
        let direction = [radius * cos, radius * sin, z];
        let nearness =
            units.map(|unit| unit.iter().zip(direction).map(|(a, b)| a * b).sum::<f64>().abs());
        let best =
            (1..13).fold(0, |best, it| if nearness[it] > nearness[best] { it } else { best });
        n_nearest[best] += 1.0;
    }
    n_nearest.map(|it| it / N_DIRECTIONS as f64)
}

/// A mask with a border of zeros, and which of its rows are empty.
struct Padded {
    shape: [usize; 3],
    voxels: Vec<u8>,
    is_empty: Vec<bool>,
}

impl Padded {
    fn of(mask: &Labelmap) -> Self {
        let [ni, nj, nk] = mask.shape;
        let shape = [ni + 2, nj + 2, nk + 2];
        let mut voxels = vec![0; shape.iter().product()];
        let mut is_empty = vec![true; shape[1] * shape[2]];
        for (row, labels) in mask.voxels.chunks_exact(ni.max(1)).enumerate() {
            let to = row % nj + 1 + shape[1] * (row / nj + 1);
            let target = &mut voxels[to * shape[0] + 1..][..ni];
            for (target, &label) in target.iter_mut().zip(labels) {
                *target = u8::from(label != 0);
            }
            is_empty[to] = target.iter().all(|it| *it == 0);
        }
        Self { shape, voxels, is_empty }
    }

    /// How often a voxel and the one a step further differ.
    fn crossings(&self, [di, dj, dk]: [i8; 3]) -> u64 {
        let [ni, nj, nk] = self.shape;
        let length = ni - usize::from(di != 0);
        let (from, to) = (usize::from(di < 0), usize::from(di > 0));
        let mut n = 0;
        for k in 0..nk - usize::from(dk != 0) {
            for j in usize::from(dj < 0)..nj - usize::from(dj > 0) {
                let row = j + nj * k;
                let next = j.wrapping_add_signed(isize::from(dj)) + nj * (k + usize::from(dk != 0));
                if self.is_empty[row] && self.is_empty[next] {
                    continue;
                }
                let here = &self.voxels[row * ni + from..][..length];
                let there = &self.voxels[next * ni + to..][..length];
                n += differing(here, there);
            }
        }
        n
    }
}

fn differing(one: &[u8], other: &[u8]) -> u64 {
    // Sums of bytes in blocks that cannot overflow: the compiler makes vectors of them.
    one.chunks(128)
        .zip(other.chunks(128))
        .map(|(one, other)| u64::from(one.iter().zip(other).map(|(a, b)| a ^ b).sum::<u8>()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::surface_mm2;
    use crate::{Affine, Grid, Labelmap};

    fn ellipsoid(shape: [usize; 3], spacing: [f64; 3], radii_mm: [f64; 3]) -> (Labelmap, Grid) {
        let mut mask = Labelmap::new(shape);
        for at in 0..mask.voxels.len() {
            let voxel = [at % shape[0], at / shape[0] % shape[1], at / (shape[0] * shape[1])];
            let r: f64 = (0..3)
                .map(|it| {
                    let middle = (shape[it] - 1) as f64 / 2.0 + 0.13;
                    ((voxel[it] as f64 - middle) * spacing[it] / radii_mm[it]).powi(2)
                })
                .sum();
            mask.voxels[at] = u8::from(r <= 1.0);
        }
        let linear = [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]];
        (mask, Grid { shape, ras_from_voxel: Affine::new(linear, [0.0; 3]) })
    }

    #[test]
    fn spheres_have_four_pi_r_squared_on_any_grid() {
        for spacing in [[1.0; 3], [0.7, 0.7, 1.5], [2.0, 0.8, 1.0]] {
            let (mask, grid) = ellipsoid([80, 80, 80], spacing, [20.0; 3]);
            let expected = 4.0 * std::f64::consts::PI * 400.0;
            let found = surface_mm2(&mask, &grid);
            assert!((found / expected - 1.0).abs() < 0.03, "{found} of {expected}, {spacing:?}");
        }
    }

    #[test]
    fn turning_the_grid_changes_nothing() {
        let (mask, grid) = ellipsoid([40, 30, 20], [1.0, 1.2, 2.0], [14.0, 10.0, 12.0]);
        let (sin, cos) = 0.4_f64.sin_cos();
        let turn = Affine::new([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, -1.0]], [5.0; 3]);
        let turned = Grid { ras_from_voxel: turn.compose(&grid.ras_from_voxel), ..grid };
        let (a, b) = (surface_mm2(&mask, &grid), surface_mm2(&mask, &turned));
        assert!((a / b - 1.0).abs() < 2e-3, "{a} and {b}");
        assert_eq!(surface_mm2(&Labelmap::new([3, 3, 3]), &grid), 0.0);
    }
}
