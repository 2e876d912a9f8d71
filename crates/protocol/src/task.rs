//! Tasks: one queued unit of work, what it asks for and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    external::External,
    id::{AgentId, JobId, RevisionId, Sha256, TaskId},
    job::Modality,
    prompt::{Combine, Direction, SlicePrompt, SliceRef},
    sentence::{Line, Said},
};

pub use crate::mask_spec::MaskSpec;

pub use crate::needs::{Needs, TaskClass};

pub use crate::task_output::{
    EngineIdentity, MaskExtent, MaskSoFar, ModelIdentity, SliceConfidence, TaskOutput,
};

/// What a task does, as agents name it when they say what they can run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Segment one object on one slice.
    SegmentSlice,
    /// Carry one object from its prompted slices through the volume.
    Propagate,
    /// Run a laboratory's own program.
    External,
}

/// The engine that turns image and prompts into a mask.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// The embedded engine: graph cut with a shape prior, no weights.
    Graphcut,
    /// The MedSAM2 network; needs its weights.
    Medsam2,
}

/// The stored image a task works on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ImageRef {
    /// The blob that holds the file.
    pub sha256: Sha256,
    /// Frame of a 4D image, 0 for a 3D one.
    #[serde(default)]
    pub frame: u32,
    /// What kind of machine made it: it decides which intensities a network sees.
    #[serde(default)]
    pub modality: Modality,
}

/// What an agent is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskSpec {
    /// Segment one object on one slice.
    SegmentSlice(SegmentSlice),
    /// Carry one object from its prompted slices through the volume.
    Propagate(Propagate),
    /// Run a laboratory's own program.
    External(External),
}

/// Segment one object on one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SegmentSlice {
    /// The image.
    pub image: ImageRef,
    /// The engine to run.
    pub engine: EngineName,
    /// What the person marked.
    pub prompt: SlicePrompt,
    /// Mask of the head revision, where `prompt.mask` refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Sha256>,
    /// Intensities that a network is to see as black and white; by default those that suit the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[f64; 2]>,
}

/// Carry one object from its prompted slices through the volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Propagate {
    /// The image.
    pub image: ImageRef,
    /// The engine to run.
    pub engine: EngineName,
    /// The object's label.
    pub label: u8,
    /// Stored axis along which direction and range count.
    pub axis: u8,
    /// Every prompted slice of the object. Where a prompt says `mask`, the slice's mask in `base` is
    /// a hard constraint.
    pub prompts: Vec<SlicePrompt>,
    /// Mask of the head revision that holds the prompted slices' masks; none where the job has no
    /// mask yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Sha256>,
    /// Which way to go.
    #[serde(default)]
    pub direction: Direction,
    /// First and last slice that may hold the object, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[u32; 2]>,
    /// How passes in two directions are combined.
    #[serde(default)]
    pub combine: Combine,
    /// Whether only the largest connected part of the object stays, and slices that are known.
    #[serde(default)]
    pub largest_component: bool,
    /// Whether it fills in between confirmed slices; the history says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interpolate: bool,
    /// Intensities that a network is to see as black and white; by default those that suit the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[f64; 2]>,
}

impl TaskSpec {
    /// The task's kind.
    #[must_use]
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::SegmentSlice(_) => TaskKind::SegmentSlice,
            Self::Propagate(_) => TaskKind::Propagate,
            Self::External(_) => TaskKind::External,
        }
    }

    /// What is asked, where it makes a mask.
    #[must_use]
    pub fn mask(&self) -> Option<MaskSpec<'_>> {
        match self {
            Self::SegmentSlice(it) => Some(MaskSpec::SegmentSlice(it)),
            Self::Propagate(it) => Some(MaskSpec::Propagate(it)),
            Self::External(_) => None,
        }
    }

    /// What is asked, where a laboratory's own program does it.
    #[must_use]
    pub fn external(&self) -> Option<&External> {
        match self {
            Self::External(it) => Some(it),
            Self::SegmentSlice(_) | Self::Propagate(_) => None,
        }
    }

    /// The engine to run, where it makes a mask.
    #[must_use]
    pub fn engine(&self) -> Option<EngineName> {
        self.mask().map(MaskSpec::engine)
    }

    /// The blobs that it reads.
    #[must_use]
    pub fn inputs(&self) -> Vec<&Sha256> {
        match (self.mask(), self) {
            (Some(it), _) => std::iter::once(&it.image().sha256).chain(it.base()).collect(),
            (None, Self::External(it)) => it.inputs.iter().map(|it| &it.sha256).collect(),
            (None, Self::SegmentSlice(_) | Self::Propagate(_)) => Vec::new(),
        }
    }
}

/// Where a task stands. Only `server::queue` decides what follows what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Waits for an agent.
    Queued,
    /// An agent has it, until its lease ends.
    Leased,
    /// Done; its output is published.
    Succeeded,
    /// Given up, with a reason.
    Failed,
    /// Withdrawn by a person.
    Cancelled,
}

impl TaskState {
    /// Whether nothing will follow.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How far a task has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// Steps done.
    pub done: u32,
    /// Steps in all; 0 while unknown.
    pub total: u32,
    /// What is being done, as a key the page translates: `loading`, `solving`, `uncertainty` …
    #[serde(default)]
    pub stage: String,
}

/// Whether a failed attempt may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Something outside the task went wrong; another attempt may succeed.
    Retryable,
    /// Another attempt would fail in the same way.
    Permanent,
    /// Memory ran out: once more, smaller.
    OutOfMemory,
    /// The engine crashed: once more, on whatever agent.
    Crashed,
    /// The task's time limit ran out.
    TimedOut,
    /// All attempts are used up; of tasks before `quarantined` was.
    AttemptsUsedUp,
    /// Taken out of the queue: all attempts are used up, or the engine crashed twice. `failures` of
    /// the task says what each of them failed of.
    Quarantined,
}

/// Why a task failed and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskFailure {
    /// Whether it may be repeated.
    pub class: FailureClass,
    /// Machine-readable cause.
    pub code: String,
    /// One sentence for the person who waits.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The message by its sentence's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_said: Option<Box<Said>>,
    /// What to do, by its sentence's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy_said: Option<Box<Said>>,
}

impl TaskFailure {
    /// A failure that says only why.
    pub fn new(class: FailureClass, code: &str, message: impl Into<Line>) -> Self {
        let (message, said) = message.into().into_parts();
        let message_said = said.map(Box::new);
        let code = code.to_owned();
        Self { class, code, message, remedy: None, message_said, remedy_said: None }
    }

    /// The same, and what to do.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<Line>) -> Self {
        let (remedy, said) = remedy.into().into_parts();
        Self { remedy: Some(remedy), remedy_said: said.map(Box::new), ..self }
    }
}

/// An attempt that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptFailure {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Name of the agent that had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it was known to have failed, milliseconds since 1970.
    pub at_ms: i64,
    /// Why.
    pub failure: TaskFailure,
}

/// A task as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its identifier.
    pub task_id: TaskId,
    /// The job it belongs to; none where it runs a program for a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// That job's name; none in events of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// What it does.
    pub kind: TaskKind,
    /// The engine it runs; none in events of older versions, and where it runs a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineName>,
    /// The program it runs for a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The object it works on; 0 where it works on none.
    pub label: u8,
    /// The slice it segments; none for a propagation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceRef>,
    /// Where it stands.
    pub state: TaskState,
    /// Higher goes first.
    pub priority: i32,
    /// Who waits for it.
    #[serde(default)]
    pub class: TaskClass,
    /// How far it has come.
    pub progress: Progress,
    /// How often it was granted.
    pub attempt: u32,
    /// Whether a person asked to stop it.
    pub cancel_requested: bool,
    /// Who has or had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// That agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The device of that agent that computes or computed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Whether memory ran out before and it is or was computed smaller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smaller: bool,
    /// Attempts that came to nothing, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<AttemptFailure>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TaskFailure>,
    /// The revision it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_id: Option<RevisionId>,
    /// Milliseconds since 1970 when it was queued.
    pub created_ms: i64,
    /// When it was last granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
}
