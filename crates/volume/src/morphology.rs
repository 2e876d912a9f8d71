//! Operations on one object of a labelmap, on the whole volume or on one slice.
//!
//! They take background only: no voxel of another object changes. Distances are those of voxel
//! centres in millimetres. Beyond the image's edge there is neither object nor background: an
//! object that reaches the edge is not shrunk from there.

use std::ops::RangeInclusive;

use crate::{Grid, Labelmap, component::components, distance::squared_distances};

/// What to do with an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operation {
    /// Takes all background within that distance.
    Grow {
        /// Millimetres.
        mm: f64,
    },
    /// Gives up all voxels within that distance of what is not the object.
    Shrink {
        /// Millimetres.
        mm: f64,
    },
    /// Smooths the border: a Gaussian over the object, cut where its volume stays what it was.
    Smooth {
        /// Standard deviation of the Gaussian in millimetres.
        mm: f64,
    },
    /// Keeps only the largest part whose voxels touch by faces (on a slice, edges).
    KeepLargest,
    /// Gives up all smaller parts, except the largest.
    RemoveIslands {
        /// Parts with less than this volume in millilitres go.
        below_ml: f64,
    },
    /// Takes background that the object encloses.
    FillHoles,
}

/// A slice of the stored image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneSlice {
    /// The stored axis that it is orthogonal to.
    pub axis: usize,
    /// Its index.
    pub index: usize,
}

/// Two distances nearer to each other than this count as equal.
const SAME: f64 = 1.0 + 1e-5;

/// Standard deviations after which a Gaussian counts as zero.
const GAUSSIAN_REACH: f64 = 3.0;

/// Changes an object in place, on one slice in two dimensions, else in three. Without a voxel of the
/// object nothing happens.
///
/// # Panics
/// If labelmap and grid do not have the same shape, or the slice lies outside.
pub fn apply(
    labelmap: &mut Labelmap,
    grid: &Grid,
    label: u8,
    operation: Operation,
    slice: Option<OneSlice>,
) {
    assert_eq!(labelmap.shape, grid.shape, "a mask of another grid");
    let spacing_mm = grid.spacing_mm();
    let reach_mm = match operation {
        Operation::Grow { mm } => mm,
        Operation::Smooth { mm } => GAUSSIAN_REACH * mm,
        Operation::Shrink { .. }
        | Operation::KeepLargest
        | Operation::RemoveIslands { .. }
        | Operation::FillHoles => 0.0,
    };
    let Some(bounds) = region(labelmap, label, spacing_mm.map(|it| reach_mm / it), slice) else {
        return;
    };
    let mut part = labelmap.crop(&bounds);
    let flat =
        [0, 1, 2].map(|it| slice.is_some_and(|slice| slice.axis == it) || grid.shape[it] == 1);
    match operation {
        Operation::Grow { mm } => grow(&mut part, label, spacing_mm, mm),
        Operation::Shrink { mm } => shrink(&mut part, label, spacing_mm, mm),
        Operation::Smooth { mm } => smooth(&mut part, label, spacing_mm.map(|it| mm / it)),
        Operation::KeepLargest => keep_parts(&mut part, label, usize::MAX),
        Operation::RemoveIslands { below_ml } => {
            keep_parts(&mut part, label, least_voxels(below_ml, grid.voxel_mm3()));
        }
        Operation::FillHoles => fill_holes(&mut part, label, flat),
    }
    labelmap.paste(&part, bounds.map(|it| *it.start()));
}

/// The box in which an operation happens: the object's, and `reach` voxels and one more around it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; then clipped"
)]
fn region(
    labelmap: &Labelmap,
    label: u8,
    reach: [f64; 3],
    slice: Option<OneSlice>,
) -> Option<[RangeInclusive<usize>; 3]> {
    let mut bounds = match slice {
        None => labelmap.bounding_box(label)?,
        Some(OneSlice { axis, index }) => {
            let mut of_slice = labelmap.shape.map(|it| 0..=it - 1);
            of_slice[axis] = index..=index;
            let mut found = labelmap.crop(&of_slice).bounding_box(label)?;
            found[axis] = index..=index;
            found
        }
    };
    for axis in 0..3 {
        if slice.is_some_and(|it| it.axis == axis) {
            continue;
        }
        let margin = (reach[axis].ceil() as usize).saturating_add(1);
        let first = bounds[axis].start().saturating_sub(margin);
        let last = bounds[axis].end().saturating_add(margin).min(labelmap.shape[axis] - 1);
        bounds[axis] = first..=last;
    }
    Some(bounds)
}

fn grow(part: &mut Labelmap, label: u8, spacing_mm: [f64; 3], mm: f64) {
    let object: Vec<bool> = part.voxels.iter().map(|it| *it == label).collect();
    let squared = squared_distances(&object, part.shape, spacing_mm);
    for (voxel, squared) in part.voxels.iter_mut().zip(squared) {
        if *voxel == 0 && f64::from(squared) <= mm * mm * SAME {
            *voxel = label;
        }
    }
}

fn shrink(part: &mut Labelmap, label: u8, spacing_mm: [f64; 3], mm: f64) {
    let other: Vec<bool> = part.voxels.iter().map(|it| *it != label).collect();
    let squared = squared_distances(&other, part.shape, spacing_mm);
    for (voxel, squared) in part.voxels.iter_mut().zip(squared) {
        if *voxel == label && f64::from(squared) <= mm * mm * SAME {
            *voxel = 0;
        }
    }
}

fn smooth(part: &mut Labelmap, label: u8, sigma: [f64; 3]) {
    let n_voxels = part.count(label);
    let mut field: Vec<f32> =
        part.voxels.iter().map(|it| f32::from(u8::from(*it == label))).collect();
    for (axis, sigma) in sigma.into_iter().enumerate() {
        blur(&mut field, part.shape, axis, sigma);
    }
    let is_free = |it: u8| it == 0 || it == label;
    let candidates =
        || part.voxels.iter().zip(&field).filter(|(it, _)| is_free(**it)).map(|it| *it.1);
    let mut values: Vec<f32> = candidates().collect();
    let at = values.len() - n_voxels;
    let threshold = *values.select_nth_unstable_by(at, f32::total_cmp).1;
    // Voxels of equal value stay together: with them or without, whichever is nearer.
    let n_above = candidates().filter(|it| *it > threshold).count();
    let n_at_least = candidates().filter(|it| *it >= threshold).count();
    let takes_equal = n_at_least - n_voxels <= n_voxels - n_above || n_above == 0;
    for (voxel, value) in part.voxels.iter_mut().zip(field) {
        if is_free(*voxel) {
            let is_inside = value > threshold || (takes_equal && value == threshold);
            *voxel = if is_inside { label } else { 0 };
        }
    }
}

/// Convolves with a Gaussian along an axis. What would lie outside the part is left out and the rest
/// weighted up, so that an object at the image's edge stays there.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few voxels; f32 fields"
)]
fn blur(field: &mut [f32], shape: [usize; 3], axis: usize, sigma: f64) {
    let (length, stride) = (shape[axis], [1, shape[0], shape[0] * shape[1]][axis]);
    let reach = ((GAUSSIAN_REACH * sigma).ceil() as usize).min(length - 1);
    if reach == 0 {
        return;
    }
    let weight = |step: usize| (-0.5 * (step as f64 / sigma).powi(2)).exp() as f32;
    let weights: Vec<f32> = (0..=reach).map(weight).collect();
    let mut line = vec![0.0_f32; length];
    for block in 0..field.len() / (length * stride) {
        for offset in 0..stride {
            let start = block * length * stride + offset;
            for (it, value) in line.iter_mut().zip(field[start..].iter().step_by(stride)) {
                *it = *value;
            }
            for place in 0..length {
                let (first, last) = (place.saturating_sub(reach), (place + reach).min(length - 1));
                let (mut sum, mut total) = (0.0, 0.0);
                for (it, value) in (first..=last).zip(&line[first..=last]) {
                    let weight = weights[it.abs_diff(place)];
                    sum += weight * value;
                    total += weight;
                }
                field[start + place * stride] = sum / total;
            }
        }
    }
}

/// Voxels that a part needs for a volume.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn least_voxels(ml: f64, voxel_mm3: f64) -> usize {
    (ml * 1000.0 / voxel_mm3 / SAME).ceil() as usize
}

/// Keeps parts of at least `least` voxels, and the first of the largest ones.
fn keep_parts(part: &mut Labelmap, label: u8, least: usize) {
    let (component, sizes) = components(part, label);
    let largest = (1..sizes.len()).rev().max_by_key(|it| sizes[*it]).unwrap_or(0);
    for (voxel, number) in part.voxels.iter_mut().zip(component) {
        let number = number as usize;
        if number != 0 && number != largest && sizes[number] < least {
            *voxel = 0;
        }
    }
}

/// Gives the object all background that no way leads out of the part from. There is no way out along
/// flat axes.
fn fill_holes(part: &mut Labelmap, label: u8, flat: [bool; 3]) {
    let shape = part.shape;
    let strides = [1, shape[0], shape[0] * shape[1]];
    let place = |at: usize| [at % shape[0], at / shape[0] % shape[1], at / (shape[0] * shape[1])];
    let is_edge = |at: usize| {
        let place = place(at);
        (0..3).any(|it| !flat[it] && (place[it] == 0 || place[it] + 1 == shape[it]))
    };
    let mut is_outside = vec![false; part.voxels.len()];
    let mut open: Vec<usize> =
        (0..part.voxels.len()).filter(|it| part.voxels[*it] != label && is_edge(*it)).collect();
    for &at in &open {
        is_outside[at] = true;
    }
    while let Some(at) = open.pop() {
        let place = place(at);
        for axis in 0..3 {
            let back = (place[axis] > 0).then(|| at - strides[axis]);
            let on = (place[axis] + 1 < shape[axis]).then(|| at + strides[axis]);
            for next in [back, on].into_iter().flatten() {
                if !is_outside[next] && part.voxels[next] != label {
                    is_outside[next] = true;
                    open.push(next);
                }
            }
        }
    }
    for (voxel, is_outside) in part.voxels.iter_mut().zip(is_outside) {
        if *voxel == 0 && !is_outside {
            *voxel = label;
        }
    }
}
