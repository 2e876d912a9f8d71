//! Small scenes with a known object, and what the tests ask of masks.

#![expect(dead_code, reason = "each test file uses its own part of the scene")]
#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "scenes are small")]

use std::ops::Range;

use graphcut::{
    control::Unwatched,
    field::{Field, other_axes},
    propagate::{KeySlice, Pass, Solver, VolumeRequest},
    settings::VolumeSettings,
};

/// An image and its object.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) image: Field,
    pub(crate) truth: Vec<bool>,
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// From -1 up to 1, near a normal distribution of deviation 0.5.
    pub(crate) fn noise(&mut self) -> f32 {
        (0..3).map(|_| self.share() - 0.5).sum()
    }

    /// From 0 up to 1.
    pub(crate) fn share(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 48) as u16 as f32 / 65536.0
    }
}

impl Scene {
    /// Paints with `intensity`, given millimetres and whether they lie in the object, then blurs
    /// by the scanner and adds noise.
    pub(crate) fn new(
        shape: [usize; 3],
        spacing_mm: [f64; 3],
        noise: f32,
        object: impl Fn([f64; 3]) -> bool,
        intensity: impl Fn([f64; 3], bool) -> f32,
    ) -> Self {
        let (mut values, mut truth) = (Vec::new(), Vec::new());
        for k in 0..shape[2] {
            for j in 0..shape[1] {
                for i in 0..shape[0] {
                    let at = [0, 1, 2].map(|axis| [i, j, k][axis] as f64 * spacing_mm[axis]);
                    truth.push(object(at));
                    values.push(intensity(at, object(at)));
                }
            }
        }
        let mut image = Field { shape, spacing_mm, values }.smoothed_by([0.7, 0.7, 0.0]);
        let mut random = Random(7);
        for it in &mut image.values {
            *it = (*it + noise * random.noise()).round();
        }
        Self { image, truth }
    }

    /// A ball of radius 12 mm in textured surroundings with a neighbour of its own intensity.
    pub(crate) fn ball(spacing_mm: [f64; 3]) -> Self {
        let shape = spacing_mm.map(|it| (64.0 / it).round() as usize);
        let centre = [30.0, 32.0, 33.0];
        Self::new(
            shape,
            spacing_mm,
            12.0,
            move |at| distance(at, centre) < 12.0,
            |at, inside| {
                let neighbour = distance(at, [56.0, 40.0, 33.0]) < 12.0;
                let texture = 8.0 * (at[0] / 9.0).sin() * (at[1] / 7.0 + at[2] / 11.0).cos();
                if inside || neighbour { 140.0 } else { 100.0 + texture as f32 }
            },
        )
    }

    pub(crate) fn strides(&self) -> [usize; 3] {
        self.image.strides()
    }

    /// The truth on a slice.
    pub(crate) fn key(&self, axis: usize, index: usize) -> KeySlice {
        KeySlice { axis, index, mask: slice_of(&self.truth, self.image.shape, axis, index) }
    }

    /// The slice that shows most of the object.
    pub(crate) fn largest_slice(&self, axis: usize) -> usize {
        (0..self.image.shape[axis])
            .max_by_key(|&it| self.key(axis, it).mask.iter().filter(|inside| **inside).count())
            .unwrap()
    }

    /// One slice as an image.
    pub(crate) fn slice(&self, axis: usize, index: usize) -> Field {
        let [a, b] = other_axes(axis);
        let (shape, spacing) = (self.image.shape, self.image.spacing_mm);
        Field {
            shape: [shape[a], shape[b], 1],
            spacing_mm: [spacing[a], spacing[b], spacing[axis]],
            values: slice_of(&self.image.values, shape, axis, index),
        }
    }

    /// A request without anything but key slices.
    pub(crate) fn request(&self, axis: usize, keys: Vec<KeySlice>) -> VolumeRequest<'static> {
        VolumeRequest {
            keys,
            seeds: Vec::new(),
            axis,
            slices: 0..=self.image.shape[axis] - 1,
            whole_range: false,
            forbidden: None,
            pass: Pass::Joint,
        }
    }

    /// The solution on the whole grid.
    pub(crate) fn solve(&self, request: &VolumeRequest<'_>) -> Vec<bool> {
        self.solve_with(request, &VolumeSettings::default())
    }

    pub(crate) fn solve_with(
        &self,
        request: &VolumeRequest<'_>,
        settings: &VolumeSettings,
    ) -> Vec<bool> {
        let solver = Solver::new(&self.image, request, settings, &Unwatched).unwrap();
        let solution = solver.solve(settings, &Unwatched).unwrap();
        on_grid(&solution.ranges, &solution.mask, self.image.shape)
    }

    /// The scene with its axes in another order, then flipped.
    pub(crate) fn stored(&self, axes: [usize; 3], flips: [bool; 3]) -> Self {
        let truth = graphcut::field::permute(&self.truth, self.image.shape, axes);
        let image = self.image.permuted(axes);
        let shape = image.shape;
        Self {
            truth: flipped(&truth, shape, flips),
            image: Field { values: flipped(&image.values, shape, flips), ..image },
        }
    }
}

pub(crate) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

pub(crate) fn slice_of<T: Copy>(
    values: &[T],
    shape: [usize; 3],
    axis: usize,
    index: usize,
) -> Vec<T> {
    let [a, b] = other_axes(axis);
    let steps = graphcut::field::strides(shape);
    let at = |x: usize, y: usize| values[x * steps[a] + y * steps[b] + index * steps[axis]];
    (0..shape[b]).flat_map(|y| (0..shape[a]).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
}

pub(crate) fn on_grid(ranges: &[Range<usize>; 3], mask: &[bool], shape: [usize; 3]) -> Vec<bool> {
    let mut out = vec![false; shape.iter().product()];
    let (ni, nj) = (ranges[0].len(), ranges[1].len());
    for (at, &inside) in mask.iter().enumerate() {
        let place = [at % ni, at / ni % nj, at / (ni * nj)];
        let [i, j, k] = [0, 1, 2].map(|axis| place[axis] + ranges[axis].start);
        out[i + shape[0] * (j + shape[1] * k)] = inside;
    }
    out
}

pub(crate) fn flipped<T: Copy>(values: &[T], shape: [usize; 3], flips: [bool; 3]) -> Vec<T> {
    (0..values.len())
        .map(|at| {
            let place = [at % shape[0], at / shape[0] % shape[1], at / (shape[0] * shape[1])];
            let [i, j, k] = [0, 1, 2]
                .map(|axis| if flips[axis] { shape[axis] - 1 - place[axis] } else { place[axis] });
            values[i + shape[0] * (j + shape[1] * k)]
        })
        .collect()
}

pub(crate) fn count(mask: &[bool]) -> usize {
    mask.iter().filter(|it| **it).count()
}

pub(crate) fn dice(a: &[bool], b: &[bool]) -> f64 {
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count();
    2.0 * both as f64 / (count(a) + count(b)).max(1) as f64
}

/// The inclusive box of a slice's mask, `margin` voxels wider and held on the slice.
pub(crate) fn box_of(mask: &[bool], [width, height]: [usize; 2], margin: f64) -> [f64; 4] {
    let inside = || mask.iter().enumerate().filter(|it| *it.1).map(|it| it.0);
    let (x, y) = (|at: usize| (at % width) as f64, |at: usize| (at / width) as f64);
    let least = |of: &dyn Fn(usize) -> f64| inside().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: &dyn Fn(usize) -> f64| inside().map(of).fold(0.0, f64::max);
    [
        (least(&x) - margin).max(0.0),
        (least(&y) - margin).max(0.0),
        (most(&x) + margin).min(width as f64 - 1.0),
        (most(&y) + margin).min(height as f64 - 1.0),
    ]
}
