//! Events: every change, in the order it was committed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    device::Device,
    id::{JobId, RevisionId, TaskId},
    job::{JobState, Revision},
    review::Review,
    task::{Task, TaskState},
};

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum EventBody {
    /// A job was made or its state changed.
    JobUpdate {
        /// The job.
        job_id: JobId,
        /// Where it stands now.
        status: JobState,
    },
    /// A job was deleted.
    JobRemoved {
        /// The job.
        job_id: JobId,
    },
    /// A task was queued, granted, moved on or ended.
    QueueUpdate(Box<Task>),
    /// A request for a program was made or its state changed.
    RequestUpdate {
        /// The request, and its task.
        request_id: TaskId,
        /// The program that it asks for.
        program: String,
        /// Where it stands now.
        status: TaskState,
    },
    /// A request was deleted.
    RequestRemoved {
        /// The request.
        request_id: TaskId,
    },
    /// A job has a new mask.
    RevisionUpdate {
        /// The job.
        job_id: JobId,
        /// The new head.
        revision: Box<Revision>,
    },
    /// A job's head moved to a mask that was there before: undo, redo, a jump.
    HeadUpdate {
        /// The job.
        job_id: JobId,
        /// The head now; none when the job shows no mask.
        head: Option<RevisionId>,
    },
    /// A job's review went a step.
    ReviewUpdate {
        /// The job.
        job_id: JobId,
        /// Where it stands now.
        review: Box<Review>,
    },
    /// A task's program said something.
    LogUpdate {
        /// The job; none where it runs a program for a request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job_id: Option<JobId>,
        /// The task.
        task_id: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Bytes of text that there are of this attempt.
        length: u64,
    },
    /// A device said how it is, or its state changed. Only its newest state is sent, and none is kept
    /// in the list of events.
    DeviceUpdate(Box<Device>),
    /// A device was removed.
    DeviceRemoved {
        /// The machine.
        host_id: String,
        /// Place in the order of what changed about devices: what was said before it is over.
        seq: i64,
    },
}

impl EventBody {
    /// The event's name on the stream.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::JobUpdate { .. } => "job_update",
            Self::JobRemoved { .. } => "job_removed",
            Self::QueueUpdate(_) => "queue_update",
            Self::RequestUpdate { .. } => "request_update",
            Self::RequestRemoved { .. } => "request_removed",
            Self::RevisionUpdate { .. } => "revision_update",
            Self::HeadUpdate { .. } => "head_update",
            Self::ReviewUpdate { .. } => "review_update",
            Self::LogUpdate { .. } => "log_update",
            Self::DeviceUpdate(_) => "device_update",
            Self::DeviceRemoved { .. } => "device_removed",
        }
    }

    /// The job it is about; none where it is about no job.
    #[must_use]
    pub fn job_id(&self) -> Option<JobId> {
        match self {
            Self::JobUpdate { job_id, .. }
            | Self::JobRemoved { job_id }
            | Self::RevisionUpdate { job_id, .. }
            | Self::HeadUpdate { job_id, .. }
            | Self::ReviewUpdate { job_id, .. } => Some(*job_id),
            Self::LogUpdate { job_id, .. } => *job_id,
            Self::QueueUpdate(task) => task.job_id,
            Self::RequestUpdate { .. }
            | Self::RequestRemoved { .. }
            | Self::DeviceUpdate(_)
            | Self::DeviceRemoved { .. } => None,
        }
    }
}

/// A change with its place in the order of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// 1, 2, 3 … without a gap; of a `device_update` that of the event before it.
    pub event_id: i64,
    /// What changed.
    #[serde(flatten)]
    pub body: EventBody,
    /// Milliseconds since 1970.
    pub created_ms: i64,
}
