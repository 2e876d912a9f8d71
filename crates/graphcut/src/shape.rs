//! The outline of a key slice's mask, ready to be laid on other slices.

use crate::{distance, field::Field, number::narrow};

/// More outline voxels than this are thinned out when edges are sampled.
const MAX_SAMPLES: usize = 400;

/// A mask's outline and signed distances.
pub(crate) struct Shape {
    /// Signed distance in millimetres, positive inside.
    pub(crate) signed: Field,
    /// Centre of mass in voxels.
    pub(crate) centroid: [f64; 2],
    /// Voxels inside.
    pub(crate) area: f64,
    /// Edges between inside and outside voxels, from the centroid.
    cracks: Vec<Crack>,
    /// Every how many cracks an edge is sampled.
    stride: usize,
}

/// An edge between an inside and an outside voxel.
pub(crate) struct Crack {
    /// Its midpoint from the centroid, in voxels.
    pub(crate) offset: [f64; 2],
    /// Outward normal in millimetres.
    pub(crate) normal: [f32; 2],
    /// The axis along which one crosses it.
    pub(crate) axis: usize,
    /// 1 where one leaves the mask along that axis, -1 where one enters.
    pub(crate) sense: f64,
}

/// Where and how large an outline lies on a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    /// Size relative to the key slice.
    pub(crate) scale: f64,
    /// Shift in voxels.
    pub(crate) shift: [f64; 2],
    /// Probability that the object reaches the slice.
    pub(crate) alive: f64,
    /// Standard deviation of the outline's place in voxels.
    pub(crate) spread: f64,
}

impl Shape {
    pub(crate) fn new(mask: &[bool], [width, height]: [usize; 2], spacing_mm: [f64; 3]) -> Self {
        let shape = [width, height, 1];
        let values = distance::signed_mm(mask, shape, spacing_mm);
        let signed = Field { shape, spacing_mm, values };
        let (mut sum, mut area) = ([0.0; 2], 0.0);
        for (at, _) in mask.iter().enumerate().filter(|it| *it.1) {
            sum[0] += (at % width) as f64;
            sum[1] += (at / width) as f64;
            area += 1.0;
        }
        let centroid = sum.map(|it| it / f64::max(area, 1.0));
        let mut cracks = Vec::new();
        for axis in 0..2 {
            find_cracks(mask, &signed, axis, centroid, &mut cracks);
        }
        // An odd stride takes left and right sides in turn.
        let stride = (cracks.len() / MAX_SAMPLES) | 1;
        Self { signed, centroid, area, cracks, stride }
    }

    /// Radius of the disc of the same area, in millimetres.
    pub(crate) fn radius_mm(&self) -> f64 {
        let voxel = self.signed.spacing_mm[0] * self.signed.spacing_mm[1];
        (self.area * voxel / std::f64::consts::PI).sqrt()
    }

    /// Every crack, and whether edges are sampled there.
    pub(crate) fn cracks(&self) -> impl Iterator<Item = (&Crack, bool)> {
        self.cracks.iter().enumerate().map(|(at, crack)| (crack, at % self.stride == 0))
    }

    /// Signed distance to the placed outline at a voxel, in millimetres.
    pub(crate) fn placed(&self, placement: &Placement, [x, y]: [f64; 2]) -> f32 {
        let [from_x, from_y] = [0, 1].map(|axis| {
            let at = [x, y][axis];
            (at - self.centroid[axis] - placement.shift[axis]) / placement.scale
                + self.centroid[axis]
        });
        narrow(placement.scale) * self.signed.distance_at(from_x, from_y)
    }
}

fn find_cracks(
    mask: &[bool],
    signed: &Field,
    axis: usize,
    centroid: [f64; 2],
    cracks: &mut Vec<Crack>,
) {
    let [width, height, _] = signed.shape;
    let along = [usize::from(axis == 0), usize::from(axis == 1)];
    // The mask stays within its slice: edges on the border of the slice say nothing.
    for y in 0..height - along[1] {
        for x in 0..width - along[0] {
            let (at, next) = (x + y * width, x + along[0] + (y + along[1]) * width);
            if mask[at] == mask[next] {
                continue;
            }
            let middle = [x as f64 + along[0] as f64 / 2.0, y as f64 + along[1] as f64 / 2.0];
            let slope = [0, 1].map(|side| {
                let mut step = [0.0; 2];
                step[side] = 1.0;
                let before = signed.distance_at(middle[0] - step[0], middle[1] - step[1]);
                let after = signed.distance_at(middle[0] + step[0], middle[1] + step[1]);
                f64::from(before - after) / signed.spacing_mm[side]
            });
            let length = slope[0].hypot(slope[1]).max(1e-9);
            cracks.push(Crack {
                offset: [middle[0] - centroid[0], middle[1] - centroid[1]],
                normal: slope.map(|it| narrow(it / length)),
                axis,
                sense: if mask[at] { 1.0 } else { -1.0 },
            });
        }
    }
}
