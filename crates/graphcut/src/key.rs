//! Key slices on the grid that is solved, and the sides they fix.

use crate::{
    energy::Side,
    family::{Family, FamilyKey},
    field::{Field, other_axes, strides},
    propagate::VolumeRequest,
    region::Region,
    shape::Shape,
};

/// A key slice on the solved grid.
pub(crate) struct LocalKey {
    axis: usize,
    index: usize,
    mask: Vec<bool>,
}

impl LocalKey {
    /// Visits every voxel of the slice: its place on the solved grid, and whether it lies inside.
    pub(crate) fn for_each_voxel(&self, shape: [usize; 3], mut visit: impl FnMut(usize, bool)) {
        let [a, b] = other_axes(self.axis);
        let steps = strides(shape);
        for (at, &inside) in self.mask.iter().enumerate() {
            let (x, y) = (at % shape[a], at / shape[a]);
            visit(x * steps[a] + y * steps[b] + self.index * steps[self.axis], inside);
        }
    }
}

/// The key slices that the region holds.
pub(crate) fn local_keys(
    request: &VolumeRequest<'_>,
    region: &Region,
    shape: [usize; 3],
) -> Vec<LocalKey> {
    let mut keys: Vec<LocalKey> = Vec::new();
    for key in &request.keys {
        let Some(mask) = region.key_mask(key, shape) else {
            continue;
        };
        let first = region.ranges[key.axis].start;
        let index = (key.index - first) / region.factors[key.axis];
        keys.retain(|it| (it.axis, it.index) != (key.axis, index) || it.mask == mask);
        if !keys.iter().any(|it| (it.axis, it.index) == (key.axis, index)) {
            keys.push(LocalKey { axis: key.axis, index, mask });
        }
    }
    keys
}

/// The key slices by plane; planes that never show the object are left out.
pub(crate) fn families(keys: &[LocalKey], field: &Field) -> Vec<Family> {
    (0..3)
        .filter_map(|axis| {
            let [a, b] = other_axes(axis);
            let spacing = [field.spacing_mm[a], field.spacing_mm[b], field.spacing_mm[axis]];
            let mut members: Vec<FamilyKey> =
                keys.iter()
                    .filter(|it| it.axis == axis)
                    .map(|it| FamilyKey {
                        index: it.index,
                        shape: it.mask.contains(&true).then(|| {
                            Shape::new(&it.mask, [field.shape[a], field.shape[b]], spacing)
                        }),
                    })
                    .collect();
            members.sort_by_key(|it| it.index);
            let shows = members.iter().any(|it| it.shape.is_some());
            shows.then_some(Family { axis, keys: members })
        })
        .collect()
}

/// Sides that a person gave: other objects, slices out of range, key slices, single voxels.
pub(crate) fn sides(
    request: &VolumeRequest<'_>,
    region: &Region,
    keys: &[LocalKey],
    solved_shape: [usize; 3],
    volume_shape: [usize; 3],
) -> Vec<Side> {
    let [ni, nj, nk] = solved_shape;
    let mut sides = Vec::with_capacity(ni * nj * nk);
    for k in 0..nk {
        for j in 0..nj {
            for i in 0..ni {
                let place = region.volume_voxel([i, j, k]);
                let flat = place[0] + volume_shape[0] * (place[1] + volume_shape[1] * place[2]);
                let open = request.slices.contains(&place[request.axis])
                    && !request.forbidden.is_some_and(|it| it(flat));
                sides.push(if open { Side::Open } else { Side::Background });
            }
        }
    }
    let side = |inside: bool| {
        if inside { Side::Object } else { Side::Background }
    };
    for (place, inside) in &request.seeds {
        if let Some([i, j, k]) = region.solved_voxel(*place) {
            sides[i + ni * (j + nj * k)] = side(*inside);
        }
    }
    for key in keys {
        key.for_each_voxel(solved_shape, |at, inside| sides[at] = side(inside));
    }
    sides
}
