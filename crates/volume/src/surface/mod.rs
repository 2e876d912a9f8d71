//! Closed surfaces of objects, smoothed, in millimetres.
//!
//! The surface begins as the faces between the object's voxels and all others. Where parts of the
//! object touch at an edge or a corner only, such a surface would not be closed in the sense of
//! meshes (an edge would have four faces); there voxels are added first (Latecki's well-composed
//! sets). The faces are then smoothed by Taubin's λ|μ filter, and each closed part is brought back
//! to the volume it had.

mod faces;
mod smooth;
mod stl;

use crate::{Affine, Grid, Labelmap, measure::Part};

pub use stl::write_stl;

/// A closed surface of triangles.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Corners, in millimetres of RAS.
    pub positions: Vec<[f32; 3]>,
    /// Corners of each triangle, anticlockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
}

/// How a surface is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SurfaceOptions {
    /// Passes of the smoothing filter; 0 leaves the voxels' faces.
    pub n_smoothings: u32,
    /// Most triangles; a larger surface is made from voxels joined two by two along their shortest
    /// axis, until it fits.
    pub max_triangles: usize,
}

impl Default for SurfaceOptions {
    fn default() -> Self {
        Self { n_smoothings: 40, max_triangles: 1_000_000 }
    }
}

/// The surface of one object; without voxels it has no triangles.
#[must_use]
pub fn surface(labelmap: &Labelmap, grid: &Grid, label: u8, options: &SurfaceOptions) -> Mesh {
    let Some(bounds) = labelmap.bounding_box(label) else {
        return Mesh { positions: Vec::new(), triangles: Vec::new() };
    };
    let part = Part::new(labelmap, label, &bounds);
    let origin = part.origin.map(|it| it as f64);
    let full = Affine::new(Affine::IDENTITY.linear(), origin);
    let (mask, part_from_mask) = simplified(part.mask, grid.spacing_mm(), options.max_triangles);
    let faces = faces::Faces::of(&mask);
    let corners = smooth::smoothed(&faces, options.n_smoothings);
    mesh(&faces, &corners, &grid.ras_from_voxel.compose(&full).compose(&part_from_mask))
}

/// Joins voxels until the mask has few enough faces; returns where its voxels lie in the first one.
fn simplified(
    mut mask: Labelmap,
    spacing_mm: [f64; 3],
    max_triangles: usize,
) -> (Labelmap, Affine) {
    let mut factors = [1_usize; 3];
    while 2 * faces::count(&mask) > max_triangles {
        let length = |axis: usize| spacing_mm[axis] * factors[axis] as f64;
        let can_halve = |axis: &usize| mask.shape[*axis] > 1;
        let shortest = (0..3).filter(can_halve).min_by(|a, b| length(*a).total_cmp(&length(*b)));
        let Some(axis) = shortest else { break };
        let halved = halved(&mask, axis);
        if halved.voxels.iter().all(|it| *it == 0) {
            break;
        }
        mask = halved;
        factors[axis] *= 2;
    }
    let mut linear = Affine::IDENTITY.linear();
    for axis in 0..3 {
        linear[axis][axis] = factors[axis] as f64;
    }
    // A joined voxel's centre is the middle of its voxels' centres.
    (mask, Affine::new(linear, factors.map(|it| (it as f64 - 1.0) / 2.0)))
}

/// Voxels joined in pairs along an axis: inside where one of them is, in turn inside where both are,
/// so that the volume stays the same on average.
fn halved(mask: &Labelmap, axis: usize) -> Labelmap {
    let mut shape = mask.shape;
    shape[axis] = shape[axis].div_ceil(2);
    let mut halved = Labelmap::new(shape);
    for at in 0..halved.voxels.len() {
        let place = [at % shape[0], at / shape[0] % shape[1], at / (shape[0] * shape[1])];
        let mut first = place;
        first[axis] *= 2;
        let mut second = first;
        second[axis] += 1;
        let pair = [first, second].map(|it| mask.get(it) == Some(1));
        let is_odd = place.iter().sum::<usize>() % 2 == 1;
        halved.voxels[at] = u8::from(if is_odd { pair[0] || pair[1] } else { pair[0] && pair[1] });
    }
    halved
}

#[expect(clippy::cast_possible_truncation, reason = "positions are f32 by contract")]
fn mesh(faces: &faces::Faces, corners: &[[f64; 3]], ras_from_mask: &Affine) -> Mesh {
    let positions_mm: Vec<[f64; 3]> = corners.iter().map(|it| ras_from_mask.apply(*it)).collect();
    let squared = |a: u32, b: u32| {
        let (a, b) = (positions_mm[a as usize], positions_mm[b as usize]);
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    };
    let mut triangles = Vec::with_capacity(2 * faces.quads.len());
    for &[a, b, c, d] in &faces.quads {
        let pair = if squared(a, c) <= squared(b, d) {
            [[a, b, c], [a, c, d]]
        } else {
            [[a, b, d], [b, c, d]]
        };
        triangles.extend(pair);
    }
    // An affine that mirrors turns every triangle's outside in.
    if ras_from_mask.determinant() < 0.0 {
        for [_, b, c] in &mut triangles {
            std::mem::swap(b, c);
        }
    }
    let positions = positions_mm.into_iter().map(|it| it.map(|part| part as f32)).collect();
    Mesh { positions, triangles }
}

impl Mesh {
    /// The volume inside in cubic millimetres; negative where the triangles face inwards.
    #[must_use]
    pub fn volume_mm3(&self) -> f64 {
        let origin = self.positions.first().copied().unwrap_or_default().map(f64::from);
        let corner = |it: u32| {
            let position = self.positions[it as usize];
            [0, 1, 2].map(|axis| f64::from(position[axis]) - origin[axis])
        };
        let parts = self.triangles.iter().map(|it| crate::affine::determinant(&it.map(corner)));
        parts.sum::<f64>() / 6.0
    }

    /// The surface as the page takes it: `VXS1`, the numbers of corners and triangles as u32,
    /// corners as f32, triangles as u32, all little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let n = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = Vec::with_capacity(12 + 12 * (self.positions.len() + self.triangles.len()));
        bytes.extend(*b"VXS1");
        bytes.extend(n(self.positions.len()));
        bytes.extend(n(self.triangles.len()));
        bytes.extend(self.positions.as_flattened().iter().flat_map(|it| it.to_le_bytes()));
        bytes.extend(self.triangles.as_flattened().iter().flat_map(|it| it.to_le_bytes()));
        bytes
    }
}
