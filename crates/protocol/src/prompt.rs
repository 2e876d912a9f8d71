//! Prompts: what a person marks on a slice so that an engine can find the object.
//!
//! # Coordinates
//! All coordinates are voxel indices of the stored image. On stored axis *a*, `x` and `y` are the
//! other two axes in ascending order: axis 2: (i, j); axis 1: (i, k); axis 0: (j, k).
//! Box corners are inclusive. Engines that take sub-voxel corners accept decimals.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A slice of the stored image.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
pub struct SliceRef {
    /// Stored axis that the slice is orthogonal to: 0, 1 or 2.
    pub axis: u8,
    /// Index of the slice along that axis.
    pub slice_index: u32,
}

/// A point of a prompt, in voxels of its slice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// Voxels along the slice's first axis.
    pub x: f64,
    /// Voxels along the slice's second axis.
    pub y: f64,
    /// Whether the point lies inside the object.
    pub positive: bool,
}

/// A stroke of a prompt: a polyline with a width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scribble {
    /// Corners of the polyline, `[x, y]` in voxels of the slice.
    pub path: Vec<[f64; 2]>,
    /// Half the stroke's width in voxels; 0 marks the voxels under the line itself.
    #[serde(default)]
    pub radius: f64,
    /// Whether the stroke lies inside the object.
    pub positive: bool,
}

/// Everything that a person said about one object on one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlicePrompt {
    /// The slice.
    #[serde(flatten)]
    pub slice: SliceRef,
    /// The object's label, 1–255.
    #[serde(default = "first_label")]
    pub label: u8,
    /// Inclusive corners `[x1, y1, x2, y2]`, x1 ≤ x2, y1 ≤ y2.
    #[serde(default, rename = "box", skip_serializing_if = "Option::is_none")]
    pub bounds: Option<[f64; 4]>,
    /// Points inside and outside the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// Strokes inside and outside the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scribbles: Vec<Scribble>,
    /// The slice's mask in the job's head revision is itself the prompt: a person drew or confirmed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mask: bool,
    /// The object does not reach this slice. Excludes every other field.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
}

/// The label an object gets when none is named.
#[must_use]
pub fn first_label() -> u8 {
    1
}

/// Which way a propagation runs from the prompted slices. "Forward" is rising stored index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To both ends.
    #[default]
    Both,
    /// To rising indices only.
    Forward,
    /// To falling indices only.
    Backward,
}

/// What becomes of voxels that only one of two passes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// They belong to the object.
    #[default]
    Union,
    /// They do not.
    Intersection,
}
