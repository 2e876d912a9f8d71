//! The longest diameter of an object on a slice and the longest one perpendicular to it, as RECIST
//! 1.1 measures lesions.
//!
//! # Convention
//! Both run between points of the region's outline ([`super::outline`]), in the slice's true
//! geometry: pixels need not be square, nor its axes at right angles. The longest diameter is the
//! greatest distance of two points of one connected region of one slice, whether or not the line
//! between them stays inside; of equal ones the first is taken. The perpendicular is the longest
//! line at a right angle to it that lies inside the same region of the same slice.

use super::{
    Part,
    outline::{self, Run},
};
use crate::{Grid, volume::plane_axes};

/// A straight line across an object on a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diameter {
    /// Its length in millimetres.
    pub mm: f64,
    /// The stored axis that the slice is orthogonal to.
    pub axis: usize,
    /// The slice.
    pub slice_index: usize,
    /// One end, in voxels of the slice; whole numbers are voxel centres.
    pub from: [f64; 2],
    /// The other end.
    pub to: [f64; 2],
}

/// The two diameters of RECIST 1.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diameters {
    /// The longest on any slice.
    pub longest: Diameter,
    /// The longest at a right angle to it, on the same slice.
    pub perpendicular: Diameter,
}

/// Lengths that differ by less are the same: the order of the voxels decides, not rounding.
const SAME: f64 = 1.0 + 1e-9;

/// Most places along the longest diameter at which its perpendicular is looked for.
const MAX_PLACES: usize = 20_000;

/// The diameters of an object on slices along a stored axis; `None` without any voxel.
#[must_use]
pub fn diameters(part: &Part, grid: &Grid, axis: usize) -> Option<Diameters> {
    let plane = PlaneMm::new(grid, plane_axes(axis));
    let mut best: Option<(Line, usize, Vec<Run>)> = None;
    for index in 0..part.mask.shape[axis] {
        let slice = part.mask.slice(axis, index);
        for region in outline::regions(&slice.pixels, slice.width) {
            let Some(line) = longest(&region, &plane) else { continue };
            if best.as_ref().is_none_or(|(it, ..)| line.length > it.length * SAME) {
                best = Some((line, index, region));
            }
        }
    }
    let (longest, index, region) = best?;
    let across = perpendicular(&region, &plane, &longest)?;
    let origin = plane_axes(axis).map(|it| part.origin[it] as f64);
    let diameter = |line: Line| Diameter {
        mm: line.length,
        axis,
        slice_index: part.origin[axis] + index,
        from: std::array::from_fn(|it| plane.voxel_from_mm(line.from)[it] + origin[it]),
        to: std::array::from_fn(|it| plane.voxel_from_mm(line.to)[it] + origin[it]),
    };
    Some(Diameters { longest: diameter(longest), perpendicular: diameter(across) })
}

/// Millimetres in the plane of a slice: x runs along the slice's x, y at a right angle to it.
pub(super) struct PlaneMm {
    /// Along x for a step in x.
    x_of_x: f64,
    /// Along x for a step in y: not 0 where the axes are not at right angles.
    x_of_y: f64,
    /// Along y for a step in y.
    y_of_y: f64,
}

impl PlaneMm {
    pub(super) fn new(grid: &Grid, [x_axis, y_axis]: [usize; 2]) -> Self {
        let (x, y) = (grid.ras_from_voxel.column(x_axis), grid.ras_from_voxel.column(y_axis));
        let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let x_of_x = dot(x, x).sqrt();
        let x_of_y = dot(x, y) / x_of_x;
        let y_of_y = (dot(y, y) - x_of_y * x_of_y).max(0.0).sqrt();
        Self { x_of_x, x_of_y, y_of_y }
    }

    pub(super) fn pixel_mm2(&self) -> f64 {
        self.x_of_x * self.y_of_y
    }

    fn mm_from_voxel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.x_of_x * x + self.x_of_y * y, self.y_of_y * y]
    }

    fn voxel_from_mm(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let y = y / self.y_of_y;
        [(x - self.x_of_y * y) / self.x_of_x, y]
    }
}

/// A straight line in millimetres of the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    length: f64,
    from: [f64; 2],
    to: [f64; 2],
}

impl Line {
    fn new(from: [f64; 2], to: [f64; 2]) -> Self {
        Self { length: (to[0] - from[0]).hypot(to[1] - from[1]), from, to }
    }
}

/// The two points of a region's outline that are farthest apart: corners of its convex hull.
fn longest(region: &[Run], plane: &PlaneMm) -> Option<Line> {
    let hull = hull(outline::extremes(region).map(|it| plane.mm_from_voxel(it)).collect());
    let mut best: Option<Line> = None;
    for (at, &from) in hull.iter().enumerate() {
        for &to in &hull[at + 1..] {
            let line = Line::new(from, to);
            if best.is_none_or(|it| line.length > it.length * SAME) {
                best = Some(line);
            }
        }
    }
    best
}

/// Corners of the convex hull (Andrew's monotone chain).
fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    let turn = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    };
    let chain = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for point in points {
            while chain.len() > 1
                && turn(chain[chain.len() - 2], chain[chain.len() - 1], point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = chain(&mut points.iter().copied());
    hull.extend(chain(&mut points.iter().rev().copied()));
    hull
}

/// The longest line inside a region at a right angle to `axis`.
///
/// Between two corners of the outline the length of what a line cuts out of the region changes
/// evenly, so that it is greatest at a corner: there the pieces on either side are looked at.
fn perpendicular(region: &[Run], plane: &PlaneMm, axis: &Line) -> Option<Line> {
    let along: [f64; 2] = std::array::from_fn(|it| (axis.to[it] - axis.from[it]) / axis.length);
    let across = [-along[1], along[0]];
    let turned = |point: [f64; 2]| {
        let [x, y] = plane.mm_from_voxel(point);
        [x * along[0] + y * along[1], x * across[0] + y * across[1]]
    };
    let pieces: Vec<[[f64; 2]; 2]> = outline::pieces(region)
        .into_iter()
        .map(|[a, b]| {
            let (a, b) = (turned(a), turned(b));
            if a[0] <= b[0] { [a, b] } else { [b, a] }
        })
        .collect();
    let mut places: Vec<f64> = pieces.iter().flatten().map(|it| it[0]).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    // An outline of a hundred thousand corners is noise: a part of them is near enough to all.
    let step = places.len().div_ceil(MAX_PLACES);
    let places: Vec<f64> = places.into_iter().step_by(step.max(1)).collect();
    // What the outline does just before and just after each place.
    let mut cuts: Vec<[Vec<f64>; 2]> = vec![[Vec::new(), Vec::new()]; places.len()];
    for [a, b] in pieces {
        let start = places.partition_point(|it| *it < a[0]);
        for (place, cuts) in places[start..].iter().zip(&mut cuts[start..]) {
            if *place > b[0] || a[0] >= b[0] {
                break;
            }
            let at = a[1] + (b[1] - a[1]) * (place - a[0]) / (b[0] - a[0]);
            if *place > a[0] {
                cuts[0].push(at);
            }
            if *place < b[0] {
                cuts[1].push(at);
            }
        }
    }
    let mut best: Option<(f64, [f64; 2], f64)> = None;
    for (place, sides) in places.iter().zip(&mut cuts) {
        for cuts in sides {
            cuts.sort_by(f64::total_cmp);
            for pair in cuts.chunks_exact(2) {
                let length = pair[1] - pair[0];
                if best.is_none_or(|(it, ..)| length > it * SAME) {
                    best = Some((length, [pair[0], pair[1]], *place));
                }
            }
        }
    }
    let (_, ends, place) = best?;
    let [from, to] = ends.map(|end| std::array::from_fn(|it| place * along[it] + end * across[it]));
    Some(Line::new(from, to))
}

#[cfg(test)]
mod tests {
    use super::{Diameters, diameters};
    use crate::{Affine, Grid, Labelmap, measure::Part};

    fn grid(shape: [usize; 3], spacing: [f64; 3]) -> Grid {
        let linear = [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]];
        Grid { shape, ras_from_voxel: Affine::new(linear, [0.0; 3]) }
    }

    fn of_slice(rows: &[&str], spacing: [f64; 3]) -> Diameters {
        let shape = [rows[0].len(), rows.len(), 1];
        let voxels = rows.concat().bytes().map(|it| u8::from(it == b'x')).collect();
        let part = Part { origin: [0; 3], mask: Labelmap { shape, voxels } };
        diameters(&part, &grid(shape, spacing), 2).unwrap()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn a_voxel_is_as_long_and_wide_as_a_voxel() {
        let found = of_slice(&["...", ".x.", "..."], [0.5, 2.0, 5.0]);
        close(found.longest.mm, 2.0);
        close(found.perpendicular.mm, 0.5);
        assert_eq!((found.longest.from, found.longest.to), ([1.0, 0.5], [1.0, 1.5]));
    }

    #[test]
    fn a_bar_is_measured_between_its_outer_edges() {
        let found = of_slice(&["........", ".xxxxxx.", ".xxxxxx.", "........"], [2.0, 1.0, 5.0]);
        // From the middle of one side to the middle of the other: 12 mm along, 1 mm across.
        close(found.longest.mm, 12.0_f64.hypot(1.0));
        assert!(found.perpendicular.mm > 1.9 && found.perpendicular.mm < 2.3);
    }

    #[test]
    fn the_perpendicular_stays_inside() {
        // A frame: across it lie two walls of one voxel and a hole.
        let rows = ["xxxxxxxxx", "x.......x", "x.......x", "xxxxxxxxx"];
        let found = of_slice(&rows, [1.0, 1.0, 1.0]);
        close(found.longest.mm, 9.0_f64.hypot(3.0).max(8.0_f64.hypot(4.0)));
        assert!(found.perpendicular.mm < 4.0, "{found:?}");
    }

    #[test]
    fn regions_apart_are_not_joined() {
        let found = of_slice(&["xx.....xxx"], [1.0; 3]);
        close(found.longest.mm, 3.0);
        assert_eq!(found.longest.from, [6.5, 0.0]);
    }

    #[test]
    fn noise_is_measured_without_end_neither_of_time_nor_of_memory() {
        let shape = [400, 400, 1];
        let mut state = 7_u32;
        let voxels = (0..160_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                u8::from(state >> 31 == 1)
            })
            .collect();
        let part = Part { origin: [0; 3], mask: Labelmap { shape, voxels } };
        let found = diameters(&part, &grid(shape, [0.7, 0.8, 1.0]), 2).unwrap();
        assert!(found.longest.mm > 400.0 && found.perpendicular.mm < found.longest.mm);
    }

    #[test]
    fn the_perpendicular_is_at_a_right_angle_in_millimetres() {
        let rows = ["..xx......", "..xxxx....", "...xxxxx..", ".....xxxx.", ".......xx."];
        let found = of_slice(&rows, [0.7, 1.9, 5.0]);
        let mm = |it: [f64; 2]| [it[0] * 0.7, it[1] * 1.9];
        let [a, b, c, d] = [
            found.longest.from,
            found.longest.to,
            found.perpendicular.from,
            found.perpendicular.to,
        ]
        .map(mm);
        close((b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]), 0.0);
        close((d[0] - c[0]).hypot(d[1] - c[1]), found.perpendicular.mm);
        assert!(found.perpendicular.mm <= found.longest.mm);
    }
}
