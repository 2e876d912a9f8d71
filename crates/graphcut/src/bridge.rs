//! Between two known slices that both show the object it does not vanish. The cut may find nothing
//! there, where the object is a few voxels wide and hardly differs from its surroundings; such
//! slices get the outline that lies between the two known ones, with an area between theirs.

use crate::{
    field::other_axes,
    propagate::{KeySlice, Solution, VolumeRequest},
    shape::{Placement, Shape},
};

/// Fills slices along the request's axis on which a solution is empty although the known slices
/// before and behind show the object. `shape` and `spacing_mm` are the volume's.
pub fn bridge(
    solution: &mut Solution,
    request: &VolumeRequest<'_>,
    shape: [usize; 3],
    spacing_mm: [f64; 3],
) {
    let mut keys: Vec<&KeySlice> =
        request.keys.iter().filter(|it| it.axis == request.axis).collect();
    keys.sort_by_key(|it| it.index);
    let shows = |key: &KeySlice| key.mask.contains(&true);
    for pair in keys.windows(2).filter(|it| shows(it[0]) && shows(it[1])) {
        let gap = Gap::new([pair[0], pair[1]], request, shape, spacing_mm);
        for index in pair[0].index + 1..pair[1].index {
            if request.slices.contains(&index) && is_empty(solution, request.axis, index) {
                gap.fill(solution, index);
            }
        }
    }
}

fn is_empty(solution: &Solution, axis: usize, index: usize) -> bool {
    let Some(at) = index.checked_sub(solution.ranges[axis].start) else { return false };
    if index >= solution.ranges[axis].end {
        return false;
    }
    let lengths = solution.ranges.each_ref().map(ExactSizeIterator::len);
    let stride = [1, lengths[0], lengths[0] * lengths[1]][axis];
    let on_slice = |it: &(usize, &bool)| it.0 / stride % lengths[axis] == at;
    !solution.mask.iter().enumerate().filter(on_slice).any(|it| *it.1)
}

/// Two neighbouring known slices that show the object.
struct Gap<'a> {
    request: &'a VolumeRequest<'a>,
    volume_shape: [usize; 3],
    indices: [usize; 2],
    outlines: [Shape; 2],
}

impl<'a> Gap<'a> {
    fn new(
        keys: [&KeySlice; 2],
        request: &'a VolumeRequest<'a>,
        shape: [usize; 3],
        spacing_mm: [f64; 3],
    ) -> Self {
        let [a, b] = other_axes(request.axis);
        let spacing = [spacing_mm[a], spacing_mm[b], spacing_mm[request.axis]];
        Self {
            request,
            volume_shape: shape,
            indices: keys.map(|it| it.index),
            outlines: keys.map(|it| Shape::new(&it.mask, [shape[a], shape[b]], spacing)),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an area's voxels")]
    fn fill(&self, solution: &mut Solution, index: usize) {
        let part = (index - self.indices[0]) as f64 / (self.indices[1] - self.indices[0]) as f64;
        let [before, behind] = &self.outlines;
        let n_voxels = (before.area + part * (behind.area - before.area)).round().max(1.0) as usize;
        let centre = [0, 1]
            .map(|it| before.centroid[it] + part * (behind.centroid[it] - before.centroid[it]));
        let depth = |place: [f64; 2]| {
            [(before, 1.0 - part), (behind, part)]
                .iter()
                .map(|(outline, weight)| {
                    let shift = [0, 1].map(|it| centre[it] - outline.centroid[it]);
                    let placement = Placement { scale: 1.0, shift, alive: 1.0, spread: 0.0 };
                    weight * f64::from(outline.placed(&placement, place))
                })
                .sum::<f64>()
        };
        let mut open: Vec<(f64, usize)> = self
            .open_voxels(solution, index)
            .map(|(at, [x, y])| (depth([x as f64, y as f64]), at))
            .collect();
        // Deepest first; of equally deep ones the first.
        open.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        for (_, at) in open.into_iter().take(n_voxels) {
            solution.mask[at] = true;
        }
    }

    /// Voxels of a slice that nobody said are outside: their place in the solution and on the slice.
    fn open_voxels(
        &self,
        solution: &Solution,
        index: usize,
    ) -> impl Iterator<Item = (usize, [usize; 2])> {
        let axis = self.request.axis;
        let [a, b] = other_axes(axis);
        let ranges = solution.ranges.clone();
        let lengths = ranges.each_ref().map(ExactSizeIterator::len);
        let [ni, nj, _] = self.volume_shape;
        let outside = move |voxel: [usize; 3]| {
            let flat = voxel[0] + ni * (voxel[1] + nj * voxel[2]);
            self.request.forbidden.is_some_and(|it| it(flat))
                || self.request.seeds.contains(&(voxel, false))
        };
        let (columns, rows) = (ranges[a].clone(), ranges[b].clone());
        rows.flat_map(move |y| columns.clone().map(move |x| [x, y])).filter_map(move |[x, y]| {
            let mut voxel = [index; 3];
            (voxel[a], voxel[b]) = (x, y);
            let [i, j, k] = [0, 1, 2].map(|it| voxel[it] - ranges[it].start);
            (!outside(voxel)).then_some((i + lengths[0] * (j + lengths[1] * k), [x, y]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::bridge;
    use crate::propagate::{KeySlice, Pass, Solution, VolumeRequest};

    const SHAPE: [usize; 3] = [30, 30, 9];

    fn disc(axis: usize, index: usize, centre: [f64; 2], radius: f64) -> KeySlice {
        let [width, height] =
            [[SHAPE[1], SHAPE[2]], [SHAPE[0], SHAPE[2]], [SHAPE[0], SHAPE[1]]][axis];
        let mask = (0..width * height)
            .map(|at| {
                let [x, y] = [(at % width) as f64, (at / width) as f64];
                (x - centre[0]).hypot(y - centre[1]) <= radius
            })
            .collect();
        KeySlice { axis, index, mask }
    }

    fn request(keys: Vec<KeySlice>, axis: usize) -> VolumeRequest<'static> {
        VolumeRequest {
            keys,
            seeds: vec![([12, 12, 4], false)],
            axis,
            slices: 0..=SHAPE[axis] - 1,
            whole_range: true,
            forbidden: Some(&|at| at % 30 == 14),
            pass: Pass::Joint,
        }
    }

    fn empty() -> Solution {
        let ranges = [2..28, 2..28, 0..9];
        Solution { mask: vec![false; 26 * 26 * 9], ranges }
    }

    /// Voxels on slice `k`, and their mean place.
    fn slice(solution: &Solution, k: usize) -> (usize, [f64; 2]) {
        let places: Vec<[usize; 2]> = (0..26 * 26)
            .filter(|it| solution.mask[k * 26 * 26 + it])
            .map(|it| [2 + it % 26, 2 + it / 26])
            .collect();
        let n = places.len();
        let mean = [0, 1].map(|it| places.iter().map(|p| p[it] as f64).sum::<f64>() / n as f64);
        (n, mean)
    }

    #[test]
    fn an_empty_slice_gets_what_lies_between_its_neighbours() {
        let keys = vec![disc(2, 2, [8.0, 12.0], 3.0), disc(2, 6, [20.0, 12.0], 6.0)];
        let areas: Vec<_> =
            keys.iter().map(|it| it.mask.iter().filter(|it| **it).count()).collect();
        let mut solution = empty();
        // Something was found on slice 5: it stays as it is.
        solution.mask[5 * 26 * 26 + 300] = true;
        bridge(&mut solution, &request(keys, 2), SHAPE, [1.0; 3]);
        let (n, mean) = slice(&solution, 4);
        assert_eq!(n, (areas[0] + areas[1]) / 2);
        assert!((mean[0] - 14.0).abs() < 1.0 && (mean[1] - 12.0).abs() < 0.5, "{mean:?}");
        assert!((slice(&solution, 3).1[0] - 11.0).abs() < 1.0);
        assert_eq!(slice(&solution, 5).0, 1);
        assert_eq!([0, 1, 2, 6, 7, 8].map(|it| slice(&solution, it).0), [0; 6]);
        // Another object's voxels, and what a person marked as outside.
        let set = (0..26 * 26).filter(|it| solution.mask[4 * 26 * 26 + it]);
        assert!(
            set.into_iter().all(|it| 2 + it % 26 != 14 && [2 + it % 26, 2 + it / 26] != [12, 12])
        );
    }

    #[test]
    fn an_absent_slice_ends_the_object() {
        let absent = KeySlice { axis: 2, index: 6, mask: vec![false; 900] };
        let keys = vec![disc(2, 2, [8.0, 12.0], 3.0), absent];
        let mut solution = empty();
        bridge(&mut solution, &request(keys, 2), SHAPE, [1.0; 3]);
        assert_eq!(solution, empty());
    }

    #[test]
    fn other_axes_are_filled_alike() {
        for axis in 0..2 {
            let keys = vec![disc(axis, 10, [12.0, 4.0], 3.0), disc(axis, 13, [12.0, 4.0], 3.0)];
            let area = keys[0].mask.iter().filter(|it| **it).count();
            let mut solution = empty();
            let mut request = request(keys, axis);
            request.forbidden = None;
            request.seeds.clear();
            bridge(&mut solution, &request, SHAPE, [1.0, 1.0, 2.0]);
            assert_eq!(solution.mask.iter().filter(|it| **it).count(), 2 * area, "axis {axis}");
        }
    }
}
