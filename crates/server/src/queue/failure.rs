//! What follows a failed attempt: another one, a smaller one, or none.

use protocol::{
    id::TaskId,
    sentence::{self, Line},
    task::{AttemptFailure, FailureClass, TaskFailure, TaskState},
};

use super::{TaskRecord, ended};
use crate::blobs;

/// First wait before another attempt; doubles with each.
const BACK_OFF_MS: i64 = 1_000;
const MAX_BACK_OFF_MS: i64 = 60_000;

/// A task during which the engine crashed so often is left alone.
const MAX_CRASHES: usize = 2;

/// Characters of an attempt's reason that are kept.
const MAX_REASON_CHARS: usize = 500;

/// The task after an attempt that failed so.
pub(super) fn after_failure(record: &TaskRecord, failure: &TaskFailure, now_ms: i64) -> TaskRecord {
    let noted = noted(record, failure, now_ms);
    let n_crashes =
        noted.task.failures.iter().filter(|it| it.failure.class == FailureClass::Crashed).count();
    let is_out_of_tries = record.task.attempt >= record.max_attempts || n_crashes >= MAX_CRASHES;
    match failure.class {
        FailureClass::Permanent
        | FailureClass::TimedOut
        | FailureClass::AttemptsUsedUp
        | FailureClass::Quarantined => {
            ended(&noted, TaskState::Failed, Some(failure.clone()), now_ms)
        }
        // Smaller it did not fit either: it will not fit a third time.
        FailureClass::OutOfMemory if record.task.smaller => {
            ended(&noted, TaskState::Failed, Some(failure.clone()), now_ms)
        }
        FailureClass::Retryable | FailureClass::OutOfMemory | FailureClass::Crashed
            if is_out_of_tries =>
        {
            quarantined(&noted, failure, now_ms)
        }
        FailureClass::Retryable | FailureClass::OutOfMemory | FailureClass::Crashed => {
            let mut after = noted;
            after.task.state = TaskState::Queued;
            after.task.agent_id = None;
            after.task.agent = None;
            after.task.device = None;
            after.task.smaller |= failure.class == FailureClass::OutOfMemory;
            after.run_after_ms = now_ms + back_off_ms(record.task.task_id, record.task.attempt);
            after
        }
    }
}

/// The task after its last attempt, whose agent fell silent.
pub(super) fn given_up(record: &TaskRecord, now_ms: i64) -> TaskRecord {
    let failure = agent_lost();
    quarantined(&noted(record, &failure, now_ms), &failure, now_ms)
}

/// The task with one more attempt that came to nothing.
pub(super) fn noted(record: &TaskRecord, failure: &TaskFailure, now_ms: i64) -> TaskRecord {
    let mut after = record.clone();
    after.task.failures.push(AttemptFailure {
        attempt: record.task.attempt,
        agent: record.task.agent.clone(),
        at_ms: now_ms,
        failure: kept(failure),
    });
    after
}

/// What is kept of why an attempt failed.
pub(super) fn kept(failure: &TaskFailure) -> TaskFailure {
    let message: String = failure.message.chars().take(MAX_REASON_CHARS).collect();
    // Cut in the middle it is no sentence any more.
    let message_said = failure.message_said.clone().filter(|_| message == failure.message);
    TaskFailure { message, message_said, ..failure.clone() }
}

/// Why an attempt came to nothing whose agent fell silent.
pub(super) fn agent_lost() -> TaskFailure {
    TaskFailure::new(FailureClass::Retryable, "agent_lost", sentence::agent_lost())
        .remedy(sentence::look_at_agent())
}

fn quarantined(record: &TaskRecord, last: &TaskFailure, now_ms: i64) -> TaskRecord {
    let n = record.task.failures.len();
    let why = Line::from_parts(last.message.clone(), last.message_said.as_deref().cloned());
    let mut failure =
        TaskFailure::new(FailureClass::Quarantined, &last.code, sentence::given_up(n, why));
    failure.remedy.clone_from(&last.remedy);
    failure.remedy_said.clone_from(&last.remedy_said);
    ended(record, TaskState::Failed, Some(failure), now_ms)
}

/// Milliseconds to wait after `attempt` attempts: doubled with each, and up to half as much again by
/// the task, so that tasks that failed together do not come back together.
pub(super) fn back_off_ms(task_id: TaskId, attempt: u32) -> i64 {
    let base = (BACK_OFF_MS << attempt.saturating_sub(1).min(10)).min(MAX_BACK_OFF_MS);
    let digest = blobs::digest(format!("{task_id} {attempt}").as_bytes());
    let drawn = i64::from_str_radix(&digest.as_str()[..8], 16).unwrap_or(0);
    base + drawn % (base / 2 + 1)
}
