//! Requests for programs: tasks without a job.

use std::collections::BTreeSet;

use protocol::{
    audit::AuditAction,
    event::EventBody,
    external::{External, ExternalOutput, InputFile, OutputFile},
    id::{AgentId, Sha256, TaskId},
    lease::ClaimRequest,
    needs::Needs,
    task::{TaskClass, TaskKind, TaskSpec, TaskState},
};
use serde_json::json;
use server::{
    queue::{QueueEvent, Refusal},
    store::{AuditQuery, NewTask, RequestFilter, Store, StoreError, TaskFilter},
};

use super::{LEASE_MS, agent, at, new_job, segment, sha};

fn request(program: &str) -> NewTask {
    let input = InputFile { name: "slide.svs".to_owned(), sha256: sha(40), size: 9 };
    NewTask {
        job_id: None,
        spec: TaskSpec::External(External {
            program: program.to_owned(),
            arguments: json!({ "slide": "S-1" }),
            inputs: vec![input.clone(), InputFile { name: "again.svs".to_owned(), ..input }],
        }),
        priority: 0,
        time_limit_ms: 360_000,
        max_attempts: 3,
        hints: Vec::new(),
        by: "Dr. Kim".to_owned(),
        class: TaskClass::Batch,
        needs: Needs { program: Some(program.to_owned()), ..Needs::default() },
    }
}

fn offering(programs: &[&str]) -> ClaimRequest {
    ClaimRequest {
        kinds: vec![TaskKind::External],
        engines: Vec::new(),
        programs: programs.iter().map(|it| (*it).to_owned()).collect(),
        ..agent()
    }
}

fn claim(agent_id: AgentId, name: &str) -> QueueEvent {
    let name = name.to_owned();
    QueueEvent::Claim { agent_id, name, device: None, claim_id: None, lease_ms: LEASE_MS }
}

fn output(file: Sha256) -> ExternalOutput {
    let media_type = "image/png".to_owned();
    let file = OutputFile { name: "heat.png".to_owned(), sha256: file, size: 3, media_type };
    ExternalOutput { result: json!({ "class": "LUAD" }), files: vec![file] }
}

pub(crate) async fn a_program_runs_from_request_to_result(store: Store) {
    let task = store.enqueue_request(&request("clam"), None, 5).await.unwrap();
    let task_id = task.task_id;
    assert_eq!((task.job_id, task.kind), (None, TaskKind::External));
    assert_eq!((task.program.as_deref(), task.engine), (Some("clam"), None));
    let leased = store.claim(&offering(&["clam"]), LEASE_MS, 6).await.unwrap().unwrap();
    assert_eq!(leased.task.task_id, task_id);
    store.record_delivery(task_id, &sha(41)).await.unwrap();
    let made = output(sha(41));
    let stale = store.complete_request(task_id, 9, &sha(50), &made, 7).await;
    assert!(matches!(stale, Err(StoreError::Refused(Refusal::StaleFence))), "{stale:?}");
    let done = store.complete_request(task_id, 1, &sha(50), &made, 7).await.unwrap();
    assert_eq!(done.state, TaskState::Succeeded);
    let again = store.complete_request(task_id, 1, &sha(50), &made, 8).await;
    assert!(matches!(again, Err(StoreError::Refused(Refusal::Replay))), "{again:?}");

    let record = store.request(task_id).await.unwrap();
    assert_eq!(record.request.output, Some(made));
    assert_eq!((record.request.summary.by.as_str(), record.slide), ("Dr. Kim", None));
    assert_eq!(record.request.inputs.len(), 2);
    let events = store.events_after(0, None, 100).await.unwrap();
    let mut states = Vec::new();
    for event in events {
        if let EventBody::RequestUpdate { request_id, status, .. } = event.body {
            assert_eq!(request_id, task_id);
            states.push(status);
        }
    }
    assert_eq!(states, [TaskState::Queued, TaskState::Leased, TaskState::Succeeded]);
    let log = store.task_log(task_id).await.unwrap();
    assert_eq!(log.len(), 3, "{log:?}");
}

pub(crate) async fn a_request_waits_for_an_agent_that_offers_its_program(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 4).await.unwrap();
    store.enqueue_request(&request("clam"), Some("S-1"), 5).await.unwrap();
    let second = store.enqueue_request(&request("unet"), None, 6).await.unwrap();
    // `_` is no wildcard, case counts, a part of a name is no name.
    let odd = store.enqueue_request(&request("c_am"), None, 6).await.unwrap().task_id;
    for programs in [&[][..], &["cla"], &["c%am", "%", "clam2"], &["C_AM", "cxam"]] {
        let claimed = store.claim(&offering(programs), LEASE_MS, 7).await.unwrap();
        assert_eq!(claimed, None, "{programs:?}");
    }
    store.delete_request(odd, &at(7)).await.unwrap();
    let claimed = store.claim(&offering(&["x", "unet"]), LEASE_MS, 8).await.unwrap().unwrap();
    assert_eq!(claimed.task.task_id, second.task_id);
    let waiting = store.waiting_programs().await.unwrap();
    assert_eq!(waiting.into_iter().collect::<Vec<_>>(), [("clam".to_owned(), 1)]);

    let of = async |filter: RequestFilter| {
        let found = store.requests(&filter, 10).await.unwrap();
        found.into_iter().map(|it| it.request.summary.program).collect::<Vec<_>>()
    };
    let all = RequestFilter::default();
    assert_eq!(of(all.clone()).await, ["unet", "clam"]);
    let program = Some("clam".to_owned());
    assert_eq!(of(RequestFilter { program, ..all.clone() }).await, ["clam"]);
    let state = Some(TaskState::Leased);
    assert_eq!(of(RequestFilter { state, ..all.clone() }).await, ["unet"]);
    let before = Some(second.task_id);
    assert_eq!(of(RequestFilter { before, ..all.clone() }).await, ["clam"]);
    assert_eq!(of(RequestFilter { has_slide: true, ..all }).await, ["clam"]);
    assert_eq!(store.tasks(&TaskFilter::default(), 10).await.unwrap().len(), 3);
}

pub(crate) async fn a_request_is_granted_to_one_of_many_who_ask_for_it(store: Store) {
    let task = store.enqueue_request(&request("clam"), Some("S-1"), 5).await.unwrap();
    let ask = |n: u8| {
        let (store, task_id) = (store.clone(), task.task_id);
        tokio::spawn(async move {
            let agent_id = AgentId::of_digest([n; 32]);
            let event = claim(agent_id, &n.to_string());
            store.claim_request(task_id, "somebody", &event, 6).await
        })
    };
    let mut n_granted = 0;
    for answer in futures::future::join_all((0..20).map(ask)).await {
        match answer.unwrap() {
            Ok(record) => n_granted += i64::from(record.fence == 1),
            Err(StoreError::Refused(Refusal::NotClaimable)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(n_granted, 1);
    let unknown = TaskId::fresh();
    let event = claim(AgentId::fresh(), "");
    let missing = store.claim_request(unknown, "somebody", &event, 6).await;
    assert!(matches!(missing, Err(StoreError::NotFound { what: "request", .. })), "{missing:?}");
}

pub(crate) async fn a_deleted_request_takes_its_files_with_it(store: Store) {
    let job_id = new_job(&store, 42).await;
    let task = store.enqueue(&segment(job_id, 5), 4).await.unwrap();
    let first = store.enqueue_request(&request("clam"), None, 5).await.unwrap().task_id;
    let second = store.enqueue_request(&request("clam"), None, 6).await.unwrap().task_id;
    for sha256 in [sha(41), sha(42)] {
        store.record_delivery(first, &sha256).await.unwrap();
    }
    let gone = store.delete_request(first, &at(9)).await.unwrap();
    // The other request reads 40, a job shows 42.
    assert_eq!(gone, [sha(41)]);
    assert!(matches!(store.request(first).await, Err(StoreError::NotFound { .. })));
    let of_job = store.delete_request(task.task_id, &at(9)).await;
    assert!(matches!(of_job, Err(StoreError::NotFound { .. })), "{of_job:?}");
    let gone: BTreeSet<_> =
        store.delete_request(second, &at(10)).await.unwrap().into_iter().collect();
    assert_eq!(gone, BTreeSet::from([sha(40)]));
    let query = AuditQuery { limit: 10, ..AuditQuery::default() };
    let audit = store.audit_entries(query).await.unwrap();
    let deleted: Vec<_> =
        audit.iter().filter(|it| it.action == AuditAction::RequestDeleted).collect();
    assert_eq!(deleted.len(), 2);
    assert_eq!(deleted[0].details["program"], "clam");
    let last = store.events_after(0, None, 100).await.unwrap().pop().unwrap();
    assert_eq!(last.body, EventBody::RequestRemoved { request_id: second });
}

pub(crate) async fn requests_that_an_agent_may_take_come_in_the_order_of_asking(store: Store) {
    let mut asked = Vec::new();
    for now_ms in 1..=4 {
        let task = store.enqueue_request(&request("clam"), Some("S"), now_ms).await.unwrap();
        asked.push(task.task_id);
    }
    store.enqueue_request(&request("clam"), None, 1).await.unwrap();
    store.enqueue_request(&request("unet"), Some("S"), 1).await.unwrap();
    let free = async |limit: i64, now_ms: i64| -> Vec<TaskId> {
        let found = store.free_requests("clam", limit, now_ms).await.unwrap();
        found.into_iter().map(|it| it.request.summary.request_id).collect()
    };
    assert_eq!(free(2, 5).await, asked[..2], "however many came after them");
    let taken = claim(AgentId::fresh(), "lab-1");
    store.claim_request(asked[0], "lab-1", &taken, 5).await.unwrap();
    assert_eq!(free(9, 6).await, asked[1..]);
    assert_eq!(free(9, 5 + LEASE_MS + 1_501).await, asked, "its agent is gone");
    store.cancel(asked[0], &at(7)).await.unwrap();
    assert_eq!(free(9, 5 + LEASE_MS + 1_501).await, asked[1..]);
}
