//! Smoothing of a surface of quads that keeps its volume.
//!
//! # Source
//! Taubin, "A signal processing approach to fair surface design" (1995): a pass that draws each
//! corner towards its neighbours' mean, then one that pushes it back a little further. It commutes
//! with affine maps, so that it may happen in voxels.

use super::faces::Faces;

/// Taubin's λ and μ: waves longer than about 13 edges pass as they are.
const DRAW: f64 = 0.5;
const PUSH: f64 = -0.53;

/// The smoothed corners.
pub(super) fn smoothed(faces: &Faces, n_passes: u32) -> Vec<[f64; 3]> {
    let mut corners = faces.corners.clone();
    if n_passes == 0 {
        return corners;
    }
    let part = parts(faces);
    let before = Shapes::of(&part, faces, &corners);
    let n_neighbours = n_neighbours(faces);
    let mut sums = vec![[0.0; 3]; corners.len()];
    for factor in (0..n_passes).flat_map(|_| [DRAW, PUSH]) {
        step(&mut corners, &mut sums, faces, &n_neighbours, factor);
    }
    let after = Shapes::of(&part, faces, &corners);
    for (corner, part) in corners.iter_mut().zip(&part) {
        let [was, is] = [before.volumes[*part], after.volumes[*part]];
        // Something so thin that smoothing turned it inside out stays as it is.
        let scale = if is / was > 0.0 { (was / is).cbrt() } else { 1.0 };
        let (from, to) = (after.centres[*part], before.centres[*part]);
        *corner = std::array::from_fn(|it| to[it] + (corner[it] - from[it]) * scale);
    }
    corners
}

fn n_neighbours(faces: &Faces) -> Vec<u32> {
    let mut n = vec![0; faces.corners.len()];
    for corner in faces.quads.as_flattened() {
        n[*corner as usize] += 1;
    }
    n
}

/// Each edge belongs to two quads, once in each direction: following every quad around meets each
/// neighbour of a corner once.
fn step(
    corners: &mut [[f64; 3]],
    sums: &mut [[f64; 3]],
    faces: &Faces,
    n_neighbours: &[u32],
    factor: f64,
) {
    sums.fill([0.0; 3]);
    for quad in &faces.quads {
        for n in 0..4 {
            let next = corners[quad[(n + 1) % 4] as usize];
            let sum = &mut sums[quad[n] as usize];
            for axis in 0..3 {
                sum[axis] += next[axis];
            }
        }
    }
    for ((corner, sum), n) in corners.iter_mut().zip(sums).zip(n_neighbours) {
        for axis in 0..3 {
            corner[axis] += factor * (sum[axis] / f64::from(*n) - corner[axis]);
        }
    }
}

/// Which closed part of the surface each corner belongs to.
fn parts(faces: &Faces) -> Vec<usize> {
    let mut root: Vec<usize> = (0..faces.corners.len()).collect();
    let find = |root: &mut Vec<usize>, mut at: usize| {
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    };
    for quad in &faces.quads {
        for n in 1..4 {
            let (a, b) = (find(&mut root, quad[0] as usize), find(&mut root, quad[n] as usize));
            root[a.max(b)] = a.min(b);
        }
    }
    let mut number = vec![usize::MAX; root.len()];
    let mut n_parts = 0;
    (0..root.len())
        .map(|at| {
            let root = find(&mut root, at);
            if number[root] == usize::MAX {
                number[root] = n_parts;
                n_parts += 1;
            }
            number[root]
        })
        .collect()
}

/// Volume and middle of each closed part.
struct Shapes {
    volumes: Vec<f64>,
    centres: Vec<[f64; 3]>,
}

impl Shapes {
    fn of(part: &[usize], faces: &Faces, corners: &[[f64; 3]]) -> Self {
        let n_parts = part.iter().max().map_or(0, |it| it + 1);
        let mut n = vec![0.0; n_parts];
        let mut centres = vec![[0.0; 3]; n_parts];
        for (corner, part) in corners.iter().zip(part) {
            n[*part] += 1.0;
            for axis in 0..3 {
                centres[*part][axis] += corner[axis];
            }
        }
        for (centre, n) in centres.iter_mut().zip(n) {
            *centre = centre.map(|it| it / n);
        }
        let mut volumes = vec![0.0; n_parts];
        for quad in &faces.quads {
            let part = part[quad[0] as usize];
            let place = |it: u32| {
                let corner = corners[it as usize];
                [0, 1, 2].map(|axis| corner[axis] - centres[part][axis])
            };
            let [a, b, c, d] = quad.map(place);
            // A bent quad's volume is that of the mean of its two ways to be cut.
            let cuts = [[a, b, c], [a, c, d], [a, b, d], [b, c, d]];
            volumes[part] += cuts.iter().map(crate::affine::determinant).sum::<f64>() / 12.0;
        }
        Self { volumes, centres }
    }
}
