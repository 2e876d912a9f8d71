//! What the server says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{id::Sha256, sentence::Said, task::EngineName};

/// The body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// What went wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// Machine-readable cause: `not_found`, `wrong_state`, `invalid`, `foreign_origin` …
    pub code: String,
    /// One sentence for a person, with the bounds where a value lies outside them.
    pub message: String,
    /// The field of the request that is wrong.
    pub field: Option<String>,
    /// What is wrong, more finely than by `code`: pages say it in their own language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Values of the reason, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub parameters: BTreeMap<String, String>,
}

/// What a person who uses the page may be refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The file is no volume. Parameters: `found`.
    NotAVolume,
    /// A field of the file's header cannot be used. Parameters: `field`, `found`.
    HeaderField,
    /// The voxels take more bytes than the server allows. Parameters: `needed`, `limit`.
    ImageTooLarge,
    /// The file ends before its voxels do.
    CutShort,
    /// The file goes on after its last voxel.
    TrailingBytes,
    /// The compressed bytes are damaged.
    DamagedFile,
    /// The server has too little memory for the voxels. Parameters: `needed`.
    NoMemory,
    /// The upload broke off.
    BrokenOff,
    /// The file or body is larger than the server accepts. Parameters: `limit`.
    TooLarge,
    /// There is no mask yet.
    NoMask,
    /// Every mark lies outside the object.
    AllOutside,
    /// The engine cannot run. Parameters: `engine`.
    EngineNotReady,
    /// No engine can run.
    NoEngine,
    /// The object has no voxels. Parameters: `label`.
    EmptyObject,
    /// The mask is being propagated.
    Propagating,
    /// A slice is being segmented.
    Segmenting,
    /// A task would still change the mask.
    TaskRuns,
    /// The object is marked as absent. Parameters: `slice`.
    MarkedAbsent,
    /// Fewer than two slices are confirmed.
    NothingBetween,
    /// No confirmed slice shows the object.
    NoConfirmedMask,
    /// The task has already ended, or is under way.
    TaskState,
    /// Somebody else changed the mask.
    NotHead,
    /// The object is locked. Parameters: `label`, `name`.
    LabelLocked,
    /// The case is accepted.
    JobAccepted,
    /// Somebody else changed the objects.
    LabelsChanged,
    /// Somebody else took a step of the review. Parameters: `state`.
    ReviewChanged,
    /// Another label set has the name. Parameters: `name`.
    NameTaken,
    /// The server's disk is full.
    DiskFull,
    /// A stored file or the database is damaged or missing.
    StoreDamaged,
    /// The server failed; its log says why.
    Internal,
}

/// An engine and whether it can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineStatus {
    /// The engine.
    pub name: EngineName,
    /// Its version.
    pub version: String,
    /// Whether it can run now, on the server or on another machine.
    pub ready: bool,
    /// Licence of its weights, or of the code where it has none.
    pub licence: String,
    /// What is missing on the server, where it cannot run there.
    pub missing: Option<String>,
    /// The same by the sentence's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_said: Option<Said>,
    /// Its weights on the server, where it needs some and they are there.
    #[serde(default)]
    pub model: Option<ModelFile>,
    /// Other machines that run it, as they asked for work lately.
    #[serde(default)]
    pub agents: Vec<String>,
}

/// Weights on the server's disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelFile {
    /// The file's name.
    pub name: String,
    /// Its content; unknown until it was read or put on record.
    pub sha256: Option<Sha256>,
}

/// Memory in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Memory {
    /// In use.
    pub used_bytes: u64,
    /// In all.
    pub total_bytes: u64,
}

/// A graphics processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gpu {
    /// Number on this machine.
    pub index: u32,
    /// Model name.
    pub name: String,
    /// Its memory.
    pub memory: Memory,
    /// Percent of the time in which it was busy.
    pub utilization_percent: Option<u32>,
    /// Degrees Celsius.
    pub temperature_c: Option<u32>,
}

/// Whether the server is well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Of the program.
    pub version: String,
    /// Seconds since the start.
    pub uptime_secs: i64,
    /// The first GPU, where there is one.
    pub gpu: Option<Gpu>,
    /// Of the machine.
    pub memory: Memory,
}

/// How the server's machine is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostStatus {
    /// Seconds since the start.
    pub uptime_secs: i64,
    /// Logical processors.
    pub n_cpus: usize,
    /// Runnable processes, mean of one minute.
    pub load_average: f64,
    /// Of the machine.
    pub memory: Memory,
    /// Bytes that this process holds.
    pub process_bytes: u64,
    /// GPUs.
    pub gpus: Vec<Gpu>,
    /// Setting `GPU_MEMORY_LIMIT`.
    pub gpu_memory_limit: f64,
    /// Setting `MAX_CONCURRENT_JOBS`.
    pub max_concurrent_jobs: usize,
    /// Tasks that wait or run.
    pub unfinished_tasks: usize,
}

/// What a clean-up removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cleanup {
    /// Files that no job referred to.
    pub removed_blobs: usize,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Events older than 30 days.
    pub removed_events: u64,
}
