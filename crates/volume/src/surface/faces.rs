//! The faces between the voxels of a mask and everything else, as quads that share their corners.

use crate::Labelmap;

/// A closed surface of quads, in voxels: whole numbers are voxel centres.
pub(super) struct Faces {
    /// Corners, half-way between voxels.
    pub(super) corners: Vec<[f64; 3]>,
    /// Corners of each quad, anticlockwise seen from outside.
    pub(super) quads: Vec<[u32; 4]>,
}

/// For each direction its step, and the corners of that face of a voxel, anticlockwise seen from
/// outside: 0 is the voxel's lower side, 1 its upper.
const SIDES: [([isize; 3], [[usize; 3]; 4]); 6] = [
    ([-1, 0, 0], [[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0]]),
    ([1, 0, 0], [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]]),
    ([0, -1, 0], [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]]),
    ([0, 1, 0], [[0, 1, 0], [0, 1, 1], [1, 1, 1], [1, 1, 0]]),
    ([0, 0, -1], [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0]]),
    ([0, 0, 1], [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]),
];

impl Faces {
    /// The surface of a mask's non-zero voxels. Every edge belongs to two quads.
    pub(super) fn of(mask: &Labelmap) -> Self {
        let mut mask = padded(mask);
        compose(&mut mask);
        let [ni, nj, nk] = mask.shape;
        let mut faces = Self { corners: Vec::new(), quads: Vec::new() };
        // Corners below and above the present slice of voxels; 0 is none, else the number after.
        let n_corners = (ni + 1) * (nj + 1);
        let mut layers = [vec![0_u32; n_corners], vec![0_u32; n_corners]];
        for k in 1..nk - 1 {
            for j in 1..nj - 1 {
                for i in 1..ni - 1 {
                    if mask.voxels[mask.index([i, j, k])] == 0 {
                        continue;
                    }
                    for (step, corners) in &SIDES {
                        let next = [0, 1, 2].map(|it| [i, j, k][it].wrapping_add_signed(step[it]));
                        if mask.voxels[mask.index(next)] == 0 {
                            let quad = corners.map(|[di, dj, dk]| {
                                let number = &mut layers[dk][(j + dj) * (ni + 1) + i + di];
                                faces.corner(number, [i + di, j + dj, k + dk])
                            });
                            faces.quads.push(quad);
                        }
                    }
                }
            }
            layers.swap(0, 1);
            layers[1].fill(0);
        }
        faces
    }

    /// The number of a corner, which is made when it is first met.
    fn corner(&mut self, number: &mut u32, place: [usize; 3]) -> u32 {
        if *number == 0 {
            // The voxel's lower side, and the border of one voxel around the mask.
            self.corners.push(place.map(|it| it as f64 - 1.5));
            *number = u32::try_from(self.corners.len()).unwrap_or(u32::MAX);
        }
        *number - 1
    }
}

/// How many faces lie between the non-zero voxels of a mask and everything else.
pub(super) fn count(mask: &Labelmap) -> usize {
    let [ni, nj, nk] = mask.shape;
    let strides = [1, ni, ni * nj];
    let mut n = 0;
    for (at, _) in mask.voxels.iter().enumerate().filter(|(_, it)| **it != 0) {
        let place = [at % ni, at / ni % nj, at / (ni * nj)];
        for axis in 0..3 {
            let before = place[axis] > 0 && mask.voxels[at - strides[axis]] != 0;
            let after =
                place[axis] + 1 < [ni, nj, nk][axis] && mask.voxels[at + strides[axis]] != 0;
            n += usize::from(!before) + usize::from(!after);
        }
    }
    n
}

fn padded(mask: &Labelmap) -> Labelmap {
    let mut padded = Labelmap::new(mask.shape.map(|it| it + 2));
    padded.paste(mask, [1, 1, 1]);
    padded
}

/// Adds voxels until no two parts touch at an edge or a corner only, from inside or from outside.
fn compose(mask: &mut Labelmap) {
    let repairs = repairs();
    let [ni, nj, nk] = mask.shape;
    let steps = std::array::from_fn::<usize, 8, _>(|bit| {
        (bit & 1) + ni * (bit >> 1 & 1) + ni * nj * (bit >> 2 & 1)
    });
    // Blocks to look at again, because one of their voxels was added.
    let mut open = Vec::new();
    for k in 0..nk - 1 {
        for j in 0..nj - 1 {
            let row = ni * (j + nj * k);
            for at in row..row + ni - 1 {
                open.push(at);
                while let Some(at) = open.pop() {
                    let block = (0..8).fold(0, |block, bit| {
                        block | usize::from(mask.voxels[at + steps[bit]] != 0) << bit
                    });
                    for bit in (0..8).filter(|bit| repairs[block] >> bit & 1 == 1) {
                        let added = at + steps[bit];
                        mask.voxels[added] = 1;
                        // Added voxels lie between others: never in the border of zeros.
                        open.extend(steps.map(|step| added - step));
                    }
                }
            }
        }
    }
}

/// For each block of 2 × 2 × 2 voxels (bit 0 is the lowest, bit 1 its neighbour along i …) the bits
/// to add so that it is well composed.
fn repairs() -> [u8; 256] {
    std::array::from_fn(|block| {
        let block = u8::try_from(block).unwrap_or(u8::MAX);
        let mut repaired = block;
        while let Some(bit) = missing(repaired) {
            repaired |= 1 << bit;
        }
        repaired & !block
    })
}

/// A bit that lacks: of a face with two voxels across, or of two voxels (or two gaps) at opposite
/// corners of the block and nothing else.
fn missing(block: u8) -> Option<u8> {
    let has = |bit: u8| block >> bit & 1 == 1;
    for axis in 0..3_u8 {
        let [u, v] = [1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3)];
        for base in [0, 1 << axis] {
            let [a, b, c, d] = [base, base + u, base + v, base + u + v];
            match (has(a), has(b), has(c), has(d)) {
                (true, false, false, true) => return Some(b),
                (false, true, true, false) => return Some(a),
                _ => {}
            }
        }
    }
    (0..4).find_map(|bit| {
        let across = 7 - bit;
        let pair = 1 << bit | 1 << across;
        match block {
            it if it == pair => Some(bit ^ 1),
            it if it == !pair => Some(bit),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::{prop_assert, proptest};

    use super::{Faces, count, missing, repairs};
    use crate::Labelmap;

    #[test]
    fn every_block_ends_well_composed() {
        for (block, added) in repairs().into_iter().enumerate() {
            let block = u8::try_from(block).unwrap();
            assert_eq!(block & added, 0);
            assert_eq!(missing(block | added), None);
        }
        assert_eq!(repairs()[0b0000_1001], 0b0000_0010, "a face with two voxels across");
        assert_eq!(repairs()[0b1000_0001].count_ones(), 2, "a way along two edges");
        assert_eq!(repairs()[0b0111_1110].count_ones(), 1, "a tunnel between two corners");
    }

    #[test]
    fn a_voxel_has_six_faces_and_eight_corners() {
        let faces = Faces::of(&Labelmap { shape: [1, 1, 1], voxels: vec![1] });
        assert_eq!((faces.quads.len(), faces.corners.len()), (6, 8));
        assert_eq!(faces.corners[0], [-0.5, -0.5, -0.5]);
        assert_eq!(count(&Labelmap { shape: [2, 1, 1], voxels: vec![1, 1] }), 10);
    }

    proptest! {
        #[test]
        fn each_edge_has_two_quads_that_run_against_each_other(
            voxels in proptest::collection::vec(0_u8..2, 120),
        ) {
            let faces = Faces::of(&Labelmap { shape: [6, 5, 4], voxels });
            let mut edges: HashMap<[u32; 2], usize> = HashMap::new();
            for quad in &faces.quads {
                for n in 0..4 {
                    *edges.entry([quad[n], quad[(n + 1) % 4]]).or_default() += 1;
                }
            }
            prop_assert!(edges.values().all(|n| *n == 1));
            prop_assert!(edges.keys().all(|[a, b]| edges.contains_key(&[*b, *a])));
        }
    }
}
