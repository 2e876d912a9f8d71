//! Exact Euclidean distances to a mask in millimetres, after Felzenszwalb and Huttenlocher (2012).

use crate::{
    field::{line_starts, strides},
    number::narrow,
};

const FAR: f64 = 1e20;

/// Signed distance to the mask's outline on a grid: positive inside, in millimetres; the outline
/// runs half a voxel from the voxel centres. A mask without voxels is far away everywhere.
#[must_use]
pub fn signed_mm(mask: &[bool], shape: [usize; 3], spacing_mm: [f64; 3]) -> Vec<f32> {
    let half = 0.5
        * (0..3)
            .filter(|&axis| shape[axis] > 1)
            .map(|axis| spacing_mm[axis])
            .fold(f64::INFINITY, f64::min)
            .min(1e6);
    let to_object = squared_mm(mask, shape, spacing_mm, true);
    let to_background = squared_mm(mask, shape, spacing_mm, false);
    to_object
        .iter()
        .zip(&to_background)
        .map(|(&outside, &inside)| {
            if inside > 0.0 {
                narrow((inside.sqrt() - half).min(1e6))
            } else {
                narrow((half - outside.sqrt()).max(-1e6))
            }
        })
        .collect()
}

/// Squared distance to the nearest voxel whose mask equals `target`.
fn squared_mm(mask: &[bool], shape: [usize; 3], spacing_mm: [f64; 3], target: bool) -> Vec<f64> {
    let mut squared: Vec<f64> =
        mask.iter().map(|&it| if it == target { 0.0 } else { FAR }).collect();
    for axis in 0..3 {
        if shape[axis] > 1 {
            let mut pass = LinePass::new(shape[axis]);
            for start in line_starts(shape, axis) {
                pass.run(&mut squared, start, strides(shape)[axis], spacing_mm[axis]);
            }
        }
    }
    squared
}

/// Lower envelope of parabolas along one line, with its buffers.
struct LinePass {
    line: Vec<f64>,
    apex: Vec<usize>,
    from: Vec<f64>,
}

impl LinePass {
    fn new(n: usize) -> Self {
        Self { line: vec![0.0; n], apex: vec![0; n], from: vec![0.0; n + 1] }
    }

    fn run(&mut self, values: &mut [f64], start: usize, stride: usize, spacing: f64) {
        let n = self.line.len();
        for (at, it) in self.line.iter_mut().enumerate() {
            *it = values[start + at * stride];
        }
        let position = |at: usize| at as f64 * spacing;
        let meet = |line: &[f64], p: usize, q: usize| {
            ((line[q] + position(q).powi(2)) - (line[p] + position(p).powi(2)))
                / (2.0 * (position(q) - position(p)))
        };
        let mut top = 0;
        self.apex[0] = 0;
        self.from[0] = -FAR;
        for q in 1..n {
            let mut crossing = meet(&self.line, self.apex[top], q);
            while top > 0 && crossing <= self.from[top] {
                top -= 1;
                crossing = meet(&self.line, self.apex[top], q);
            }
            if crossing > self.from[top] {
                top += 1;
            }
            self.apex[top] = q;
            self.from[top] = crossing;
        }
        if top == 0 {
            self.from[0] = -FAR;
        }
        self.from[top + 1] = FAR;
        let mut part = 0;
        for at in 0..n {
            while part < top && self.from[part + 1] < position(at) {
                part += 1;
            }
            let apex = self.apex[part];
            values[start + at * stride] =
                ((position(at) - position(apex)).powi(2) + self.line[apex]).min(FAR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_equal_the_nearest_opposite_voxel() {
        let (shape, spacing) = ([7, 6, 5], [0.7, 1.3, 2.5]);
        let mask: Vec<bool> = (0..210).map(|at| at * 7919 % 11 < 2).collect();
        let signed = signed_mm(&mask, shape, spacing);
        let centre = |at: usize| {
            [at % 7, at / 7 % 6, at / 42]
                .into_iter()
                .zip(spacing)
                .map(|(place, step)| place as f64 * step)
                .collect::<Vec<_>>()
        };
        for at in 0..mask.len() {
            let nearest = (0..mask.len())
                .filter(|&other| mask[other] != mask[at])
                .map(|other| {
                    centre(at).iter().zip(centre(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
                })
                .fold(f64::INFINITY, f64::min)
                .sqrt();
            let expected = if mask[at] { nearest - 0.35 } else { 0.35 - nearest };
            assert!((f64::from(signed[at]) - expected).abs() < 1e-4, "voxel {at}");
        }
    }

    #[test]
    fn a_mask_without_voxels_is_far_away() {
        assert!(signed_mm(&[false; 8], [2, 2, 2], [1.0; 3]).iter().all(|&it| it < -1e5));
        assert!(signed_mm(&[true; 8], [2, 2, 2], [1.0; 3]).iter().all(|&it| it > 1e5));
    }
}
