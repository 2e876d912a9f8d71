//! Random histories: whatever happens in whatever order, the rules hold.

use proptest::prelude::*;
use protocol::task::{FailureClass, TaskState};
use server::queue::{QueueEvent, next};

use super::{claim, complete, fail, heartbeat, queued};

/// An event of a random history; fences reach from stale to not yet granted.
fn any_event() -> impl Strategy<Value = QueueEvent> {
    let fence = 0_i64..6;
    prop_oneof![
        Just(()).prop_map(|()| claim()),
        fence.clone().prop_map(heartbeat),
        fence.clone().prop_map(complete),
        fence.clone().prop_map(|it| fail(it, FailureClass::Retryable)),
        fence.clone().prop_map(|it| fail(it, FailureClass::OutOfMemory)),
        fence.clone().prop_map(|it| fail(it, FailureClass::Crashed)),
        fence.prop_map(|it| QueueEvent::Fail { fence: it, failure: None }),
        Just(QueueEvent::Cancel),
        Just(QueueEvent::Prioritise { priority: 3 }),
        Just(QueueEvent::Tick),
    ]
}

proptest! {
    #[test]
    fn no_history_breaks_the_rules(
        history in proptest::collection::vec((any_event(), 0_i64..100_000), 1..60),
    ) {
        let mut record = queued();
        let mut now_ms = 0;
        let mut n_grants = 0;
        for (event, later_ms) in history {
            now_ms += later_ms;
            let Ok(after) = next(&record, &event, now_ms) else { continue };
            prop_assert!(!record.task.state.is_final(), "nothing follows the end");
            if matches!(event, QueueEvent::Claim { .. }) {
                n_grants += 1;
                prop_assert!(!record.task.cancel_requested);
                prop_assert!(
                    record.task.state == TaskState::Queued || record.lease_until_ms < now_ms
                );
            }
            let is_timed_out = after.task.failure.as_ref().is_some_and(|it| {
                it.class == FailureClass::TimedOut
            });
            prop_assert!(
                !is_timed_out || record.lease_until_ms >= now_ms,
                "only who works can work for too long"
            );
            prop_assert_eq!(after.fence, n_grants, "each grant has its own fence");
            prop_assert_eq!(i64::from(after.task.attempt), n_grants);
            prop_assert!(after.task.attempt <= after.max_attempts);
            prop_assert!(after.task.failures.len() <= after.task.attempt as usize);
            prop_assert_eq!(after.task.state.is_final(), after.task.finished_ms.is_some());
            prop_assert_eq!(
                after.task.state == TaskState::Succeeded,
                after.completion_key.is_some()
            );
            record = after;
        }
    }
}
