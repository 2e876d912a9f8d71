//! What a task has made: a mask, what is known of it, and which code and weights made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{id::Sha256, task::EngineName};

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
