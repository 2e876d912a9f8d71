//! Reviews: who hands a mask over, who accepts or rejects it, and what second readers say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{OpinionId, RevisionId};

/// Where the review of a job stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Somebody works on it.
    #[default]
    Draft,
    /// It was handed to a reviewer.
    InReview,
    /// A reviewer accepted it: masks, prompts and labels stay as they are until it is reopened.
    Accepted,
    /// A reviewer rejected it, with a comment.
    Rejected,
}

/// Where a review stands, and the step that led there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// Where it stands.
    pub state: ReviewState,
    /// Who took the last step; empty before the first, and where they did not say.
    #[serde(default)]
    pub by: String,
    /// What they said.
    #[serde(default)]
    pub comment: String,
    /// When, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// The revision that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionId>,
}

/// A step to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// Where the person sees the review. Not there: 409.
    pub from: ReviewState,
    /// Where it goes.
    pub to: ReviewState,
    /// The mask that the person sees. Not the head: 409.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    pub head: Option<RevisionId>,
    /// At most 2000 characters; a rejection needs it.
    #[serde(default)]
    pub comment: String,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewStep {
    /// Where the review stood.
    pub from: ReviewState,
    /// Where it went.
    pub to: ReviewState,
    /// Who took the step; empty where they did not say.
    pub by: String,
    /// What they said.
    pub comment: String,
    /// The revision that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionId>,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

/// What a reader says of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Opinion {
    /// Its identifier.
    pub opinion_id: OpinionId,
    /// The revision that is the reader's own, or that they comment on.
    pub revision_id: RevisionId,
    /// Who; empty where they did not say.
    pub reader: String,
    /// What they say.
    pub comment: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
}

/// An opinion to record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionRequest {
    /// A revision of the job.
    pub revision_id: RevisionId,
    /// At most 2000 characters.
    #[serde(default)]
    pub comment: String,
}

/// How two revisions agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// One revision.
    pub a: RevisionId,
    /// The other.
    pub b: RevisionId,
    /// Every object that one of them has, by its label.
    pub objects: Vec<ObjectComparison>,
    /// Dice similarity over all objects: twice the voxels that have the same label in both, over
    /// the labelled voxels of both; 1 where neither has any.
    pub overall_dice: f64,
}

/// How two revisions agree about an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectComparison {
    /// The object.
    pub label: u8,
    /// Twice the voxels of both over the sum of the voxels of each, 0–1.
    pub dice: f64,
    /// Its volume in `a`, millilitres.
    pub a_ml: f64,
    /// Its volume in `b`, millilitres.
    pub b_ml: f64,
    /// Its voxels in `a`.
    pub a_voxels: u64,
    /// Its voxels in `b`.
    pub b_voxels: u64,
    /// Voxels that are its in both.
    pub both_voxels: u64,
}
