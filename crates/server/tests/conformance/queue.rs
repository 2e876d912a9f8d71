//! Tasks from the queue to a revision: grants, fences, priorities, ends.

use futures::FutureExt as _;
use protocol::{
    job::JobState,
    lease::Heartbeat,
    task::{
        EngineIdentity, EngineName, FailureClass, MaskSoFar, Progress, SliceConfidence,
        TaskFailure, TaskKind, TaskState,
    },
};
use server::{
    queue::Refusal,
    store::{Store, StoreError},
};

use super::{
    LEASE_MS, agent, at, completion, edit, new_job, prompt, propagate, segment, sha, tasks::of_job,
};

pub(crate) async fn a_task_runs_from_queue_to_revision(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 2_000).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Segmenting);
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(5, 1)]);

    let leased = store.claim(&agent(), LEASE_MS, 3_000).await.unwrap().unwrap();
    assert_eq!((leased.task.task_id, leased.fence), (task.task_id, 1));
    assert_eq!(store.claim(&agent(), LEASE_MS, 3_000).await.unwrap(), None, "granted once");

    let so_far = MaskSoFar {
        engine: EngineIdentity { name: EngineName::Graphcut, version: "0".to_owned(), model: None },
        slices: vec![SliceConfidence { slice_index: 5, area_voxels: 7, uncertainty: 0.25 }],
        doubt: Some(0.5),
    };
    let beat = Heartbeat {
        fence: 1,
        progress: Progress { done: 1, total: 3, stage: "solving".to_owned() },
        wait_ms: 0,
        partial: Some(sha(77)),
        so_far: Some(Box::new(so_far.clone())),
    };
    let renewed = store.heartbeat(task.task_id, beat, LEASE_MS, 4_000).await.unwrap();
    assert_eq!(renewed.so_far, Some(so_far));
    assert_eq!((renewed.lease_until_ms, renewed.partial), (6_000, Some(sha(77))));

    let made = completion(None, 20);
    store.record_delivery(task.task_id, &made.output).await.unwrap();
    let done = store.complete(task.task_id, 1, &made, 5_000).await.unwrap();
    assert_eq!(done.task.state, TaskState::Succeeded);
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.summary.status, JobState::Segmented);
    assert_eq!(job.summary.rating.and_then(|it| it.doubt), Some(0.25));
    assert_eq!(job.head_revision.as_ref(), Some(&made.made.revision));
    assert_eq!(job.task, None);

    let again = store.complete(task.task_id, 1, &made, 6_000).await;
    assert!(matches!(again, Err(StoreError::Refused(Refusal::Replay))));
    assert_eq!(store.revisions(job_id).await.unwrap().len(), 1);
}

pub(crate) async fn a_stale_agent_changes_nothing(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let second = store.claim(&agent(), LEASE_MS, LEASE_MS + 1_501).await.unwrap().unwrap();
    assert_eq!((second.fence, second.task.attempt), (2, 2));

    let stale = store.complete(task.task_id, 1, &completion(None, 20), 3_000).await;
    assert!(matches!(stale, Err(StoreError::Refused(Refusal::StaleFence))));
    assert!(store.job(job_id).await.unwrap().head_revision.is_none());
    store.complete(task.task_id, 2, &completion(None, 21), 3_000).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().head_revision.unwrap().mask, sha(21));
}

pub(crate) async fn a_newer_request_for_the_same_slice_takes_the_place_of_the_older(store: Store) {
    let job_id = new_job(&store, 1).await;
    let older = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let other_slice = store.enqueue(&segment(job_id, 6), 0).await.unwrap();
    let newer = store.enqueue(&segment(job_id, 5), 1).await.unwrap();
    assert_eq!(store.task(older.task_id).await.unwrap().task.state, TaskState::Cancelled);
    for task in [other_slice, newer] {
        assert_eq!(store.task(task.task_id).await.unwrap().task.state, TaskState::Queued);
    }
}

pub(crate) async fn a_job_is_propagated_or_segmented_but_not_both_at_once(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let refused = store.enqueue(&propagate(job_id), 0).await;
    assert!(matches!(refused, Err(StoreError::WrongState { .. })));
    let leased = store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    store.complete(leased.task.task_id, 1, &completion(None, 20), 1).await.unwrap();

    let task = store.enqueue(&propagate(job_id), 2).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Propagating);
    let refused = store.enqueue(&segment(job_id, 5), 3).await;
    assert!(matches!(refused, Err(StoreError::WrongState { .. })));

    let cancelled = store.cancel(task.task_id, &at(4)).await.unwrap();
    assert_eq!(cancelled.task.state, TaskState::Cancelled);
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.summary.status, JobState::Cancelled);
    assert!(job.head_revision.is_some(), "the last mask is kept");
    store.enqueue(&propagate(job_id), 5).await.unwrap();
}

pub(crate) async fn urgent_tasks_go_first_and_old_ones_before_new_ones(store: Store) {
    let (a, b) = (new_job(&store, 1).await, new_job(&store, 2).await);
    let leased = {
        store.enqueue(&segment(a, 1), 0).await.unwrap();
        store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap()
    };
    store.complete(leased.task.task_id, 1, &completion(None, 20), 1).await.unwrap();
    let slow = store.enqueue(&propagate(a), 2).await.unwrap();
    let first = store.enqueue(&segment(b, 1), 3).await.unwrap();
    let second = store.enqueue(&segment(b, 2), 4).await.unwrap();
    let mut granted = Vec::new();
    while let Some(it) = store.claim(&agent(), LEASE_MS, 5).await.unwrap() {
        granted.push(it.task.task_id);
    }
    assert_eq!(granted, [first.task_id, second.task_id, slow.task_id]);
}

pub(crate) async fn agents_get_only_what_they_can_run(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let mut other = agent();
    other.kinds = vec![TaskKind::Propagate];
    assert_eq!(store.claim(&other, LEASE_MS, 1).await.unwrap(), None);
    other.kinds = vec![TaskKind::SegmentSlice];
    other.engines = Vec::new();
    assert_eq!(store.claim(&other, LEASE_MS, 1).await.unwrap(), None);
    assert!(store.claim(&agent(), LEASE_MS, 1).await.unwrap().is_some());
}

pub(crate) async fn a_failed_task_says_why_and_the_job_can_go_on(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let why = TaskFailure::new(FailureClass::Permanent, "no_object", "nothing found")
        .remedy("draw a larger box");
    store.fail(task.task_id, 1, Some(why.clone()), 1).await.unwrap();
    let record = store.task(task.task_id).await.unwrap();
    assert_eq!((record.task.state, record.task.failure), (TaskState::Failed, Some(why)));
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Failed);
    store.enqueue(&segment(job_id, 5), 2).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Segmenting);
}

pub(crate) async fn time_ends_what_nobody_works_on(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let mut now_ms = 0;
    for _ in 0..3 {
        assert_eq!(store.tick(now_ms).await.unwrap(), 0);
        store.claim(&agent(), LEASE_MS, now_ms).await.unwrap().unwrap();
        now_ms += LEASE_MS + 3_001;
    }
    assert_eq!(store.claim(&agent(), LEASE_MS, now_ms).await.unwrap(), None, "no attempt left");
    assert_eq!(store.tick(now_ms).await.unwrap(), 1);
    let record = store.task(task.task_id).await.unwrap();
    assert_eq!(record.task.failure.unwrap().class, FailureClass::Quarantined);
    assert_eq!(record.task.failures.len(), 3, "each attempt says what it failed of");
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Failed);
}

pub(crate) async fn what_a_withdrawn_task_had_made_is_found_once_its_agent_is_gone(store: Store) {
    let job_id = new_job(&store, 1).await;
    let tasks = [
        store.enqueue(&segment(job_id, 5), 0).await.unwrap(),
        store.enqueue(&segment(job_id, 6), 1).await.unwrap(),
    ];
    for (task, partial) in [(&tasks[0], Some(sha(77))), (&tasks[1], None)] {
        store.claim(&agent(), LEASE_MS, 2).await.unwrap().unwrap();
        let beat = Heartbeat {
            fence: 1,
            progress: Progress::default(),
            wait_ms: 0,
            partial,
            so_far: None,
        };
        store.heartbeat(task.task_id, beat, LEASE_MS, 3).await.unwrap();
    }
    let gone_ms = LEASE_MS + 4;
    assert_eq!(store.left_behind(gone_ms).await.unwrap(), [], "nobody asked them to stop");
    for task in &tasks {
        store.cancel(task.task_id, &at(3)).await.unwrap();
    }
    assert_eq!(store.left_behind(4).await.unwrap(), [], "their agent may still answer");
    assert_eq!(store.left_behind(gone_ms).await.unwrap(), [(tasks[0].task_id, 1)]);
    assert_eq!(store.tick(gone_ms).await.unwrap(), 2);
    assert_eq!(store.left_behind(gone_ms).await.unwrap(), []);
}

pub(crate) async fn a_completion_on_a_moved_head_leaves_the_task_running(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let edit = edit(None, 30, &[]);
    store.add_revision(job_id, &edit, &at(1)).await.unwrap();
    let late = store.complete(task.task_id, 1, &completion(None, 20), 2).await;
    assert!(matches!(late, Err(StoreError::NotHead { .. })));
    let record = store.task(task.task_id).await.unwrap();
    assert_eq!(record.task.state, TaskState::Leased, "nothing was half written");
    let merged = completion(Some(edit.revision.revision_id), 21);
    store.complete(task.task_id, 1, &merged, 3).await.unwrap();
    assert_eq!(
        store.job(job_id).await.unwrap().summary.head,
        Some(merged.made.revision.revision_id)
    );
}

/// Many requests at once about one job: one propagation is queued, and the job's state is that of
/// its tasks whatever the order in which they end.
pub(crate) async fn requests_about_one_job_take_turns(store: Store) {
    for round in 0..10 {
        let job_id = new_job(&store, 1).await;
        store.add_revision(job_id, &edit(None, 20, &[]), &at(1)).await.unwrap();
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = store.clone();
            requests.spawn(async move { store.enqueue(&propagate(job_id), 2).await.is_ok() });
        }
        let n_queued = requests.join_all().await.into_iter().filter(|it| *it).count();
        assert_eq!(n_queued, 1, "round {round}");

        let task = store.tasks(&of_job(job_id), 1).await.unwrap().remove(0);
        store.cancel(task.task_id, &at(3)).await.unwrap();
        let tasks = [
            store.enqueue(&segment(job_id, 5), 4).await.unwrap(),
            store.enqueue(&segment(job_id, 6), 4).await.unwrap(),
        ];
        let mut cancels = tokio::task::JoinSet::new();
        for task in tasks {
            let store = store.clone();
            cancels.spawn(async move { store.cancel(task.task_id, &at(5)).await.is_ok() });
        }
        assert!(cancels.join_all().await.into_iter().all(|it| it));
        assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Cancelled);
    }
}

/// A newer request comes while an agent claims the older one: one of the two is left.
pub(crate) async fn a_task_that_is_claimed_while_it_is_superseded_ends_all_the_same(store: Store) {
    for round in 0..20 {
        let job_id = new_job(&store, 1).await;
        let older = store.enqueue(&segment(job_id, 5), 0).await.unwrap().task_id;
        let claiming = {
            let store = store.clone();
            tokio::spawn(async move { store.claim(&agent(), LEASE_MS, 1).await.unwrap() })
        };
        let newer = store.enqueue(&segment(job_id, 5), 1).await.unwrap().task_id;
        claiming.await.unwrap();
        let left = store.task(older).await.unwrap().task;
        assert_eq!(left.state, TaskState::Cancelled, "round {round}: of the same slice");
        store.cancel(newer, &at(2)).await.unwrap();
        store.tick(LEASE_MS * 2).await.unwrap();
    }
}

pub(crate) async fn a_job_is_deleted_while_an_agent_claims_its_task(store: Store) {
    for round in 0..20 {
        let job_id = new_job(&store, 1).await;
        let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
        let claiming = {
            let store = store.clone();
            tokio::spawn(async move { store.claim(&agent(), LEASE_MS, 1).await })
        };
        store.delete_job(job_id, &at(1)).await.unwrap();
        claiming.await.unwrap().unwrap();
        let gone = store.task(task.task_id).await;
        assert!(matches!(gone, Err(StoreError::NotFound { .. })), "round {round}: {gone:?}");
    }
}

/// Who waits for a task hears of its turns, and not of everything that happens.
pub(crate) async fn who_waits_for_a_task_is_woken_by_its_turns_only(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task_id = store.enqueue(&segment(job_id, 5), 0).await.unwrap().task_id;
    let mut turns = store.watch_task(task_id);
    let mut is_woken = || turns.changed().now_or_never().is_some();
    let leased = store.claim(&agent(), LEASE_MS, 1).await.unwrap().unwrap();
    assert!(is_woken(), "it was granted");
    for done in 1..4 {
        let progress = Progress { done, total: 4, stage: "solving".to_owned() };
        let beat =
            Heartbeat { fence: leased.fence, progress, wait_ms: 0, partial: None, so_far: None };
        store.heartbeat(task_id, beat, LEASE_MS, 2).await.unwrap();
    }
    let other = store.enqueue(&segment(job_id, 6), 3).await.unwrap().task_id;
    store.cancel(other, &at(4)).await.unwrap();
    assert!(!is_woken(), "neither progress nor another task is a turn of it");
    store.cancel(task_id, &at(5)).await.unwrap();
    assert!(is_woken(), "it was withdrawn");
    store.delete_job(job_id, &at(6)).await.unwrap();
    assert!(is_woken(), "it is gone");
}
