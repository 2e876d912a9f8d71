//! Operations: what a person has the server do to one object of a mask.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::RevisionId,
    job::RevisionAction,
    prompt::{SliceRef, first_label},
};

/// What to do with an object. Background is all that it can gain: voxels of other objects stay theirs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// It gains what lies within that distance.
    Grow {
        /// Millimetres between voxel centres, more than 0 and at most 100.
        mm: f64,
    },
    /// It loses what lies within that distance of its outside.
    Shrink {
        /// Millimetres between voxel centres, more than 0 and at most 100.
        mm: f64,
    },
    /// Its border is smoothed; its volume stays.
    Smooth {
        /// Standard deviation of the Gaussian in millimetres, more than 0 and at most 20.
        mm: f64,
    },
    /// Only its largest connected part stays.
    KeepLargest,
    /// Its small parts go; the largest stays.
    RemoveIslands {
        /// Millilitres that a part must have to stay, more than 0.
        below_ml: f64,
    },
    /// It gains what it encloses.
    FillHoles,
}

impl Operation {
    /// What the history says of it.
    #[must_use]
    pub fn action(&self) -> RevisionAction {
        match self {
            Self::Grow { .. } => RevisionAction::Grow,
            Self::Shrink { .. } => RevisionAction::Shrink,
            Self::Smooth { .. } => RevisionAction::Smooth,
            Self::KeepLargest => RevisionAction::KeepLargest,
            Self::RemoveIslands { .. } => RevisionAction::RemoveIslands,
            Self::FillHoles => RevisionAction::FillHoles,
        }
    }
}

/// An operation on an object of a job's mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationRequest {
    /// The revision that the person sees. Not the head: 409.
    pub parent: Option<RevisionId>,
    /// The object.
    #[serde(default = "first_label")]
    pub label: u8,
    /// What to do with it.
    pub operation: Operation,
    /// Only on this slice, in two dimensions; on the whole volume where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceRef>,
}
