//! A first box where a person gave only points or strokes: the disc around the positive marks
//! that is most unlike the ring around it.

use crate::{
    field::Field,
    number::{count, quantile},
    prompt::Seed,
};

/// The box of the best disc around the positive marks; none without positive marks.
pub(crate) fn bounds_of_points(slice: &Field, seeds: &[Seed]) -> Option<[f64; 4]> {
    let [width, height, _] = slice.shape;
    let positive: Vec<[f64; 2]> =
        seeds.iter().filter(|it| it.positive).map(|it| it.at.map(|n| n as f64)).collect();
    let negative: Vec<[f64; 2]> =
        seeds.iter().filter(|it| !it.positive).map(|it| it.at.map(|n| n as f64)).collect();
    if positive.is_empty() {
        return None;
    }
    let smooth = slice.smoothed(1.0);
    let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for [x, y] in &positive {
        bounds = [bounds[0].min(*x), bounds[1].min(*y), bounds[2].max(*x), bounds[3].max(*y)];
    }
    let (likely, spread) = core_intensity(&smooth, &positive);
    let alike = |x: usize, y: usize| {
        let value = smooth.values[x + y * width];
        (value - likely).abs() <= 2.5 * spread
    };
    let largest = 0.25 * width.min(height) as f64;
    let mut best = (f64::NEG_INFINITY, 3.0);
    let mut radius = 2.0;
    while radius <= largest.max(3.0) {
        let disc = Stadium { bounds, radius };
        if negative.iter().any(|at| disc.distance(*at) < 0.9) {
            break;
        }
        let [inside, ring] = disc.shares([width, height], &alike);
        let score = inside - ring + 0.02 * radius.ln();
        if score > best.0 {
            best = (score, radius);
        }
        radius *= 1.15;
    }
    let radius = best.1;
    Some([
        (bounds[0] - radius).max(0.0),
        (bounds[1] - radius).max(0.0),
        (bounds[2] + radius).min(width as f64 - 1.0),
        (bounds[3] + radius).min(height as f64 - 1.0),
    ])
}

/// Median and spread of the intensities within three voxels of the marks.
fn core_intensity(smooth: &Field, positive: &[[f64; 2]]) -> (f32, f32) {
    let [width, height, _] = smooth.shape;
    let mut values = Vec::new();
    for [x, y] in positive {
        for row in count(y - 3.0)..count(y + 4.0).min(height) {
            for column in count(x - 3.0)..count(x + 4.0).min(width) {
                values.push(smooth.values[column + row * width]);
            }
        }
    }
    let median = quantile(&mut values, 0.5).unwrap_or(0.0);
    for it in &mut values {
        *it = (*it - median).abs();
    }
    let spread = quantile(&mut values, 0.7).unwrap_or(0.0);
    let mut all: Vec<f32> = smooth.values.iter().map(|it| (it - median).abs()).collect();
    let typical = quantile(&mut all, 0.5).unwrap_or(0.0);
    (median, spread.max(0.02 * typical).max(1e-9))
}

/// A box grown by a radius, with round corners.
struct Stadium {
    bounds: [f64; 4],
    radius: f64,
}

impl Stadium {
    /// Distance from the box, in radii.
    fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        let [x1, y1, x2, y2] = self.bounds;
        (x - x.clamp(x1, x2)).hypot(y - y.clamp(y1, y2)) / self.radius
    }

    /// Shares of voxels that are alike, inside and in the ring up to 1.4 radii.
    fn shares(
        &self,
        [width, height]: [usize; 2],
        alike: &impl Fn(usize, usize) -> bool,
    ) -> [f64; 2] {
        let [x1, y1, x2, y2] = self.bounds;
        let reach = 1.4 * self.radius;
        let (mut like, mut all) = ([0.0; 2], [0.0; 2]);
        for y in count((y1 - reach).ceil())..count(y2 + reach + 1.0).min(height) {
            for x in count((x1 - reach).ceil())..count(x2 + reach + 1.0).min(width) {
                let distance = self.distance([x as f64, y as f64]);
                if distance <= 1.4 {
                    let part = usize::from(distance > 1.0);
                    all[part] += 1.0;
                    like[part] += f64::from(u8::from(alike(x, y)));
                }
            }
        }
        [0, 1].map(|part| like[part] / f64::max(all[part], 1.0))
    }
}
