//! What a person marked on a slice, as voxels.

use crate::number::{count, nearest_place};

/// A voxel of a slice that a person put inside or outside the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Voxel along the slice's first and second axis.
    pub at: [usize; 2],
    /// Whether it lies inside.
    pub positive: bool,
}

/// Everything marked on one slice.
#[derive(Debug, Clone, Copy, Default)]
pub struct SliceRequest<'a> {
    /// Inclusive corners `[x1, y1, x2, y2]` in voxels.
    pub bounds: Option<[f64; 4]>,
    /// Voxels of points and strokes. Where one voxel is named twice, the later one counts.
    pub seeds: &'a [Seed],
    /// An earlier mask of the slice to start from, first axis fastest.
    pub mask: Option<&'a [bool]>,
    /// Voxels that belong to other objects.
    pub forbidden: Option<&'a [bool]>,
}

/// The voxels of a disc; at least the one under its centre.
#[must_use]
pub fn disc(
    [width, height]: [usize; 2],
    [x, y]: [f64; 2],
    radius: f64,
    positive: bool,
) -> Vec<Seed> {
    let centre = [nearest_place(x, width), nearest_place(y, height)];
    let mut seeds = vec![Seed { at: centre, positive }];
    let rows = count((y - radius).ceil())..count((y + radius).floor() + 1.0).min(height);
    for row in rows {
        let columns = count((x - radius).ceil())..count((x + radius).floor() + 1.0).min(width);
        for column in columns {
            let inside = (column as f64 - x).hypot(row as f64 - y) <= radius;
            if inside && [column, row] != centre {
                seeds.push(Seed { at: [column, row], positive });
            }
        }
    }
    seeds
}

/// The voxels under a polyline of the given half width.
#[must_use]
pub fn stroke(shape: [usize; 2], path: &[[f64; 2]], radius: f64, positive: bool) -> Vec<Seed> {
    let mut seeds: Vec<Seed> = Vec::new();
    let mut marked = vec![false; shape[0] * shape[1]];
    let mut stamp = |at: [f64; 2]| {
        for seed in disc(shape, at, radius, positive) {
            let place = seed.at[0] + seed.at[1] * shape[0];
            if !marked[place] {
                marked[place] = true;
                seeds.push(seed);
            }
        }
    };
    if let [only] = path {
        stamp(*only);
    }
    for ends in path.windows(2) {
        let [from, to] = [ends[0], ends[1]];
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let n_steps = count((length * 2.0).ceil()).clamp(1, 100_000);
        for step in 0..=n_steps {
            let part = step as f64 / n_steps as f64;
            stamp([from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]);
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_is_clipped_to_the_slice_and_never_empty() {
        assert_eq!(disc([5, 5], [2.4, 2.4], 0.0, true), [Seed { at: [2, 2], positive: true }]);
        assert_eq!(disc([9, 9], [4.0, 4.0], 1.0, true).len(), 5);
        assert_eq!(disc([9, 9], [0.0, 0.0], 1.0, false).len(), 3);
        assert_eq!(disc([9, 9], [40.0, -3.0], 0.0, true)[0].at, [8, 0]);
    }

    #[test]
    fn a_stroke_has_no_gaps_and_no_voxel_twice() {
        let seeds = stroke([20, 20], &[[1.0, 1.0], [9.0, 5.0], [9.0, 5.0]], 0.0, true);
        for column in 1..=9 {
            assert!(seeds.iter().any(|it| it.at[0] == column), "column {column}");
        }
        let mut places: Vec<_> = seeds.iter().map(|it| it.at).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), seeds.len());
    }
}
