//! Points on several slices and nothing else: between each two of them a box on the slice halfway.

/// Least side of a box, in voxels.
const LEAST_SIDE: f64 = 3.0;

/// Positive points of a slice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PointsOfSlice {
    pub(super) slice: usize,
    /// x and y in voxels.
    pub(super) points: Vec<[f64; 2]>,
}

/// What points on several slices say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    /// Slices to begin with, each with a box: inclusive corners `[x1, y1, x2, y2]`.
    pub(super) keys: Vec<(usize, [f64; 4])>,
    /// First and last slice that may hold the object.
    pub(super) ends: [usize; 2],
}

/// Reads points on slices of `size` = [width, height]; none where they all lie on one slice.
///
/// `slices` are in ascending order, each with at least one point.
pub(super) fn span(slices: &[PointsOfSlice], size: [usize; 2]) -> Option<Span> {
    let [first, .., last] = slices else {
        return None;
    };
    let key = |pair: &[PointsOfSlice]| {
        let points = pair.iter().flat_map(|it| &it.points);
        let bounds = [0, 1].map(|axis| {
            let ends = points.clone().map(|it| it[axis]);
            let low = ends.clone().fold(f64::INFINITY, f64::min);
            let high = ends.fold(f64::NEG_INFINITY, f64::max);
            widened([low, high], size[axis] as f64 - 1.0)
        });
        let slice = usize::midpoint(pair[0].slice, pair[1].slice);
        (slice, [bounds[0][0], bounds[1][0], bounds[0][1], bounds[1][1]])
    };
    Some(Span { keys: slices.windows(2).map(key).collect(), ends: [first.slice, last.slice] })
}

/// An interval of inclusive ends, at least some voxels long, within 0 and `last`.
fn widened([low, high]: [f64; 2], last: f64) -> [f64; 2] {
    let missing = (LEAST_SIDE - 1.0 - (high - low)).max(0.0);
    let low = (low - missing / 2.0).max(0.0);
    let high = (low + (high - low).max(LEAST_SIDE - 1.0)).min(last);
    // Pushed back from the far edge.
    [low.min((last - (LEAST_SIDE - 1.0)).max(0.0)).min(low), high]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(slice: usize, points: &[[f64; 2]]) -> PointsOfSlice {
        PointsOfSlice { slice, points: points.to_vec() }
    }

    #[test]
    fn each_pair_of_neighbours_spans_a_box_halfway() {
        let slices =
            [on(4, &[[10.0, 20.0]]), on(9, &[[16.0, 18.0], [12.0, 30.0]]), on(12, &[[14.0, 28.0]])];
        let span = span(&slices, [64, 64]).unwrap();
        assert_eq!(span.ends, [4, 12]);
        assert_eq!(span.keys, [(6, [10.0, 18.0, 16.0, 30.0]), (10, [12.0, 18.0, 16.0, 30.0])]);
    }

    #[test]
    fn a_box_has_at_least_three_voxels_a_side_within_the_slice() {
        for (point, expected) in [
            ([10.0, 20.0], [9.0, 19.0, 11.0, 21.0]),
            ([0.0, 20.0], [0.0, 19.0, 2.0, 21.0]),
            ([63.0, 63.0], [61.0, 61.0, 63.0, 63.0]),
        ] {
            let span = span(&[on(4, &[point]), on(5, &[point])], [64, 64]).unwrap();
            assert_eq!(span.keys, [(4, expected)]);
        }
    }

    #[test]
    fn points_on_one_slice_span_nothing() {
        assert_eq!(span(&[on(4, &[[1.0, 2.0], [3.0, 4.0]])], [64, 64]), None);
        assert_eq!(span(&[], [64, 64]), None);
    }
}
