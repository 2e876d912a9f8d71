//! What the server says of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::task::EngineName;

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
}

/// An engine and whether it can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineStatus {
    /// The engine.
    pub name: EngineName,
    /// Its version.
    pub version: String,
    /// Whether it can run now.
    pub ready: bool,
    /// Licence of its weights, or of the code where it has none.
    pub licence: String,
    /// What is missing, where it cannot run.
    pub missing: Option<String>,
}
