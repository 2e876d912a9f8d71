//! What agents and the server say to each other: claim, heartbeat, complete, fail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::{AgentId, Sha256, TaskId},
    task::{EngineName, MaskSoFar, Progress, TaskFailure, TaskKind, TaskOutput, TaskSpec},
};

/// The version of this protocol; a server refuses agents that speak another.
pub const PROTOCOL_VERSION: u32 = 1;

/// An agent asks for work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimRequest {
    /// Who asks; chosen by the agent at its start.
    pub agent_id: AgentId,
    /// Name for people.
    pub name: String,
    /// [`PROTOCOL_VERSION`] of the agent.
    pub protocol: u32,
    /// Kinds of task it can run.
    pub kinds: Vec<TaskKind>,
    /// Engines it can run.
    pub engines: Vec<EngineName>,
    /// How long the server may hold the request until there is work; at most 25.
    pub wait_secs: u32,
}

/// A granted task: the agent's time-limited right to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// The task.
    pub task_id: TaskId,
    /// Grows with each grant; every later message carries it.
    pub fence: i64,
    /// Milliseconds until the lease ends unless a heartbeat comes.
    pub lease_ms: i64,
    /// Milliseconds between heartbeats.
    pub heartbeat_ms: i64,
    /// Milliseconds that the work may take in all.
    pub time_limit_ms: i64,
    /// What to do.
    pub spec: TaskSpec,
}

/// An agent says that it lives and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Heartbeat {
    /// From the lease.
    pub fence: i64,
    /// How far the task has come.
    pub progress: Progress,
    /// How long the server may hold its answer unless the task is withdrawn.
    #[serde(default)]
    pub wait_ms: u32,
    /// Mask so far, an uploaded blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Sha256>,
    /// What is known of that mask; agents of older versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub so_far: Option<Box<MaskSoFar>>,
}

/// The server's answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatReply {
    /// Milliseconds until the lease ends.
    pub lease_ms: i64,
    /// A person asked to stop the task: stop and report `cancelled`.
    pub cancel: bool,
}

/// The task is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompleteRequest {
    /// From the lease.
    pub fence: i64,
    /// What it made; its blobs are already uploaded.
    pub output: TaskOutput,
}

/// The attempt ended without output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailRequest {
    /// From the lease.
    pub fence: i64,
    /// Why it failed; none when the agent stopped because it was told to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TaskFailure>,
}
