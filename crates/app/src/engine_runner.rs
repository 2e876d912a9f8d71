//! Runs an agent's tasks with the engines of this build.

use std::{fs, sync::Arc};

use agent::runner::{Assignment, Control, RunError, RunOutput, RunSoFar, Runner};
use engine::{Engine, EngineError, Propagation, PropagationRequest, SoFar, Stage, Uncertainty};
use protocol::{
    sentence,
    task::{
        EngineName, FailureClass, ImageRef, MaskSoFar, Progress, Propagate, SegmentSlice,
        TaskFailure, TaskKind, TaskSpec,
    },
};
use server::images::ImageCache;
use volume::{Labelmap, ReadError, Volume, rle};

use crate::models::Models;

/// Steps of a propagation as people see them: the graph cut's mask itself is the shorter part.
const TOTAL_STEPS: u32 = 100;
const SOLVING_STEPS: u32 = 30;

/// Runs tasks with the engines of this build. Volumes in use are kept in memory, so that the next
/// prompt on the same image need not read it again.
pub(crate) struct EngineRunner {
    images: Arc<ImageCache>,
    models: Arc<Models>,
    max_image_bytes: u64,
}

impl EngineRunner {
    /// A runner that keeps volumes in `images` and has its engines from `models`.
    pub(crate) fn new(images: Arc<ImageCache>, models: Arc<Models>, max_image_bytes: u64) -> Self {
        Self { images, models, max_image_bytes }
    }

    fn volume(&self, assignment: &Assignment, image: &ImageRef) -> Result<Arc<Volume>, RunError> {
        self.images
            .get_or_read(image, &assignment.image, self.max_image_bytes)
            .map_err(|error| RunError::Failed(unreadable(&error)))
    }
}

impl Runner for EngineRunner {
    fn kinds(&self) -> Vec<TaskKind> {
        vec![TaskKind::SegmentSlice, TaskKind::Propagate]
    }

    fn engines(&self) -> Vec<EngineName> {
        self.models.ready()
    }

    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        let stage = "loading".to_owned();
        control.progress(Progress { done: 0, total: TOTAL_STEPS, stage });
        let volume = self.volume(assignment, assignment.lease.spec.image())?;
        let base = base_mask(assignment, &volume)?;
        let spec = &assignment.lease.spec;
        let (name, image) = (spec.engine(), spec.image());
        let engine = self.models.for_image(name, image, &volume, spec.window());
        let engine = engine.map_err(|it| RunError::Failed(not_ready(it)))?;
        match spec {
            TaskSpec::SegmentSlice(spec) => segment(&engine, &volume, spec, base.as_ref()),
            TaskSpec::Propagate(spec) => propagate(&engine, &volume, spec, base, control),
        }
    }
}

/// The mask the task starts from.
fn base_mask(assignment: &Assignment, volume: &Volume) -> Result<Option<Labelmap>, RunError> {
    let Some(path) = &assignment.base else {
        return Ok(None);
    };
    let n_voxels = volume.grid.n_voxels();
    let read = fs::read(path)
        .map_err(|it| it.to_string())
        .and_then(|bytes| rle::decode(&bytes, n_voxels).map_err(|it| it.to_string()));
    match read {
        Ok(mask) => Ok(Some(mask)),
        Err(reason) => Err(RunError::Failed(TaskFailure::new(
            FailureClass::Retryable,
            "unreadable_mask",
            sentence::mask_unreadable(reason),
        ))),
    }
}

fn segment(
    engine: &Engine,
    volume: &Volume,
    spec: &SegmentSlice,
    base: Option<&Labelmap>,
) -> Result<RunOutput, RunError> {
    let found =
        engine::segment_slice(engine, volume, &spec.prompt, base).map_err(|it| failed(&it))?;
    Ok(RunOutput {
        mask: rle::encode(&found.on_grid(volume.grid.shape)),
        extent: found.extent,
        slices: Vec::new(),
        doubt: None,
        engine: found.engine,
        engine_ms: found.engine_ms,
    })
}

fn propagate(
    engine: &Engine,
    volume: &Volume,
    spec: &Propagate,
    base: Option<Labelmap>,
    control: &dyn Control,
) -> Result<RunOutput, RunError> {
    let base = base.unwrap_or_else(|| Labelmap::new(volume.grid.shape));
    let request = PropagationRequest::from(spec);
    let solving_steps = match engine {
        Engine::Graphcut => SOLVING_STEPS,
        Engine::Medsam2(_) => TOTAL_STEPS,
    };
    let watch = Watch { control, solving_steps };
    let Propagation { mask, extent, slices, doubt, engine, solve_ms, uncertainty_ms, .. } =
        engine::propagate(engine, volume, &request, &base, Uncertainty::Measure, &watch)
            .map_err(|it| failed(&it))?;
    let engine_ms = solve_ms + uncertainty_ms;
    Ok(RunOutput { mask: rle::encode(&mask), extent, slices, doubt, engine, engine_ms })
}

/// Lends the agent's control to an engine.
struct Watch<'a> {
    control: &'a dyn Control,
    /// Steps until the mask is there; what is left measures how sure it is.
    solving_steps: u32,
}

impl engine::Control for Watch<'_> {
    fn progress(&self, stage: Stage, done: u32, total: u32) {
        let part = |steps: u32| (steps * done.min(total)).checked_div(total).unwrap_or(0);
        let (stage, done) = match stage {
            Stage::Solving => ("solving", part(self.solving_steps)),
            Stage::Uncertainty => {
                ("uncertainty", self.solving_steps + part(TOTAL_STEPS - self.solving_steps))
            }
        };
        self.control.progress(Progress { done, total: TOTAL_STEPS, stage: stage.to_owned() });
    }

    fn partial(&self, so_far: SoFar<'_>) {
        let SoFar { mask, slices, doubt, engine } = so_far;
        let known = MaskSoFar { engine: engine.clone(), slices: slices.to_vec(), doubt };
        self.control.partial(RunSoFar { mask: rle::encode(mask), known });
    }

    fn is_cancelled(&self) -> bool {
        self.control.is_cancelled()
    }
}

fn unreadable(error: &ReadError) -> TaskFailure {
    let because = |class, code| TaskFailure::new(class, code, error.to_string());
    match error {
        ReadError::Memory { .. } => {
            because(FailureClass::OutOfMemory, "out_of_memory").remedy(sentence::end_others())
        }
        ReadError::Io(_) => because(FailureClass::Retryable, "unreadable_image"),
        ReadError::Format { .. }
        | ReadError::Field { .. }
        | ReadError::TooLarge { .. }
        | ReadError::Truncated { .. }
        | ReadError::Trailing { .. }
        | ReadError::Damaged(_) => because(FailureClass::Permanent, "unreadable_image"),
    }
}

/// Weights that went, or that cannot be used.
fn not_ready(message: String) -> TaskFailure {
    TaskFailure::new(FailureClass::Permanent, "weights_missing", message)
        .remedy(sentence::put_weights())
}

fn failed(error: &EngineError) -> RunError {
    if *error == EngineError::Cancelled {
        return RunError::Stopped;
    }
    if let EngineError::OutOfMemory(cause) = error {
        let message = sentence::device_full(cause.as_str());
        return RunError::Failed(
            TaskFailure::new(FailureClass::OutOfMemory, "out_of_memory", message)
                .remedy(sentence::end_others_on_gpu()),
        );
    }
    if let EngineError::Network(cause) = error {
        let message = sentence::network_failed(cause.as_str());
        return RunError::Failed(
            TaskFailure::new(FailureClass::Retryable, "network_failed", message)
                .remedy(sentence::end_others()),
        );
    }
    RunError::Failed(
        TaskFailure::new(FailureClass::Permanent, "unusable_prompt", error.to_string())
            .remedy(sentence::change_prompt()),
    )
}
