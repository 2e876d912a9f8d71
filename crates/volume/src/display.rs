//! How a stored slice is shown upright, by radiological convention.
//!
//! Axial: the patient's right is on the left, the front up. Coronal: right on the left, head up.
//! Sagittal: front on the left, head up. Display pixels have `u` to the right and `v` down.

use crate::{Grid, Slice, grid::letters, volume::plane_axes};

/// The anatomical plane that a stored slice is closest to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Across the body.
    Axial,
    /// Parallel to the front.
    Coronal,
    /// Parallel to the side.
    Sagittal,
}

impl Plane {
    /// Lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// The RAS axis that the plane is orthogonal to.
    #[must_use]
    pub fn ras_axis(self) -> usize {
        match self {
            Self::Sagittal => 0,
            Self::Coronal => 1,
            Self::Axial => 2,
        }
    }

    fn of_ras_axis(ras_axis: usize) -> Self {
        match ras_axis {
            0 => Self::Sagittal,
            1 => Self::Coronal,
            _ => Self::Axial,
        }
    }

    /// RAS axes shown across and down. Both fall: to the right of the picture lies L (in sagittal
    /// planes P), at its foot P (in upright planes I).
    fn shown_axes(self) -> [usize; 2] {
        match self {
            Self::Axial => [0, 1],
            Self::Coronal => [0, 2],
            Self::Sagittal => [1, 2],
        }
    }
}

/// Stored slices along one axis ↔ what is seen.
///
/// Only turns and flips by whole pixels: an oblique grid is shown as it is stored, its axes named
/// by the direction they are closest to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DisplayMap {
    /// The stored axis that the slices are orthogonal to.
    pub axis: usize,
    /// The anatomical plane.
    pub plane: Plane,
    /// Stored x runs down the display instead of across.
    pub is_transposed: bool,
    /// Stored x and y run against their display direction.
    pub is_flipped: [bool; 2],
    /// Stored size, `[x, y]`.
    pub stored_size: [usize; 2],
    /// Distance of pixels across and down the display.
    pub spacing_mm: [f64; 2],
    /// Letters at the display's left, right, upper and lower edge.
    pub edges: [char; 4],
    /// Whether rising slice indices move towards R, A or S.
    pub is_rising: bool,
}

impl DisplayMap {
    /// The map for slices along a stored axis (0, 1 or 2).
    #[must_use]
    pub fn new(grid: &Grid, axis: usize) -> Self {
        let codes = grid.axis_codes();
        let plane = Plane::of_ras_axis(codes.ras_axis[axis]);
        let shown = plane.shown_axes();
        let [x_axis, y_axis] = plane_axes(axis);
        let is_transposed = codes.ras_axis[x_axis] == shown[1];
        let spacing = grid.spacing_mm();
        let spacing_mm = if is_transposed {
            [spacing[y_axis], spacing[x_axis]]
        } else {
            [spacing[x_axis], spacing[y_axis]]
        };
        let [across, down] = shown.map(letters);
        Self {
            axis,
            plane,
            is_transposed,
            // Both display directions fall, so an axis that rises has to be flipped.
            is_flipped: [!codes.flipped[x_axis], !codes.flipped[y_axis]],
            stored_size: [grid.shape[x_axis], grid.shape[y_axis]],
            spacing_mm,
            edges: [across[0], across[1], down[0], down[1]],
            is_rising: !codes.flipped[axis],
        }
    }

    /// The map that shows a plane, whatever the axis that it is stored along.
    #[must_use]
    pub fn of_plane(grid: &Grid, plane: Plane) -> Self {
        Self::new(grid, grid.axis_codes().stored_axis(plane.ras_axis()))
    }

    /// Display size, `[width, height]`.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        let [width, height] = self.stored_size;
        if self.is_transposed { [height, width] } else { [width, height] }
    }

    /// Stored `[x, y]` of a display position `[u, v]`; whole numbers are pixel centres.
    #[must_use]
    pub fn stored_from_display(&self, [u, v]: [f64; 2]) -> [f64; 2] {
        self.flip(if self.is_transposed { [v, u] } else { [u, v] })
    }

    /// Display position `[u, v]` of a stored `[x, y]`.
    #[must_use]
    pub fn display_from_stored(&self, point: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.flip(point);
        if self.is_transposed { [y, x] } else { [x, y] }
    }

    fn flip(&self, point: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|it| {
            let last = self.stored_size[it] as f64 - 1.0;
            if self.is_flipped[it] { last - point[it] } else { point[it] }
        })
    }

    /// Stored voxel (fractional) of a display position on slice `index`.
    #[must_use]
    pub fn voxel_from_display(&self, point: [f64; 2], index: usize) -> [f64; 3] {
        let [x, y] = self.stored_from_display(point);
        let [x_axis, y_axis] = plane_axes(self.axis);
        let mut voxel = [index as f64; 3];
        voxel[x_axis] = x;
        voxel[y_axis] = y;
        voxel
    }

    /// A stored slice as it is shown.
    ///
    /// # Panics
    /// If the slice has another size than the map's grid.
    #[must_use]
    pub fn show<T: Copy>(&self, stored: &Slice<T>) -> Slice<T> {
        assert_eq!([stored.width, stored.height], self.stored_size, "slice of another size");
        let [width, height] = self.size();
        let [flip_x, flip_y] = self.is_flipped;
        let mut pixels = Vec::with_capacity(stored.pixels.len());
        for v in 0..height {
            for u in 0..width {
                let (x, y) = if self.is_transposed { (v, u) } else { (u, v) };
                let x = if flip_x { stored.width - 1 - x } else { x };
                let y = if flip_y { stored.height - 1 - y } else { y };
                pixels.push(stored.pixels[y * stored.width + x]);
            }
        }
        Slice { width, height, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::{DisplayMap, Plane};
    use crate::{Affine, AxisCodes, Grid, Slice};

    /// A grid with these codes, spacings 1, 2, 3 mm along R, A, S.
    fn grid(codes: AxisCodes) -> Grid {
        let mut linear = [[0.0; 3]; 3];
        let mut shape = [0; 3];
        for axis in 0..3 {
            let row = codes.ras_axis[axis];
            let length = [1.0, 2.0, 3.0][row];
            linear[row][axis] = if codes.flipped[axis] { -length } else { length };
            shape[axis] = [5, 6, 7][row];
        }
        Grid { shape, ras_from_voxel: Affine::new(linear, [10.0, -20.0, 30.0]) }
    }

    #[test]
    fn every_storage_order_is_shown_upright() {
        for codes in AxisCodes::all() {
            let grid = grid(codes);
            for (plane, across, down, spacing_mm) in [
                (Plane::Axial, 0, 1, [1.0, 2.0]),
                (Plane::Coronal, 0, 2, [1.0, 3.0]),
                (Plane::Sagittal, 1, 2, [2.0, 3.0]),
            ] {
                let map = DisplayMap::of_plane(&grid, plane);
                assert_eq!(map.plane, plane);
                assert_eq!(map.spacing_mm, spacing_mm);
                let ras = |point| grid.ras_from_voxel.apply(map.voxel_from_display(point, 2));
                let (start, right, below) = (ras([1.0, 1.0]), ras([2.0, 1.0]), ras([1.0, 2.0]));
                assert!(right[across] < start[across], "{codes} {plane:?}: right is not falling");
                assert!(below[down] < start[down], "{codes} {plane:?}: down is not falling");
            }
        }
    }

    #[test]
    fn showing_agrees_with_the_map_of_points() {
        for codes in AxisCodes::all() {
            for axis in 0..3 {
                let map = DisplayMap::new(&grid(codes), axis);
                let [width, height] = map.stored_size;
                let pixels = (0..width * height).collect();
                let shown = map.show(&Slice { width, height, pixels });
                assert_eq!([shown.width, shown.height], map.size());
                for (at, &position) in shown.pixels.iter().enumerate() {
                    let display = [(at % shown.width) as f64, (at / shown.width) as f64];
                    let stored = [(position % width) as f64, (position / width) as f64];
                    assert_eq!(map.stored_from_display(display), stored);
                    assert_eq!(map.display_from_stored(stored), display);
                }
            }
        }
    }

    #[test]
    fn edges_carry_the_letters_of_the_convention() {
        let grid = grid("PLI".parse().unwrap());
        let edges = |plane| DisplayMap::of_plane(&grid, plane).edges;
        assert_eq!(edges(Plane::Axial), ['R', 'L', 'A', 'P']);
        assert_eq!(edges(Plane::Coronal), ['R', 'L', 'S', 'I']);
        assert_eq!(edges(Plane::Sagittal), ['A', 'P', 'S', 'I']);
    }

    /// 5, 6 and 7 voxels along R, A and S: the picture has those across and down, however stored.
    #[test]
    fn a_picture_has_the_size_of_its_plane() {
        for codes in AxisCodes::all() {
            for (plane, name, size) in [
                (Plane::Axial, "axial", [5, 6]),
                (Plane::Coronal, "coronal", [5, 7]),
                (Plane::Sagittal, "sagittal", [6, 7]),
            ] {
                let map = DisplayMap::of_plane(&grid(codes), plane);
                assert_eq!((map.size(), map.plane.name()), (size, name), "{codes}");
            }
        }
    }
}
