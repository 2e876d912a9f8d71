//! Tasks: one queued unit of work, what it asks for and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::{AgentId, JobId, RevisionId, Sha256, TaskId},
    job::Modality,
    prompt::{Combine, Direction, SlicePrompt, SliceRef},
    sentence::{Line, Said},
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
        }
    }

    /// The object's label.
    #[must_use]
    pub fn label(&self) -> u8 {
        match self {
            Self::SegmentSlice(it) => it.prompt.label,
            Self::Propagate(it) => it.label,
        }
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> &ImageRef {
        match self {
            Self::SegmentSlice(it) => &it.image,
            Self::Propagate(it) => &it.image,
        }
    }

    /// The engine to run.
    #[must_use]
    pub fn engine(&self) -> EngineName {
        match self {
            Self::SegmentSlice(it) => it.engine,
            Self::Propagate(it) => it.engine,
        }
    }

    /// Intensities that are to be seen as black and white, where they were asked for.
    #[must_use]
    pub fn window(&self) -> Option<[f64; 2]> {
        match self {
            Self::SegmentSlice(it) => it.window,
            Self::Propagate(it) => it.window,
        }
    }

    /// The mask blob the task starts from, where it has one.
    #[must_use]
    pub fn base(&self) -> Option<&Sha256> {
        match self {
            Self::SegmentSlice(it) => it.base.as_ref(),
            Self::Propagate(it) => it.base.as_ref(),
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
    /// Memory ran out.
    OutOfMemory,
    /// The task's time limit ran out.
    TimedOut,
    /// All attempts are used up.
    AttemptsUsedUp,
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

/// What an engine says of one slice of its mask.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SliceConfidence {
    /// Index along the propagation's axis.
    pub slice_index: u32,
    /// Voxels of the mask on this slice.
    pub area_voxels: u32,
    /// Area on which the ensemble disagrees, over the key slice's area; 0 is certain.
    pub uncertainty: f32,
}

/// Which code made a mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EngineIdentity {
    /// The engine.
    pub name: EngineName,
    /// Its version.
    pub version: String,
    /// The weights, where the engine has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelIdentity>,
}

/// Which weights made a mask, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelIdentity {
    /// The file's name.
    pub name: String,
    /// The file's content, which is the weights' version.
    pub sha256: Sha256,
    /// The weights' licence.
    pub licence: String,
    /// Numbers it computed in: `f32` or `bf16`.
    pub precision: String,
    /// Where it computed: `cpu`, `cuda:0` …
    pub device: String,
    /// Intensities that were seen as black and white.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[f64; 2]>,
    /// Why it did not compute where it was meant to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// What is known of the mask so far of a task that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaskSoFar {
    /// Which code makes it.
    pub engine: EngineIdentity,
    /// The slices that were solved, ascending; none of an engine that is sure of a slice only once
    /// it has solved all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceConfidence>,
    /// Doubt about those slices, 0 (sure) to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<f32>,
}

/// What a task made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskOutput {
    /// The object's mask on the full grid, values 0 and 1, in the `volume::rle` format.
    pub mask: Sha256,
    /// The slice, or the axis and range of slices, that the mask replaces.
    pub extent: MaskExtent,
    /// Per slice of a propagation, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceConfidence>,
    /// Doubt about the whole object, 0 (sure) to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<f32>,
    /// Which code made it.
    pub engine: EngineIdentity,
    /// Milliseconds in the engine itself.
    pub engine_ms: f64,
}

/// Which slices a task's mask speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaskExtent {
    /// Stored axis.
    pub axis: u8,
    /// First slice, inclusive.
    pub first: u32,
    /// Last slice, inclusive.
    pub last: u32,
}

/// A task as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its identifier.
    pub task_id: TaskId,
    /// The job it belongs to.
    pub job_id: JobId,
    /// That job's name; none in events of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// What it does.
    pub kind: TaskKind,
    /// The engine it runs; none in events of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineName>,
    /// The object it works on.
    pub label: u8,
    /// The slice it segments; none for a propagation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceRef>,
    /// Where it stands.
    pub state: TaskState,
    /// Higher goes first.
    pub priority: i32,
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
