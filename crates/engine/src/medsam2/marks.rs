//! What a person marked, as points of the resized slice.

use protocol::prompt::{Point, Scribble, SlicePrompt};
use sam2::PointLabel;

/// Voxels of a stroke for each point that stands for it, and the most points of a stroke.
const VOXELS_PER_POINT: f64 = 8.0;
const MOST_POINTS: u32 = 5;

/// Points of the resized slice: first a box's corners, then clicks, then points along strokes.
///
/// `shape` = [width, height] of the slice in voxels; `side` is that of the resized slice.
pub(super) fn points(prompt: &SlicePrompt, shape: [usize; 2], side: usize) -> Vec<sam2::Point> {
    let mut points = Vec::new();
    if let Some([x1, y1, x2, y2]) = prompt.bounds {
        points.push(placed([x1, y1], PointLabel::BoxTopLeft, shape, side));
        points.push(placed([x2, y2], PointLabel::BoxBottomRight, shape, side));
    }
    for point in clicks(prompt) {
        let label = if point.positive { PointLabel::Positive } else { PointLabel::Negative };
        points.push(placed([point.x, point.y], label, shape, side));
    }
    points
}

/// Points of a prompt, and those along its strokes.
pub(super) fn clicks(prompt: &SlicePrompt) -> Vec<Point> {
    prompt.points.iter().copied().chain(prompt.scribbles.iter().flat_map(along)).collect()
}

/// Whether something says where the object is, rather than where it is not.
pub(super) fn shows_object(prompt: &SlicePrompt) -> bool {
    prompt.bounds.is_some() || clicks(prompt).iter().any(|it| it.positive)
}

/// Divided by the slice's size and multiplied by the network's, as the published code does.
#[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
fn placed(at: [f64; 2], label: PointLabel, shape: [usize; 2], side: usize) -> sam2::Point {
    let [x, y] = [0, 1].map(|axis| at[axis] as f32 / shape[axis] as f32 * side as f32);
    sam2::Point { x, y, label }
}

/// Points evenly spaced along a stroke, ends included.
fn along(stroke: &Scribble) -> Vec<Point> {
    let lengths: Vec<f64> = stroke
        .path
        .windows(2)
        .map(|ends| (ends[1][0] - ends[0][0]).hypot(ends[1][1] - ends[0][1]))
        .collect();
    let length: f64 = lengths.iter().sum();
    let at = |[x, y]: [f64; 2]| Point { x, y, positive: stroke.positive };
    let Some(first) = stroke.path.first() else {
        return Vec::new();
    };
    let mut points = vec![at(*first)];
    for n in 1..MOST_POINTS {
        let n_parts = (length / VOXELS_PER_POINT).ceil().min(f64::from(MOST_POINTS - 1));
        if f64::from(n) > n_parts {
            break;
        }
        let mut left = length * f64::from(n) / n_parts;
        let mut place = *stroke.path.last().unwrap_or(first);
        for (ends, part) in stroke.path.windows(2).zip(&lengths) {
            if left <= *part && *part > 0.0 {
                place = [0, 1].map(|it| ends[0][it] + (ends[1][it] - ends[0][it]) * left / part);
                break;
            }
            left -= part;
        }
        points.push(at(place));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::prompt::SliceRef;

    fn prompt() -> SlicePrompt {
        SlicePrompt {
            slice: SliceRef { axis: 2, slice_index: 0 },
            label: 1,
            bounds: Some([12.8, 16.0, 64.0, 80.0]),
            points: vec![Point { x: 32.0, y: 40.0, positive: false }],
            scribbles: Vec::new(),
            mask: false,
            absent: false,
        }
    }

    #[test]
    fn corners_come_first_and_sides_are_stretched_each_by_itself() {
        let found = points(&prompt(), [128, 160], 256);
        let labels: Vec<PointLabel> = found.iter().map(|it| it.label).collect();
        assert_eq!(
            labels,
            [PointLabel::BoxTopLeft, PointLabel::BoxBottomRight, PointLabel::Negative]
        );
        let places: Vec<[f32; 2]> = found.iter().map(|it| [it.x, it.y]).collect();
        assert_eq!(places, [[25.6, 25.6], [128.0, 128.0], [64.0, 64.0]]);
    }

    #[test]
    fn a_stroke_becomes_a_few_points_along_it() {
        let stroke = |path: &[[f64; 2]]| {
            let scribble = Scribble { path: path.to_vec(), radius: 1.0, positive: true };
            along(&scribble).iter().map(|it| [it.x, it.y]).collect::<Vec<_>>()
        };
        assert_eq!(stroke(&[[3.0, 4.0]]), [[3.0, 4.0]]);
        assert_eq!(stroke(&[[0.0, 0.0], [8.0, 0.0]]), [[0.0, 0.0], [8.0, 0.0]]);
        let bent = stroke(&[[0.0, 0.0], [8.0, 0.0], [8.0, 8.0]]);
        assert_eq!(bent, [[0.0, 0.0], [8.0, 0.0], [8.0, 8.0]]);
        assert_eq!(stroke(&[[0.0, 0.0], [400.0, 0.0]]).len(), 5);
    }
}
