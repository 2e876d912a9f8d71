//! What an agent runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use protocol::{
    id::Sha256,
    lease::Lease,
    task::{
        EngineIdentity, EngineName, FailureClass, MaskExtent, MaskSoFar, Progress, SliceConfidence,
        TaskFailure, TaskKind,
    },
};

use crate::program::Room;

/// A task with its inputs on this machine.
#[derive(Debug)]
pub struct Assignment {
    /// The task.
    pub lease: Lease,
    /// The device that is to compute: `cpu`, `cuda:0` …
    pub device: String,
    /// Its inputs' files.
    pub inputs: BTreeMap<Sha256, PathBuf>,
}

impl Assignment {
    /// The file of an input.
    ///
    /// # Errors
    /// If it is none of the task's.
    pub fn input(&self, sha256: &Sha256) -> Result<&Path, RunError> {
        self.inputs.get(sha256).map(PathBuf::as_path).ok_or_else(|| {
            let message = format!("the file {sha256} is none of the task's inputs");
            RunError::Failed(TaskFailure::new(
                FailureClass::Permanent,
                "input_unavailable",
                message,
            ))
        })
    }
}

/// What a run made.
#[derive(Debug)]
pub enum RunOutput {
    /// A mask.
    Mask(Box<MaskOutput>),
    /// What a laboratory's own program made.
    Program(ProgramOutput),
}

/// What a laboratory's own program made.
#[derive(Debug)]
pub struct ProgramOutput {
    /// What it says.
    pub result: serde_json::Value,
    /// The files that it wrote.
    pub files: Vec<WrittenFile>,
    /// Where they lie.
    pub room: Room,
}

/// A file that a program wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its name; parts of a folder's name are divided by `/`.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// How many bytes it has.
    pub size: u64,
    /// What kind of file it is, by its name.
    pub media_type: String,
}

/// A mask that an engine made.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskOutput {
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

    /// Adds text to the task's log, which people read while the task runs: lines with their ends.
    fn log(&self, text: &str);

    /// Whether to stop at the next opportunity.
    fn is_cancelled(&self) -> bool;
}

/// Runs tasks. Called on a thread of its own; several runs may be under way at once.
pub trait Runner: Send + Sync + 'static {
    /// The kinds of task it can run.
    fn kinds(&self) -> Vec<TaskKind>;

    /// The engines it can run on a device.
    fn engines(&self, device: &str) -> Vec<EngineName>;

    /// The weights it has for that device.
    fn models(&self, _device: &str) -> Vec<Sha256> {
        Vec::new()
    }

    /// The laboratory's own programs that it can run.
    fn programs(&self) -> Vec<String> {
        Vec::new()
    }

    /// Runs a task.
    ///
    /// # Errors
    /// `Stopped` if `control` said so, else why it failed.
    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError>;
}
