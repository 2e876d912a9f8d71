//! What is believed of a slice before it is cut: from a box or from an earlier mask.

use crate::{
    appearance::Bins,
    distance,
    ellipse::Ellipse,
    energy::mask_weights,
    evidence::SliceEvidence,
    field::Field,
    number::{flag, narrow},
    outline::{Posterior, posterior},
    settings::SliceSettings,
};

/// A request in the voxels of a region.
pub(crate) struct Local {
    pub(crate) bounds: [f64; 4],
    pub(crate) seeds: Vec<(usize, bool)>,
    pub(crate) mask: Option<Vec<bool>>,
    pub(crate) forbidden: Option<Vec<bool>>,
}

/// What is believed before the cut.
pub(crate) struct Prior {
    pub(crate) unary: Vec<f32>,
    /// Voxels that belong to the object whatever the image says.
    pub(crate) core: Vec<bool>,
    /// Voxels too far away to belong to it.
    pub(crate) beyond: Vec<bool>,
    /// First weights of object and background in the histograms.
    pub(crate) weights: Vec<(f32, f32)>,
}

/// What the region looks like.
pub(crate) struct Seen<'a> {
    pub(crate) smooth: &'a Field,
    /// Median gradient inside the object.
    pub(crate) gradient: f32,
    pub(crate) bins: &'a Bins,
}

pub(crate) fn box_prior(
    seen: &Seen<'_>,
    local: &Local,
    radius: &[f32],
    settings: &SliceSettings,
) -> Prior {
    let [width, height, _] = seen.smooth.shape;
    let spacing = [seen.smooth.spacing_mm[0], seen.smooth.spacing_mm[1]];
    let place = |at: usize| ((at % width) as f64, (at / width) as f64);
    let [x1, y1, x2, y2] = local.bounds;
    let outside = |at: usize| {
        let (x, y) = place(at);
        x < x1 || x > x2 || y < y1 || y > y2
    };
    let first = seen.bins.learn(
        (0..radius.len()).map(|at| (at, flag(radius[at] <= 0.36), flag(outside(at)))),
        &settings.appearance,
    );
    let ratio = seen.bins.ratios(&first);
    let edge = narrow(settings.edge.outline_contrast) * seen.gradient;
    let evidence = SliceEvidence::new(&seen.smooth.values, &ratio, [width, height], spacing, edge);
    let objection = |ellipse: &Ellipse| {
        let contradicted = local
            .seeds
            .iter()
            .filter(|(at, positive)| {
                let (x, y) = place(*at);
                (ellipse.radius_squared(x, y) <= 1.0) != *positive
            })
            .count();
        8.0 * contradicted as f64 / local.seeds.len().max(1) as f64
    };
    let Posterior { inside, mean } =
        posterior(&evidence, spacing, local.bounds, objection, &settings.bounds);
    let [low, high] = settings.prior_limits;
    let mut prior = Prior {
        unary: Vec::with_capacity(inside.len()),
        core: Vec::with_capacity(inside.len()),
        beyond: inside.iter().map(|&it| it <= 0.002).collect(),
        weights: inside
            .iter()
            .map(|&it| (if it > 0.5 { it } else { 0.0 }, if it < 0.5 { 1.0 - it } else { 0.0 }))
            .collect(),
    };
    for (at, &probability) in inside.iter().enumerate() {
        let (x, y) = place(at);
        let radius = mean.radius_squared(x, y);
        let probability = f64::from(probability);
        let log_odds = ((probability + 0.01) / (1.01 - probability)).ln();
        let unary = settings.prior * log_odds + settings.falloff * (1.0 - radius);
        prior.unary.push(narrow(unary.clamp(low, high)));
        prior.core.push(radius <= settings.core * settings.core);
    }
    prior
}

/// The shape of an earlier mask, to be corrected near the marks only.
pub(crate) fn mask_prior(image: &Field, mask: &[bool]) -> Prior {
    let signed = distance::signed_mm(mask, image.shape, image.spacing_mm);
    let area =
        mask.iter().filter(|it| **it).count() as f64 * image.spacing_mm[0] * image.spacing_mm[1];
    let soft = narrow(0.1 * (area / std::f64::consts::PI).sqrt()).max(1e-6);
    Prior {
        unary: signed.iter().map(|it| (2.0 * it / soft).clamp(-6.0, 6.0)).collect(),
        core: vec![false; mask.len()],
        beyond: vec![false; mask.len()],
        weights: mask_weights(mask).map(|(_, inside, outside)| (inside, outside)).collect(),
    }
}
