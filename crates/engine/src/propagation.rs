//! One object through the volume, from its prompted slices.

use std::ops::RangeInclusive;

use protocol::{
    prompt::{Combine, Direction, SlicePrompt},
    task::{self, EngineIdentity, MaskExtent, SliceConfidence},
};
use volume::{Labelmap, Slice, Volume};

use crate::{
    Control, Engine, EngineError,
    check::{CheckedSlice, check_grid, check_prompt, in_bounds},
    graphcut_engine, largest, medsam2,
};

/// Carry one object from its prompted slices through the volume.
#[derive(Debug, Clone, PartialEq)]
pub struct PropagationRequest {
    /// The object's label.
    pub label: u8,
    /// Stored axis along which direction and range count.
    pub axis: u8,
    /// Every prompted slice of the object, in any plane. A slice whose prompt says `mask` is known
    /// as it is in the base mask; any other box is solved first; other points and strokes hold as
    /// single voxels.
    pub prompts: Vec<SlicePrompt>,
    /// Which way to go.
    pub direction: Direction,
    /// First and last slice that may hold the object, inclusive.
    pub range: Option<[u32; 2]>,
    /// How passes in two directions are combined between two prompted slices. The default solves
    /// once for both; the intersection solves upwards from the lower and downwards from the upper
    /// slice and keeps what both found.
    pub combine: Combine,
    /// Whether only the largest face-connected part of the object stays; slices whose prompt says
    /// `mask` stay as they are. Voxels that only one of two passes found connect, too.
    pub largest_component: bool,
    /// Whether the graph cut shall take less memory, because it ran out before: it solves on a
    /// coarser grid and measures doubt fewer solutions at a time. For the network see
    /// [`crate::Medsam2::frugal`].
    pub frugal: bool,
}

impl From<&task::Propagate> for PropagationRequest {
    fn from(task: &task::Propagate) -> Self {
        Self {
            label: task.label,
            axis: task.axis,
            prompts: task.prompts.clone(),
            direction: task.direction,
            range: task.range,
            combine: task.combine,
            largest_component: task.largest_component,
            frugal: false,
        }
    }
}

/// Whether to find out how sure the mask is; it takes several times as long as the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncertainty {
    /// Only the mask.
    Skip,
    /// The mask, then how sure each slice is.
    Measure,
}

/// An object's mask in the volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Propagation {
    /// Values 0 and 1 on the volume's grid. Prompted slices are exactly as they were given.
    pub mask: Labelmap,
    /// Which slices it speaks for.
    pub extent: MaskExtent,
    /// Slices of the extent, ascending; empty where uncertainty was skipped.
    pub slices: Vec<SliceConfidence>,
    /// Doubt about the whole object, 0 (sure) to 1.
    pub doubt: Option<f32>,
    /// Which code made it.
    pub engine: EngineIdentity,
    /// Milliseconds for the mask.
    pub solve_ms: f64,
    /// Milliseconds for the uncertainty.
    pub uncertainty_ms: f64,
    /// Logits of the slices that were visited, ascending; only of engines that have them, where they
    /// were asked for.
    pub logits: Vec<SliceLogits>,
}

/// What an engine says of every voxel of a slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceLogits {
    /// Index along the propagation's axis.
    pub slice_index: u32,
    /// Above 0 in the object.
    pub logits: Slice<f32>,
}

/// Carries an object through the volume. `base` is the image's labelmap, with the object's mask on
/// its prompted slices; voxels of other labels belong to other objects and stay theirs.
///
/// # Errors
/// If a field of the request lies outside the image, no prompted slice shows the object, or
/// `control` asks to stop.
pub fn propagate(
    engine: &Engine,
    volume: &Volume,
    request: &PropagationRequest,
    base: &Labelmap,
    uncertainty: Uncertainty,
    control: &dyn Control,
) -> Result<Propagation, EngineError> {
    let shape = volume.shape();
    check_grid(base, shape)?;
    in_bounds("axis".to_owned(), f64::from(request.axis), 0.0, 2.0)?;
    in_bounds("label".to_owned(), f64::from(request.label), 1.0, 255.0)?;
    let prompts: Vec<(&SlicePrompt, CheckedSlice)> = request
        .prompts
        .iter()
        .enumerate()
        .map(|(n, prompt)| {
            let slice = check_prompt(prompt, shape, &format!("prompts[{n}]."))?;
            let label = f64::from(request.label);
            in_bounds(format!("prompts[{n}].label"), prompt.label.into(), label, label)?;
            Ok((prompt, slice))
        })
        .collect::<Result<_, EngineError>>()?;
    let (mut found, reached) = match engine {
        Engine::Graphcut => {
            let slices = allowed_slices(request, &prompts, shape[usize::from(request.axis)])?;
            let prompts = prompts.clone();
            let job = graphcut_engine::Job { volume, request, prompts, slices, base };
            job.propagate(uncertainty, control)?
        }
        Engine::Medsam2(network) => {
            let slices = ranged_slices(request, shape[usize::from(request.axis)])?;
            let index = |it: &u32| usize::try_from(*it).unwrap_or(usize::MAX);
            let range = index(slices.start())..=index(slices.end());
            let prompts = prompts.clone();
            let job = medsam2::Job { volume, request, prompts, range, base };
            network.with_fallback(|it| job.propagate(it, control))?
        }
    };
    if request.largest_component {
        largest::keep(&mut found, reached, &prompts, base);
    }
    Ok(found)
}

/// The slices that the range and the direction leave. Forward starts at the first slice that is
/// known along the axis, backward at the last.
fn allowed_slices(
    request: &PropagationRequest,
    prompts: &[(&SlicePrompt, CheckedSlice)],
    n_slices: usize,
) -> Result<RangeInclusive<u32>, EngineError> {
    let mut slices = ranged_slices(request, n_slices)?;
    let along: Vec<u32> = prompts
        .iter()
        .filter(|(prompt, _)| prompt.slice.axis == request.axis && !prompt.absent)
        .map(|(prompt, _)| prompt.slice.slice_index)
        .collect();
    let (low, high) = (along.iter().min(), along.iter().max());
    if let (Some(&low), Some(&high)) = (low, high) {
        slices = match request.direction {
            Direction::Both => slices,
            Direction::Forward => low.max(*slices.start())..=*slices.end(),
            Direction::Backward => *slices.start()..=high.min(*slices.end()),
        };
    }
    if slices.is_empty() {
        let (first, last) = (f64::from(*slices.start()), f64::from(*slices.end()));
        return Err(EngineError::Reversed { field: "range".to_owned(), first, last });
    }
    Ok(slices)
}

/// The slices that the range leaves.
fn ranged_slices(
    request: &PropagationRequest,
    n_slices: usize,
) -> Result<RangeInclusive<u32>, EngineError> {
    let last = u32::try_from(n_slices - 1).unwrap_or(u32::MAX);
    if let Some([first, end]) = request.range {
        for (n, value) in [first, end].into_iter().enumerate() {
            in_bounds(format!("range[{n}]"), f64::from(value), 0.0, f64::from(last))?;
        }
        if first > end {
            let (first, last) = (f64::from(first), f64::from(end));
            return Err(EngineError::Reversed { field: "range".to_owned(), first, last });
        }
        return Ok(first..=end);
    }
    Ok(0..=last)
}
