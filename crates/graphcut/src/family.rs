//! What the key slices of one plane say about every voxel: between two of them their signed
//! distances are interpolated, beyond the outermost the outline is followed.

use crate::{
    evidence::SliceEvidence,
    field::{Field, other_axes},
    number::narrow,
    settings::VolumeSettings,
    shape::{Placement, Shape},
    track::{Way, follow},
};

/// What a voxel gains where the object has surely ended.
pub(crate) const ENDED: f32 = -100.0;

/// Whether slices between two key slices are explained by both or by one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pass {
    /// By both: interpolated.
    #[default]
    Joint,
    /// By the one before, followed towards rising indices.
    Rising,
    /// By the one behind, followed towards falling indices.
    Falling,
}

/// The key slices of one plane, in ascending order.
pub(crate) struct Family {
    /// The axis across the slices.
    pub(crate) axis: usize,
    pub(crate) keys: Vec<FamilyKey>,
}

/// A key slice of a family.
pub(crate) struct FamilyKey {
    pub(crate) index: usize,
    /// None where the object is absent.
    pub(crate) shape: Option<Shape>,
}

/// The image as a family sees it: slices along the last axis.
pub(crate) struct Stack {
    pub(crate) smooth: Field,
    pub(crate) ratio: Vec<f32>,
    /// Gradient per millimetre that counts as an edge.
    pub(crate) edge: f32,
}

impl Family {
    /// The order of axes in which the family's slices lie along the last one.
    pub(crate) fn order(&self) -> [usize; 3] {
        let [a, b] = other_axes(self.axis);
        [a, b, self.axis]
    }

    /// The largest radius among the key slices.
    pub(crate) fn radius_mm(&self) -> f64 {
        self.keys
            .iter()
            .filter_map(|it| it.shape.as_ref())
            .map(Shape::radius_mm)
            .fold(0.0, f64::max)
    }

    /// Distance from a slice to the nearest key slice that shows the object.
    pub(crate) fn distance_mm(&self, slice: usize, spacing_mm: f64) -> f64 {
        self.keys
            .iter()
            .filter(|it| it.shape.is_some())
            .map(|it| it.index.abs_diff(slice) as f64 * spacing_mm)
            .fold(f64::INFINITY, f64::min)
    }

    /// What every voxel of the stack gains by belonging to the object, in the stack's order.
    pub(crate) fn prior(&self, stack: &Stack, pass: Pass, settings: &VolumeSettings) -> Vec<f32> {
        let [width, height, depth] = stack.smooth.shape;
        let plane = width * height;
        let mut prior = vec![ENDED; plane * depth];
        let soft = settings.soft * self.radius_mm();
        let inflate = settings.inflate * self.radius_mm();
        let weigh = |distance: f32, softness: f64| {
            narrow(settings.prior * (f64::from(distance) + inflate) / softness)
        };
        for key in &self.keys {
            if let Some(shape) = &key.shape {
                let slice = &mut prior[key.index * plane..(key.index + 1) * plane];
                for (it, distance) in slice.iter_mut().zip(&shape.signed.values) {
                    *it = weigh(*distance, soft);
                }
            }
        }
        for stretch in self.stretches(depth, pass) {
            for (slice, section) in self.sections(&stretch, stack, settings) {
                let out = &mut prior[slice * plane..(slice + 1) * plane];
                let softness = soft.hypot(section.spread_mm);
                for (at, it) in out.iter_mut().enumerate() {
                    let place = [(at % width) as f64, (at / width) as f64];
                    *it = weigh(section.distance(place), softness) + section.gate;
                }
            }
        }
        prior
    }

    /// The runs of slices without a key slice.
    fn stretches(&self, depth: usize, pass: Pass) -> Vec<Stretch<'_>> {
        let mut stretches = Vec::new();
        let n = self.keys.len();
        for at in 0..=n {
            let before = at.checked_sub(1).map(|it| &self.keys[it]);
            let after = self.keys.get(at);
            let first = before.map_or(0, |it| it.index + 1);
            let end = after.map_or(depth, |it| it.index);
            if first >= end {
                continue;
            }
            let shape = |key: Option<&'_ FamilyKey>| key.is_some_and(|it| it.shape.is_some());
            let (rising, falling) = match (shape(before), shape(after), pass) {
                (true, true, Pass::Joint) => (before, after),
                (true, _, Pass::Joint | Pass::Rising) | (true, false, Pass::Falling) => {
                    (before, None)
                }
                (_, true, _) => (None, after),
                (false, false, _) => continue,
            };
            let ends = match (rising, falling) {
                (Some(_), None) => after.is_some_and(|it| it.shape.is_none()),
                (None, Some(_)) => before.is_some_and(|it| it.shape.is_none()),
                _ => false,
            };
            stretches.push(Stretch { first, end, rising, falling, ends });
        }
        stretches
    }

    fn sections<'a>(
        &'a self,
        stretch: &Stretch<'a>,
        stack: &Stack,
        settings: &VolumeSettings,
    ) -> Vec<(usize, Section<'a>)> {
        let shapes = [stretch.rising, stretch.falling]
            .map(|key| key.and_then(|it| it.shape.as_ref().map(|shape| (it.index, shape))));
        match shapes {
            [Some((below, a)), Some((above, b))] => (stretch.first..stretch.end)
                .map(|slice| {
                    let part = (slice - below) as f64 / (above - below) as f64;
                    (slice, Section::between(a, b, part))
                })
                .collect(),
            [Some((index, shape)), None] | [None, Some((index, shape))] => {
                let rising = stretch.rising.is_some();
                let slice_of = |it: usize| {
                    if rising { index + 1 + it } else { index - 1 - it }
                };
                let [width, height, _] = stack.smooth.shape;
                let plane = width * height;
                let spacing = stack.smooth.spacing_mm;
                let way = Way {
                    n_slices: stretch.end - stretch.first,
                    step_mm: spacing[2],
                    ends: stretch.ends,
                };
                let track = follow(shape, way, &settings.track, |it| {
                    let from = slice_of(it) * plane;
                    SliceEvidence::new(
                        &stack.smooth.values[from..from + plane],
                        &stack.ratio[from..from + plane],
                        [width, height],
                        [spacing[0], spacing[1]],
                        stack.edge,
                    )
                });
                let voxel_mm = (spacing[0] * spacing[1]).sqrt();
                track
                    .into_iter()
                    .enumerate()
                    .map(|(it, place)| (slice_of(it), Section::placed(shape, place, voxel_mm)))
                    .collect()
            }
            [None, None] => Vec::new(),
        }
    }
}

/// A run of slices and the key slices that explain it.
struct Stretch<'a> {
    first: usize,
    end: usize,
    rising: Option<&'a FamilyKey>,
    falling: Option<&'a FamilyKey>,
    /// Whether the object is known to be absent on the slice beyond.
    ends: bool,
}

/// What is expected of one slice.
struct Section<'a> {
    parts: Vec<(&'a Shape, Placement, f32)>,
    spread_mm: f64,
    /// Log odds that the object reaches the slice, never positive.
    gate: f32,
}

impl<'a> Section<'a> {
    /// Between two outlines, moved onto a common centroid.
    fn between(a: &'a Shape, b: &'a Shape, part: f64) -> Self {
        let centre =
            [0, 1].map(|axis| a.centroid[axis] + part * (b.centroid[axis] - a.centroid[axis]));
        let parts = [(a, 1.0 - part), (b, part)].map(|(shape, weight)| {
            let shift = [0, 1].map(|axis| centre[axis] - shape.centroid[axis]);
            let placement = Placement { scale: 1.0, shift, alive: 1.0, spread: 0.0 };
            (shape, placement, narrow(weight))
        });
        Self { parts: parts.to_vec(), spread_mm: 0.0, gate: 0.0 }
    }

    fn placed(shape: &'a Shape, placement: Placement, voxel_mm: f64) -> Self {
        let gate = if placement.alive < 0.02 {
            ENDED
        } else {
            narrow((placement.alive / (1.02 - placement.alive)).ln().min(0.0))
        };
        let spread_mm = placement.spread * voxel_mm;
        Self { parts: vec![(shape, placement, 1.0)], spread_mm, gate }
    }

    fn distance(&self, place: [f64; 2]) -> f32 {
        self.parts
            .iter()
            .map(|(shape, placement, weight)| weight * shape.placed(placement, place))
            .sum()
    }
}
