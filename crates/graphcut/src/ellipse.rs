//! Ellipses that touch the four sides of a box.

use crate::number::{count, place_below};

/// An ellipse in a slice, in voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ellipse {
    pub(crate) centre: [f64; 2],
    /// Half the size of the box around it.
    pub(crate) half: [f64; 2],
    /// Correlation of x and y on it: 0 upright, towards ±1 along a diagonal of the box.
    pub(crate) tilt: f64,
}

impl Ellipse {
    /// The ellipse in a box given by inclusive corners.
    pub(crate) fn in_box([x1, y1, x2, y2]: [f64; 4], tilt: f64) -> Self {
        Self {
            centre: [f64::midpoint(x1, x2), f64::midpoint(y1, y2)],
            half: [((x2 - x1 + 1.0) / 2.0).max(0.5), ((y2 - y1 + 1.0) / 2.0).max(0.5)],
            tilt,
        }
    }

    /// Squared normalised radius: 0 in the centre, 1 on the outline.
    pub(crate) fn radius_squared(&self, x: f64, y: f64) -> f64 {
        let u = (x - self.centre[0]) / self.half[0];
        let v = (y - self.centre[1]) / self.half[1];
        (u * u - 2.0 * self.tilt * u * v + v * v) / (1.0 - self.tilt * self.tilt)
    }

    /// A point of the outline and the normal there in millimetres, by the sine and cosine of an
    /// angle counted from the box's diagonal: mirrored ellipses have mirrored points.
    pub(crate) fn outline(
        &self,
        (sin, cos): (f64, f64),
        spacing_mm: [f64; 2],
    ) -> ([f64; 2], [f32; 2]) {
        let along = cos * (1.0 + self.tilt).sqrt() * std::f64::consts::FRAC_1_SQRT_2;
        let across = sin * (1.0 - self.tilt).sqrt() * std::f64::consts::FRAC_1_SQRT_2;
        let (u, v) = (along + across, along - across);
        let slope = [
            (u - self.tilt * v) / (self.half[0] * spacing_mm[0]),
            (v - self.tilt * u) / (self.half[1] * spacing_mm[1]),
        ];
        let length = slope[0].hypot(slope[1]).max(1e-12);
        let point = [self.centre[0] + u * self.half[0], self.centre[1] + v * self.half[1]];
        (point, slope.map(|it| crate::number::narrow(it / length)))
    }

    /// Visits the rows of voxels whose centres lie inside: `y`, first `x`, last `x` + 1.
    pub(crate) fn for_rows(
        &self,
        [width, height]: [usize; 2],
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let last = self.centre[1] + self.half[1];
        if last < 0.0 {
            return;
        }
        let top = count((self.centre[1] - self.half[1]).ceil());
        for y in top..(place_below(last, height) + 1).min(height) {
            let v = (y as f64 - self.centre[1]) / self.half[1];
            let reach = (1.0 - v * v).max(0.0) * (1.0 - self.tilt * self.tilt);
            let (left, right) = (self.tilt * v - reach.sqrt(), self.tilt * v + reach.sqrt());
            let from = count((self.centre[0] + left * self.half[0]).ceil());
            let to = count((self.centre[0] + right * self.half[0]).floor() + 1.0).min(width);
            if from < to {
                visit(y, from, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_the_voxels_inside_and_outline_points_lie_on_it() {
        for tilt in [-0.5, 0.0, 0.3] {
            let ellipse = Ellipse::in_box([3.0, 5.0, 20.0, 14.0], tilt);
            let mut rows = vec![false; 30 * 20];
            ellipse.for_rows([30, 20], |y, from, to| {
                rows[y * 30 + from..y * 30 + to].fill(true);
            });
            for (at, inside) in rows.iter().enumerate() {
                let radius = ellipse.radius_squared((at % 30) as f64, (at / 30) as f64);
                assert_eq!(*inside, radius <= 1.0, "tilt {tilt}, voxel {at}, radius {radius}");
            }
            for angle in 0..8 {
                let ([x, y], _) = ellipse.outline(f64::from(angle).sin_cos(), [1.0, 1.0]);
                assert!((ellipse.radius_squared(x, y) - 1.0).abs() < 1e-9);
            }
        }
    }
}
