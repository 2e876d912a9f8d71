//! The part of a volume that a solve looks at: cropped around the key slices and, where it would
//! hold too many voxels, coarser than the volume.

use std::ops::Range;

use crate::{
    distance,
    field::{Field, other_axes},
    number::{count, narrow, place_below},
    propagate::{Intensities, KeySlice, VolumeRequest},
    settings::VolumeSettings,
};

/// A box of the volume and the grid it is solved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    /// Voxels of the volume.
    pub(crate) ranges: [Range<usize>; 3],
    /// Voxels of the volume along each side of a solved voxel.
    pub(crate) factors: [usize; 3],
}

impl Region {
    /// The region around the key slices; none where no key slice shows the object.
    pub(crate) fn around(
        request: &VolumeRequest<'_>,
        shape: [usize; 3],
        spacing_mm: [f64; 3],
        settings: &VolumeSettings,
    ) -> Option<Self> {
        let mut reach: [Option<[f64; 2]>; 3] = [None; 3];
        let mut widen = |axis: usize, from: f64, to: f64| {
            let [low, high] = reach[axis].unwrap_or([from, to]);
            reach[axis] = Some([low.min(from), high.max(to)]);
        };
        let finest = spacing_mm.into_iter().fold(f64::INFINITY, f64::min);
        for key in &request.keys {
            let plane = other_axes(key.axis);
            let Some(bounds) = bounds(&key.mask, shape[plane[0]]) else {
                continue;
            };
            let area = key.mask.iter().filter(|it| **it).count() as f64;
            let voxel = spacing_mm[plane[0]] * spacing_mm[plane[1]];
            let radius = (area * voxel / std::f64::consts::PI).sqrt();
            let away = if request.whole_range && key.axis == request.axis {
                shape[key.axis] as f64
            } else {
                settings.reach * radius / spacing_mm[key.axis] + 2.0
            };
            let index = key.index as f64;
            widen(key.axis, index - away, index + away);
            for (axis, [first, last]) in plane.into_iter().zip(bounds) {
                let margin =
                    (settings.margin * (last - first + 1.0)).max(12.0 * finest / spacing_mm[axis]);
                widen(axis, first - margin, last + margin);
            }
        }
        for (place, _) in &request.seeds {
            for (axis, &at) in place.iter().enumerate() {
                widen(axis, at as f64 - 2.0, at as f64 + 2.0);
            }
        }
        if !request.keys.iter().any(|it| it.mask.contains(&true)) {
            return None;
        }
        let mut ranges = [0, 1, 2].map(|axis| {
            let [from, to] = reach[axis].unwrap_or([0.0, 0.0]);
            let first = place_below(from.floor(), shape[axis]);
            first..place_below(to.ceil(), shape[axis]) + 1
        });
        let allowed = &mut ranges[request.axis];
        allowed.start = allowed.start.max(request.slices.start().saturating_sub(1));
        allowed.end = allowed.end.min(request.slices.end() + 2).max(allowed.start + 1);
        let factors = factors(&ranges, spacing_mm, settings.max_nodes);
        Some(Self { ranges, factors })
    }

    /// Voxels of the region at the volume's own resolution.
    pub(crate) fn fine_shape(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.ranges[axis].len())
    }

    pub(crate) fn is_coarse(&self) -> bool {
        self.factors != [1; 3]
    }

    /// Reads the image in slabs, so that the whole region is never held at full resolution where
    /// it is solved on a coarser grid.
    pub(crate) fn read(&self, image: &dyn Intensities) -> Field {
        let [columns, rows, slices] = self.ranges.clone();
        let mut out: Option<Field> = None;
        for from in slices.clone().step_by(self.factors[2]) {
            let slab = from..(from + self.factors[2]).min(slices.end);
            let mut part = Field {
                shape: [columns.len(), rows.len(), slab.len()],
                spacing_mm: image.spacing_mm(),
                values: image.crop([columns.clone(), rows.clone(), slab]),
            };
            part.replace_non_finite();
            let part = if self.is_coarse() { part.block_means(self.factors) } else { part };
            match &mut out {
                Some(all) => {
                    all.values.extend_from_slice(&part.values);
                    all.shape[2] += 1;
                }
                None => out = Some(part),
            }
        }
        let mut field =
            out.unwrap_or(Field { shape: [0; 3], spacing_mm: [1.0; 3], values: Vec::new() });
        let spacing = image.spacing_mm();
        field.spacing_mm = [0, 1, 2].map(|axis| spacing[axis] * self.factors[axis] as f64);
        field
    }

    /// The solved voxel that holds a voxel of the volume; none outside the region.
    pub(crate) fn solved_voxel(&self, place: [usize; 3]) -> Option<[usize; 3]> {
        let inside = (0..3).all(|axis| self.ranges[axis].contains(&place[axis]));
        inside.then(|| {
            [0, 1, 2].map(|axis| (place[axis] - self.ranges[axis].start) / self.factors[axis])
        })
    }

    /// The first voxel of the volume in a solved voxel's middle.
    pub(crate) fn volume_voxel(&self, solved: [usize; 3]) -> [usize; 3] {
        [0, 1, 2].map(|axis| {
            let middle = solved[axis] * self.factors[axis] + self.factors[axis] / 2;
            (self.ranges[axis].start + middle).min(self.ranges[axis].end - 1)
        })
    }

    /// A key slice's mask on the solved grid; none where its slice lies outside the region.
    pub(crate) fn key_mask(&self, key: &KeySlice, shape: [usize; 3]) -> Option<Vec<bool>> {
        if !self.ranges[key.axis].contains(&key.index) {
            return None;
        }
        let [a, b] = other_axes(key.axis);
        let (across, down) = (self.ranges[a].clone(), self.ranges[b].clone());
        let values = down
            .clone()
            .flat_map(|y| across.clone().map(move |x| (x, y)))
            .map(|(x, y)| if key.mask[x + y * shape[a]] { 1.0 } else { 0.0 })
            .collect();
        let field = Field { shape: [across.len(), down.len(), 1], spacing_mm: [1.0; 3], values };
        let coarse = field.block_means([self.factors[a], self.factors[b], 1]);
        Some(coarse.values.iter().map(|&it| it >= 0.5).collect())
    }

    /// A solved mask at the volume's own resolution.
    pub(crate) fn refined(&self, mask: Vec<bool>, solved: &Field) -> Vec<bool> {
        if !self.is_coarse() {
            return mask;
        }
        let signed = distance::signed_mm(&mask, solved.shape, solved.spacing_mm);
        let [ni, nj, nk] = self.fine_shape();
        let plane = solved.plane();
        let coarse = |at: usize, axis: usize| {
            let factor = self.factors[axis] as f64;
            ((at as f64 + 0.5) / factor - 0.5).clamp(0.0, solved.shape[axis] as f64 - 1.0)
        };
        let mut out = Vec::with_capacity(ni * nj * nk);
        for k in 0..nk {
            let depth = coarse(k, 2);
            let lower = place_below(depth, solved.shape[2]);
            let upper = (lower + 1).min(solved.shape[2] - 1);
            let part = narrow(depth - lower as f64);
            let values = (0..plane)
                .map(|at| {
                    let (a, b) = (signed[lower * plane + at], signed[upper * plane + at]);
                    a + part * (b - a)
                })
                .collect();
            let shape = [solved.shape[0], solved.shape[1], 1];
            let slice = Field { shape, spacing_mm: solved.spacing_mm, values };
            for j in 0..nj {
                let y = coarse(j, 1);
                out.extend((0..ni).map(|i| slice.distance_at(coarse(i, 0), y) > 0.0));
            }
        }
        out
    }
}

/// First and last place of a mask along both axes of its slice.
fn bounds(mask: &[bool], width: usize) -> Option<[[f64; 2]; 2]> {
    let mut bounds: Option<[[f64; 2]; 2]> = None;
    for (at, _) in mask.iter().enumerate().filter(|it| *it.1) {
        let place = [(at % width) as f64, (at / width) as f64];
        let old = bounds.unwrap_or(place.map(|it| [it, it]));
        bounds =
            Some([0, 1].map(|axis| [old[axis][0].min(place[axis]), old[axis][1].max(place[axis])]));
    }
    bounds
}

/// Coarsens the finest axes first until the region holds few enough voxels.
fn factors(ranges: &[Range<usize>; 3], spacing_mm: [f64; 3], max_nodes: usize) -> [usize; 3] {
    let mut factors = [1usize; 3];
    loop {
        let solved = [0, 1, 2].map(|axis| ranges[axis].len().div_ceil(factors[axis]));
        let n = solved.iter().product::<usize>();
        let Some(axis) = (0..3)
            .filter(|&axis| solved[axis] > 16)
            .min_by(|&a, &b| {
                let size = |axis: usize| spacing_mm[axis] * factors[axis] as f64;
                size(a).total_cmp(&size(b))
            })
            .filter(|_| n > max_nodes.max(1))
        else {
            return factors;
        };
        let next = count(factors[axis] as f64 * 1.3).max(factors[axis] + 1);
        factors[axis] = next;
    }
}
