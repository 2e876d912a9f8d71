//! The audit list: who did what, and when. It outlives the jobs it tells of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{AuditId, JobId};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// An image was opened. Details: `file`.
    JobCreated,
    /// A job was deleted.
    JobDeleted,
    /// A person changed a mask. Details: `revision`, `action`, `labels` (those that lost or gained
    /// voxels).
    MaskEdited,
    /// The mask went back, forward, or to another state. Details: `from`, `to` (revisions, or
    /// `none`).
    HeadMoved,
    /// The objects were changed. Details: `added`, `removed`, `changed` (values and names).
    LabelsChanged,
    /// What kind of machine made the image was said. Details: `from`, `to`.
    ModalityChanged,
    /// The review went a step. Details: `from`, `to` (states), `revision`, `comment`.
    ReviewChanged,
    /// A reader's opinion was recorded. Details: `revision`.
    OpinionAdded,
    /// A reader's opinion was removed. Details: `revision`, `reader`.
    OpinionRemoved,
    /// A label set was made. Details: `name`.
    LabelSetCreated,
    /// A label set was changed. Details: `name`, and `before` where the name was another.
    LabelSetChanged,
    /// A label set was deleted. Details: `name`.
    LabelSetDeleted,
    /// An engine was asked for a mask. Details: `task`, `kind`, `engine`, `label`.
    TaskQueued,
    /// A task was withdrawn. Details: `task`.
    TaskCancelled,
    /// A failed or withdrawn task was queued again. Details: `task`, `as` (the new one).
    TaskRetried,
    /// A waiting task's priority was changed. Details: `task`, `from`, `to`.
    PriorityChanged,
    /// A program was asked for. Details: `request`, `program`.
    RequestMade,
    /// A request for a program was deleted, with its files. Details: `request`, `program`.
    RequestDeleted,
    /// A mask, a picture of it, or measurements were taken away. Details: `file`, `revision`.
    Exported,
    /// Somebody signed in; by the server's own token where no name stands there. Details: `address`.
    SignedIn,
    /// Somebody did not get in. Details: `name` (none: the server's own token was tried), `address`.
    SignInFailed,
    /// Somebody took an invitation up. Details: `name`, `role`.
    PersonAdded,
    /// A person may do something else. Details: `name`, `from`, `to` (roles, `disabled`).
    PersonChanged,
    /// A person was removed. Details: `name`.
    PersonRemoved,
    /// A password was changed. Details: `name`.
    PasswordChanged,
    /// A token, an agent's credential, a join token or an invitation was made. Details:
    /// `credential`, `kind`, `name`, `role`.
    CredentialMade,
    /// One was taken back. Details as when it was made.
    CredentialRevoked,
    /// An agent used a join token. Details: `credential`, `name`.
    AgentEnrolled,
    /// A device that had fallen silent was removed. Details: `name`.
    DeviceRemoved,
}

/// Particulars of what was done, by name.
pub type AuditDetails = BTreeMap<String, String>;

/// One line of the audit list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its identifier.
    pub audit_id: AuditId,
    /// The job, which may be deleted by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The job's name then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// What was done.
    pub action: AuditAction,
    /// Who did it, as they said; empty where they did not.
    pub by: String,
    /// Particulars, by name: identifiers, states before and after, comments.
    #[schema(value_type = BTreeMap<String, String>)]
    pub details: AuditDetails,
    /// Milliseconds since 1970.
    pub created_ms: i64,
}
