//! What happened to tasks: the log of one, and how many ended how fast.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::TaskId,
    task::{TaskFailure, TaskState},
};

/// What a line of a task's log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStep {
    /// It was asked for.
    Queued,
    /// An agent has it.
    Granted,
    /// The agent does something else now.
    Stage,
    /// The agent stopped answering.
    AgentLost,
    /// The attempt failed; another one follows.
    Repeated,
    /// A person gave it another place in the queue.
    Prioritised,
    /// A person asked its agent to stop.
    CancelRequested,
    /// A newer request for the same object and slice took its place.
    Replaced,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Withdrawn.
    Cancelled,
    /// A person asked for the same again: a new task.
    Retried,
}

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// As it should be.
    Info,
    /// Something went wrong and is taken care of.
    Warning,
    /// Something went wrong for good.
    Error,
}

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskLogLine {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// How serious it is.
    pub level: LogLevel,
    /// What happened, as a key the page translates.
    pub step: TaskStep,
    /// The same in English, with everything below.
    pub text: String,
    /// Which attempt; 0 before the first grant.
    pub attempt: u32,
    /// Milliseconds that it waited for the grant, was in the stage before, or was worked on in this
    /// attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    /// Name of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What is being done, as a key the page translates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Its place in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Why the attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TaskFailure>,
    /// The task that does the same again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_as: Option<TaskId>,
}

/// How many tasks there are, by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskCounts {
    /// Waiting for an agent.
    pub queued: u64,
    /// An agent has them.
    pub leased: u64,
    /// Done.
    pub succeeded: u64,
    /// Given up.
    pub failed: u64,
    /// Withdrawn.
    pub cancelled: u64,
}

impl TaskCounts {
    /// The tasks in `state`.
    pub fn of(&mut self, state: TaskState) -> &mut u64 {
        match state {
            TaskState::Queued => &mut self.queued,
            TaskState::Leased => &mut self.leased,
            TaskState::Succeeded => &mut self.succeeded,
            TaskState::Failed => &mut self.failed,
            TaskState::Cancelled => &mut self.cancelled,
        }
    }
}

/// Tasks that ended within a span of time, cut into buckets of equal length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskRates {
    /// When the first bucket begins, milliseconds since 1970; a multiple of `bucket_ms`.
    pub from_ms: i64,
    /// Length of a bucket.
    pub bucket_ms: i64,
    /// One after the other; the present moment lies in the last.
    pub buckets: Vec<RateBucket>,
}

/// Tasks that ended within one bucket of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RateBucket {
    /// When it begins, milliseconds since 1970.
    pub at_ms: i64,
    /// Tasks that were done.
    pub succeeded: u32,
    /// Tasks that were given up.
    pub failed: u32,
    /// Tasks that were withdrawn.
    pub cancelled: u32,
    /// Median time from the request to the last grant, of tasks that were granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms_median: Option<i64>,
    /// Median time from the last grant to the end, of tasks that were done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_ms_median: Option<i64>,
    /// The time that 95 of 100 did not exceed, of tasks that were done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_ms_p95: Option<i64>,
}
