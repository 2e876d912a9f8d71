//! The embedded engine: prompts to seeds and key slices, cuts to labelmaps.

use std::{ops::RangeInclusive, time::Instant};

use graphcut::{
    bridge::bridge,
    field::Field,
    prompt::{Seed, SliceRequest, disc, stroke},
    propagate::{Intensities, KeySlice, Pass, Solution, SolveError, Solver, VolumeRequest},
    settings::{SliceSettings, VolumeSettings},
    uncertainty::confidence,
};
use protocol::{
    prompt::{Combine, SlicePrompt},
    task::{MaskExtent, SliceConfidence},
};
use volume::{Labelmap, Volume, plane_axes};

use crate::{
    Control, Engine, EngineError, Propagation, PropagationRequest, SoFar, Uncertainty,
    check::CheckedSlice, watch::Lent,
};

/// Radius of the disc that a point fixes, in voxels.
const POINT_RADIUS: f64 = 1.0;

/// The mask of the marked object on its slice, `x` fastest.
pub(crate) fn segment_slice(
    volume: &Volume,
    prompt: &SlicePrompt,
    slice: &CheckedSlice,
    base: Option<&Labelmap>,
) -> Result<Vec<bool>, EngineError> {
    if prompt.absent {
        return Ok(vec![false; slice.shape[0] * slice.shape[1]]);
    }
    let labels = base.map(|it| it.slice(slice.axis, slice.index).pixels);
    let mask = match (prompt.mask, &labels) {
        (true, Some(labels)) => {
            Some(labels.iter().map(|&it| it == prompt.label).collect::<Vec<bool>>())
        }
        (true, None) => {
            return Err(EngineError::NoMask { field: "mask".to_owned() });
        }
        (false, _) => None,
    };
    let forbidden: Option<Vec<bool>> = labels
        .as_ref()
        .map(|labels| labels.iter().map(|&it| it != 0 && it != prompt.label).collect());
    let is_other =
        |at: [usize; 2]| forbidden.as_ref().is_some_and(|it| it[at[1] * slice.shape[0] + at[0]]);
    let seeds = seeds(prompt, slice.shape, is_other);
    let is_marked = prompt.bounds.is_some() || seeds.iter().any(|it| it.positive);
    if !is_marked && mask.as_ref().is_none_or(|it| !it.contains(&true)) {
        return Err(EngineError::NothingMarked { field: "box".to_owned() });
    }
    let [a, b] = plane_axes(slice.axis);
    let spacing = volume.grid.spacing_mm();
    let image = Field {
        shape: [slice.shape[0], slice.shape[1], 1],
        spacing_mm: usable_spacing([spacing[a], spacing[b], spacing[slice.axis]]),
        values: volume.slice(slice.axis, slice.index).pixels,
    };
    let request = SliceRequest {
        bounds: prompt.bounds,
        seeds: &seeds,
        mask: mask.as_deref(),
        forbidden: forbidden.as_deref(),
    };
    Ok(graphcut::slice::segment_slice(&image, &request, &SliceSettings::default()))
}

/// Frugal ones hold an eighth of the flow network, so that the ensemble solves few at a time, too.
fn volume_settings(is_frugal: bool) -> VolumeSettings {
    let settings = VolumeSettings::default();
    let max_nodes = if is_frugal { settings.max_nodes / 8 } else { settings.max_nodes };
    VolumeSettings { max_nodes, ..settings }
}

/// A header may hold spacings of zero or nonsense; shapes then count voxels.
pub(crate) fn usable_spacing(spacing_mm: [f64; 3]) -> [f64; 3] {
    spacing_mm.map(|it| if it.is_finite() && it > 1e-6 { it } else { 1.0 })
}

/// The pixels that points and strokes fix. What belongs to another object stays there, even where a
/// person marked it as this one.
pub(crate) fn seeds(
    prompt: &SlicePrompt,
    shape: [usize; 2],
    is_other: impl Fn([usize; 2]) -> bool,
) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for scribble in &prompt.scribbles {
        seeds.extend(stroke(shape, &scribble.path, scribble.radius, scribble.positive));
    }
    for point in &prompt.points {
        seeds.extend(disc(shape, [point.x, point.y], POINT_RADIUS, point.positive));
    }
    seeds.retain(|it| !(it.positive && is_other(it.at)));
    seeds
}

/// A volume as the engine reads it.
struct Source<'a>(&'a Volume);

impl Intensities for Source<'_> {
    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }

    fn spacing_mm(&self) -> [f64; 3] {
        usable_spacing(self.0.grid.spacing_mm())
    }

    fn crop(&self, ranges: [std::ops::Range<usize>; 3]) -> Vec<f32> {
        self.0.crop(ranges)
    }
}

/// What is known before a volume is solved.
#[derive(Default)]
struct Marks {
    keys: Vec<KeySlice>,
    seeds: Vec<([usize; 3], bool)>,
}

/// A propagation whose request is known to lie on the image.
pub(crate) struct Job<'a> {
    pub(crate) volume: &'a Volume,
    pub(crate) request: &'a PropagationRequest,
    pub(crate) prompts: Vec<(&'a SlicePrompt, CheckedSlice)>,
    pub(crate) slices: RangeInclusive<u32>,
    pub(crate) base: &'a Labelmap,
}

impl Job<'_> {
    /// The object, and the voxels that at least one of two passes found where only those that both
    /// found belong to it.
    pub(crate) fn propagate(
        &self,
        uncertainty: Uncertainty,
        control: &dyn Control,
    ) -> Result<(Propagation, Option<Labelmap>), EngineError> {
        let label = self.request.label;
        let is_other = |at: usize| {
            let it = self.base.voxels[at];
            it != 0 && it != label
        };
        let settings = volume_settings(self.request.frugal);
        let source = Source(self.volume);
        let started = Instant::now();
        let marks = self.marks()?;
        let request = self.volume_request(&marks, Pass::Joint, &is_other);
        let solver = Solver::new(&source, &request, &settings, &Lent(control)).map_err(refused)?;
        let mut solution = solver.solve(&settings, &Lent(control)).map_err(refused)?;
        let mut reached = None;
        if self.request.combine == Combine::Union {
            bridge(&mut solution, &request, self.volume.shape(), source.spacing_mm());
        }
        if self.request.combine == Combine::Intersection {
            for pass in [Pass::Rising, Pass::Falling] {
                let request = self.volume_request(&marks, pass, &is_other);
                let solver =
                    Solver::new(&source, &request, &settings, &Lent(control)).map_err(refused)?;
                let one_way = solver.solve(&settings, &Lent(control)).map_err(refused)?;
                if pass == Pass::Rising {
                    solution.mask = one_way.mask;
                } else {
                    let pairs = solution.mask.iter().zip(&one_way.mask);
                    let either = pairs.map(|(it, other)| *it || *other).collect();
                    reached = Some(self.on_grid(&Solution { mask: either, ..solution.clone() }));
                    for (it, other) in solution.mask.iter_mut().zip(&one_way.mask) {
                        *it &= other;
                    }
                }
            }
        }
        let solve_ms = started.elapsed().as_secs_f64() * 1e3;
        let mut propagation = Propagation {
            mask: self.on_grid(&solution),
            extent: MaskExtent {
                axis: self.request.axis,
                first: *self.slices.start(),
                last: *self.slices.end(),
            },
            slices: Vec::new(),
            doubt: None,
            engine: Engine::Graphcut.identity(),
            solve_ms,
            uncertainty_ms: 0.0,
            logits: Vec::new(),
        };
        if uncertainty == Uncertainty::Measure {
            control.partial(SoFar {
                mask: &propagation.mask,
                slices: &[],
                doubt: None,
                engine: &propagation.engine,
            });
            let started = Instant::now();
            let found =
                confidence(&solver, &solution, &settings, &Lent(control)).map_err(refused)?;
            let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
            propagation.slices = found
                .slices
                .iter()
                .map(|it| SliceConfidence {
                    slice_index: count(it.index),
                    area_voxels: count(it.area),
                    uncertainty: it.uncertainty,
                })
                .collect();
            propagation.doubt = Some(found.doubt);
            propagation.uncertainty_ms = started.elapsed().as_secs_f64() * 1e3;
        }
        Ok((propagation, reached))
    }

    /// What each pass over the volume starts from: confirmed and absent slices are known as they
    /// are, a box that was not solved yet is solved first, other marks are single voxels.
    fn marks(&self) -> Result<Marks, EngineError> {
        let mut marks = Marks::default();
        for (prompt, slice) in &self.prompts {
            let (axis, index) = (slice.axis, slice.index);
            let labels = self.base.slice(axis, index).pixels;
            let confirmed: Vec<bool> =
                labels.iter().map(|&it| it == self.request.label && !prompt.absent).collect();
            let is_key = prompt.absent || (prompt.mask && confirmed.contains(&true));
            if is_key {
                marks.keys.push(KeySlice { axis, index, mask: confirmed });
            } else if prompt.bounds.is_some() {
                let unsolved = SlicePrompt { mask: false, ..(*prompt).clone() };
                let mask = segment_slice(self.volume, &unsolved, slice, Some(self.base))?;
                marks.keys.push(KeySlice { axis, index, mask });
            } else {
                let [a, b] = plane_axes(axis);
                let is_other = |at: [usize; 2]| {
                    let it = labels[at[1] * slice.shape[0] + at[0]];
                    it != 0 && it != self.request.label
                };
                marks.seeds.extend(seeds(prompt, slice.shape, is_other).into_iter().map(|seed| {
                    let mut voxel = [index; 3];
                    (voxel[a], voxel[b]) = (seed.at[0], seed.at[1]);
                    (voxel, seed.positive)
                }));
            }
        }
        Ok(marks)
    }

    fn volume_request<'r>(
        &self,
        marks: &Marks,
        pass: Pass,
        is_other: &'r (dyn Fn(usize) -> bool + Sync),
    ) -> VolumeRequest<'r> {
        VolumeRequest {
            keys: marks.keys.clone(),
            seeds: marks.seeds.clone(),
            axis: usize::from(self.request.axis),
            slices: place(*self.slices.start())..=place(*self.slices.end()),
            whole_range: self.request.range.is_some(),
            forbidden: Some(is_other),
            pass,
        }
    }

    fn on_grid(&self, solution: &Solution) -> Labelmap {
        let mut labelmap = Labelmap::new(self.volume.shape());
        let [columns, rows, slices] = solution.ranges.clone();
        let mut inside = solution.mask.iter();
        for k in slices {
            for j in rows.clone() {
                let row = labelmap.index([columns.start, j, k]);
                for (it, inside) in
                    labelmap.voxels[row..].iter_mut().zip(inside.by_ref().take(columns.len()))
                {
                    *it = u8::from(*inside);
                }
            }
        }
        labelmap
    }
}

fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn refused(error: SolveError) -> EngineError {
    match error {
        SolveError::Cancelled => EngineError::Cancelled,
        SolveError::NoKeySlice => EngineError::NoMask { field: "prompts".to_owned() },
    }
}
