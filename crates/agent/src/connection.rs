//! How an agent talks to its server.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use protocol::{
    device::DeviceHeartbeat,
    id::{Sha256, TaskId},
    lease::{ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease},
    output_log::{LogReply, LogRequest},
};

use crate::cache::Held;

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
    /// The agent's own machine failed; another one may do better.
    #[error("the agent's machine: {0}")]
    Local(String),
}

impl ConnectionError {
    pub(crate) fn disk(error: &io::Error) -> Self {
        Self::Local(format!("the folder of --temp-dir: {error}"))
    }
}

/// An input of a task as a local file.
#[derive(Debug)]
pub struct Input {
    /// Where it lies.
    pub path: PathBuf,
    /// Keeps it there as long as this lives, where it lies in the agent's cache.
    pub held: Option<Held>,
}

impl Input {
    pub(crate) fn of(held: Held) -> Self {
        Self { path: held.path().to_owned(), held: Some(held) }
    }
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

    /// Tells a piece of what the task's program says.
    ///
    /// # Errors
    /// `Stale` if the task is no longer this agent's.
    async fn log(&self, task_id: TaskId, request: &LogRequest)
    -> Result<LogReply, ConnectionError>;

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

    /// Delivers a file as an output under its digest.
    ///
    /// # Errors
    /// `Stale` if the task is no longer this agent's.
    async fn deliver_file(
        &self,
        task_id: TaskId,
        fence: i64,
        path: &Path,
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

    /// Says that this machine lives and how it is.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    async fn beat(&self, heartbeat: &DeviceHeartbeat) -> Result<(), ConnectionError>;
}
