//! Runs an agent's tasks with the engines of this build.

use std::{collections::BTreeMap, fs, sync::Arc};

use agent::runner::{Assignment, Control, MaskOutput, RunError, RunOutput, RunSoFar, Runner};
use engine::{Engine, EngineError, Propagation, PropagationRequest, SoFar, Stage, Uncertainty};
use protocol::{
    id::Sha256,
    sentence,
    task::{
        EngineName, FailureClass, ImageRef, MaskSoFar, MaskSpec, Progress, SegmentSlice,
        TaskFailure, TaskKind,
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
    /// For each device its own: weights lie in its memory.
    models: BTreeMap<String, Arc<Models>>,
    max_image_bytes: u64,
}

impl EngineRunner {
    /// A runner that keeps volumes in `images` and has each device's engines from `models`.
    pub(crate) fn new(
        images: Arc<ImageCache>,
        models: impl IntoIterator<Item = (String, Arc<Models>)>,
        max_image_bytes: u64,
    ) -> Self {
        Self { images, models: models.into_iter().collect(), max_image_bytes }
    }

    fn engine(
        &self,
        assignment: &Assignment,
        spec: MaskSpec<'_>,
        volume: &Volume,
    ) -> Result<Engine, String> {
        let models = self
            .models
            .get(&assignment.device)
            .ok_or_else(|| format!("this agent has no device {}", assignment.device))?;
        let engine = models.for_image(spec.engine(), spec.image(), volume, spec.window())?;
        match &engine {
            Engine::Medsam2(network) if assignment.lease.smaller => {
                network.frugal().map(Engine::Medsam2).map_err(|it| it.to_string())
            }
            Engine::Graphcut | Engine::Medsam2(_) => Ok(engine),
        }
    }

    fn volume(&self, assignment: &Assignment, image: &ImageRef) -> Result<Arc<Volume>, RunError> {
        self.images
            .get_or_read(image, assignment.input(&image.sha256)?, self.max_image_bytes)
            .map_err(|error| RunError::Failed(unreadable(&error)))
    }
}

impl Runner for EngineRunner {
    fn kinds(&self) -> Vec<TaskKind> {
        vec![TaskKind::SegmentSlice, TaskKind::Propagate]
    }

    fn engines(&self, device: &str) -> Vec<EngineName> {
        self.models.get(device).map(|it| it.ready()).unwrap_or_default()
    }

    fn models(&self, device: &str) -> Vec<Sha256> {
        self.models.get(device).and_then(|it| it.digest()).into_iter().collect()
    }

    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        let stage = "loading".to_owned();
        control.progress(Progress { done: 0, total: TOTAL_STEPS, stage });
        let Some(spec) = assignment.lease.spec.mask() else {
            return Err(RunError::Failed(not_ready("no engine runs programs".to_owned())));
        };
        if assignment.lease.smaller {
            // What is kept for the next prompt may be what had no room beside it.
            self.images.clear();
        }
        let volume = self.volume(assignment, spec.image())?;
        let base = base_mask(assignment, spec, &volume)?;
        let engine =
            self.engine(assignment, spec, &volume).map_err(|it| RunError::Failed(not_ready(it)))?;
        let smaller = assignment.lease.smaller;
        match spec {
            MaskSpec::SegmentSlice(spec) => segment(&engine, &volume, spec, base.as_ref()),
            MaskSpec::Propagate(spec) => {
                let request = PropagationRequest { frugal: smaller, ..spec.into() };
                propagate(&engine, &volume, &request, base, control)
            }
        }
    }
}

/// The mask the task starts from.
fn base_mask(
    assignment: &Assignment,
    spec: MaskSpec<'_>,
    volume: &Volume,
) -> Result<Option<Labelmap>, RunError> {
    let Some(base) = spec.base() else {
        return Ok(None);
    };
    let path = assignment.input(base)?;
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
    Ok(RunOutput::Mask(Box::new(MaskOutput {
        mask: rle::encode(&found.on_grid(volume.grid.shape)),
        extent: found.extent,
        slices: Vec::new(),
        doubt: None,
        engine: found.engine,
        engine_ms: found.engine_ms,
    })))
}

fn propagate(
    engine: &Engine,
    volume: &Volume,
    request: &PropagationRequest,
    base: Option<Labelmap>,
    control: &dyn Control,
) -> Result<RunOutput, RunError> {
    let base = base.unwrap_or_else(|| Labelmap::new(volume.grid.shape));
    let solving_steps = match engine {
        Engine::Graphcut => SOLVING_STEPS,
        Engine::Medsam2(_) => TOTAL_STEPS,
    };
    let watch = Watch { control, solving_steps };
    let [i, j, k] = volume.grid.shape;
    control.log(&format!("image of {i} × {j} × {k} voxels, axis {}\n", request.axis));
    let Propagation { mask, extent, slices, doubt, engine, solve_ms, uncertainty_ms, .. } =
        engine::propagate(engine, volume, request, &base, Uncertainty::Measure, &watch)
            .map_err(|it| failed(&it))?;
    let engine_ms = solve_ms + uncertainty_ms;
    control.log(&format!(
        "slices {}–{}: {solve_ms:.0} ms for the mask, {uncertainty_ms:.0} ms for its doubt\n",
        extent.first, extent.last
    ));
    let mask = rle::encode(&mask);
    Ok(RunOutput::Mask(Box::new(MaskOutput { mask, extent, slices, doubt, engine, engine_ms })))
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
