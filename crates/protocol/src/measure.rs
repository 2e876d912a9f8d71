//! Measurements of a job's objects, with what they were made from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::{JobId, RevisionId, Sha256},
    job::{Author, Modality, RevisionAction},
    label::Anatomy,
    task::EngineIdentity,
};

/// What is measured of the objects of one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measurements {
    /// The job.
    pub job_id: JobId,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: MeasuredImage,
    /// The revision of its mask.
    pub revision_id: RevisionId,
    /// Milliseconds since 1970 when the revision was made.
    pub created_ms: i64,
    /// Who or what made it.
    pub author: Author,
    /// What was done to make it; none where that was not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RevisionAction>,
    /// What the numbers count.
    pub units: Units,
    /// The objects that the mask holds, labels ascending.
    pub objects: Vec<ObjectMeasures>,
    /// What the numbers come from.
    pub provenance: Provenance,
}

/// The image that a mask was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MeasuredImage {
    /// Name of the file as uploaded.
    pub file_name: String,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Modality.
    pub modality: Modality,
    /// Millimetres between voxels along `[i, j, k]`.
    pub spacing_mm: [f64; 3],
    /// Voxels along `[i, j, k]`.
    pub shape: [u32; 3],
    /// Frame of a 4D image that the intensities come from.
    pub frame: u32,
}

/// What numbers count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Units {
    /// Of volumes: `ml`.
    pub volume: String,
    /// Of areas: `mm2`.
    pub area: String,
    /// Of lengths and places, which are in RAS: `mm`.
    pub length: String,
    /// Of intensities: `HU` of CT, else the file's own, `1`.
    pub intensity: String,
}

/// What is measured of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectMeasures {
    /// Its value in the mask.
    pub label: u8,
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anatomy: Option<Anatomy>,
    /// Its voxels.
    pub n_voxels: u64,
    /// Its volume in millilitres.
    pub volume_ml: f64,
    /// Its surface in square millimetres.
    pub surface_mm2: f64,
    /// Mean intensity; none where no voxel holds a finite number, as with the next four.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation of the sample (n − 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Least intensity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest intensity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Median intensity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// Its first voxel along each stored axis.
    pub first: [u32; 3],
    /// Its last voxel along each stored axis.
    pub last: [u32; 3],
    /// The mean of its voxels' centres, millimetres in RAS.
    pub centroid_mm: [f64; 3],
    /// The longest diameter on any axial slice (RECIST 1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<Diameter>,
    /// The longest at a right angle to it on the same slice, inside the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perpendicular: Option<Diameter>,
    /// The stored axis nearest to head–foot, that diameters and areas belong to.
    pub axis: u8,
    /// Its area on each slice along `axis`, from its first to its last.
    pub areas: Vec<SliceArea>,
}

/// A straight line across an object on a slice, between points of its outline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Diameter {
    /// Its length in millimetres.
    pub mm: f64,
    /// Stored axis that the slice is orthogonal to.
    pub axis: u8,
    /// The slice.
    pub slice_index: u32,
    /// One end, `[x, y]` in voxels of the slice; whole numbers are voxel centres.
    pub from: [f64; 2],
    /// The other end.
    pub to: [f64; 2],
}

/// An object's area on a slice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SliceArea {
    /// The slice.
    pub slice_index: u32,
    /// Square millimetres.
    pub area_mm2: f64,
}

/// What measurements come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// Version of voxloop that measured.
    pub voxloop: String,
    /// Milliseconds since 1970 when it did.
    pub measured_ms: i64,
    /// SHA-256 of the mask in the `volume::rle` format.
    pub mask_sha256: Sha256,
    /// Every engine that had a part in the mask, with its weights, in the order in which they came.
    pub engines: Vec<EngineIdentity>,
    /// Every person that had a part in the mask, as far as they say who they are.
    pub people: Vec<String>,
    /// Revisions from the first to this one.
    pub n_revisions: u32,
}
