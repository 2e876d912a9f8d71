//! What the queue must know of a task besides what it does: who waits for it, what it needs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::Sha256;

/// Who waits for a task.
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
#[serde(rename_all = "lowercase")]
pub enum TaskClass {
    /// A person at the page.
    #[default]
    Interactive,
    /// Nobody: one of many that a program asked for. It goes after those that people wait for, but
    /// not for longer than ten minutes.
    Batch,
}

/// What an agent must have to run a task, beside its kind and its engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// These weights and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Sha256>,
    /// A GPU with so much memory in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory_bytes: Option<u64>,
    /// This version of the agents' protocol, or a newer one.
    #[serde(default = "first_protocol")]
    pub min_protocol: u32,
    /// This program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

fn first_protocol() -> u32 {
    1
}

impl Default for Needs {
    fn default() -> Self {
        Self { model: None, gpu_memory_bytes: None, min_protocol: first_protocol(), program: None }
    }
}
