//! What agents and the server say to each other: claim, heartbeat, complete, fail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    external::ExternalOutput,
    id::{AgentId, ClaimId, Sha256, TaskId},
    task::{EngineName, MaskSoFar, Progress, TaskFailure, TaskKind, TaskOutput, TaskSpec},
};

/// The version of this protocol. A server takes agents of this version and of older ones: a task that
/// needs a newer one says so ([`crate::task::Needs`]) and is not granted to them.
pub const PROTOCOL_VERSION: u32 = 2;

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
    /// Names this question: asked again with the same name because the answer was lost, it gets the
    /// task that was granted then, as long as that is leased to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<ClaimId>,
    /// The device that would compute: `cpu`, `cuda:0` …; empty where the agent does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// Tasks that it runs at once on that device; 0 where it does not say.
    #[serde(default)]
    pub slots: u32,
    /// Weights at hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Sha256>,
    /// Memory of the device, where it is a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory_bytes: Option<u64>,
    /// Programs for tasks that run one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
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
    /// Memory ran out in the attempt before: compute coarser, in smaller parts, or where there is
    /// more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smaller: bool,
    /// What to do.
    pub spec: TaskSpec,
    /// The blobs that the lease lets its holder read, and no others.
    #[serde(default)]
    pub inputs: Vec<InputRef>,
}

/// A blob that a task reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputRef {
    /// Its name: the digest of its bytes.
    pub sha256: Sha256,
    /// Its size; none where the storage does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
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
    /// The mask that it made, already uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<TaskOutput>,
    /// What a program made, where the task was to run one; its files are already uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalOutput>,
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
