//! Which of a header's transforms counts, and what it says.

use super::{NiftiVersion, fields::Fields};
use crate::{Affine, ReadError};

/// Codes 1 to 5 name a coordinate system; any other stands for "none", as nibabel takes it.
fn is_coded(code: i32) -> bool {
    (1..=5).contains(&code)
}

/// The affine: sform where it is coded, else qform, else the voxel sizes around the centre.
pub(super) fn ras_from_voxel(fields: &Fields, shape: [usize; 3]) -> Result<Affine, ReadError> {
    let (affine, field, origin_field) = if is_coded(fields.sform_code) {
        (Affine::from_rows(fields.srow), "srow", "srow")
    } else if is_coded(fields.qform_code) {
        (from_quaternion(fields)?, "pixdim", "qoffset")
    } else {
        (from_voxel_sizes(fields, shape), "pixdim", "pixdim")
    };
    match affine.fault() {
        None => Ok(affine),
        Some(fault) => {
            let field = if fault.is_of_origin() { origin_field } else { field };
            Err(ReadError::bad(field, fault.found(), fault.expected()))
        }
    }
}

/// Voxel sizes as nibabel repairs them: absolute, and 1 for 0.
fn voxel_sizes(fields: &Fields) -> [f64; 3] {
    std::array::from_fn(|axis| match fields.pixdim[axis + 1].abs() {
        0.0 => 1.0,
        length => length,
    })
}

fn from_quaternion(fields: &Fields) -> Result<Affine, ReadError> {
    let [b, c, d] = fields.quatern;
    let threshold = 3.0
        * match fields.version {
            NiftiVersion::One => f64::from(f32::EPSILON),
            NiftiVersion::Two => f64::EPSILON,
        };
    let a_squared = 1.0 - (b * b + c * c + d * d);
    let a = match a_squared {
        it if it.abs() < threshold => 0.0,
        it if it > 0.0 => it.sqrt(),
        _ => {
            let found = format!("({b}, {c}, {d})");
            return Err(ReadError::bad("quatern", found, "expected a length of at most 1"));
        }
    };
    let [x, y, z] = voxel_sizes(fields);
    let qfac = if fields.pixdim[0] == -1.0 { -1.0 } else { 1.0 };
    let z = z * qfac;
    // As nibabel's quat2mat, which divides by the squared length.
    let s = 2.0 / (a * a + b * b + c * c + d * d);
    let linear = [
        [(1.0 - s * (c * c + d * d)) * x, s * (b * c - a * d) * y, s * (b * d + a * c) * z],
        [s * (b * c + a * d) * x, (1.0 - s * (b * b + d * d)) * y, s * (c * d - a * b) * z],
        [s * (b * d - a * c) * x, s * (c * d + a * b) * y, (1.0 - s * (b * b + c * c)) * z],
    ];
    Ok(Affine::new(linear, fields.qoffset))
}

/// Without any transform: origin in the centre, x to the left.
fn from_voxel_sizes(fields: &Fields, shape: [usize; 3]) -> Affine {
    let n_dims = fields.dim[0];
    let mut size = voxel_sizes(fields);
    for (axis, length) in size.iter_mut().enumerate() {
        if i64::try_from(axis).is_ok_and(|it| it >= n_dims) {
            *length = 1.0;
        }
    }
    size[0] = -size[0];
    let linear = [[size[0], 0.0, 0.0], [0.0, size[1], 0.0], [0.0, 0.0, size[2]]];
    Affine::new(linear, std::array::from_fn(|axis| -(shape[axis] as f64 - 1.0) / 2.0 * size[axis]))
}
