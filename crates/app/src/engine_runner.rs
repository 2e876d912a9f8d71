//! Runs an agent's tasks with the engines of this build.

use std::{fs, sync::Arc};

use agent::runner::{Assignment, Control, RunError, RunOutput, Runner};
use engine::{EngineError, Propagation, PropagationRequest, Stage, Uncertainty};
use protocol::{
    system::EngineStatus,
    task::{
        EngineName, FailureClass, ImageRef, Progress, Propagate, SegmentSlice, TaskFailure,
        TaskKind, TaskSpec,
    },
};
use server::images::ImageCache;
use volume::{Labelmap, ReadError, Volume, rle};

/// Steps of a propagation as people see them: the mask itself is the shorter part.
const TOTAL_STEPS: u32 = 100;
const SOLVING_STEPS: u32 = 30;

/// Runs tasks with the engines of this build. Volumes in use are kept in memory, so that the next
/// prompt on the same image need not read it again.
pub(crate) struct EngineRunner {
    images: Arc<ImageCache>,
    max_image_bytes: u64,
}

impl EngineRunner {
    /// A runner that keeps volumes in `images`.
    pub(crate) fn new(images: Arc<ImageCache>, max_image_bytes: u64) -> Self {
        Self { images, max_image_bytes }
    }

    /// The engines of this build and whether they can run.
    pub(crate) fn statuses() -> Vec<EngineStatus> {
        engine::engines()
            .into_iter()
            .map(|name| EngineStatus {
                name,
                version: engine::identity(name).version,
                ready: true,
                licence: env!("CARGO_PKG_LICENSE").to_owned(),
                missing: None,
            })
            .collect()
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
        engine::engines()
    }

    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        let stage = "loading".to_owned();
        control.progress(Progress { done: 0, total: TOTAL_STEPS, stage });
        let volume = self.volume(assignment, assignment.lease.spec.image())?;
        let base = base_mask(assignment, &volume)?;
        match &assignment.lease.spec {
            TaskSpec::SegmentSlice(spec) => segment(&volume, spec, base.as_ref()),
            TaskSpec::Propagate(spec) => propagate(&volume, spec, base, control),
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
        Err(reason) => Err(RunError::Failed(TaskFailure {
            class: FailureClass::Retryable,
            code: "unreadable_mask".to_owned(),
            message: format!("the mask to start from cannot be read: {reason}"),
            remedy: None,
        })),
    }
}

fn segment(
    volume: &Volume,
    spec: &SegmentSlice,
    base: Option<&Labelmap>,
) -> Result<RunOutput, RunError> {
    let found =
        engine::segment_slice(spec.engine, volume, &spec.prompt, base).map_err(|it| failed(&it))?;
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
    volume: &Volume,
    spec: &Propagate,
    base: Option<Labelmap>,
    control: &dyn Control,
) -> Result<RunOutput, RunError> {
    let base = base.unwrap_or_else(|| Labelmap::new(volume.grid.shape));
    let request = PropagationRequest::from(spec);
    let Propagation { mask, extent, slices, doubt, engine, solve_ms, uncertainty_ms } =
        engine::propagate(
            spec.engine,
            volume,
            &request,
            &base,
            Uncertainty::Measure,
            &Watch(control),
        )
        .map_err(|it| failed(&it))?;
    let engine_ms = solve_ms + uncertainty_ms;
    Ok(RunOutput { mask: rle::encode(&mask), extent, slices, doubt, engine, engine_ms })
}

/// Lends the agent's control to an engine.
struct Watch<'a>(&'a dyn Control);

impl engine::Control for Watch<'_> {
    fn progress(&self, stage: Stage, done: u32, total: u32) {
        let part = |steps: u32| (steps * done.min(total)).checked_div(total).unwrap_or(0);
        let (stage, done) = match stage {
            Stage::Solving => ("solving", part(SOLVING_STEPS)),
            Stage::Uncertainty => {
                ("uncertainty", SOLVING_STEPS + part(TOTAL_STEPS - SOLVING_STEPS))
            }
        };
        self.0.progress(Progress { done, total: TOTAL_STEPS, stage: stage.to_owned() });
    }

    fn partial(&self, mask: &Labelmap) {
        self.0.partial(rle::encode(mask));
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

fn unreadable(error: &ReadError) -> TaskFailure {
    let (class, code, remedy) = match error {
        ReadError::Memory { .. } => (
            FailureClass::OutOfMemory,
            "out_of_memory",
            Some("close other programs or lower MAX_CONCURRENT_JOBS".to_owned()),
        ),
        ReadError::Io(_) => (FailureClass::Retryable, "unreadable_image", None),
        ReadError::Format { .. }
        | ReadError::Field { .. }
        | ReadError::TooLarge { .. }
        | ReadError::Truncated { .. }
        | ReadError::Trailing { .. }
        | ReadError::Damaged(_) => (FailureClass::Permanent, "unreadable_image", None),
    };
    TaskFailure { class, code: code.to_owned(), message: error.to_string(), remedy }
}

fn failed(error: &EngineError) -> RunError {
    if *error == EngineError::Cancelled {
        return RunError::Stopped;
    }
    RunError::Failed(TaskFailure {
        class: FailureClass::Permanent,
        code: "unusable_prompt".to_owned(),
        message: error.to_string(),
        remedy: Some("change the prompt and try again".to_owned()),
    })
}
