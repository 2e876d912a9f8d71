//! Masks: one label for each voxel of a grid.

use std::ops::RangeInclusive;

use crate::{
    Slice, Volume, Voxels,
    volume::plane_axes,
    voxels::{Voxel, with_voxels},
};

/// A label of 0 to 255 for each voxel, `i` fastest; 0 is background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelmap {
    /// Number of voxels along (i, j, k).
    pub shape: [usize; 3],
    /// Labels, `i` fastest.
    pub voxels: Vec<u8>,
}

/// A volume that is no labelmap.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LabelmapError {
    /// A voxel holds something else than an integer from 0 to 255.
    #[error("a label is {0}, expected a whole number from 0 to 255")]
    Label(f64),
    /// Shape and number of voxels do not agree.
    #[error("{n_voxels} labels do not fill a grid of {shape:?}")]
    Shape {
        /// The shape.
        shape: [usize; 3],
        /// Labels given.
        n_voxels: usize,
    },
}

impl Labelmap {
    /// A labelmap of background only.
    #[must_use]
    pub fn new(shape: [usize; 3]) -> Self {
        Self { shape, voxels: vec![0; shape.iter().product()] }
    }

    /// A labelmap from its voxels.
    ///
    /// # Errors
    /// If their number does not fit the shape.
    pub fn from_voxels(shape: [usize; 3], voxels: Vec<u8>) -> Result<Self, LabelmapError> {
        if shape.iter().product::<usize>() != voxels.len() {
            return Err(LabelmapError::Shape { shape, n_voxels: voxels.len() });
        }
        Ok(Self { shape, voxels })
    }

    /// The labels that a volume holds, whatever type it stores them in.
    ///
    /// # Errors
    /// If a scaled value is not a whole number from 0 to 255.
    pub fn from_volume(volume: &Volume) -> Result<Self, LabelmapError> {
        if let (Voxels::U8(labels), true) = (&volume.voxels, volume.is_unscaled()) {
            return Self::from_voxels(volume.grid.shape, labels.clone());
        }
        let label = |stored: f64| to_label(volume.scaled(stored));
        let voxels: Result<Vec<u8>, _> = with_voxels!(
            &volume.voxels,
            it => it.iter().map(|it| label(it.to_f64())).collect()
        );
        Self::from_voxels(volume.grid.shape, voxels?)
    }

    /// Position of a voxel in `voxels`.
    #[must_use]
    pub fn index(&self, [i, j, k]: [usize; 3]) -> usize {
        i + self.shape[0] * (j + self.shape[1] * k)
    }

    /// The label of a voxel, or `None` outside the grid.
    #[must_use]
    pub fn get(&self, voxel: [usize; 3]) -> Option<u8> {
        let is_inside = voxel.iter().zip(self.shape).all(|(&it, length)| it < length);
        is_inside.then(|| self.voxels[self.index(voxel)])
    }

    /// The labels of slice `index` along stored axis `axis` (0, 1 or 2).
    ///
    /// # Panics
    /// If the slice lies outside the grid.
    #[must_use]
    pub fn slice(&self, axis: usize, index: usize) -> Slice<u8> {
        let [width, height] = plane_axes(axis).map(|it| self.shape[it]);
        let pixels = self.slice_positions(axis, index).map(|it| self.voxels[it]).collect();
        Slice { width, height, pixels }
    }

    /// Replaces slice `index` along stored axis `axis`.
    ///
    /// # Panics
    /// If the slice lies outside the grid or has another size.
    pub fn set_slice(&mut self, axis: usize, index: usize, slice: &Slice<u8>) {
        let size = plane_axes(axis).map(|it| self.shape[it]);
        assert_eq!(size, [slice.width, slice.height], "slice of another size");
        let positions = self.slice_positions(axis, index);
        for (position, &label) in positions.zip(&slice.pixels) {
            self.voxels[position] = label;
        }
    }

    /// Positions in `voxels` of a slice's pixels, `x` fastest.
    fn slice_positions(&self, axis: usize, index: usize) -> impl Iterator<Item = usize> + use<> {
        assert!(index < self.shape[axis], "slice {index} of {}", self.shape[axis]);
        let strides = [1, self.shape[0], self.shape[0] * self.shape[1]];
        let [x_axis, y_axis] = plane_axes(axis);
        let (width, height) = (self.shape[x_axis], self.shape[y_axis]);
        let (x_stride, y_stride) = (strides[x_axis], strides[y_axis]);
        let start = index * strides[axis];
        (0..height).flat_map(move |y| (0..width).map(move |x| start + x * x_stride + y * y_stride))
    }

    /// Number of voxels with that label.
    #[must_use]
    pub fn count(&self, label: u8) -> usize {
        self.voxels.iter().filter(|&&it| it == label).count()
    }

    /// The labels that occur, background excepted, ascending.
    #[must_use]
    pub fn labels(&self) -> Vec<u8> {
        let mut occurs = [false; 256];
        for &label in &self.voxels {
            occurs[usize::from(label)] = true;
        }
        (1..=255).filter(|&it| occurs[usize::from(it)]).collect()
    }

    /// The mask of one label: 1 where it is, 0 elsewhere.
    #[must_use]
    pub fn binary(&self, label: u8) -> Self {
        let voxels = self.voxels.iter().map(|&it| u8::from(it == label)).collect();
        Self { shape: self.shape, voxels }
    }

    /// Inclusive bounds along (i, j, k) of the voxels with that label, or `None` without any.
    #[must_use]
    pub fn bounding_box(&self, label: u8) -> Option<[RangeInclusive<usize>; 3]> {
        let [ni, nj, _] = self.shape;
        let mut low = [usize::MAX; 3];
        let mut high = [0; 3];
        let mut is_empty = true;
        for (row, labels) in self.voxels.chunks_exact(ni.max(1)).enumerate() {
            let Some(first) = labels.iter().position(|&it| it == label) else {
                continue;
            };
            let last = labels.iter().rposition(|&it| it == label).unwrap_or(first);
            is_empty = false;
            for (axis, [from, to]) in
                [[first, last], [row % nj, row % nj], [row / nj, row / nj]].into_iter().enumerate()
            {
                low[axis] = low[axis].min(from);
                high[axis] = high[axis].max(to);
            }
        }
        (!is_empty).then(|| [0, 1, 2].map(|axis| low[axis]..=high[axis]))
    }

    /// Each label that occurs, background excepted, ascending, with the inclusive bounds of its voxels.
    #[must_use]
    pub fn bounding_boxes(&self) -> Vec<(u8, [RangeInclusive<usize>; 3])> {
        let [ni, nj, _] = self.shape;
        let mut boxes: Vec<Option<[[usize; 2]; 3]>> = vec![None; 256];
        let background = vec![0_u8; ni];
        for (row, labels) in self.voxels.chunks_exact(ni.max(1)).enumerate() {
            // Most rows are background alone: compared as a whole.
            if labels == background {
                continue;
            }
            let (j, k) = (row % nj, row / nj);
            for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label != 0) {
                let bounds = boxes[usize::from(label)].get_or_insert([[i; 2], [j; 2], [k; 2]]);
                bounds[0] = [bounds[0][0].min(i), bounds[0][1].max(i)];
                bounds[1] = [bounds[1][0].min(j), bounds[1][1].max(j)];
                bounds[2][1] = k;
            }
        }
        (0..=255)
            .zip(boxes)
            .filter_map(|(label, it)| Some((label, it?.map(|[first, last]| first..=last))))
            .collect()
    }

    /// The labels inside inclusive bounds along (i, j, k).
    ///
    /// # Panics
    /// If the bounds reach past the grid.
    #[must_use]
    pub fn crop(&self, bounds: &[RangeInclusive<usize>; 3]) -> Self {
        let shape = bounds.each_ref().map(|it| (it.end() + 1).saturating_sub(*it.start()));
        let mut voxels = Vec::with_capacity(shape.iter().product());
        for k in bounds[2].clone() {
            for j in bounds[1].clone() {
                let start = self.index([*bounds[0].start(), j, k]);
                voxels.extend_from_slice(&self.voxels[start..start + shape[0]]);
            }
        }
        Self { shape, voxels }
    }

    /// Puts a cut back to where its first voxel was.
    ///
    /// # Panics
    /// If it reaches past the grid.
    pub fn paste(&mut self, part: &Self, origin: [usize; 3]) {
        let [ni, nj, _] = part.shape;
        for (row, labels) in part.voxels.chunks_exact(ni.max(1)).enumerate() {
            let start = self.index([origin[0], origin[1] + row % nj, origin[2] + row / nj]);
            self.voxels[start..start + ni].copy_from_slice(labels);
        }
    }

    /// Number of voxels with that label on each slice along stored axis `axis`.
    #[must_use]
    pub fn slice_counts(&self, axis: usize, label: u8) -> Vec<usize> {
        let mut counts = vec![0; self.shape[axis]];
        let [ni, nj, _] = self.shape;
        for (row, labels) in self.voxels.chunks_exact(ni.max(1)).enumerate() {
            match axis {
                0 => {
                    for (count, &it) in counts.iter_mut().zip(labels) {
                        *count += usize::from(it == label);
                    }
                }
                1 => counts[row % nj] += labels.iter().filter(|&&it| it == label).count(),
                _ => counts[row / nj] += labels.iter().filter(|&&it| it == label).count(),
            }
        }
        counts
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
fn to_label(value: f64) -> Result<u8, LabelmapError> {
    if value.fract() == 0.0 && (0.0..=255.0).contains(&value) {
        Ok(value as u8)
    } else {
        Err(LabelmapError::Label(value))
    }
}

#[cfg(test)]
mod tests {
    use super::Labelmap;

    #[test]
    fn all_boxes_are_those_of_each_label() {
        let mut map = Labelmap::new([6, 5, 4]);
        for (voxel, label) in [([1, 2, 0], 9), ([5, 0, 3], 9), ([3, 4, 1], 1), ([2, 1, 1], 1)] {
            let index = map.index(voxel);
            map.voxels[index] = label;
        }
        let boxes = map.bounding_boxes();
        assert_eq!(boxes, [(1, [2..=3, 1..=4, 1..=1]), (9, [1..=5, 0..=2, 0..=3])]);
        for (label, bounds) in boxes {
            assert_eq!(map.bounding_box(label), Some(bounds));
        }
        assert_eq!(Labelmap::new([2, 2, 2]).bounding_boxes(), []);
    }

    fn corner_and_block() -> Labelmap {
        let mut map = Labelmap::new([5, 4, 3]);
        for voxel in [[1, 2, 0], [3, 2, 0], [2, 1, 1]] {
            let index = map.index(voxel);
            map.voxels[index] = 7;
        }
        map.voxels[0] = 2;
        map
    }

    #[test]
    fn the_bounding_box_holds_exactly_the_label() {
        let map = corner_and_block();
        assert_eq!(map.bounding_box(7), Some([1..=3, 1..=2, 0..=1]));
        assert_eq!(map.bounding_box(2), Some([0..=0, 0..=0, 0..=0]));
        assert_eq!(map.bounding_box(9), None);
        assert_eq!(map.labels(), [2, 7]);
    }

    #[test]
    fn a_crop_holds_what_its_bounds_enclose() {
        let map = corner_and_block();
        let crop = map.crop(&map.bounding_box(7).unwrap());
        assert_eq!(crop.shape, [3, 2, 2]);
        assert_eq!(crop.voxels, [0, 0, 0, 7, 0, 7, 0, 7, 0, 0, 0, 0]);
    }

    #[test]
    fn counts_per_slice_add_up() {
        let map = corner_and_block();
        assert_eq!(map.slice_counts(0, 7), [0, 1, 1, 1, 0]);
        assert_eq!(map.slice_counts(1, 7), [0, 1, 2, 0]);
        assert_eq!(map.slice_counts(2, 7), [2, 1, 0]);
        assert_eq!(map.count(7), 3);
    }

    #[test]
    fn a_slice_can_be_taken_and_put_back() {
        let map = corner_and_block();
        for axis in 0..3 {
            let mut copy = Labelmap::new(map.shape);
            for index in 0..map.shape[axis] {
                copy.set_slice(axis, index, &map.slice(axis, index));
            }
            assert_eq!(copy, map);
        }
    }
}
