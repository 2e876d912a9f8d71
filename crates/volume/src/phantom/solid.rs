//! The bodies that a phantom is made of.

use super::random::{Random, wave};

/// An ellipsoid, or a cylinder where one half-axis is infinite, with an uneven surface.
#[derive(Debug, Clone)]
pub(super) struct Solid {
    /// What it is made of.
    pub(super) tissue: Tissue,
    /// Only these labels below it are replaced; empty: all.
    pub(super) within: Vec<u8>,
    centre: [f64; 3],
    /// Unit-ball coordinates of a millimetre, by rows.
    ball_from_mm: [[f64; 3]; 3],
    /// Half size of the bounding box in millimetres.
    reach: [f64; 3],
    unevenness: f64,
    waves: Vec<Wave>,
}

/// Intensity and label of a body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tissue {
    pub(super) intensity: f32,
    pub(super) label: u8,
}

/// One ripple of a surface: direction (in ball coordinates per turn) and phase in turns.
#[derive(Debug, Clone)]
struct Wave {
    direction: [f64; 3],
    phase: f64,
}

const IDENTITY: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

impl Solid {
    /// An upright ellipsoid. A half-axis of infinity makes a cylinder.
    pub(super) fn ellipsoid(tissue: Tissue, centre: [f64; 3], half_axes: [f64; 3]) -> Self {
        Self::turned(tissue, centre, half_axes, IDENTITY)
    }

    /// An ellipsoid whose axes are the columns of a rotation.
    pub(super) fn turned(
        tissue: Tissue,
        centre: [f64; 3],
        half_axes: [f64; 3],
        rotation: [[f64; 3]; 3],
    ) -> Self {
        let ball_from_mm = std::array::from_fn(|ball| {
            std::array::from_fn(|mm| rotation[mm][ball] / half_axes[ball])
        });
        let reach = std::array::from_fn(|mm| {
            let parts = (0..3).filter(|&ball| rotation[mm][ball] != 0.0);
            let squares = parts.map(|ball| (rotation[mm][ball] * half_axes[ball]).powi(2));
            squares.sum::<f64>().sqrt()
        });
        let (within, waves) = (Vec::new(), Vec::new());
        Self { tissue, within, centre, ball_from_mm, reach, unevenness: 0.0, waves }
    }

    /// The same body with a surface that rises and falls by up to `unevenness` of its radius.
    pub(super) fn uneven(mut self, unevenness: f64, detail: f64, random: &mut Random) -> Self {
        self.unevenness = unevenness;
        self.waves = (0..4)
            .map(|_| Wave {
                direction: random.vector().map(|it| it * detail),
                phase: random.unit(),
            })
            .collect();
        self.reach = self.reach.map(|it| it * (1.0 + unevenness));
        self
    }

    /// The same body, but only where the labels below are among these.
    pub(super) fn within(mut self, labels: &[u8]) -> Self {
        self.within = labels.to_vec();
        self
    }

    /// Whether its bounding box touches another box.
    pub(super) fn touches(&self, low: [f64; 3], high: [f64; 3]) -> bool {
        (0..3).all(|it| {
            self.centre[it] - self.reach[it] <= high[it]
                && self.centre[it] + self.reach[it] >= low[it]
        })
    }

    /// Whether a point in millimetres lies inside.
    pub(super) fn contains(&self, point: [f64; 3]) -> bool {
        let from_centre: [f64; 3] = std::array::from_fn(|it| point[it] - self.centre[it]);
        let ball = self
            .ball_from_mm
            .map(|row| row[0] * from_centre[0] + row[1] * from_centre[1] + row[2] * from_centre[2]);
        let square = ball[0] * ball[0] + ball[1] * ball[1] + ball[2] * ball[2];
        let (inner, outer) = (1.0 - self.unevenness, 1.0 + self.unevenness);
        if square <= inner * inner {
            return true;
        }
        if square > outer * outer {
            return false;
        }
        let ripple: f64 = self.waves.iter().map(|it| it.at(ball)).sum();
        let radius = 1.0 + self.unevenness * ripple / self.waves.len().max(1) as f64;
        square <= radius * radius
    }
}

impl Wave {
    fn at(&self, ball: [f64; 3]) -> f64 {
        let [x, y, z] = self.direction;
        wave(x * ball[0] + y * ball[1] + z * ball[2] + self.phase)
    }
}

/// The rotation by twice the arc tangent of the vector's length about its direction.
///
/// Made of products and one quotient only, so that it is the same on every machine.
#[must_use]
pub fn rotation(axis_half_tangent: [f64; 3]) -> [[f64; 3]; 3] {
    let [b, c, d] = axis_half_tangent;
    let s = 2.0 / (1.0 + b * b + c * c + d * d);
    [
        [1.0 - s * (c * c + d * d), s * (b * c - d), s * (b * d + c)],
        [s * (b * c + d), 1.0 - s * (b * b + d * d), s * (c * d - b)],
        [s * (b * d - c), s * (c * d + b), 1.0 - s * (b * b + c * c)],
    ]
}

#[cfg(test)]
mod tests {
    use super::{Solid, Tissue, rotation};

    #[test]
    fn a_turned_ellipsoid_reaches_where_it_should() {
        let tissue = Tissue { intensity: 0.0, label: 1 };
        // A quarter turn about z: x becomes y.
        let solid = Solid::turned(tissue, [0.0; 3], [10.0, 2.0, 3.0], rotation([0.0, 0.0, 1.0]));
        assert!(solid.contains([0.0, 9.9, 0.0]) && !solid.contains([9.9, 0.0, 0.0]));
        assert!(solid.touches([-1.0, 9.0, 0.0], [1.0, 12.0, 1.0]));
        assert!(!solid.touches([3.0, 9.0, 0.0], [4.0, 12.0, 1.0]));
    }

    #[test]
    fn a_cylinder_has_no_end() {
        let tissue = Tissue { intensity: 0.0, label: 1 };
        let solid = Solid::ellipsoid(tissue, [5.0, 0.0, 0.0], [3.0, 3.0, f64::INFINITY]);
        assert!(solid.contains([7.0, 0.0, 1e6]) && !solid.contains([9.0, 0.0, 1e6]));
        assert!(solid.touches([4.0, -1.0, 900.0], [6.0, 1.0, 901.0]));
    }
}
