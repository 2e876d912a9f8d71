//! How sure a solution is: it is solved again under changed assumptions, and what changes with
//! them is uncertain.

use rayon::prelude::*;

use crate::{
    control::{Control, Stage, Unwatched},
    field::{Field, other_axes},
    number::narrow,
    propagate::{Solution, SolveError, Solver},
    settings::VolumeSettings,
};

/// Width, in radii of the object, over which slices share their doubt.
const BLUR_RADII: f64 = 0.25;

/// What is uncertain about a solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Confidence {
    /// One entry for each slice of the request's range, ascending.
    pub slices: Vec<SliceDoubt>,
    /// Doubt about the whole object: 0 where every member of the ensemble agrees, towards 1.
    pub doubt: f32,
}

/// What is uncertain about a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceDoubt {
    /// Index along the request's axis.
    pub index: usize,
    /// Voxels of the solution on the slice.
    pub area: usize,
    /// Area on which the ensemble disagrees, over the largest known area.
    pub uncertainty: f32,
}

/// Solves again under eight other sets of assumptions and compares with `solution`.
///
/// # Errors
/// If `control` asks to stop.
pub fn confidence(
    solver: &Solver<'_>,
    solution: &Solution,
    settings: &VolumeSettings,
    control: &dyn Control,
) -> Result<Confidence, SolveError> {
    let members = members(settings);
    let total = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let done = std::sync::atomic::AtomicU32::new(0);
    control.progress(Stage::Uncertainty, 0, total);
    // A member holds a flow network of the region: few at a time where the region is large.
    let at_once = (4 * settings.max_nodes / solution.mask.len().max(1)).clamp(1, members.len());
    let mut votes = vec![0u16; solution.mask.len()];
    let mut agreement = 0.0;
    for batch in members.chunks(at_once) {
        let masks: Vec<Solution> = batch
            .par_iter()
            .map(|member| {
                if control.is_cancelled() {
                    return Err(SolveError::Cancelled);
                }
                let mask = solver.solve(member, &Unwatched);
                let now = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                control.progress(Stage::Uncertainty, now, total);
                mask
            })
            .collect::<Result<_, _>>()?;
        for member in &masks {
            agreement += dice(&member.mask, &solution.mask);
            for (vote, inside) in votes.iter_mut().zip(&member.mask) {
                *vote += u16::from(*inside);
            }
        }
    }
    let n = members.len() as f64;
    let disagreement: Vec<f32> = votes
        .iter()
        .map(|&it| {
            let share = f64::from(it) / n;
            narrow(4.0 * share * (1.0 - share))
        })
        .collect();
    Ok(Confidence {
        slices: doubts(solution, &disagreement, solver),
        doubt: narrow((1.0 - agreement / n).clamp(0.0, 1.0)),
    })
}

/// Assumptions that could as well have been made.
fn members(settings: &VolumeSettings) -> Vec<VolumeSettings> {
    let with = |change: &dyn Fn(&mut VolumeSettings)| {
        let mut member = settings.clone();
        change(&mut member);
        member
    };
    vec![
        with(&|it| it.inflate = 0.08),
        with(&|it| it.inflate = -0.08),
        with(&|it| it.data *= 0.4),
        with(&|it| it.data *= 1.8),
        with(&|it| {
            it.edge.lambda *= 0.4;
            it.track.cap *= 1.4;
        }),
        with(&|it| {
            it.edge.lambda *= 1.8;
            it.track.cap *= 0.75;
        }),
        with(&|it| {
            it.track.edge_weight *= 0.3;
            it.track.region_weight *= 0.5;
            it.track.bias *= 0.8;
        }),
        with(&|it| {
            it.track.bias *= 1.5;
            it.inflate = -0.04;
        }),
    ]
}

fn doubts(solution: &Solution, disagreement: &[f32], solver: &Solver<'_>) -> Vec<SliceDoubt> {
    let (request, spacing_mm) = (solver.request(), solver.spacing_mm());
    let axis = request.axis;
    let range = solution.ranges[axis].clone();
    let [ni, nj, _] = [0, 1, 2].map(|it| solution.ranges[it].len());
    let mut areas = vec![0usize; range.len()];
    let mut doubted = vec![0.0f32; range.len()];
    for (at, inside) in solution.mask.iter().enumerate() {
        let slice = [at % ni, at / ni % nj, at / (ni * nj)][axis];
        areas[slice] += usize::from(*inside);
        doubted[slice] += disagreement[at];
    }
    let key_area = request
        .keys
        .iter()
        .filter(|it| it.axis == axis)
        .map(|it| it.mask.iter().filter(|inside| **inside).count())
        .max()
        .filter(|it| *it > 0)
        .or_else(|| areas.iter().copied().max())
        .unwrap_or(0)
        .max(1);
    let [a, b] = other_axes(axis);
    let radius_mm = (key_area as f64 * spacing_mm[a] * spacing_mm[b] / std::f64::consts::PI).sqrt();
    let blur_slices = BLUR_RADII * radius_mm / spacing_mm[axis];
    let blurred = blur(&doubted, blur_slices);
    request
        .slices
        .clone()
        .map(|index| {
            let at = range.contains(&index).then(|| index - range.start);
            let known = request.keys.iter().any(|it| it.axis == axis && it.index == index);
            SliceDoubt {
                index,
                area: at.map_or(0, |it| areas[it]),
                uncertainty: match at {
                    Some(it) if !known => blurred[it] / narrow(key_area as f64),
                    _ => 0.0,
                },
            }
        })
        .collect()
}

/// A correction helps neighbouring slices too, so their doubt counts.
fn blur(values: &[f32], sigma: f64) -> Vec<f32> {
    let field =
        Field { shape: [values.len(), 1, 1], spacing_mm: [1.0; 3], values: values.to_vec() };
    field.smoothed_by([sigma, 0.0, 0.0]).values
}

fn dice(a: &[bool], b: &[bool]) -> f64 {
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count();
    let all = a.iter().chain(b).filter(|it| **it).count();
    if all == 0 { 1.0 } else { 2.0 * both as f64 / all as f64 }
}
