//! The outline of a region of pixels: through the points half-way between a pixel inside and a
//! neighbour outside, corners cut off (marching squares of a mask).

/// Pixels of one row that follow each other: `[first, last]`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) y: usize,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// The regions of a slice, `width` pixels per row: pixels that touch at an edge or a corner belong
/// together. Each is a list of runs, rows ascending.
pub(super) fn regions(pixels: &[u8], width: usize) -> Vec<Vec<Run>> {
    let runs = runs(pixels, width);
    let mut root: Vec<usize> = (0..runs.len()).collect();
    let (mut row_above, mut row) = (0..0, 0..0);
    for at in 0..runs.len() {
        if at == 0 || runs[at].y != runs[at - 1].y {
            let is_next = at > 0 && runs[at].y == runs[at - 1].y + 1;
            row_above = if is_next { row.start..at } else { at..at };
            row = at..at;
        }
        for above in row_above.clone() {
            if runs[above].first <= runs[at].last + 1 && runs[at].first <= runs[above].last + 1 {
                let (a, b) = (find(&mut root, above), find(&mut root, at));
                root[a.max(b)] = a.min(b);
            }
        }
    }
    let mut place = vec![usize::MAX; runs.len()];
    let mut regions: Vec<Vec<Run>> = Vec::new();
    for (at, run) in runs.into_iter().enumerate() {
        let root = find(&mut root, at);
        if place[root] == usize::MAX {
            place[root] = regions.len();
            regions.push(Vec::new());
        }
        regions[place[root]].push(run);
    }
    regions
}

fn runs(pixels: &[u8], width: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    for (y, row) in pixels.chunks_exact(width.max(1)).enumerate() {
        let mut x = 0;
        while let Some(first) = row[x..].iter().position(|it| *it != 0).map(|it| x + it) {
            let end = row[first..].iter().position(|it| *it == 0).map_or(width, |it| first + it);
            runs.push(Run { y, first, last: end - 1 });
            x = end;
        }
    }
    runs
}

fn find(root: &mut [usize], mut at: usize) -> usize {
    while root[at] != at {
        root[at] = root[root[at]];
        at = root[at];
    }
    at
}

/// Points of the outline that its convex hull is the hull of.
pub(super) fn extremes(region: &[Run]) -> impl Iterator<Item = [f64; 2]> {
    region.iter().flat_map(|run| {
        let (first, last, y) = (run.first as f64, run.last as f64, run.y as f64);
        [
            [first - 0.5, y],
            [last + 0.5, y],
            [first, y - 0.5],
            [last, y - 0.5],
            [first, y + 0.5],
            [last, y + 0.5],
        ]
    })
}

/// The outline as straight pieces, in no order. Where two pixels touch at a corner only, the
/// outline holds them together.
pub(super) fn pieces(region: &[Run]) -> Vec<[[f64; 2]; 2]> {
    let Some(bounds) = Bounds::of(region) else { return Vec::new() };
    let bitmap = bounds.bitmap(region);
    let mut pieces = Vec::new();
    for y in 0..bounds.height - 1 {
        for x in 0..bounds.width - 1 {
            let at = y * bounds.width + x;
            let corners = [
                bitmap[at],
                bitmap[at + 1],
                bitmap[at + bounds.width],
                bitmap[at + bounds.width + 1],
            ];
            for [from, to] in crossings(corners).into_iter().flatten() {
                let place =
                    |[px, py]: [f64; 2]| [bounds.x + x as f64 + px, bounds.y + y as f64 + py];
                pieces.push([place(from), place(to)]);
            }
        }
    }
    pieces
}

/// The pieces inside the square between four pixels: upper left, upper right, lower left, lower right.
fn crossings([a, b, c, d]: [bool; 4]) -> [Option<[[f64; 2]; 2]>; 2] {
    const UPPER: [f64; 2] = [0.5, 0.0];
    const LEFT: [f64; 2] = [0.0, 0.5];
    const RIGHT: [f64; 2] = [1.0, 0.5];
    const LOWER: [f64; 2] = [0.5, 1.0];
    match (a, b, c, d) {
        (true, true, true, true) | (false, false, false, false) => [None, None],
        (true, false, false, true) => [Some([UPPER, RIGHT]), Some([LEFT, LOWER])],
        (false, true, true, false) => [Some([UPPER, LEFT]), Some([RIGHT, LOWER])],
        (true, true, false, false) | (false, false, true, true) => [Some([LEFT, RIGHT]), None],
        (true, false, true, false) | (false, true, false, true) => [Some([UPPER, LOWER]), None],
        (true, false, false, false) | (false, true, true, true) => [Some([UPPER, LEFT]), None],
        (false, true, false, false) | (true, false, true, true) => [Some([UPPER, RIGHT]), None],
        (false, false, true, false) | (true, true, false, true) => [Some([LEFT, LOWER]), None],
        (false, false, false, true) | (true, true, true, false) => [Some([RIGHT, LOWER]), None],
    }
}

/// A region's box with one pixel around it; `x` and `y` are the centre of its first pixel.
struct Bounds {
    x: f64,
    y: f64,
    first: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Bounds {
    fn of(region: &[Run]) -> Option<Self> {
        let first = region.iter().map(|it| it.first).min()?;
        let last = region.iter().map(|it| it.last).max()?;
        let (top, bottom) = (region.first()?.y, region.last()?.y);
        Some(Self {
            x: first as f64 - 1.0,
            y: top as f64 - 1.0,
            first,
            top,
            width: last - first + 3,
            height: bottom - top + 3,
        })
    }

    fn bitmap(&self, region: &[Run]) -> Vec<bool> {
        let mut bitmap = vec![false; self.width * self.height];
        for run in region {
            let start = (run.y - self.top + 1) * self.width + run.first - self.first + 1;
            bitmap[start..=start + run.last - run.first].fill(true);
        }
        bitmap
    }
}

#[cfg(test)]
mod tests {
    use super::{extremes, pieces, regions};

    #[test]
    fn pixels_that_touch_at_a_corner_are_one_region() {
        // x . . x x
        // . x . . .
        // x . . . x
        let pixels = [1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        let sizes: Vec<usize> = regions(&pixels, 5)
            .iter()
            .map(|it| it.iter().map(|run| run.last - run.first + 1).sum())
            .collect();
        assert_eq!(sizes, [3, 2, 1]);
    }

    #[test]
    fn branches_that_meet_further_down_are_one_region() {
        let pixels = [1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1];
        assert_eq!(regions(&pixels, 4).len(), 1);
        assert_eq!(regions(&[0; 12], 4).len(), 0);
    }

    #[test]
    fn a_pixel_is_a_diamond_with_closed_outline() {
        let regions = regions(&[0, 0, 0, 0, 1, 0], 3);
        let outline = pieces(&regions[0]);
        assert_eq!(outline.len(), 4);
        let mut ends: Vec<_> =
            outline.iter().flatten().map(|it| it.map(|it| it.to_string())).collect();
        ends.sort();
        let pairs: Vec<_> = ends.chunks(2).map(|it| it[0] == it[1]).collect();
        assert_eq!(pairs, [true; 4], "every end belongs to two pieces");
        assert!(extremes(&regions[0]).any(|it| it == [0.5, 1.0]));
    }
}
