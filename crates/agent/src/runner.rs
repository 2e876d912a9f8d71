//! What an agent runs.

use std::path::PathBuf;

use protocol::{
    lease::Lease,
    task::{
        EngineIdentity, EngineName, MaskExtent, MaskSoFar, Progress, SliceConfidence, TaskFailure,
        TaskKind,
    },
};

/// A task with its inputs on this machine.
#[derive(Debug)]
pub struct Assignment {
    /// The task.
    pub lease: Lease,
    /// The image's file.
    pub image: PathBuf,
    /// The mask the task starts from, in the `volume::rle` format.
    pub base: Option<PathBuf>,
}

/// What a run made.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutput {
    /// The object's mask on the full grid, values 0 and 1, in the `volume::rle` format.
    pub mask: Vec<u8>,
    /// Which slices it speaks for.
    pub extent: MaskExtent,
    /// Confidence per slice, ascending.
    pub slices: Vec<SliceConfidence>,
    /// Doubt about the whole object, 0 (sure) to 1.
    pub doubt: Option<f32>,
    /// Which code made it.
    pub engine: EngineIdentity,
    /// Milliseconds in the engine itself.
    pub engine_ms: f64,
}

/// What a run has made while it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSoFar {
    /// The object's mask so far on the full grid, values 0 and 1, in the `volume::rle` format.
    pub mask: Vec<u8>,
    /// What is known of it.
    pub known: MaskSoFar,
}

/// Why a run made nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// It was told to stop.
    Stopped,
    /// It failed.
    Failed(TaskFailure),
}

/// What a run says while it runs, and whether it shall stop.
pub trait Control: Sync {
    /// Tells how far the run has come.
    fn progress(&self, progress: Progress);

    /// Shows what is there so far.
    fn partial(&self, so_far: RunSoFar);

    /// Whether to stop at the next opportunity.
    fn is_cancelled(&self) -> bool;
}

/// Runs tasks. Called on a thread of its own; several runs may be under way at once.
pub trait Runner: Send + Sync + 'static {
    /// The kinds of task it can run.
    fn kinds(&self) -> Vec<TaskKind>;

    /// The engines it can run.
    fn engines(&self) -> Vec<EngineName>;

    /// Runs a task.
    ///
    /// # Errors
    /// `Stopped` if `control` said so, else why it failed.
    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError>;
}
