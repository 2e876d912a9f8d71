//! Which of the tasks that wait goes first.
//!
//! 1. What people wait for goes before what nobody waits for, until that has waited ten minutes. A
//!    priority above or below 0 says so, whatever the class.
//! 2. Among those the one with the lowest score: its person's turn, less ten turns for each step of
//!    priority, less one for each minute that it has waited.
//! 3. Then the older one.
//!
//! Turns are *start-time fair queueing*: a person's tasks have the turns 1, 2, 3 … after the turn at
//! which the queue stands, so that everybody's first task goes before anybody's second, however many
//! one of them asked for. Each class has its own clock, which stands at the newest turn that was
//! granted. A task that goes before others of its own person does not turn it: that is no turn of
//! anybody else.

use protocol::{
    id::TaskId,
    task::{Task, TaskClass},
};

/// After this long nobody's task is put off for what people wait for.
const PATIENCE_MS: i64 = 10 * 60 * 1_000;

const MINUTE_MS: i64 = 60 * 1_000;

/// Turns that a step of priority is worth.
const TURNS_PER_PRIORITY: i64 = 10;

/// The same rule as [`place`] in SQL, where `$1` is the time.
pub(crate) const SQL: &str = "case when priority > 0 or (priority = 0 and class = 'interactive')
          or $1 - created_ms >= 600000 then 0 else 1 end,
      fair_tag - (select tag from queue_clock where queue_clock.class = task.class)
          - 10 * priority - ($1 - created_ms) / 60000,
      created_ms, task_id";

/// A place in the queue: lower ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Whether it is put off for what people wait for.
    pub is_put_off: bool,
    /// Its person's turn, its priority and its age.
    pub score: i64,
    created_ms: i64,
    task_id: TaskId,
}

/// The place of a task with this turn at `now_ms`, where its class's clock stands at `clock`.
#[must_use]
pub fn place(task: &Task, fair_tag: i64, clock: i64, now_ms: i64) -> Place {
    let waited_ms = now_ms - task.created_ms;
    let is_waited_for =
        task.priority > 0 || (task.priority == 0 && task.class == TaskClass::Interactive);
    Place {
        is_put_off: !is_waited_for && waited_ms < PATIENCE_MS,
        score: fair_tag
            - clock
            - TURNS_PER_PRIORITY * i64::from(task.priority)
            - waited_ms / MINUTE_MS,
        created_ms: task.created_ms,
        task_id: task.task_id,
    }
}

/// Which side of another task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Goes first.
    Before,
    /// Goes later.
    After,
}

/// The priority that brings a task, which has this place, to that side of `other`.
#[must_use]
pub fn moved_priority(task: &Task, place: &Place, side: Side, other: &Place) -> i32 {
    // What its score would be with priority 0.
    let bare = place.score + TURNS_PER_PRIORITY * i64::from(task.priority);
    let distance = bare - other.score;
    // The least priority with which it counts among what people wait for.
    let least = match task.class {
        TaskClass::Interactive => 0,
        TaskClass::Batch => 1,
    };
    let moved = match side {
        Side::Before => {
            let needed = distance.div_euclid(TURNS_PER_PRIORITY) + 1;
            if other.is_put_off { needed } else { needed.max(least) }
        }
        Side::After => {
            let needed = -(-distance).div_euclid(TURNS_PER_PRIORITY) - 1;
            if other.is_put_off { needed.min(least - 1) } else { needed }
        }
    };
    i32::try_from(moved).unwrap_or(if moved > 0 { i32::MAX } else { i32::MIN })
}
