//! Follows an outline into the neighbouring slices: a hidden Markov chain over its scale, its
//! shift and whether the object still goes on, observed through the image, smoothed both ways.
//!
//! The chain expects the sections of a ball and lets the image overrule it; this is what ends a
//! propagation where the object ends.

use crate::{
    evidence::SliceEvidence,
    settings::TrackSettings,
    shape::{Placement, Shape},
};

const N_SCALES: usize = 13;
const N_SHIFTS: usize = 7;
const SCALE_RATIO: f64 = 0.885;
/// Scale and both shifts; the state after the last of them is the end.
const N_PLACED: usize = N_SCALES * N_SHIFTS * N_SHIFTS;
const END: usize = N_PLACED;
/// Following stops where the object has ended with this probability.
const SURELY_ENDED: f64 = 0.995;
/// States less likely than this before looking are not looked at.
const NEGLIGIBLE: f64 = 1e-7;

/// The slices beyond a key slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// How many there are.
    pub(crate) n_slices: usize,
    /// Distance from each to the next.
    pub(crate) step_mm: f64,
    /// Whether the object is known to be absent on the slice after the last.
    pub(crate) ends: bool,
}

/// Follows `shape` along `way`; `evidence` is asked for its slices in order. Returns placements
/// up to where the object has surely ended.
pub(crate) fn follow(
    shape: &Shape,
    way: Way,
    settings: &TrackSettings,
    mut evidence: impl FnMut(usize) -> SliceEvidence,
) -> Vec<Placement> {
    let chain = Chain::new(shape, way.step_mm, settings);
    let mut belief = chain.start();
    let mut visited: Vec<Visit> = Vec::new();
    for slice in 0..way.n_slices {
        let transition = chain.transition(slice);
        let expected = chain.predict(&belief, &transition);
        let likelihood = chain.likelihood(&evidence(slice), &expected);
        belief = expected.iter().zip(&likelihood).map(|(a, b)| a * b).collect();
        normalise(&mut belief);
        let ended = belief[END] > SURELY_ENDED;
        visited.push(Visit { transition, likelihood, belief: belief.clone() });
        if ended {
            break;
        }
    }
    let mut later = vec![1.0; N_PLACED + 1];
    if way.ends && visited.len() == way.n_slices {
        let mut absent = vec![0.0; N_PLACED + 1];
        absent[END] = 1.0;
        later = chain.recall(&absent, &chain.transition(way.n_slices));
        normalise(&mut later);
    }
    let mut placements: Vec<Placement> = visited
        .iter()
        .rev()
        .map(|visit| {
            let placement = chain.summary(&visit.belief, &later);
            let seen: Vec<f64> = later.iter().zip(&visit.likelihood).map(|(a, b)| a * b).collect();
            later = chain.recall(&seen, &visit.transition);
            normalise(&mut later);
            placement
        })
        .collect();
    placements.reverse();
    placements
}

/// One slice of the chain.
struct Visit {
    transition: Transition,
    likelihood: Vec<f64>,
    belief: Vec<f64>,
}

/// How the state changes to the next slice.
struct Transition {
    /// From scale to scale, rows sum to 1.
    scale: [[f64; N_SCALES]; N_SCALES],
    /// Probability to end, by scale.
    end: [f64; N_SCALES],
}

struct Chain<'a> {
    shape: &'a Shape,
    settings: &'a TrackSettings,
    scales: [f64; N_SCALES],
    /// Tried shifts in voxels along x and y.
    shifts: [[f64; N_SHIFTS]; 2],
    /// From shift to shift, rows sum to 1.
    shift: [[f64; N_SHIFTS]; N_SHIFTS],
    /// Distance of the slices in radii.
    step: f64,
}

fn state(scale: usize, x: usize, y: usize) -> usize {
    scale + N_SCALES * (x + N_SHIFTS * y)
}

/// Every placed state: index, scale, shifts.
fn placed_states() -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..N_SHIFTS).flat_map(|y| {
        (0..N_SHIFTS).flat_map(move |x| (0..N_SCALES).map(move |a| (state(a, x, y), a, x, y)))
    })
}

impl<'a> Chain<'a> {
    fn new(shape: &'a Shape, step_mm: f64, settings: &'a TrackSettings) -> Self {
        let radius_mm = shape.radius_mm();
        let step = step_mm / radius_mm;
        let mut scales = [settings.largest; N_SCALES];
        for at in 1..N_SCALES {
            scales[at] = scales[at - 1] * SCALE_RATIO;
        }
        let shifts = [0, 1].map(|axis| {
            let unit = settings.shift_step * radius_mm / shape.signed.spacing_mm[axis];
            std::array::from_fn(|it| (it as f64 - (N_SHIFTS / 2) as f64) * unit)
        });
        let spread = settings.shift_spread * step.sqrt() / settings.shift_step;
        let shift = std::array::from_fn(|from| {
            normalised(std::array::from_fn(|to: usize| {
                let off = to.abs_diff(from) as f64 / spread;
                (-off * off / 2.0).exp()
            }))
        });
        Self { shape, settings, scales, shifts, shift, step }
    }

    /// The key slice itself: no shift, the scale nearest to 1.
    fn start(&self) -> Vec<f64> {
        let mut belief = vec![0.0; N_PLACED + 1];
        let (mut upper, mut lower) = (0, N_SCALES - 1);
        for at in 0..N_SCALES {
            if self.scales[at] >= 1.0 {
                upper = at;
            } else {
                lower = lower.min(at);
            }
        }
        let middle = N_SHIFTS / 2;
        let [a, b] = [upper, lower].map(|it| self.scales[it]);
        let part = if a > b { ((a - 1.0) / (a - b)).clamp(0.0, 1.0) } else { 0.0 };
        belief[state(upper, middle, middle)] += 1.0 - part;
        belief[state(lower, middle, middle)] += part;
        belief
    }

    /// The change from the slice before `slice`, which lies `slice` steps from the key slice.
    fn transition(&self, slice: usize) -> Transition {
        let from_key = slice as f64 * self.step;
        let shrinkage = (2.0 * from_key + self.step) * self.step / self.settings.cap.powi(2);
        let scale = std::array::from_fn(|from| {
            let from = self.scales[from];
            let expected = (from * from - shrinkage).max(0.0).sqrt().max(0.2 * from);
            let (ball, tube) = (self.scales_about(expected), self.scales_about(from));
            let share = self.settings.tube;
            std::array::from_fn(|to| (1.0 - share) * ball[to] + share * tube[to])
        });
        let end = self.scales.map(|from| {
            let left = (self.settings.cap * from).max(0.1);
            (self.settings.hazard * self.step * (0.3 + from_key) / left).min(0.9)
        });
        Transition { scale, end }
    }

    /// Probabilities of the next scale where one is expected.
    fn scales_about(&self, expected: f64) -> [f64; N_SCALES] {
        normalised(std::array::from_fn(|to: usize| {
            let off = (self.scales[to] / expected).ln();
            let share = if off > 0.0 { self.settings.growth } else { 1.0 };
            let off = off / (self.settings.scale_spread * share * self.step.sqrt());
            (-off * off / 2.0).exp()
        }))
    }

    fn predict(&self, belief: &[f64], transition: &Transition) -> Vec<f64> {
        let mut scaled = vec![0.0; N_PLACED + 1];
        scaled[END] = belief[END];
        for (at, from, x, y) in placed_states() {
            if belief[at] < 1e-12 {
                continue;
            }
            scaled[END] += belief[at] * transition.end[from];
            let goes_on = belief[at] * (1.0 - transition.end[from]);
            for to in 0..N_SCALES {
                scaled[state(to, x, y)] += goes_on * transition.scale[from][to];
            }
        }
        self.shifted(&scaled, |from, to| self.shift[from][to])
    }

    /// Sums over both shifts: `out[to] = Σ weight(from, to) · values[from]`.
    fn shifted(&self, values: &[f64], weight: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut along_x = vec![0.0; N_PLACED + 1];
        let mut out = vec![0.0; N_PLACED + 1];
        for (at, scale, from, y) in placed_states() {
            for to in 0..N_SHIFTS {
                along_x[state(scale, to, y)] += weight(from, to) * values[at];
            }
        }
        for (at, scale, x, from) in placed_states() {
            for to in 0..N_SHIFTS {
                out[state(scale, x, to)] += weight(from, to) * along_x[at];
            }
        }
        out[END] = values[END];
        out
    }

    /// What the slices seen later say about the state before a transition.
    fn recall(&self, seen: &[f64], transition: &Transition) -> Vec<f64> {
        let shifted = self.shifted(seen, |to, from| self.shift[from][to]);
        let mut earlier = vec![0.0; N_PLACED + 1];
        earlier[END] = seen[END];
        for (at, from, x, y) in placed_states() {
            let goes_on: f64 =
                (0..N_SCALES).map(|to| transition.scale[from][to] * shifted[state(to, x, y)]).sum();
            earlier[at] = transition.end[from] * seen[END] + (1.0 - transition.end[from]) * goes_on;
        }
        earlier
    }

    /// Likelihood of the slice under each state, up to a common factor.
    fn likelihood(&self, evidence: &SliceEvidence, expected: &[f64]) -> Vec<f64> {
        let mut scores = vec![f64::NEG_INFINITY; N_PLACED + 1];
        scores[END] = 0.0;
        for (at, scale, x, y) in placed_states() {
            if expected[at] > NEGLIGIBLE {
                let shift = [self.shifts[0][x], self.shifts[1][y]];
                scores[at] = self.score(evidence, self.scales[scale], shift);
            }
        }
        let best = scores.iter().copied().fold(0.0, f64::max);
        scores.iter().map(|it| (it - best).exp()).collect()
    }

    /// Evidence that the outline lies here over evidence that there is no object.
    fn score(&self, evidence: &SliceEvidence, scale: f64, shift: [f64; 2]) -> f64 {
        let centre = [0, 1].map(|axis| self.shape.centroid[axis] + shift[axis]);
        let (mut edge, mut n, mut region) = (0.0, 0.0, 0.0);
        for (crack, sampled) in self.shape.cracks() {
            let [x, y] = [0, 1].map(|axis| centre[axis] + scale * crack.offset[axis]);
            // The sum over the inside as an integral along the outline, from either axis.
            let passed =
                if crack.axis == 0 { evidence.left_of(x, y) } else { evidence.above(x, y) };
            region += crack.sense * passed;
            if sampled {
                edge += evidence.edge([x, y], crack.normal);
                n += 1.0;
            }
        }
        let mean_ratio = scale * region / 2.0 / self.shape.area;
        let support = scale * edge / f64::max(n, 1.0);
        self.settings.edge_weight * support + self.settings.region_weight * mean_ratio
            - self.settings.bias * scale * scale
    }

    /// Mean and spread of the state, given the slices before and after.
    fn summary(&self, belief: &[f64], later: &[f64]) -> Placement {
        let mut total = 0.0;
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        for (at, scale, x, y) in placed_states() {
            let weight = belief[at] * later[at];
            total += weight;
            let values = [self.scales[scale], self.shifts[0][x], self.shifts[1][y]];
            for (axis, value) in values.into_iter().enumerate() {
                first[axis] += weight * value;
                second[axis] += weight * value * value;
            }
        }
        let ended = belief[END] * later[END];
        if total <= 0.0 {
            return Placement { scale: 1.0, shift: [0.0; 2], alive: 0.0, spread: 0.0 };
        }
        let mean = first.map(|it| it / total);
        let variance: [f64; 3] =
            std::array::from_fn(|it| (second[it] / total - mean[it] * mean[it]).max(0.0));
        let radius = (self.shape.area / std::f64::consts::PI).sqrt();
        let spread = variance[0] * radius * radius + f64::midpoint(variance[1], variance[2]);
        Placement {
            scale: mean[0],
            shift: [mean[1], mean[2]],
            alive: total / (total + ended),
            spread: spread.sqrt(),
        }
    }
}

fn normalised<const N: usize>(weights: [f64; N]) -> [f64; N] {
    let sum = weights.iter().sum::<f64>().max(1e-300);
    weights.map(|it| it / sum)
}

fn normalise(values: &mut [f64]) {
    let sum = values.iter().sum::<f64>();
    if sum > 0.0 {
        for it in values {
            *it /= sum;
        }
    }
}
