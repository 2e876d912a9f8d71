//! How an agent talks to its server.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use protocol::{
    id::{Sha256, TaskId},
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
};

/// The server did not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectionError {
    /// The fence is stale: the task was handed on, ended or withdrawn.
    #[error("the lease is no longer valid")]
    Stale,
    /// The server refused for another reason; asking again will not help.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server cannot be reached or is not well; asking again may help.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
}

/// An input of a task as a local file.
#[derive(Debug)]
pub struct Input {
    /// Where it lies.
    pub path: PathBuf,
    /// Removes the file when dropped, where it is this task's own copy.
    pub temporary: Option<tempfile::TempPath>,
}

/// What an agent asks of its server. Everything about a task carries the fence of its lease.
#[async_trait]
pub trait Connection: Send + Sync + 'static {
    /// Asks for work; waits for it as long as `request` says.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses this agent.
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Lease>, ConnectionError>;

    /// Says that the task goes on.
    ///
    /// # Errors
    /// `Stale` if the task is no longer this agent's.
    async fn heartbeat(
        &self,
        task_id: TaskId,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatReply, ConnectionError>;

    /// Fetches an input and checks its digest.
    ///
    /// # Errors
    /// If it cannot be fetched whole.
    async fn fetch(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
    ) -> Result<Input, ConnectionError>;

    /// Delivers an output under its digest.
    ///
    /// # Errors
    /// `Stale` if the task is no longer this agent's.
    async fn deliver(
        &self,
        task_id: TaskId,
        fence: i64,
        bytes: Bytes,
    ) -> Result<Sha256, ConnectionError>;

    /// The task is done; may be repeated.
    ///
    /// # Errors
    /// `Stale` if the task is no longer this agent's.
    async fn complete(
        &self,
        task_id: TaskId,
        request: &CompleteRequest,
    ) -> Result<(), ConnectionError>;

    /// The attempt ended without output.
    ///
    /// # Errors
    /// `Stale` if the task is no longer this agent's.
    async fn fail(&self, task_id: TaskId, request: &FailRequest) -> Result<(), ConnectionError>;
}
