//! What a task's program says while it runs: text by byte offset, so that a message that is sent
//! twice, or again after a cut, is stored once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::TaskId;

/// Most bytes of text that are kept of one attempt.
pub const MAX_LOG_BYTES: u64 = 16 << 20;

/// An agent sends a piece of what its program says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogRequest {
    /// From the lease.
    pub fence: i64,
    /// Bytes of UTF-8 that the attempt said before this piece.
    pub offset: u64,
    /// The piece.
    pub text: String,
}

/// The server's answer to a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogReply {
    /// Bytes that the server has: go on from there. Less than was sent where a piece is missing.
    pub offset: u64,
    /// No more is kept of this attempt.
    pub full: bool,
}

/// A part of what an attempt said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputLog {
    /// The task.
    pub task_id: TaskId,
    /// Which attempt, 1 for the first; 0 where none has said anything.
    pub attempt: u32,
    /// Every attempt that said something, ascending.
    pub attempts: Vec<u32>,
    /// Where the text begins, in bytes.
    pub offset: u64,
    /// The text.
    pub text: String,
    /// Where the text ends: ask from there for what follows.
    pub next_offset: u64,
    /// Bytes that there are.
    pub length: u64,
}
