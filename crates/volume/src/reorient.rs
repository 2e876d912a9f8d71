//! The same image stored along other axes, or declared to lie elsewhere.

use crate::{
    Affine, AxisCodes, Grid, Labelmap, SourceHeader, Volume,
    voxels::{Voxel, with_voxels},
};

/// How to store an image along other axes.
struct Order {
    /// For each new axis the old one.
    source_axis: [usize; 3],
    is_flipped: [bool; 3],
    shape: [usize; 3],
}

impl Order {
    fn new(shape: [usize; 3], from: AxisCodes, to: AxisCodes) -> Self {
        let source_axis = to.ras_axis.map(|it| from.stored_axis(it));
        Self {
            source_axis,
            is_flipped: [0, 1, 2].map(|it| from.flipped[source_axis[it]] != to.flipped[it]),
            shape: source_axis.map(|it| shape[it]),
        }
    }

    /// Old voxel indices of new ones.
    fn old_from_new(&self) -> Affine {
        let mut linear = [[0.0; 3]; 3];
        let mut origin = [0.0; 3];
        for (axis, &source) in self.source_axis.iter().enumerate() {
            linear[source][axis] = if self.is_flipped[axis] { -1.0 } else { 1.0 };
            if self.is_flipped[axis] {
                origin[source] = self.shape[axis] as f64 - 1.0;
            }
        }
        Affine::new(linear, origin)
    }

    fn apply<T: Copy>(&self, voxels: &[T], old_shape: [usize; 3]) -> Vec<T> {
        let old_strides = [1, old_shape[0], old_shape[0] * old_shape[1]];
        let strides = self.source_axis.map(|it| old_strides[it]);
        let position = |axis: usize, index: usize| {
            let index = if self.is_flipped[axis] { self.shape[axis] - 1 - index } else { index };
            index * strides[axis]
        };
        let mut reordered = Vec::with_capacity(voxels.len());
        for k in 0..self.shape[2] {
            for j in 0..self.shape[1] {
                let row = position(2, k) + position(1, j);
                reordered.extend((0..self.shape[0]).map(|i| voxels[row + position(0, i)]));
            }
        }
        reordered
    }
}

impl Volume {
    /// The same image with its axes stored along other codes: voxels permuted and flipped, the
    /// affine with them, nothing interpolated.
    #[must_use]
    pub fn reoriented(&self, codes: AxisCodes) -> Self {
        let order = Order::new(self.grid.shape, self.axis_codes(), codes);
        let ras_from_voxel = self.grid.ras_from_voxel.compose(&order.old_from_new());
        let grid = Grid { shape: order.shape, ras_from_voxel };
        let voxels =
            with_voxels!(&self.voxels, it => Voxel::wrap(order.apply(it, self.grid.shape)));
        Self { grid, voxels, header: SourceHeader::for_grid(&grid), ..*self }
    }

    /// The same voxels, declared to lie elsewhere.
    #[must_use]
    pub fn with_affine(self, ras_from_voxel: Affine) -> Self {
        let grid = Grid { shape: self.grid.shape, ras_from_voxel };
        Self { grid, header: SourceHeader::for_grid(&grid), ..self }
    }
}

impl Labelmap {
    /// The same labels with the axes stored along other codes than those of `grid`, on which the
    /// labelmap lies.
    #[must_use]
    pub fn reoriented(&self, grid: &Grid, codes: AxisCodes) -> Self {
        let order = Order::new(self.shape, grid.axis_codes(), codes);
        Self { shape: order.shape, voxels: order.apply(&self.voxels, self.shape) }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Affine, AxisCodes,
        phantom::{PhantomOptions, phantom},
    };

    #[test]
    fn each_voxel_keeps_its_place_in_every_storage_order() {
        let options = PhantomOptions { tilt: [0.05, -0.1, 0.02], ..PhantomOptions::ct([9, 7, 5]) };
        let original = phantom(&options);
        for codes in AxisCodes::all() {
            let volume = original.volume.reoriented(codes);
            let labelmap = original.labelmap.reoriented(&original.volume.grid, codes);
            assert_eq!(volume.axis_codes(), codes);
            assert_eq!((volume.voxels.len(), labelmap.voxels.len()), (315, 315));
            let old_from_ras = original.volume.grid.voxel_from_ras().unwrap();
            for (at, &label) in labelmap.voxels.iter().enumerate() {
                let [ni, nj, _] = volume.grid.shape;
                let voxel = [at % ni, at / ni % nj, at / (ni * nj)];
                let ras = volume.grid.ras_from_voxel.apply(voxel.map(|it| it as f64));
                let near = old_from_ras.apply(ras);
                let old = [0, 1, 2].map(|axis| {
                    let distance = |index: &usize| (near[axis] - *index as f64).abs();
                    (0..original.volume.grid.shape[axis]).find(|it| distance(it) < 1e-6).unwrap()
                });
                assert_eq!(volume.value(voxel), original.volume.value(old));
                assert_eq!(Some(label), original.labelmap.get(old));
            }
        }
    }

    #[test]
    fn declaring_another_place_moves_header_and_grid() {
        let original = phantom(&PhantomOptions::ct([4, 3, 2])).volume;
        let elsewhere = Affine::new([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 4.0]], [1.0; 3]);
        let moved = original.clone().with_affine(elsewhere);
        assert_eq!(moved.voxels, original.voxels);
        assert_eq!((moved.grid.shape, moved.grid.ras_from_voxel), ([4, 3, 2], elsewhere));
        assert_eq!(moved.header.grid(), moved.grid);
    }
}
