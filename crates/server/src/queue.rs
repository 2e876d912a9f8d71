//! What follows a task's state: the one place that decides it.
//!
//! [`next`] is a pure function of a task, an event and the time. The store reads a task, asks
//! `next`, and writes the answer in one statement that is guarded by the state and the fence the
//! answer was computed from; if that statement matches no row, somebody else was first and the
//! store asks again.

mod failure;
pub mod order;

use protocol::{
    id::{AgentId, ClaimId, RevisionId, Sha256},
    lease::Heartbeat,
    sentence,
    task::{FailureClass, MaskSoFar, Needs, Task, TaskFailure, TaskKind, TaskSpec, TaskState},
};

use failure::{after_failure, agent_lost, back_off_ms, given_up, kept, noted};

/// A task with what only the queue needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRecord {
    /// What the API shows.
    pub task: Task,
    /// What to do.
    pub spec: TaskSpec,
    /// What an agent must have to run it.
    pub needs: Needs,
    /// Who asked for it; empty where they said nothing.
    pub requested_by: String,
    /// Their turn: see [`order`].
    pub fair_tag: i64,
    /// Grows with each grant.
    pub fence: i64,
    /// The question that the lease answers.
    pub claim_id: Option<ClaimId>,
    /// End of the lease; meaningful while leased.
    pub lease_until_ms: i64,
    /// Not granted before this moment.
    pub run_after_ms: i64,
    /// What the work may take in all, from the grant.
    pub time_limit_ms: i64,
    /// Grants before the task is given up.
    pub max_attempts: u32,
    /// Mask so far.
    pub partial: Option<Sha256>,
    /// What is known of it.
    pub so_far: Option<MaskSoFar>,
    /// Mask of the accepted output.
    pub output: Option<Sha256>,
    /// Digest of the accepted completion, so that its repetition gets the same answer.
    pub completion_key: Option<Sha256>,
}

impl TaskRecord {
    /// Whether a slice was withdrawn while an agent works on it: its mask must not become the head. A
    /// propagation that was withdrawn keeps what it has.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.task.cancel_requested && self.task.kind == TaskKind::SegmentSlice
    }
}

/// Something that happens to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum QueueEvent {
    /// An agent asks for it.
    Claim {
        /// Who asks.
        agent_id: AgentId,
        /// Its name.
        name: String,
        /// The device that would compute.
        device: Option<String>,
        /// Names the question.
        claim_id: Option<ClaimId>,
        /// How long the lease shall last.
        lease_ms: i64,
    },
    /// The agent asks again because the answer was lost.
    ClaimAgain {
        /// Names the question.
        claim_id: ClaimId,
        /// How long the lease shall last from now.
        lease_ms: i64,
    },
    /// The agent says that it lives.
    Heartbeat {
        /// What it says.
        heartbeat: Heartbeat,
        /// How long the lease shall last from now.
        lease_ms: i64,
    },
    /// The agent is done.
    Complete {
        /// From the lease.
        fence: i64,
        /// Digest of what it delivers.
        key: Sha256,
        /// Mask that it delivers, where it delivers one.
        output: Option<Sha256>,
        /// The revision that will hold that mask.
        revision_id: Option<RevisionId>,
    },
    /// The agent gives up, or stops because it was told to.
    Fail {
        /// From the lease.
        fence: i64,
        /// Why; none when it was told to stop.
        failure: Option<TaskFailure>,
    },
    /// A person, or a newer task in its place, withdraws it.
    Cancel,
    /// A person gives it another place in the queue.
    Prioritise {
        /// Higher goes first.
        priority: i32,
    },
    /// A newer task takes its place: it ends at once, whoever has it.
    Supersede,
    /// Time has passed.
    Tick,
}

/// Why an event does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another agent has the task now, or nobody may have it any more.
    #[error("the lease is no longer valid: the task was handed on, ended or withdrawn")]
    StaleFence,
    /// The very same completion was accepted before, or the same failure heard.
    #[error("this was said and taken before")]
    Replay,
    /// The task cannot be granted now.
    #[error("the task cannot be claimed now")]
    NotClaimable,
    /// Only a waiting task has a place in the queue.
    #[error("the task does not wait any more: its place in the queue cannot be changed")]
    NotWaiting,
    /// Nobody wants the answer any more.
    #[error("the task was withdrawn: its mask is not kept")]
    Withdrawn,
    /// The event changes nothing.
    #[error("the task has already ended")]
    Ended,
    /// Nothing is due.
    #[error("nothing is due")]
    NothingDue,
}

/// The task as it will be after `event` at `now_ms`.
///
/// # Errors
/// If the event does not apply; the task stays as it is.
pub fn next(record: &TaskRecord, event: &QueueEvent, now_ms: i64) -> Result<TaskRecord, Refusal> {
    match event {
        QueueEvent::Claim { agent_id, name, device, claim_id, lease_ms } => {
            let mut after = claim(record, *agent_id, *lease_ms, now_ms)?;
            after.task.agent = Some(name.clone());
            after.task.device.clone_from(device);
            after.claim_id = *claim_id;
            Ok(after)
        }
        QueueEvent::ClaimAgain { claim_id, lease_ms } => {
            if record.task.state != TaskState::Leased || record.claim_id != Some(*claim_id) {
                return Err(Refusal::NotClaimable);
            }
            Ok(extended(record.clone(), *lease_ms, now_ms))
        }
        QueueEvent::Heartbeat { heartbeat, lease_ms } => {
            renew(record, heartbeat, *lease_ms, now_ms)
        }
        QueueEvent::Complete { fence, key, output, revision_id } => {
            check_not_replayed(record, key)?;
            let mut after = complete(record, *fence, now_ms)?;
            after.task.revision_id = *revision_id;
            after.output.clone_from(output);
            after.completion_key = Some(key.clone());
            Ok(after)
        }
        QueueEvent::Fail { fence, failure } => {
            check_not_heard(record, *fence, failure.as_ref())?;
            fail(record, *fence, failure.as_ref(), now_ms)
        }
        QueueEvent::Cancel => cancel(record, now_ms),
        QueueEvent::Prioritise { priority } => prioritise(record, *priority),
        QueueEvent::Supersede => match record.task.state {
            TaskState::Queued | TaskState::Leased => {
                Ok(ended(record, TaskState::Cancelled, None, now_ms))
            }
            TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled => Err(Refusal::Ended),
        },
        QueueEvent::Tick => tick(record, now_ms),
    }
}

/// Whether the lease has run out. A leased task whose lease has run out can be claimed as it is, once
/// it is due.
fn is_expired(record: &TaskRecord, now_ms: i64) -> bool {
    record.task.state == TaskState::Leased && record.lease_until_ms < now_ms
}

/// Whether the work took longer than it may.
fn is_over_its_limit(record: &TaskRecord, now_ms: i64) -> bool {
    let started_ms = record.task.started_ms.unwrap_or(now_ms);
    now_ms - started_ms > record.time_limit_ms
}

fn claim(
    record: &TaskRecord,
    agent_id: AgentId,
    lease_ms: i64,
    now_ms: i64,
) -> Result<TaskRecord, Refusal> {
    let is_free = record.task.state == TaskState::Queued || is_expired(record, now_ms);
    let is_due = record.run_after_ms <= now_ms;
    let may_run = record.task.attempt < record.max_attempts && !record.task.cancel_requested;
    if !(is_free && is_due && may_run) {
        return Err(Refusal::NotClaimable);
    }
    let mut after = match record.task.state {
        TaskState::Leased => noted(record, &agent_lost(), now_ms),
        TaskState::Queued | TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled => {
            record.clone()
        }
    };
    after.task.state = TaskState::Leased;
    after.task.attempt += 1;
    after.task.agent_id = Some(agent_id);
    after.task.started_ms = Some(now_ms);
    after.task.progress = protocol::task::Progress::default();
    (after.partial, after.so_far) = (None, None);
    after.fence += 1;
    Ok(extended(after, lease_ms, now_ms))
}

/// With a lease from now on. Who falls silent after it may come back for as long as another attempt
/// is put off.
fn extended(mut record: TaskRecord, lease_ms: i64, now_ms: i64) -> TaskRecord {
    record.lease_until_ms = now_ms + lease_ms;
    record.run_after_ms =
        record.lease_until_ms + back_off_ms(record.task.task_id, record.task.attempt);
    record
}

fn check_fence(record: &TaskRecord, fence: i64) -> Result<(), Refusal> {
    if record.task.state == TaskState::Leased && record.fence == fence {
        Ok(())
    } else {
        Err(Refusal::StaleFence)
    }
}

fn renew(
    record: &TaskRecord,
    heartbeat: &Heartbeat,
    lease_ms: i64,
    now_ms: i64,
) -> Result<TaskRecord, Refusal> {
    check_fence(record, heartbeat.fence)?;
    let mut after = extended(record.clone(), lease_ms, now_ms);
    after.task.progress = heartbeat.progress.clone();
    if heartbeat.partial.is_some() {
        after.partial.clone_from(&heartbeat.partial);
        after.so_far = heartbeat.so_far.as_deref().cloned();
    }
    Ok(after)
}

fn check_not_replayed(record: &TaskRecord, key: &Sha256) -> Result<(), Refusal> {
    let is_replay =
        record.task.state == TaskState::Succeeded && record.completion_key.as_ref() == Some(key);
    if is_replay { Err(Refusal::Replay) } else { Ok(()) }
}

/// As [`check_not_replayed`], for an end without output.
fn check_not_heard(
    record: &TaskRecord,
    fence: i64,
    failure: Option<&TaskFailure>,
) -> Result<(), Refusal> {
    let last = record.task.failures.last().filter(|it| it.attempt == record.task.attempt);
    let is_last = last.map(|it| &it.failure) == failure.map(kept).as_ref();
    let is_heard = match record.task.state {
        TaskState::Queued | TaskState::Failed => failure.is_some() && is_last,
        TaskState::Cancelled => failure.is_none() || record.task.cancel_requested,
        TaskState::Leased | TaskState::Succeeded => false,
    };
    if is_heard && record.fence == fence { Err(Refusal::Replay) } else { Ok(()) }
}

/// A completion after the lease ran out, but before another claim, is work worth keeping.
fn complete(record: &TaskRecord, fence: i64, now_ms: i64) -> Result<TaskRecord, Refusal> {
    check_fence(record, fence)?;
    if record.is_unwanted() {
        return Err(Refusal::Withdrawn);
    }
    let mut after = ended(record, TaskState::Succeeded, None, now_ms);
    after.task.progress.done = after.task.progress.total.max(1);
    after.task.progress.total = after.task.progress.done;
    Ok(after)
}

fn fail(
    record: &TaskRecord,
    fence: i64,
    failure: Option<&TaskFailure>,
    now_ms: i64,
) -> Result<TaskRecord, Refusal> {
    check_fence(record, fence)?;
    let Some(failure) = failure else {
        return Ok(ended(record, TaskState::Cancelled, None, now_ms));
    };
    if record.task.cancel_requested {
        return Ok(ended(record, TaskState::Cancelled, None, now_ms));
    }
    Ok(after_failure(record, failure, now_ms))
}

fn cancel(record: &TaskRecord, now_ms: i64) -> Result<TaskRecord, Refusal> {
    match record.task.state {
        TaskState::Queued => Ok(ended(record, TaskState::Cancelled, None, now_ms)),
        // Where the lease has run out the next tick ends it: what was made so far is kept before.
        TaskState::Leased => {
            let mut after = record.clone();
            after.task.cancel_requested = true;
            Ok(after)
        }
        TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled => Err(Refusal::Ended),
    }
}

fn prioritise(record: &TaskRecord, priority: i32) -> Result<TaskRecord, Refusal> {
    if record.task.state != TaskState::Queued {
        return Err(Refusal::NotWaiting);
    }
    let mut after = record.clone();
    after.task.priority = priority;
    Ok(after)
}

fn tick(record: &TaskRecord, now_ms: i64) -> Result<TaskRecord, Refusal> {
    if record.task.state != TaskState::Leased {
        return Err(Refusal::NothingDue);
    }
    let is_gone = is_expired(record, now_ms);
    let is_late = is_over_its_limit(record, now_ms);
    if record.task.cancel_requested && (is_late || is_gone) {
        return Ok(ended(record, TaskState::Cancelled, None, now_ms));
    }
    // Whose agent is gone does not work for too long: it waits for the next attempt.
    if is_late && !is_gone {
        let remedy = match record.spec.external() {
            Some(_) => sentence::faster_program(),
            None => sentence::smaller_range(),
        };
        let message = sentence::task_too_long(record.time_limit_ms / 1_000);
        let failure = TaskFailure::new(FailureClass::TimedOut, "timed_out", message).remedy(remedy);
        return Ok(ended(record, TaskState::Failed, Some(failure), now_ms));
    }
    if is_gone && record.task.attempt >= record.max_attempts {
        return Ok(given_up(record, now_ms));
    }
    Err(Refusal::NothingDue)
}

fn ended(
    record: &TaskRecord,
    state: TaskState,
    failure: Option<TaskFailure>,
    now_ms: i64,
) -> TaskRecord {
    let mut after = record.clone();
    after.task.state = state;
    after.task.failure = failure;
    after.task.finished_ms = Some(now_ms);
    (after.partial, after.so_far) = (None, None);
    after
}
