//! What every database must do with tasks beyond running them: lists, their order, their logs.

use protocol::{
    audit::AuditAction,
    id::{JobId, TaskId},
    lease::Heartbeat,
    output_log::LogRequest,
    task::{EngineName, FailureClass, Progress, TaskFailure, TaskState},
    task_log::{LogLevel, TaskCounts, TaskStep},
};
use server::{
    queue::Refusal,
    store::{AuditQuery, Store, StoreError, TaskFilter},
};

use super::{LEASE_MS, agent, at, completion, new_job, segment};

pub(crate) fn of_job(job_id: JobId) -> TaskFilter {
    TaskFilter { job_id: Some(job_id), ..TaskFilter::default() }
}

fn beat(fence: i64, stage: &str) -> Heartbeat {
    Heartbeat {
        fence,
        progress: Progress { done: 1, total: 3, stage: stage.to_owned() },
        wait_ms: 0,
        partial: None,
        so_far: None,
    }
}

fn failure(class: FailureClass) -> TaskFailure {
    TaskFailure::new(class, "no_object", "nothing found").remedy("draw a larger box")
}

async fn steps(store: &Store, task_id: TaskId) -> Vec<TaskStep> {
    store.task_log(task_id).await.unwrap().iter().map(|it| it.step).collect()
}

pub(crate) async fn a_list_of_tasks_is_cut_by_job_state_and_place(store: Store) {
    let (a, b) = (new_job(&store, 1).await, new_job(&store, 2).await);
    let mut queued = Vec::new();
    for slice_index in 0..4 {
        queued.push(store.enqueue(&segment(a, slice_index), 10).await.unwrap().task_id);
    }
    store.enqueue(&segment(b, 0), 10).await.unwrap();
    store.cancel(queued[1], &at(11)).await.unwrap();
    store.claim(&agent(), LEASE_MS, 12).await.unwrap().unwrap();

    let ids = async |filter: TaskFilter, limit| -> Vec<TaskId> {
        store.tasks(&filter, limit).await.unwrap().iter().map(|it| it.task_id).collect()
    };
    let newest_first: Vec<_> = queued.iter().rev().copied().collect();
    assert_eq!(ids(of_job(a), 10).await, newest_first);
    assert_eq!(ids(TaskFilter::default(), 10).await.len(), 5);
    let waiting = TaskFilter { state: Some(TaskState::Queued), ..of_job(a) };
    assert_eq!(ids(waiting, 10).await, [queued[3], queued[2]]);
    let older = TaskFilter { before: Some(queued[3]), ..of_job(a) };
    assert_eq!(ids(older, 2).await, [queued[2], queued[1]]);

    let counts = TaskCounts { queued: 2, leased: 1, cancelled: 1, ..TaskCounts::default() };
    assert_eq!(store.count_tasks(Some(a)).await.unwrap(), counts);
    let all = TaskCounts { queued: 3, ..counts };
    assert_eq!(store.count_tasks(None).await.unwrap(), all);
}

pub(crate) async fn a_person_changes_the_order_of_waiting_tasks(store: Store) {
    let (a, b) = (new_job(&store, 1).await, new_job(&store, 2).await);
    let first = store.enqueue(&segment(a, 1), 0).await.unwrap();
    let second = store.enqueue(&segment(b, 1), 1).await.unwrap();
    let moved = store.prioritise(second.task_id, first.priority + 1, &at(2)).await.unwrap();
    assert_eq!(moved.task.priority, 11);
    let order: Vec<_> =
        store.unfinished_tasks(3).await.unwrap().iter().map(|it| it.task_id).collect();
    assert_eq!(order, [second.task_id, first.task_id]);
    let granted = store.claim(&agent(), LEASE_MS, 3).await.unwrap().unwrap();
    assert_eq!(granted.task.task_id, second.task_id);

    let late = store.prioritise(second.task_id, 12, &at(4)).await;
    assert!(matches!(late, Err(StoreError::Refused(Refusal::NotWaiting))));
    let unknown = store.prioritise(TaskId::fresh(), 12, &at(4)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "task", .. })));
    let expected = [TaskStep::Queued, TaskStep::Prioritised, TaskStep::Granted];
    assert_eq!(steps(&store, second.task_id).await, expected);
    let query = AuditQuery { job_id: Some(b), limit: 1, ..AuditQuery::default() };
    let told = store.audit_entries(query).await.unwrap().remove(0);
    assert_eq!((told.action, told.by.as_str()), (AuditAction::PriorityChanged, "Kim"));
    assert_eq!((told.details["from"].as_str(), told.details["to"].as_str()), ("10", "11"));
}

pub(crate) async fn a_task_knows_its_job_engine_and_agent(store: Store) {
    let job_id = new_job(&store, 1).await;
    let queued = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    assert_eq!(queued.job_name.as_deref(), Some("phantom — 복부"));
    assert_eq!((queued.engine, queued.agent), (Some(EngineName::Graphcut), None));
    let mut request = agent();
    request.name = "n".repeat(1_000);
    let leased = store.claim(&request, LEASE_MS, 1).await.unwrap().unwrap().task;
    assert_eq!(leased.agent, Some("n".repeat(100)), "cut short");
    assert_eq!(store.tasks(&of_job(job_id), 1).await.unwrap(), [leased]);
}

pub(crate) async fn every_step_of_a_task_is_in_its_log(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task_id = store.enqueue(&segment(job_id, 5), 1_000).await.unwrap().task_id;
    store.claim(&agent(), LEASE_MS, 1_040).await.unwrap().unwrap();
    for (stage, now_ms) in [("loading", 1_050), ("solving", 1_090), ("solving", 1_200)] {
        store.heartbeat(task_id, beat(1, stage), LEASE_MS, now_ms).await.unwrap();
    }
    // The agent falls silent; another one takes over.
    store.claim(&agent(), LEASE_MS, 1_200 + LEASE_MS + 1_501).await.unwrap().unwrap();
    store.complete(task_id, 2, &completion(None, 20), 5_500).await.unwrap();
    let other = TaskId::fresh();
    store.note_retry(task_id, other, &at(6_000)).await.unwrap();

    let lines = store.task_log(task_id).await.unwrap();
    let told: Vec<_> = lines.iter().map(|it| (it.step, it.attempt, it.at_ms, it.took_ms)).collect();
    let expected = [
        (TaskStep::Queued, 0, 1_000, None),
        (TaskStep::Granted, 1, 1_040, Some(40)),
        (TaskStep::Stage, 1, 1_050, Some(10)),
        (TaskStep::Stage, 1, 1_090, Some(40)),
        (TaskStep::AgentLost, 1, 4_701, Some(3_661)),
        (TaskStep::Granted, 2, 4_701, Some(0)),
        (TaskStep::Succeeded, 2, 5_500, Some(799)),
        (TaskStep::Retried, 2, 6_000, None),
    ];
    assert_eq!(told, expected);
    assert_eq!(lines[3].stage.as_deref(), Some("solving"));
    assert_eq!(lines[0].priority, Some(10));
    assert_eq!(lines[7].retried_as, Some(other));
    assert!(lines.iter().all(|it| !it.text.is_empty()));
    let unknown = store.task_log(TaskId::fresh()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "task", .. })));
    store.delete_job(job_id, &at(6_000)).await.unwrap();
    let gone = store.task_log(task_id).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "task", .. })));
}

pub(crate) async fn the_log_says_what_a_repeated_attempt_failed_of(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task_id = store.enqueue(&segment(job_id, 5), 0).await.unwrap().task_id;
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    store.fail(task_id, 1, Some(failure(FailureClass::Retryable)), 10).await.unwrap();
    store.claim(&agent(), LEASE_MS, 2_000).await.unwrap().unwrap();
    store.fail(task_id, 2, Some(failure(FailureClass::Permanent)), 2_010).await.unwrap();
    let lines = store.task_log(task_id).await.unwrap();
    let told: Vec<_> = lines.iter().map(|it| (it.step, it.level, it.failure.clone())).collect();
    let expected = [
        (TaskStep::Queued, LogLevel::Info, None),
        (TaskStep::Granted, LogLevel::Info, None),
        (TaskStep::Repeated, LogLevel::Warning, Some(failure(FailureClass::Retryable))),
        (TaskStep::Granted, LogLevel::Info, None),
        (TaskStep::Failed, LogLevel::Error, Some(failure(FailureClass::Permanent))),
    ];
    assert_eq!(told, expected);

    let older = store.enqueue(&segment(job_id, 6), 3_000).await.unwrap();
    store.enqueue(&segment(job_id, 6), 3_001).await.unwrap();
    let replaced = [TaskStep::Queued, TaskStep::Replaced];
    assert_eq!(steps(&store, older.task_id).await, replaced);
    let asked = store.enqueue(&segment(job_id, 7), 3_002).await.unwrap();
    store.cancel(asked.task_id, &at(3_003)).await.unwrap();
    let withdrawn = [TaskStep::Queued, TaskStep::Cancelled];
    assert_eq!(steps(&store, asked.task_id).await, withdrawn);
}

pub(crate) async fn stages_fill_no_disk_with_lines(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task_id = store.enqueue(&segment(job_id, 5), 0).await.unwrap().task_id;
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    for n in 0..250 {
        let stage = format!("{n}{}", "x".repeat(1_000));
        store.heartbeat(task_id, beat(1, &stage), LEASE_MS, 1).await.unwrap();
    }
    store.complete(task_id, 1, &completion(None, 20), 2).await.unwrap();
    let lines = store.task_log(task_id).await.unwrap();
    assert_eq!(lines.len(), 201, "the end is told whatever came before");
    assert_eq!(lines[200].step, TaskStep::Succeeded);
    assert_eq!(lines[199].stage.as_ref().map(|it| it.chars().count()), Some(60));
}

pub(crate) async fn what_is_said_is_kept_once_and_goes_with_its_job(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 3), 10).await.unwrap();
    let record = store.claim(&agent(), LEASE_MS, 11).await.unwrap().unwrap();
    let (task_id, fence) = (record.task.task_id, record.fence);
    let say = async |offset: u64, text: &str| {
        let request = LogRequest { fence, offset, text: text.to_owned() };
        store.append_log(task_id, &request, 12).await.unwrap().offset
    };
    assert_eq!(say(0, "복부 — loading\n").await, 19);
    assert_eq!(say(0, "복부 — loading\n").await, 19);
    assert_eq!(say(40, "too far").await, 19);
    assert_eq!(say(10, " loading\na\0b").await, 22);
    // Many senders of the same piece: one is first.
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        senders.spawn(async move {
            let request = LogRequest { fence, offset: 22, text: "end\n".to_owned() };
            store.append_log(task_id, &request, 13).await.unwrap().offset
        });
    }
    assert_eq!(senders.join_all().await, [26; 8]);
    let log = store.output_log(task_id, None, 0).await.unwrap();
    assert_eq!(log.text, "복부 — loading\na bend\n");
    assert_eq!((log.attempt, log.attempts, log.length), (1, vec![1], 26));
    let tail = store.output_log(task_id, Some(1), -4).await.unwrap();
    assert_eq!((tail.text.as_str(), tail.offset), ("end\n", 22));
    let stale = LogRequest { fence: fence + 1, offset: 26, text: "x".to_owned() };
    let refused = store.append_log(task_id, &stale, 14).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(Refusal::StaleFence)), "{refused}");
    store.delete_job(job_id, &at(15)).await.unwrap();
    let gone = store.output_log(task_id, None, 0).await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound { .. }), "{gone}");
}
