//! Where an object may lie in a box: a probability for every voxel, from thousands of ellipses in
//! and around the box, each weighed by how well the image supports its outline.
//!
//! A box is drawn carefully, or loosely all round: the prior over its sides' offsets is a mixture
//! of both, so that evidence for one side's slack makes slack elsewhere more likely.

use crate::{ellipse::Ellipse, evidence::SliceEvidence, number::narrow, settings::BoxSettings};

const N_TURNS: u32 = 48;
const TILTS: [f64; 5] = [-0.5, -0.25, 0.0, 0.25, 0.5];

/// What is believed of the outline after looking at the image.
pub(crate) struct Posterior {
    /// Probability that a voxel lies inside.
    pub(crate) inside: Vec<f32>,
    /// The mean ellipse.
    pub(crate) mean: Ellipse,
}

/// Weighs the ellipses in and around a box. `objection` lowers an ellipse's score, for points
/// that it contradicts.
pub(crate) fn posterior(
    evidence: &SliceEvidence,
    spacing_mm: [f64; 2],
    bounds: [f64; 4],
    objection: impl Fn(&Ellipse) -> f64,
    settings: &BoxSettings,
) -> Posterior {
    let turns: Vec<(f64, f64)> = (0..N_TURNS)
        .map(|it| (f64::from(it) / f64::from(N_TURNS) * std::f64::consts::TAU).sin_cos())
        .collect();
    let area = (bounds[2] - bounds[0] + 1.0) * (bounds[3] - bounds[1] + 1.0);
    let mut scored = Vec::new();
    for (ellipse, log_prior) in candidates(bounds, settings) {
        let edge: f64 = turns
            .iter()
            .map(|&turn| {
                let (point, normal) = ellipse.outline(turn, spacing_mm);
                evidence.edge(point, normal)
            })
            .sum();
        let mut region = 0.0;
        ellipse.for_rows(evidence.shape, |y, from, to| {
            region += evidence.row(y, from, to);
        });
        let score = settings.edge_weight * edge / f64::from(N_TURNS)
            + settings.region_weight * region / area
            + log_prior
            - objection(&ellipse);
        scored.push((score / settings.temperature, ellipse));
    }
    average(&scored, evidence.shape)
}

/// Ellipses with the logarithm of their prior.
fn candidates(bounds: [f64; 4], settings: &BoxSettings) -> Vec<(Ellipse, f64)> {
    let unit = [0, 1].map(|axis| {
        let size = bounds[axis + 2] - bounds[axis] + 1.0;
        (settings.spread * size).hypot(settings.spread_voxels.min(size / 8.0))
    });
    let offsets: Vec<f64> =
        (-settings.tried[0]..=settings.tried[1]).map(|it| f64::from(it) * settings.step).collect();
    let mut all = Vec::new();
    for &left in &offsets {
        for &top in &offsets {
            for &right in &offsets {
                for &bottom in &offsets {
                    let log_prior = log_prior([left, top, right, bottom], settings);
                    let moved = [
                        bounds[0] + left * unit[0],
                        bounds[1] + top * unit[1],
                        bounds[2] - right * unit[0],
                        bounds[3] - bottom * unit[1],
                    ];
                    all.extend(TILTS.map(|tilt| {
                        (Ellipse::in_box(moved, tilt), log_prior - settings.tilt * tilt * tilt)
                    }));
                }
            }
        }
    }
    all
}

/// A mixture: each side off by itself, or all sides drawn loosely together.
fn log_prior(offsets: [f64; 4], settings: &BoxSettings) -> f64 {
    let careful = density(offsets, 0.0, 1.0, 0.0);
    let loose = density(offsets, settings.loose_mean, settings.loose_own, settings.loose_common);
    ((1.0 - settings.loose_share) * careful + settings.loose_share * loose).max(1e-12).ln()
}

/// Normal density of four offsets that share a common part, up to a constant.
fn density(offsets: [f64; 4], mean: f64, own: f64, common: f64) -> f64 {
    let ratio = (common / own).powi(2);
    let off = offsets.map(|it| (it - mean) / own);
    let squares: f64 = off.iter().map(|it| it * it).sum();
    let sum: f64 = off.iter().sum();
    let exponent = squares - ratio / (1.0 + 4.0 * ratio) * sum * sum;
    (-exponent / 2.0).exp() / (own.powi(4) * (1.0 + 4.0 * ratio).sqrt())
}

fn average(scored: &[(f64, Ellipse)], [width, height]: [usize; 2]) -> Posterior {
    let best = scored.iter().map(|it| it.0).fold(f64::NEG_INFINITY, f64::max);
    // Differences along rows; one entry more than voxels, for ellipses that end at the border.
    let mut steps = vec![0.0f64; (width + 1) * height];
    let mut total = 0.0;
    let mut mean = Ellipse { centre: [0.0; 2], half: [0.0; 2], tilt: 0.0 };
    for (score, ellipse) in scored {
        let weight = (score - best).exp();
        if weight < 1e-4 {
            continue;
        }
        total += weight;
        for axis in 0..2 {
            mean.centre[axis] += weight * ellipse.centre[axis];
            mean.half[axis] += weight * ellipse.half[axis];
        }
        mean.tilt += weight * ellipse.tilt;
        ellipse.for_rows([width, height], |y, from, to| {
            steps[y * (width + 1) + from] += weight;
            steps[y * (width + 1) + to] -= weight;
        });
    }
    mean.centre = mean.centre.map(|it| it / total);
    mean.half = mean.half.map(|it| it / total);
    mean.tilt /= total;
    let mut inside = Vec::with_capacity(width * height);
    for row in steps.chunks_exact(width + 1) {
        let mut sum = 0.0;
        inside.extend(row[..width].iter().map(|step| {
            sum += step;
            narrow((sum / total).clamp(0.0, 1.0))
        }));
    }
    Posterior { inside, mean }
}
