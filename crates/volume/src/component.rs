//! Connected components of masks.

use crate::Labelmap;

/// Keeps only the largest face-connected component of one label; its other voxels become 0.
///
/// Of equally large ones the first in storage order stays.
pub fn keep_largest(labelmap: &mut Labelmap, label: u8) {
    let Some(bounds) = labelmap.bounding_box(label) else {
        return;
    };
    let part = labelmap.crop(&bounds);
    let (component, sizes) = components(&part, label);
    let Some(largest) = (1..sizes.len()).rev().max_by_key(|&it| sizes[it]) else {
        return;
    };
    let [ni, nj, _] = part.shape;
    for (row, numbers) in component.chunks_exact(ni).enumerate() {
        let (j, k) = (bounds[1].start() + row % nj, bounds[2].start() + row / nj);
        let start = labelmap.index([*bounds[0].start(), j, k]);
        for (voxel, &it) in labelmap.voxels[start..start + ni].iter_mut().zip(numbers) {
            if it != 0 && it as usize != largest {
                *voxel = 0;
            }
        }
    }
}

/// Numbers the face-connected components of one label from 1, in storage order of their first
/// voxels; 0 is everywhere else. Also returns their sizes (index 0 is unused).
#[must_use]
pub fn components(labelmap: &Labelmap, label: u8) -> (Vec<u32>, Vec<usize>) {
    let mut component = vec![0_u32; labelmap.voxels.len()];
    let mut sizes = vec![0];
    let mut open = Vec::new();
    for start in 0..labelmap.voxels.len() {
        if labelmap.voxels[start] != label || component[start] != 0 {
            continue;
        }
        let number = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        component[start] = number;
        open.push(start);
        let mut size = 0;
        while let Some(voxel) = open.pop() {
            size += 1;
            for neighbour in neighbours(voxel, labelmap.shape).into_iter().flatten() {
                if labelmap.voxels[neighbour] == label && component[neighbour] == 0 {
                    component[neighbour] = number;
                    open.push(neighbour);
                }
            }
        }
        sizes.push(size);
    }
    (component, sizes)
}

fn neighbours(voxel: usize, [ni, nj, nk]: [usize; 3]) -> [Option<usize>; 6] {
    let (i, j, k) = (voxel % ni, voxel / ni % nj, voxel / (ni * nj));
    [
        (i > 0).then(|| voxel - 1),
        (i + 1 < ni).then_some(voxel + 1),
        (j > 0).then(|| voxel - ni),
        (j + 1 < nj).then_some(voxel + ni),
        (k > 0).then(|| voxel - ni * nj),
        (k + 1 < nk).then_some(voxel + ni * nj),
    ]
}

#[cfg(test)]
mod tests {
    use super::{components, keep_largest};
    use crate::Labelmap;

    #[test]
    fn only_the_largest_component_stays() {
        // Rows: 1 1 . 1 / . . . 1 / 2 1 . 1, on one slice.
        let voxels = vec![1, 1, 0, 1, 0, 0, 0, 1, 2, 1, 0, 1];
        let mut map = Labelmap { shape: [4, 3, 1], voxels };
        assert_eq!(components(&map, 1).1, [0, 2, 3, 1]);
        keep_largest(&mut map, 1);
        assert_eq!(map.voxels, [0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0, 1]);
    }

    #[test]
    fn the_largest_stays_where_it_is_in_a_larger_grid() {
        let mut map = Labelmap::new([6, 5, 4]);
        for voxel in [[2, 2, 1], [2, 3, 1], [2, 3, 2], [4, 1, 2], [4, 2, 2]] {
            let index = map.index(voxel);
            map.voxels[index] = 1;
        }
        keep_largest(&mut map, 1);
        assert_eq!(map.count(1), 3);
        assert_eq!(map.bounding_box(1), Some([2..=2, 2..=3, 1..=2]));
    }

    #[test]
    fn components_reach_across_slices() {
        let map = Labelmap { shape: [1, 2, 2], voxels: vec![1, 0, 1, 1] };
        assert_eq!(components(&map, 1), (vec![1, 0, 1, 1], vec![0, 3]));
        assert_eq!(components(&map, 5), (vec![0; 4], vec![0]));
    }
}
