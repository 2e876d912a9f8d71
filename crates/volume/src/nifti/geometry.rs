//! The part of a NIfTI header that a mask on the same grid repeats bit by bit.

use super::fields::Fields;
use crate::{
    Affine, Grid,
    affine::{determinant, nearest_orthogonal},
};

/// The two header layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NiftiVersion {
    /// NIfTI-1: 348 bytes, 32-bit floats, lengths of 16 bits.
    One,
    /// NIfTI-2: 540 bytes, 64-bit floats, lengths of 64 bits.
    Two,
}

impl NiftiVersion {
    pub(super) fn index(self) -> usize {
        match self {
            Self::One => 0,
            Self::Two => 1,
        }
    }

    pub(super) fn header_size(self) -> usize {
        [348, 540][self.index()]
    }

    pub(super) fn header_size_i32(self) -> i32 {
        [348, 540][self.index()]
    }
}

/// Where the voxels of a NIfTI file lie, in the header's own fields.
///
/// 32-bit values of NIfTI-1 are kept as doubles, which loses nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct NiftiGeometry {
    /// Shape and the affine that follows from the fields below.
    pub grid: Grid,
    /// Which layout the file has.
    pub version: NiftiVersion,
    /// Spatial dimensions in `dim[0]`, at most 3.
    pub n_dims: usize,
    /// `pixdim`, qfac first.
    pub pixdim: [f64; 8],
    /// `xyzt_units`.
    pub xyzt_units: i32,
    /// `qform_code`.
    pub qform_code: i32,
    /// `sform_code`.
    pub sform_code: i32,
    /// `quatern_b`, `quatern_c`, `quatern_d`.
    pub quatern: [f64; 3],
    /// `qoffset_x`, `qoffset_y`, `qoffset_z`.
    pub qoffset: [f64; 3],
    /// `srow_x`, `srow_y`, `srow_z`.
    pub srow: [[f64; 4]; 3],
}

/// "Coordinates of the scanner."
const CODE_SCANNER: i32 = 1;
/// Millimetres and seconds.
const UNITS_MM_SEC: i32 = 2 | 8;

impl NiftiGeometry {
    pub(super) fn of(fields: &Fields, grid: Grid) -> Self {
        Self {
            grid,
            version: fields.version,
            n_dims: usize::try_from(fields.dim[0]).unwrap_or(3).clamp(1, 3),
            pixdim: fields.pixdim,
            xyzt_units: fields.xyzt_units,
            qform_code: fields.qform_code,
            sform_code: fields.sform_code,
            quatern: fields.quatern,
            qoffset: fields.qoffset,
            srow: fields.srow,
        }
    }

    /// The fields for a grid that did not come from NIfTI: its affine as sform and qform in
    /// scanner coordinates.
    ///
    /// NIfTI-1 unless an axis is too long for it. A qform cannot hold shear and then stands for
    /// the nearest affine without; the sform, which comes first, is complete.
    #[must_use]
    pub fn for_grid(grid: &Grid) -> Self {
        let affine = &grid.ras_from_voxel;
        let spacing = affine.spacing_mm();
        let mut unit = affine.linear();
        for row in &mut unit {
            for (entry, length) in row.iter_mut().zip(spacing) {
                *entry /= length;
            }
        }
        let mut rotation = nearest_orthogonal(&unit);
        let qfac = if determinant(&rotation) < 0.0 { -1.0 } else { 1.0 };
        for row in &mut rotation {
            row[2] *= qfac;
        }
        let is_long = grid.shape.iter().any(|&it| i16::try_from(it).is_err());
        let [x, y, z] = spacing;
        Self {
            grid: *grid,
            version: if is_long { NiftiVersion::Two } else { NiftiVersion::One },
            n_dims: 3,
            pixdim: [qfac, x, y, z, 0.0, 0.0, 0.0, 0.0],
            xyzt_units: UNITS_MM_SEC,
            qform_code: CODE_SCANNER,
            sform_code: CODE_SCANNER,
            quatern: quaternion(&rotation),
            qoffset: affine.origin(),
            srow: [affine.rows[0], affine.rows[1], affine.rows[2]],
        }
    }

    /// The same fields on another grid: new shape and affine, written as sform and qform.
    #[must_use]
    pub fn with_affine(&self, ras_from_voxel: Affine) -> Self {
        Self::for_grid(&Grid { shape: self.grid.shape, ras_from_voxel })
    }
}

/// The last three components (b, c, d) of a rotation's unit quaternion with a ≥ 0.
///
/// # Source
/// `nifti_mat44_to_quatern` of the NIfTI reference library describes the four cases.
fn quaternion(r: &[[f64; 3]; 3]) -> [f64; 3] {
    let trace = r[0][0] + r[1][1] + r[2][2];
    if trace > 0.0 {
        let s = 2.0 * (1.0 + trace).sqrt();
        return [(r[2][1] - r[1][2]) / s, (r[0][2] - r[2][0]) / s, (r[1][0] - r[0][1]) / s];
    }
    let largest = if r[0][0] >= r[1][1] && r[0][0] >= r[2][2] {
        0
    } else if r[1][1] >= r[2][2] {
        1
    } else {
        2
    };
    let [u, v, w] = [largest, (largest + 1) % 3, (largest + 2) % 3];
    let s = 2.0 * (1.0 + r[u][u] - r[v][v] - r[w][w]).max(0.0).sqrt();
    let mut bcd = [0.0; 3];
    bcd[u] = 0.25 * s;
    bcd[v] = (r[u][v] + r[v][u]) / s;
    bcd[w] = (r[u][w] + r[w][u]) / s;
    let a = (r[w][v] - r[v][w]) / s;
    if a < 0.0 { bcd.map(|it| -it) } else { bcd }
}
