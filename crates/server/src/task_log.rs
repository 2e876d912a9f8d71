//! The log of a task: which lines follow from a change of its state, and what they say.

use protocol::{
    id::TaskId,
    task::{TaskFailure, TaskState},
    task_log::{LogLevel, TaskLogLine, TaskStep},
};
use serde::{Deserialize, Serialize};

use crate::queue::{QueueEvent, TaskRecord};

/// Characters of a stage's name that are kept.
const MAX_STAGE_CHARS: usize = 60;

/// A line as it is stored; what it says is made of this when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) step: TaskStep,
    pub(crate) attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<TaskFailure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retried_as: Option<TaskId>,
}

impl Entry {
    /// A line that says no more than its step.
    pub(crate) fn of(step: TaskStep) -> Self {
        Self {
            step,
            attempt: 0,
            agent: None,
            stage: None,
            priority: None,
            failure: None,
            retried_as: None,
        }
    }
}

/// The lines that tell of a change.
pub(crate) fn entries(before: &TaskRecord, after: &TaskRecord, event: &QueueEvent) -> Vec<Entry> {
    let of = |step: TaskStep, record: &TaskRecord| Entry {
        attempt: record.task.attempt,
        agent: record.task.agent.clone(),
        ..Entry::of(step)
    };
    let mut entries = Vec::new();
    match event {
        QueueEvent::Claim { .. } => {
            if before.task.state == TaskState::Leased {
                entries.push(of(TaskStep::AgentLost, before));
            }
            entries.push(of(TaskStep::Granted, after));
        }
        QueueEvent::ClaimAgain { .. } => {}
        QueueEvent::Heartbeat { .. } => {
            let stage = &after.task.progress.stage;
            if *stage != before.task.progress.stage && !stage.is_empty() {
                let stage = stage.chars().take(MAX_STAGE_CHARS).collect();
                entries.push(Entry { stage: Some(stage), ..of(TaskStep::Stage, after) });
            }
        }
        QueueEvent::Prioritise { priority } => {
            if *priority != before.task.priority {
                let priority = Some(*priority);
                entries.push(Entry { priority, ..of(TaskStep::Prioritised, after) });
            }
        }
        QueueEvent::Supersede => entries.push(of(TaskStep::Replaced, after)),
        QueueEvent::Complete { .. }
        | QueueEvent::Fail { .. }
        | QueueEvent::Cancel
        | QueueEvent::Tick => {
            let step = match after.task.state {
                TaskState::Queued => TaskStep::Repeated,
                TaskState::Leased => TaskStep::CancelRequested,
                TaskState::Succeeded => TaskStep::Succeeded,
                TaskState::Failed => TaskStep::Failed,
                TaskState::Cancelled => TaskStep::Cancelled,
            };
            entries.push(Entry { failure: failure(event, after), ..of(step, before) });
        }
    }
    entries
}

/// What an attempt failed of. Where it is repeated, only the event says so.
fn failure(event: &QueueEvent, after: &TaskRecord) -> Option<TaskFailure> {
    if let (QueueEvent::Fail { failure, .. }, TaskState::Queued) = (event, after.task.state) {
        return failure.clone();
    }
    after.task.failure.clone()
}

/// Stored lines with what they say, and how long each thing took.
pub(crate) fn lines(entries: &[(i64, Entry)]) -> Vec<TaskLogLine> {
    // Since when it waits, since when an agent has it, since when the stage lasts.
    let (mut waits, mut runs, mut stage) = (None, None, None);
    let mut lines = Vec::with_capacity(entries.len());
    for (at_ms, it) in entries {
        let since = match it.step {
            TaskStep::Granted => waits,
            TaskStep::Stage => stage,
            TaskStep::AgentLost
            | TaskStep::Repeated
            | TaskStep::Replaced
            | TaskStep::Succeeded
            | TaskStep::Failed
            | TaskStep::Cancelled => runs,
            TaskStep::Queued
            | TaskStep::Prioritised
            | TaskStep::CancelRequested
            | TaskStep::Retried => None,
        };
        let took_ms = since.map(|since: i64| (at_ms - since).max(0));
        lines.push(TaskLogLine {
            at_ms: *at_ms,
            level: level(it.step),
            step: it.step,
            text: text(it, took_ms),
            attempt: it.attempt,
            took_ms,
            agent: it.agent.clone(),
            stage: it.stage.clone(),
            priority: it.priority,
            failure: it.failure.clone(),
            retried_as: it.retried_as,
        });
        match it.step {
            TaskStep::Queued | TaskStep::Repeated | TaskStep::AgentLost => {
                (waits, runs, stage) = (Some(*at_ms), None, None);
            }
            TaskStep::Granted => (waits, runs, stage) = (None, Some(*at_ms), Some(*at_ms)),
            TaskStep::Stage => stage = Some(*at_ms),
            TaskStep::Replaced | TaskStep::Succeeded | TaskStep::Failed | TaskStep::Cancelled => {
                (waits, runs, stage) = (None, None, None);
            }
            TaskStep::Prioritised | TaskStep::CancelRequested | TaskStep::Retried => {}
        }
    }
    lines
}

fn level(step: TaskStep) -> LogLevel {
    match step {
        TaskStep::Failed => LogLevel::Error,
        TaskStep::AgentLost | TaskStep::Repeated => LogLevel::Warning,
        TaskStep::Queued
        | TaskStep::Granted
        | TaskStep::Stage
        | TaskStep::Prioritised
        | TaskStep::CancelRequested
        | TaskStep::Replaced
        | TaskStep::Succeeded
        | TaskStep::Cancelled
        | TaskStep::Retried => LogLevel::Info,
    }
}

fn text(entry: &Entry, took_ms: Option<i64>) -> String {
    let agent = entry.agent.as_deref().unwrap_or("an agent");
    let took = |before: &str| took_ms.map_or_else(String::new, |it| format!(" {before} {it} ms"));
    let why = || {
        let failure = entry.failure.as_ref();
        failure.map_or_else(String::new, |it| format!(": {} ({})", it.message, it.code))
    };
    // What a line of its step always has, unless another version wrote it.
    let unsaid = || "unknown".to_owned();
    let priority = || entry.priority.map_or_else(unsaid, |it| it.to_string());
    match entry.step {
        TaskStep::Queued => {
            format!("queued with priority {}", priority())
        }
        TaskStep::Granted => {
            format!("attempt {}: granted to {agent}{}", entry.attempt, took("after"))
        }
        TaskStep::Stage => {
            format!("{}{}", entry.stage.clone().unwrap_or_else(unsaid), took("after"))
        }
        TaskStep::AgentLost => format!("{agent} stopped answering{}", took("after")),
        TaskStep::Repeated => {
            format!("attempt {} failed{}, another follows{}", entry.attempt, took("after"), why())
        }
        TaskStep::Prioritised => {
            format!("moved to priority {}", priority())
        }
        TaskStep::CancelRequested => format!("{agent} was asked to stop"),
        TaskStep::Replaced => "a newer request took its place".to_owned(),
        TaskStep::Succeeded => format!("done by {agent}{}", took("in")),
        TaskStep::Failed => format!("failed{}{}", took("after"), why()),
        TaskStep::Cancelled => format!("withdrawn{}", took("after")),
        TaskStep::Retried => format!(
            "asked for again as {}",
            entry.retried_as.map_or_else(unsaid, |it| it.to_string())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(step: TaskStep, attempt: u32) -> Entry {
        Entry { attempt, agent: Some("lab-7".to_owned()), ..Entry::of(step) }
    }

    #[test]
    fn a_line_says_how_long_it_took() {
        let entries = [
            (1_000, Entry::of(TaskStep::Queued)),
            (1_250, attempt(TaskStep::Granted, 1)),
            (1_300, Entry { stage: Some("loading".to_owned()), ..attempt(TaskStep::Stage, 1) }),
            (1_700, Entry { stage: Some("solving".to_owned()), ..attempt(TaskStep::Stage, 1) }),
            (2_000, attempt(TaskStep::Repeated, 1)),
            (3_000, attempt(TaskStep::Granted, 2)),
            (9_000, attempt(TaskStep::AgentLost, 2)),
            (9_000, attempt(TaskStep::Granted, 3)),
            (9_100, attempt(TaskStep::CancelRequested, 3)),
            (9_512, attempt(TaskStep::Succeeded, 3)),
            (9_600, attempt(TaskStep::Retried, 3)),
        ];
        let took: Vec<_> = lines(&entries).iter().map(|it| it.took_ms).collect();
        let expected = [
            None,
            Some(250),
            Some(50),
            Some(400),
            Some(750),
            Some(1_000),
            Some(6_000),
            Some(0),
            None,
            Some(512),
            None,
        ];
        assert_eq!(took, expected);
        let lines = lines(&entries);
        assert_eq!(lines[1].text, "attempt 1: granted to lab-7 after 250 ms");
        assert_eq!(lines[9].text, "done by lab-7 in 512 ms");
        assert_eq!((lines[4].level, lines[9].level), (LogLevel::Warning, LogLevel::Info));
    }

    #[test]
    fn a_task_that_nobody_ran_took_no_time() {
        let entries =
            [(1_000, Entry::of(TaskStep::Queued)), (5_000, Entry::of(TaskStep::Cancelled))];
        assert_eq!(lines(&entries)[1].took_ms, None);
    }
}
