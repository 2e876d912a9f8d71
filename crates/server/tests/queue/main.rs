//! The queue's rules, one claim at a time, and over random histories.

mod histories;

use std::collections::BTreeSet;

use protocol::{
    id::{AgentId, ClaimId, JobId, RevisionId, Sha256, TaskId},
    job::Modality,
    lease::Heartbeat,
    prompt::{SlicePrompt, SliceRef},
    task::{
        EngineName, FailureClass, ImageRef, Needs, Progress, SegmentSlice, Task, TaskClass,
        TaskFailure, TaskKind, TaskSpec, TaskState,
    },
};
use server::queue::{QueueEvent, Refusal, TaskRecord, next};

const LEASE_MS: i64 = 60_000;

fn sha(byte: u8) -> Sha256 {
    Sha256::from_digest([byte; 32])
}

fn queued() -> TaskRecord {
    let slice = SliceRef { axis: 2, slice_index: 3 };
    TaskRecord {
        task: Task {
            task_id: TaskId::fresh(),
            job_id: Some(JobId::fresh()),
            job_name: None,
            kind: TaskKind::SegmentSlice,
            engine: None,
            program: None,
            label: 1,
            slice: Some(slice),
            state: TaskState::Queued,
            priority: 0,
            class: TaskClass::Interactive,
            progress: Progress::default(),
            attempt: 0,
            cancel_requested: false,
            agent_id: None,
            agent: None,
            device: None,
            smaller: false,
            failures: Vec::new(),
            failure: None,
            revision_id: None,
            created_ms: 0,
            started_ms: None,
            finished_ms: None,
        },
        spec: TaskSpec::SegmentSlice(SegmentSlice {
            image: ImageRef { sha256: sha(1), frame: 0, modality: Modality::Ct },
            engine: EngineName::Graphcut,
            prompt: SlicePrompt {
                slice,
                label: 1,
                bounds: Some([1.0, 1.0, 5.0, 5.0]),
                points: Vec::new(),
                scribbles: Vec::new(),
                mask: false,
                absent: false,
            },
            base: None,
            window: None,
        }),
        needs: Needs::default(),
        requested_by: String::new(),
        fair_tag: 1,
        fence: 0,
        claim_id: None,
        lease_until_ms: 0,
        run_after_ms: 0,
        time_limit_ms: 360_000,
        max_attempts: 3,
        partial: None,
        so_far: None,
        output: None,
        completion_key: None,
    }
}

fn claim() -> QueueEvent {
    QueueEvent::Claim {
        agent_id: AgentId::fresh(),
        name: "test".to_owned(),
        device: Some("cpu".to_owned()),
        claim_id: None,
        lease_ms: LEASE_MS,
    }
}

fn complete(fence: i64) -> QueueEvent {
    QueueEvent::Complete {
        fence,
        key: sha(7),
        output: Some(sha(8)),
        revision_id: Some(RevisionId::fresh()),
    }
}

fn failure(class: FailureClass) -> TaskFailure {
    TaskFailure::new(class, "test", "test")
}

fn fail(fence: i64, class: FailureClass) -> QueueEvent {
    QueueEvent::Fail { fence, failure: Some(failure(class)) }
}

fn heartbeat(fence: i64) -> QueueEvent {
    QueueEvent::Heartbeat {
        heartbeat: Heartbeat {
            fence,
            progress: Progress { done: 1, total: 2, stage: "solving".to_owned() },
            wait_ms: 0,
            partial: None,
            so_far: None,
        },
        lease_ms: LEASE_MS,
    }
}

#[test]
fn each_grant_has_its_own_fence_and_attempt() {
    let first = next(&queued(), &claim(), 1_000).unwrap();
    assert_eq!((first.fence, first.task.attempt), (1, 1));
    assert_eq!(first.lease_until_ms, 61_000);
    let early = next(&first, &claim(), first.run_after_ms - 1);
    assert_eq!(early, Err(Refusal::NotClaimable), "the agent may come back");
    assert!((62_000..=62_500).contains(&(first.run_after_ms)), "{}", first.run_after_ms);
    let second = next(&first, &claim(), first.run_after_ms).unwrap();
    assert_eq!((second.fence, second.task.attempt), (2, 2));
    let lost = &second.task.failures[0];
    assert_eq!((lost.attempt, lost.failure.code.as_str()), (1, "agent_lost"));
    assert_eq!((lost.agent.as_deref(), lost.at_ms), (Some("test"), first.run_after_ms));
}

#[test]
fn the_same_question_gets_the_same_lease_as_long_as_it_is_one() {
    let claim_id = ClaimId::fresh();
    let again = QueueEvent::ClaimAgain { claim_id, lease_ms: LEASE_MS };
    let QueueEvent::Claim { agent_id, name, device, lease_ms, .. } = claim() else { panic!() };
    let named = QueueEvent::Claim { agent_id, name, device, claim_id: Some(claim_id), lease_ms };
    let leased = next(&queued(), &named, 1_000).unwrap();
    let repeated = next(&leased, &again, 31_000).unwrap();
    assert_eq!((repeated.fence, repeated.task.attempt), (1, 1));
    assert_eq!(repeated.lease_until_ms, 91_000);
    let other = QueueEvent::ClaimAgain { claim_id: ClaimId::fresh(), lease_ms: LEASE_MS };
    assert_eq!(next(&leased, &other, 31_000), Err(Refusal::NotClaimable));
    let handed_on = next(&leased, &claim(), leased.run_after_ms).unwrap();
    assert_eq!(next(&handed_on, &again, 99_000), Err(Refusal::NotClaimable));
    let done = next(&leased, &complete(1), 40_000).unwrap();
    assert_eq!(next(&done, &again, 41_000), Err(Refusal::NotClaimable));
}

#[test]
fn a_heartbeat_renews_the_lease_and_tells_progress() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let renewed = next(&leased, &heartbeat(1), 50_000).unwrap();
    assert_eq!(renewed.lease_until_ms, 110_000);
    assert_eq!(renewed.task.progress.stage, "solving");
}

#[test]
fn a_stale_fence_is_refused_whatever_it_brings() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let handed_on = next(&leased, &claim(), leased.run_after_ms).unwrap();
    for event in [heartbeat(1), complete(1), fail(1, FailureClass::Permanent)] {
        assert_eq!(next(&handed_on, &event, LEASE_MS * 2), Err(Refusal::StaleFence));
    }
}

#[test]
fn a_late_completion_is_accepted_until_somebody_else_claims() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let done = next(&leased, &complete(1), LEASE_MS * 10).unwrap();
    assert_eq!(done.task.state, TaskState::Succeeded);
    assert_eq!(done.task.finished_ms, Some(LEASE_MS * 10));
}

#[test]
fn a_repeated_completion_is_known_for_what_it_is() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let done = next(&leased, &complete(1), 10).unwrap();
    assert_eq!(next(&done, &complete(1), 20), Err(Refusal::Replay));
    let other = QueueEvent::Complete {
        fence: 1,
        key: sha(9),
        output: Some(sha(8)),
        revision_id: Some(RevisionId::fresh()),
    };
    assert_eq!(next(&done, &other, 20), Err(Refusal::StaleFence));
}

#[test]
fn a_repeated_failure_is_known_for_what_it_is() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let stop = QueueEvent::Fail { fence: 1, failure: None };
    let long = TaskFailure::new(FailureClass::Retryable, "test", "long ".repeat(1_000));
    for said in [
        stop.clone(),
        fail(1, FailureClass::Retryable),
        fail(1, FailureClass::Permanent),
        QueueEvent::Fail { fence: 1, failure: Some(long) },
    ] {
        let after = next(&leased, &said, 1).unwrap();
        assert_eq!(next(&after, &said, 2), Err(Refusal::Replay), "{said:?}");
        let other = fail(1, FailureClass::Crashed);
        assert_eq!(next(&after, &other, 2), Err(Refusal::StaleFence), "{said:?}");
    }
    let again = next(&leased, &fail(1, FailureClass::Retryable), 1).unwrap();
    assert_eq!(next(&again, &stop, 2), Err(Refusal::StaleFence));
    let second = next(&again, &claim(), again.run_after_ms).unwrap();
    let late = next(&second, &fail(1, FailureClass::Retryable), 9_000);
    assert_eq!(late, Err(Refusal::StaleFence), "it was handed on");
}

#[test]
fn a_retryable_failure_waits_longer_each_time_and_then_ends() {
    let mut record = queued();
    let mut now_ms = 0;
    let mut waits = Vec::new();
    for attempt in 1..=3 {
        record = next(&record, &claim(), now_ms).unwrap();
        record = next(&record, &fail(attempt, FailureClass::Retryable), now_ms).unwrap();
        if record.task.state == TaskState::Queued {
            waits.push(record.run_after_ms - now_ms);
            assert_eq!(next(&record, &claim(), now_ms), Err(Refusal::NotClaimable));
            now_ms = record.run_after_ms;
        }
    }
    assert!((1_000..=1_500).contains(&waits[0]), "{waits:?}");
    assert!((2_000..=3_000).contains(&waits[1]), "{waits:?}");
    assert_eq!(record.task.state, TaskState::Failed);
    let why = record.task.failure.unwrap();
    assert_eq!((why.class, why.code.as_str()), (FailureClass::Quarantined, "test"));
    assert!(why.message.contains("3 attempts"), "{}", why.message);
    let attempts: Vec<_> = record.task.failures.iter().map(|it| it.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(record.task.failures.iter().all(|it| it.failure == failure(FailureClass::Retryable)));
}

#[test]
fn tasks_that_failed_together_do_not_come_back_together() {
    let waits: BTreeSet<i64> = (0..50)
        .map(|_| {
            let leased = next(&queued(), &claim(), 0).unwrap();
            next(&leased, &fail(1, FailureClass::Retryable), 0).unwrap().run_after_ms
        })
        .collect();
    assert!(waits.len() > 25, "{waits:?}");
    let leased = next(&queued(), &claim(), 0).unwrap();
    let once = next(&leased, &fail(1, FailureClass::Retryable), 7).unwrap();
    assert_eq!(next(&leased, &fail(1, FailureClass::Retryable), 7), Ok(once), "nothing is drawn");
}

#[test]
fn where_memory_ran_out_it_is_done_smaller_once() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    assert!(!leased.task.smaller);
    let again = next(&leased, &fail(1, FailureClass::OutOfMemory), 0).unwrap();
    assert_eq!((again.task.state, again.task.smaller), (TaskState::Queued, true));
    let leased = next(&again, &claim(), again.run_after_ms).unwrap();
    assert!(leased.task.smaller);
    let failed = next(&leased, &fail(2, FailureClass::OutOfMemory), 9_000).unwrap();
    assert_eq!((failed.task.state, failed.task.attempt), (TaskState::Failed, 2));
    assert_eq!(failed.task.failure.unwrap().class, FailureClass::OutOfMemory);
    assert_eq!(failed.task.failures.len(), 2);
    // Something else in between leaves it small.
    let stumbled = next(&leased, &fail(2, FailureClass::Retryable), 9_000).unwrap();
    assert_eq!((stumbled.task.state, stumbled.task.smaller), (TaskState::Queued, true));
}

#[test]
fn a_task_during_which_the_engine_crashed_twice_is_left_alone() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let again = next(&leased, &fail(1, FailureClass::Crashed), 0).unwrap();
    assert_eq!(again.task.state, TaskState::Queued);
    let leased = next(&again, &claim(), again.run_after_ms).unwrap();
    let failed = next(&leased, &fail(2, FailureClass::Crashed), 9_000).unwrap();
    assert_eq!((failed.task.state, failed.task.attempt), (TaskState::Failed, 2));
    assert_eq!(failed.task.failure.unwrap().class, FailureClass::Quarantined);
}

#[test]
fn a_permanent_failure_is_not_repeated() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let failed = next(&leased, &fail(1, FailureClass::Permanent), 5).unwrap();
    assert_eq!(failed.task.state, TaskState::Failed);
}

#[test]
fn a_waiting_task_is_cancelled_at_once_and_a_running_one_by_its_agent() {
    let cancelled = next(&queued(), &QueueEvent::Cancel, 1).unwrap();
    assert_eq!(cancelled.task.state, TaskState::Cancelled);

    let leased = next(&queued(), &claim(), 0).unwrap();
    let asked = next(&leased, &QueueEvent::Cancel, 1).unwrap();
    assert_eq!((asked.task.state, asked.task.cancel_requested), (TaskState::Leased, true));
    let stopped = next(&asked, &QueueEvent::Fail { fence: 1, failure: None }, 2).unwrap();
    assert_eq!(stopped.task.state, TaskState::Cancelled);
}

#[test]
fn a_cancelled_task_whose_agent_is_gone_ends_with_its_lease() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let asked = next(&leased, &QueueEvent::Cancel, 1).unwrap();
    assert_eq!(next(&asked, &QueueEvent::Tick, LEASE_MS), Err(Refusal::NothingDue));
    let ended = next(&asked, &QueueEvent::Tick, LEASE_MS + 1).unwrap();
    assert_eq!(ended.task.state, TaskState::Cancelled);
    // Where the lease is over already nobody may claim it any more.
    let asked = next(&leased, &QueueEvent::Cancel, LEASE_MS + 1).unwrap();
    assert_eq!(asked.task.state, TaskState::Leased);
    assert_eq!(next(&asked, &claim(), LEASE_MS + 2), Err(Refusal::NotClaimable));
    let ended = next(&asked, &QueueEvent::Tick, LEASE_MS + 2).unwrap();
    assert_eq!(ended.task.state, TaskState::Cancelled);
}

#[test]
fn a_withdrawn_task_over_its_limit_is_cancelled_and_not_failed() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let renewed = next(&leased, &heartbeat(1), 350_000).unwrap();
    let asked = next(&renewed, &QueueEvent::Cancel, 350_001).unwrap();
    let ended = next(&asked, &QueueEvent::Tick, 360_001).unwrap();
    assert_eq!((ended.task.state, ended.task.failure), (TaskState::Cancelled, None));
}

#[test]
fn time_ends_a_task_over_its_limit_and_one_without_attempts() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let renewed = next(&leased, &heartbeat(1), 350_000).unwrap();
    assert_eq!(next(&renewed, &QueueEvent::Tick, 360_000), Err(Refusal::NothingDue));
    let over = next(&renewed, &QueueEvent::Tick, 360_001).unwrap();
    assert_eq!(over.task.failure.unwrap().class, FailureClass::TimedOut);

    // The limit counts from the grant, not from the beginning of the clock.
    let later = next(&queued(), &claim(), 500_000).unwrap();
    let renewed = next(&later, &heartbeat(1), 850_000).unwrap();
    assert_eq!(next(&renewed, &QueueEvent::Tick, 860_000), Err(Refusal::NothingDue));
    let over = next(&renewed, &QueueEvent::Tick, 860_001).unwrap();
    assert_eq!(over.task.failure.unwrap().class, FailureClass::TimedOut);

    let mut last = next(&queued(), &claim(), 0).unwrap();
    last.task.attempt = 3;
    let lost = next(&last, &QueueEvent::Tick, LEASE_MS + 1).unwrap();
    let why = lost.task.failure.unwrap();
    assert_eq!((why.class, why.code.as_str()), (FailureClass::Quarantined, "agent_lost"));
}

#[test]
fn a_task_whose_agent_is_gone_is_tried_again_however_long_nobody_came() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let much_later = 360_001 + LEASE_MS * 100;
    assert_eq!(next(&leased, &QueueEvent::Tick, much_later), Err(Refusal::NothingDue));
    let second = next(&leased, &claim(), much_later).unwrap();
    let lost = &second.task.failures[0].failure;
    assert_eq!((second.task.attempt, lost.code.as_str()), (2, "agent_lost"));
    // An agent that comes back after its time worked for too long all the same.
    let back = next(&leased, &heartbeat(1), much_later).unwrap();
    let over = next(&back, &QueueEvent::Tick, much_later).unwrap();
    assert_eq!(over.task.failure.unwrap().class, FailureClass::TimedOut);
}

#[test]
fn a_newer_task_ends_an_older_one_whoever_has_it() {
    let leased = next(&queued(), &claim(), 0).unwrap();
    let ended = next(&leased, &QueueEvent::Supersede, 1).unwrap();
    assert_eq!(ended.task.state, TaskState::Cancelled);
    assert_eq!(next(&ended, &complete(1), 2), Err(Refusal::StaleFence));
}

#[test]
fn only_a_waiting_task_gets_another_place_in_the_queue() {
    let first = next(&queued(), &QueueEvent::Prioritise { priority: 7 }, 1).unwrap();
    assert_eq!((first.task.priority, first.task.state), (7, TaskState::Queued));
    let leased = next(&first, &claim(), 2).unwrap();
    let late = next(&leased, &QueueEvent::Prioritise { priority: 9 }, 3);
    assert_eq!(late, Err(Refusal::NotWaiting));
    let done = next(&leased, &complete(1), 4).unwrap();
    let late = next(&done, &QueueEvent::Prioritise { priority: 9 }, 5);
    assert_eq!(late, Err(Refusal::NotWaiting));
}
