//! A voxel grid in space, and the anatomical names of its axes.

use std::{fmt, str::FromStr};

use crate::affine::{Affine, nearest_orthogonal};

/// Most voxels along an axis: what a picture's side and a mask's header can hold.
pub const MAX_LENGTH: usize = i32::MAX as usize;

/// Where the voxels of an image lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Number of voxels along (i, j, k).
    pub shape: [usize; 3],
    /// Millimetres in RAS of the voxel centre with the given indices.
    pub ras_from_voxel: Affine,
}

impl Grid {
    /// Number of voxels.
    #[must_use]
    pub fn n_voxels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Distance of neighbouring voxel centres along (i, j, k), in millimetres.
    #[must_use]
    pub fn spacing_mm(&self) -> [f64; 3] {
        self.ras_from_voxel.spacing_mm()
    }

    /// Volume of one voxel in cubic millimetres.
    #[must_use]
    pub fn voxel_mm3(&self) -> f64 {
        self.ras_from_voxel.determinant().abs()
    }

    /// The anatomical direction that each stored axis follows most closely.
    #[must_use]
    pub fn axis_codes(&self) -> AxisCodes {
        AxisCodes::of(&self.ras_from_voxel)
    }

    /// Voxel indices (fractional) of a point in RAS millimetres.
    ///
    /// `None` only where the affine is singular, which no reader lets through.
    #[must_use]
    pub fn voxel_from_ras(&self) -> Option<Affine> {
        self.ras_from_voxel.inverse()
    }
}

/// Anatomical directions of the stored axes, written like `RAS` or `LPI`: each letter says where
/// that axis' indices rise to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AxisCodes {
    /// For each stored axis the RAS axis it follows: 0 = right–left, 1 = front–back, 2 = head–foot.
    pub ras_axis: [usize; 3],
    /// Whether the stored axis runs against that RAS axis, towards L, P or I.
    pub flipped: [bool; 3],
}

impl AxisCodes {
    /// Indices rise to the right, the front and the head.
    pub const RAS: Self = Self { ras_axis: [0, 1, 2], flipped: [false; 3] };

    /// The closest codes to an affine, by the rule of nibabel's `io_orientation`.
    ///
    /// The axes are freed of scale and shear (polar decomposition); the stored axis with the
    /// clearest direction chooses first, ties in stored order.
    #[must_use]
    pub fn of(ras_from_voxel: &Affine) -> Self {
        let spacing = ras_from_voxel.spacing_mm();
        let mut unit = ras_from_voxel.linear();
        for row in &mut unit {
            for (entry, length) in row.iter_mut().zip(spacing) {
                *entry /= length;
            }
        }
        let mut rotation = nearest_orthogonal(&unit);
        let mut order = [0, 1, 2];
        let strength =
            |axis: usize| rotation.iter().map(|row| row[axis] * row[axis]).fold(0.0_f64, f64::max);
        order.sort_by(|&a, &b| strength(b).total_cmp(&strength(a)));
        let mut codes = Self::RAS;
        let mut free = [true; 3];
        for axis in order {
            let mut best = None;
            for row in (0..3).filter(|&row| free[row]) {
                if best.is_none_or(|it: usize| rotation[row][axis].abs() > rotation[it][axis].abs())
                {
                    best = Some(row);
                }
            }
            let Some(row) = best else { continue };
            codes.ras_axis[axis] = row;
            codes.flipped[axis] = rotation[row][axis] < 0.0;
            free[row] = false;
            rotation[row] = [0.0; 3];
        }
        codes
    }

    /// All 48 ways to store a volume along the anatomical axes.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let flips = (0..8).map(|bits| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0]);
        orders
            .into_iter()
            .flat_map(|ras_axis| flips.clone().map(move |flipped| Self { ras_axis, flipped }))
            .collect()
    }

    /// The letter of stored axis `axis`.
    #[must_use]
    pub fn letter(&self, axis: usize) -> char {
        letters(self.ras_axis[axis])[usize::from(self.flipped[axis])]
    }

    /// The stored axis that follows RAS axis `ras_axis` (0, 1 or 2).
    #[must_use]
    pub fn stored_axis(&self, ras_axis: usize) -> usize {
        self.ras_axis.iter().position(|&it| it == ras_axis).unwrap_or(ras_axis)
    }
}

/// Letters of a RAS axis: rising, falling.
pub(crate) fn letters(ras_axis: usize) -> [char; 2] {
    [['R', 'L'], ['A', 'P'], ['S', 'I']][ras_axis]
}

impl fmt::Display for AxisCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..3).try_for_each(|axis| write!(f, "{}", self.letter(axis)))
    }
}

/// The text is not three letters with one of R/L, one of A/P and one of S/I.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("axis codes must have one of R/L, one of A/P and one of S/I, like RAS, got {0:?}")]
pub struct BadAxisCodes(pub String);

impl FromStr for AxisCodes {
    type Err = BadAxisCodes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all()
            .into_iter()
            .find(|it| it.to_string() == text)
            .ok_or_else(|| BadAxisCodes(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{AxisCodes, BadAxisCodes};
    use crate::Affine;

    #[test]
    fn all_codes_are_distinct_and_parse_back() {
        let mut texts: Vec<_> = AxisCodes::all().iter().map(ToString::to_string).collect();
        for text in &texts {
            assert_eq!(text.parse::<AxisCodes>().unwrap().to_string(), *text);
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 48);
        assert_eq!("RAR".parse::<AxisCodes>(), Err(BadAxisCodes("RAR".to_owned())));
    }

    #[test]
    fn an_oblique_affine_gets_its_closest_codes() {
        let affine = Affine::new(
            [[0.2, -0.9, 0.1], [-2.0, -0.1, 0.4], [0.3, 0.05, -4.0]],
            [10.0, 20.0, 30.0],
        );
        assert_eq!(AxisCodes::of(&affine).to_string(), "PLI");
    }
}
