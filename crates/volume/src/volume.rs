//! A volume: voxels on a grid, with the header they came from.

use std::ops::Range;

use crate::{
    AxisCodes, Grid, SourceHeader, Voxels,
    voxels::{Voxel, with_voxels},
};

/// One image: voxels in their stored type, where they lie, and what the file said.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Where the voxels lie.
    pub grid: Grid,
    /// The stored values.
    pub voxels: Voxels,
    /// Factor from stored to scaled values; 1 where the file has none.
    pub slope: f64,
    /// Added after the factor; 0 where the file has none.
    pub intercept: f64,
    /// Number of frames in the file, of which `frame` was read.
    pub n_frames: usize,
    /// The frame that was read.
    pub frame: usize,
    /// What is needed to write a mask on this grid.
    pub header: SourceHeader,
}

/// A two-dimensional cut, `x` fastest.
///
/// On stored axis *a*, x and y are the other two axes in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<T> {
    /// Pixels along x.
    pub width: usize,
    /// Pixels along y.
    pub height: usize,
    /// Values, `x` fastest.
    pub pixels: Vec<T>,
}

impl<T: Copy> Slice<T> {
    /// The value at `(x, y)`, or `None` outside.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> Option<T> {
        (x < self.width && y < self.height).then(|| self.pixels[y * self.width + x])
    }
}

/// The two stored axes, ascending, that span the slices along `axis`.
#[must_use]
pub fn plane_axes(axis: usize) -> [usize; 2] {
    match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}

impl Volume {
    /// Number of voxels along (i, j, k).
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.grid.shape
    }

    /// Scaled value of one voxel.
    ///
    /// # Panics
    /// If the voxel lies outside the grid.
    #[must_use]
    pub fn value(&self, [i, j, k]: [usize; 3]) -> f64 {
        let [ni, nj, nk] = self.grid.shape;
        assert!(i < ni && j < nj && k < nk, "voxel {i}, {j}, {k} lies outside {ni} × {nj} × {nk}");
        self.scaled(self.voxels.get(i + ni * (j + nj * k)))
    }

    /// Stored value to scaled value.
    #[must_use]
    pub fn scaled(&self, stored: f64) -> f64 {
        stored * self.slope + self.intercept
    }

    /// Whether scaled values are the stored ones.
    #[must_use]
    pub fn is_unscaled(&self) -> bool {
        (self.slope, self.intercept) == (1.0, 0.0)
    }

    /// Scaled values of a box, `i` fastest.
    ///
    /// # Panics
    /// If a range ends past the grid.
    #[must_use]
    pub fn crop(&self, ranges: [Range<usize>; 3]) -> Vec<f32> {
        let scale = Scale::of(self);
        with_voxels!(&self.voxels, it => crop(it, self.grid.shape, ranges, scale))
    }

    /// Scaled values of slice `index` along stored axis `axis` (0, 1 or 2).
    ///
    /// # Panics
    /// If the slice lies outside the grid.
    #[must_use]
    pub fn slice(&self, axis: usize, index: usize) -> Slice<f32> {
        let mut ranges = self.grid.shape.map(|length| 0..length);
        ranges[axis] = index..index + 1;
        let [width, height] = plane_axes(axis).map(|it| self.grid.shape[it]);
        Slice { width, height, pixels: self.crop(ranges) }
    }

    /// Anatomical directions of the stored axes.
    #[must_use]
    pub fn axis_codes(&self) -> AxisCodes {
        self.grid.axis_codes()
    }
}

/// Slope and intercept, or the knowledge that there is nothing to do.
#[derive(Debug, Clone, Copy)]
struct Scale {
    slope: f64,
    intercept: f64,
}

impl Scale {
    fn of(volume: &Volume) -> Self {
        Self { slope: volume.slope, intercept: volume.intercept }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "scaled values are f32 by contract")]
fn crop<T: Voxel>(
    voxels: &[T],
    [ni, nj, nk]: [usize; 3],
    [i, j, k]: [Range<usize>; 3],
    scale: Scale,
) -> Vec<f32> {
    assert!(i.end <= ni && j.end <= nj && k.end <= nk, "box reaches past {ni} × {nj} × {nk}");
    let mut values = Vec::with_capacity(i.len() * j.len() * k.len());
    for k in k {
        for j in j.clone() {
            let row = ni * (j + nj * k);
            let stored = &voxels[row + i.start..row + i.end.max(i.start)];
            values.extend(
                stored.iter().map(|it| (it.to_f64() * scale.slope + scale.intercept) as f32),
            );
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use crate::{Affine, Grid, SourceHeader, Volume, Voxels};

    fn counting(shape: [usize; 3]) -> Volume {
        let n: i16 = shape.iter().product::<usize>().try_into().unwrap();
        let grid = Grid { shape, ras_from_voxel: Affine::IDENTITY };
        Volume {
            grid,
            voxels: Voxels::I16((0..n).collect()),
            slope: 2.0,
            intercept: -1.0,
            n_frames: 1,
            frame: 0,
            header: SourceHeader::for_grid(&grid),
        }
    }

    #[test]
    fn a_crop_is_scaled_and_i_runs_fastest() {
        let volume = counting([4, 3, 2]);
        assert_eq!(volume.crop([1..3, 2..3, 0..2]), [17.0, 19.0, 41.0, 43.0]);
        assert!(volume.crop([0..4, 1..1, 0..2]).is_empty());
    }

    #[test]
    fn slices_have_the_lower_remaining_axis_as_x() {
        let volume = counting([4, 3, 2]);
        for (axis, width, height) in [(0, 3, 2), (1, 4, 2), (2, 4, 3)] {
            let slice = volume.slice(axis, 1);
            assert_eq!((slice.width, slice.height), (width, height));
            for y in 0..height {
                for x in 0..width {
                    let voxel = match axis {
                        0 => [1, x, y],
                        1 => [x, 1, y],
                        _ => [x, y, 1],
                    };
                    assert_eq!(slice.get(x, y).map(f64::from), Some(volume.value(voxel)));
                }
            }
        }
    }
}
