//! Jobs: one image under segmentation, its prompts and the revisions of its mask.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::{JobId, RevisionId, Sha256, TaskId},
    label::Label,
    prompt::{SlicePrompt, SliceRef},
    rating::Rating,
    review::{Opinion, Review},
    task::{EngineIdentity, MaskExtent, SliceConfidence, TaskFailure},
};

/// What kind of machine made an image.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
)]
pub enum Modality {
    /// Computed tomography.
    #[serde(rename = "CT")]
    Ct,
    /// Magnetic resonance.
    #[serde(rename = "MR")]
    Mr,
    /// Not said, and not told by the voxels.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
}

/// The image of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// SHA-256 of the file as uploaded.
    pub sha256: Sha256,
    /// Name of the file as uploaded.
    pub file_name: String,
    /// Size of the file.
    pub bytes: u64,
    /// Voxels along the stored axes `[i, j, k]`.
    pub shape: [u32; 3],
    /// Frames of a 4D image; 1 for a 3D one.
    pub n_frames: u32,
    /// Millimetres between voxels along `[i, j, k]`.
    pub spacing_mm: [f64; 3],
    /// Where each stored axis points, nearest anatomical direction: `RAS`, `PLI` …
    pub axis_codes: String,
    /// Millimetres in RAS from voxel indices: rows of the 4 × 4 matrix.
    pub ras_from_voxel: [[f64; 4]; 4],
    /// Modality.
    pub modality: Modality,
    /// Smallest and largest intensity.
    pub intensity_range: [f64; 2],
    /// 0.5 and 99.5 percentiles of the intensities: a window that shows the image.
    pub intensity_percentiles: [f64; 2],
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Opened; no mask yet.
    Ready,
    /// A slice is being segmented.
    Segmenting,
    /// At least one slice has a mask.
    Segmented,
    /// The mask is being carried through the volume.
    Propagating,
    /// The mask has been carried through the volume.
    Completed,
    /// The last task failed; the last mask is kept.
    Failed,
    /// The last task was cancelled; the last mask is kept.
    Cancelled,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Its identifier.
    pub job_id: JobId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: JobState,
    /// Its image.
    pub image: Image,
    /// The revision of its mask that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<RevisionId>,
    /// What an engine said last of that revision or of what it was made from; none where none said
    /// anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// Objects that have voxels in that revision; 0 without a mask, none where the revision is of a
    /// version that did not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_objects: Option<u32>,
    /// Where its review stands.
    pub review: Review,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970 of the last change.
    pub updated_ms: i64,
}

/// A job with everything the page needs to show it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// Its objects.
    pub labels: Vec<Label>,
    /// Its prompts.
    pub prompts: Vec<SlicePrompt>,
    /// The revision of its mask that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_revision: Option<Revision>,
    /// The revision that a redo shows: the next one on the way to where undo came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redo: Option<RevisionId>,
    /// What readers say of its masks, oldest first.
    pub opinions: Vec<Opinion>,
    /// Its unfinished task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<crate::task::Task>,
}

/// Who or what made a revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Author {
    /// An engine, in a task.
    Engine {
        /// The task.
        task_id: TaskId,
        /// The code that ran.
        engine: EngineIdentity,
    },
    /// A person, by the page or the API.
    Person {
        /// Who they say they are; empty where they say nothing.
        name: String,
    },
}

/// What was done to make a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevisionAction {
    /// An engine segmented a slice.
    SegmentSlice,
    /// An engine carried an object through the volume.
    Propagate,
    /// An engine filled in between confirmed slices.
    Interpolate,
    /// Painted with the brush.
    Paint,
    /// Erased.
    Erase,
    /// Filled an enclosed region.
    Fill,
    /// Painted where the intensity lies within a range.
    ThresholdBrush,
    /// Cut with scissors.
    Scissors,
    /// Copied a slice's mask to another.
    CopySlice,
    /// Vouched for slices.
    Confirm,
    /// Smoothed the outline.
    Smooth,
    /// Grown by millimetres.
    Grow,
    /// Shrunk by millimetres.
    Shrink,
    /// Kept the largest part.
    KeepLargest,
    /// Removed small parts.
    RemoveIslands,
    /// Filled holes.
    FillHoles,
    /// Joined objects.
    Merge,
    /// Changed in another way.
    Edit,
}

impl RevisionAction {
    /// Whether a person draws it, rather than an engine or the server.
    #[must_use]
    pub fn is_manual(self) -> bool {
        match self {
            Self::Paint
            | Self::Erase
            | Self::Fill
            | Self::ThresholdBrush
            | Self::Scissors
            | Self::CopySlice
            | Self::Confirm
            | Self::Merge
            | Self::Edit => true,
            Self::SegmentSlice
            | Self::Propagate
            | Self::Interpolate
            | Self::Smooth
            | Self::Grow
            | Self::Shrink
            | Self::KeepLargest
            | Self::RemoveIslands
            | Self::FillHoles => false,
        }
    }
}

/// One immutable state of a job's mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Its identifier.
    pub revision_id: RevisionId,
    /// The revision it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RevisionId>,
    /// The labelmap on the full grid, in the `volume::rle` format.
    pub mask: Sha256,
    /// Who or what made it.
    pub author: Author,
    /// What was done; none where that was not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RevisionAction>,
    /// First and last voxel of the box that holds every voxel that differs from the parent,
    /// inclusive; none when nothing differs, or where that was not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<[[u32; 3]; 2]>,
    /// The object it changed; none when it may have changed several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<u8>,
    /// The slices it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extent: Option<MaskExtent>,
    /// The prompts it was made from.
    pub prompts: Vec<SlicePrompt>,
    /// The task's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<serde_json::Value>,
    /// Confidence per slice, where the engine gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceConfidence>,
    /// Doubt about the object, 0 (sure) to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<f32>,
    /// What an engine said last of this mask or of one that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// Objects that have voxels; none where that was not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_objects: Option<u32>,
    /// Milliseconds since 1970.
    pub created_ms: i64,
}

/// What is said of a job anew; what is left out stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobChange {
    /// What kind of machine made the image.
    pub modality: Option<Modality>,
}

/// Answer to the creation of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobCreated {
    /// Its identifier.
    pub job_id: JobId,
    /// `ready`.
    pub status: JobState,
    /// Its image.
    pub image: Image,
}

/// Answer to a request that queued a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskQueued {
    /// The task.
    pub task_id: TaskId,
    /// Its job; none where it runs a program for a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// `queued`.
    pub status: crate::task::TaskState,
}

/// What becomes of a slice that somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    /// It is prepared once nothing else wants the processor.
    Begun,
    /// There is nothing that the engine could do before the prompt.
    NotNeeded,
    /// The engine runs on other machines, which prepare nothing.
    Elsewhere,
}

/// Answer to the news that somebody looks at a slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlicePrepared {
    /// What becomes of it.
    pub preparation: Preparation,
}

/// Where a job stands, for clients that poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobStatus {
    /// The job.
    pub job_id: JobId,
    /// Where it stands.
    pub status: JobState,
    /// 0–100.
    pub progress: u8,
    /// What is being done.
    pub stage: Option<String>,
    /// The job's newest task.
    pub task_id: Option<TaskId>,
    /// Why the newest task failed.
    pub error: Option<TaskFailure>,
}

/// A person's new mask for part of the volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisionRequest {
    /// The revision that was edited; none for a first mask. Not the head: 409.
    pub parent: Option<RevisionId>,
    /// First and last voxel of the changed box, inclusive, `[i, j, k]` each.
    #[serde(rename = "box")]
    pub bounds: [[u32; 3]; 2],
    /// Labels of the box's voxels in the `volume::rle` format, in base64.
    pub rle_base64: String,
    /// What was done: `edit` where nothing is said. Only what a person draws.
    #[serde(default)]
    pub action: Option<RevisionAction>,
    /// Slices the person vouches for: they become hard constraints of the next propagation.
    #[serde(default)]
    pub confirmed: Vec<ConfirmedSlice>,
}

/// Which revision a job is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadRequest {
    /// A revision of the job; null for no mask.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    pub head: Option<RevisionId>,
    /// The head that the person sees. Not the head: 409.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    pub expected: Option<RevisionId>,
}

/// A slice that a person vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfirmedSlice {
    /// The slice.
    #[serde(flatten)]
    pub slice: SliceRef,
    /// The object.
    pub label: u8,
    /// The object does not reach this slice.
    #[serde(default)]
    pub absent: bool,
}
