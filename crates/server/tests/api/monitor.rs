//! Watching tasks over HTTP: lists, logs, rates, and what a person does about them.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::clock::ManualClock;

use crate::support::{TestServer, block};

async fn segment(server: &TestServer, job: &str, slice_index: u32) -> Value {
    let prompt = json!({ "axis": 2, "slice_index": slice_index, "box": [3, 3, 12, 12] });
    let queued = server.post(&format!("{job}/initial-mask"), prompt).await;
    queued.expect(StatusCode::ACCEPTED).json()
}

fn task_path(task: &Value) -> String {
    format!("/api/v1/tasks/{}", task["task_id"].as_str().unwrap())
}

async fn fail(server: &TestServer, lease: &Value) -> Value {
    let failure = json!({
        "class": "permanent", "code": "no_contrast", "message": "the box holds one intensity",
        "remedy": "draw a larger box",
    });
    let body = json!({ "fence": lease["fence"], "failure": failure });
    let failed = server.post(&format!("{}/fail", task_path(lease)), body).await;
    failed.expect(StatusCode::OK).json()
}

async fn prioritise(server: &TestServer, task: &Value, priority: Value) -> crate::support::Answer {
    let path = format!("{}/priority", task_path(task));
    server.json(Method::PUT, &path, json!({ "priority": priority })).await
}

#[tokio::test]
async fn a_list_of_tasks_is_cut_and_counted() {
    let server = TestServer::start().await;
    let (job, other) = (server.open_phantom().await, server.open_phantom().await);
    let mut queued = Vec::new();
    for slice_index in 4..7 {
        queued.push(segment(&server, &job, slice_index).await);
    }
    segment(&server, &other, 4).await;
    fail(&server, &server.claim().await).await;

    let job_id = job.rsplit('/').next().unwrap();
    let ids = |list: &Value| -> Vec<Value> {
        list["tasks"].as_array().unwrap().iter().map(|it| it["task_id"].clone()).collect()
    };
    let list = server.get(&format!("/api/v1/tasks?job_id={job_id}")).await.json();
    let newest_first: Vec<_> = queued.iter().rev().map(|it| it["task_id"].clone()).collect();
    assert_eq!(ids(&list), newest_first);
    let expected = json!({ "queued": 2, "leased": 0, "succeeded": 0, "failed": 1, "cancelled": 0 });
    assert_eq!(list["counts"], expected);
    assert_eq!(list["tasks"][0]["job_name"], "phantom.nii.gz");
    assert_eq!(list["tasks"][0]["engine"], "graphcut");
    assert_eq!(list["tasks"][2]["agent"], "test");

    let failed = server.get("/api/v1/tasks?state=failed").await.json();
    assert_eq!(ids(&failed), [queued[0]["task_id"].clone()]);
    assert_eq!(failed["counts"]["queued"], 3, "counts are of all states");
    let before = queued[2]["task_id"].as_str().unwrap();
    let rest = format!("/api/v1/tasks?job_id={job_id}&before={before}&limit=1");
    assert_eq!(ids(&server.get(&rest).await.json()), [queued[1]["task_id"].clone()]);
    for query in ["state=waiting", "limit=0", "limit=501", "before=last"] {
        let refused = server.get(&format!("/api/v1/tasks?{query}")).await;
        refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn a_failed_task_is_asked_for_again_as_it_was() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let first = segment(&server, &job, 5).await;
    let retry = format!("{}/retry", task_path(&first));
    server.post(&retry, json!({})).await.expect(StatusCode::CONFLICT);
    let lease = server.claim().await;
    server.post(&retry, json!({})).await.expect(StatusCode::CONFLICT);
    fail(&server, &lease).await;

    let again = server.post(&retry, json!({})).await.expect(StatusCode::ACCEPTED).json();
    assert_ne!(again["task_id"], first["task_id"]);
    let second = server.claim().await;
    assert_eq!((&second["task_id"], &second["spec"]), (&again["task_id"], &lease["spec"]));
    let log = server.get(&format!("{}/log", task_path(&first))).await.json();
    let last = log["lines"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["retried_as"]), (&json!("retried"), &again["task_id"]));

    let unknown = "/api/v1/tasks/00000000-0000-7000-8000-000000000009";
    server.post(&format!("{unknown}/retry"), json!({})).await.expect(StatusCode::NOT_FOUND);
    server.get(&format!("{unknown}/log")).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_withdrawn_propagation_is_asked_for_again_with_its_range_and_a_done_task_is_not() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let done = segment(&server, &job, 5).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let refused = server.post(&format!("{}/retry", task_path(&done)), json!({})).await;
    assert_eq!(refused.expect(StatusCode::CONFLICT).json()["error"]["code"], "wrong_state");

    let wish = json!({ "range": [3, 9], "direction": "forward", "combine": "intersection" });
    let queued = server.post(&format!("{job}/propagate"), wish).await;
    let first = queued.expect(StatusCode::ACCEPTED).json();
    let retry = format!("{}/retry", task_path(&first));
    server.post(&retry, json!({})).await.expect(StatusCode::CONFLICT);
    let cancelled = server.post(&format!("{}/cancel", task_path(&first)), json!({})).await;
    cancelled.expect(StatusCode::ACCEPTED);
    server.post(&retry, json!({})).await.expect(StatusCode::ACCEPTED);
    let spec = &server.claim().await["spec"];
    assert_eq!((&spec["range"], &spec["direction"]), (&json!([3, 9]), &json!("forward")));
    assert_eq!(spec["combine"], "intersection");
}

#[tokio::test]
async fn a_person_lets_a_waiting_task_go_first() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let first = segment(&server, &job, 5).await;
    let second = segment(&server, &job, 6).await;
    let moved = prioritise(&server, &second, json!(11)).await.expect(StatusCode::OK).json();
    assert_eq!((&moved["priority"], &moved["state"]), (&json!(11), &json!("queued")));
    assert_eq!(server.claim().await["task_id"], second["task_id"]);
    let late = prioritise(&server, &second, json!(12)).await;
    assert_eq!(late.expect(StatusCode::CONFLICT).json()["error"]["code"], "wrong_state");
    for bad in [json!(1_000_001), json!(-1_000_001), json!("high"), json!(1.5), Value::Null] {
        assert_eq!(prioritise(&server, &first, bad).await.field(), "priority");
    }
}

#[tokio::test]
async fn a_task_is_moved_before_or_after_another() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let mut tasks = Vec::new();
    for slice in [4, 5, 6] {
        tasks.push(segment(&server, &job, slice).await);
    }
    let path = |n: usize| format!("{}/priority", task_path(&tasks[n]));
    let id = |n: usize| &tasks[n]["task_id"];
    server.put(&path(2), json!({ "before": id(0) })).await.expect(StatusCode::OK);
    server.put(&path(0), json!({ "after": id(1) })).await.expect(StatusCode::OK);
    let active = server.get("/api/v1/system/jobs/active").await.json();
    let order: Vec<_> =
        active["tasks"].as_array().unwrap().iter().map(|it| it["task_id"].clone()).collect();
    assert_eq!(order, [id(2).clone(), id(1).clone(), id(0).clone()]);

    assert_eq!(server.claim().await["task_id"], *id(2));
    let gone = server.put(&path(0), json!({ "before": id(2) })).await;
    assert_eq!(gone.expect(StatusCode::CONFLICT).json()["error"]["code"], "wrong_state");
    let nowhere = json!({ "before": "00000000-0000-7000-8000-000000000001" });
    server.put(&path(0), nowhere).await.expect(StatusCode::NOT_FOUND);
    for bad in [json!({}), json!({ "priority": 1, "before": id(1) })] {
        assert_eq!(server.put(&path(0), bad).await.field(), "priority");
    }
}

#[tokio::test]
async fn each_waiting_task_says_why() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    let first = segment(&server, &job, 5).await;
    let path = |task: &Value| format!("{}/waiting", task_path(task));
    let why = async |task: &Value| {
        server.get(&path(task)).await.expect(StatusCode::OK).json()["reasons"].clone()
    };
    assert_eq!(why(&first).await, json!([{ "why": "no_agent" }]));

    let lease = server.claim().await;
    assert_eq!(why(&first).await, json!([]), "it does not wait any more");
    let second = segment(&server, &job, 6).await;
    let busy = json!([{ "why": "all_busy", "n_agents": 1, "ahead": 0 }]);
    assert_eq!(why(&second).await, busy);
    let list = server.get("/api/v1/tasks").await.expect(StatusCode::OK).json();
    assert_eq!(list["waiting"], json!({ second["task_id"].as_str().unwrap(): busy }));

    let failure = json!({ "class": "retryable", "code": "stumbled", "message": "it stumbled" });
    let body = json!({ "fence": lease["fence"], "failure": failure });
    server.post(&format!("{}/fail", task_path(&lease)), body).await.expect(StatusCode::OK);
    let pause = &why(&first).await[0];
    assert_eq!((&pause["why"], &pause["attempt"]), (&json!("back_off"), &json!(1)));
    assert!((1_001_000..=1_001_500).contains(&pause["until_ms"].as_i64().unwrap()));
    assert_eq!(why(&second).await, json!([{ "why": "next", "ahead": 0 }]));
    // An agent that is silent for long is none.
    clock.advance_ms(10 * 60 * 1_000);
    assert_eq!(why(&second).await, json!([{ "why": "no_agent" }]));
    let unknown = "/api/v1/tasks/00000000-0000-7000-8000-000000000001/waiting";
    server.get(unknown).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agent_that_hangs_up_is_gone_five_seconds_later_unless_it_asks_again() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    let task = segment(&server, &job, 5).await;
    let path = format!("{}/waiting", task_path(&task));
    let why = async || server.get(&path).await.json()["reasons"][0]["why"].clone();
    let until = async |expected: &str| {
        while why().await != expected {
            tokio::task::yield_now().await;
        }
    };
    let ask = |wait_secs: u32| {
        let body = json!({
            "agent_id": "00000000-0000-7000-8000-000000000001", "name": "lab", "protocol": 2,
            "kinds": ["propagate"], "engines": ["graphcut"], "wait_secs": wait_secs,
        });
        server.post("/api/v1/claims", body)
    };
    tokio::select! {
        biased;
        answer = ask(20) => panic!("it is held: {:?}", answer.status),
        () = async { until("no_agent_for").await; clock.advance_ms(1); } => {}
    }
    clock.advance_ms(4_999);
    assert_eq!(why().await, "no_agent_for", "it may be the line");
    clock.advance_ms(1);
    until("no_agent").await;
    ask(0).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(why().await, "no_agent_for", "it is back");
}

#[tokio::test]
async fn a_task_whose_agent_is_gone_waits_for_another_one() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    let task = segment(&server, &job, 5).await;
    server.claim().await;
    // Longer than it may run, and nobody is there.
    clock.advance_ms(10 * 60 * 1_000);
    server.server.tick().await.unwrap();
    let waiting = server.get(&format!("{}/waiting", task_path(&task))).await.json();
    assert_eq!(waiting["reasons"], json!([{ "why": "no_agent" }]));
    let list = server.get("/api/v1/tasks").await.expect(StatusCode::OK).json();
    assert_eq!(list["waiting"][task["task_id"].as_str().unwrap()], waiting["reasons"]);
    assert_eq!(server.claim().await["fence"], 2);
    let again = server.get(&task_path(&task)).await.json();
    assert_eq!((&again["state"], &again["attempt"]), (&json!("leased"), &json!(2)));
    let waiting = server.get(&format!("{}/waiting", task_path(&task))).await.json();
    assert_eq!(waiting["reasons"], json!([]), "it runs");
}

#[tokio::test]
async fn rates_count_what_ended_when_and_how_long_it_took() {
    let half_hour = 30 * 60 * 1_000;
    let clock = Arc::new(ManualClock::at(1_000 * half_hour));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    segment(&server, &job, 5).await;
    clock.advance_ms(200);
    let lease = server.claim().await;
    clock.advance_ms(300);
    fail(&server, &lease).await;
    clock.advance_ms(half_hour);
    segment(&server, &job, 5).await;
    clock.advance_ms(40);
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);

    let rates = server.get("/api/v1/tasks/rates").await.expect(StatusCode::OK).json();
    assert_eq!(rates["bucket_ms"], half_hour);
    let buckets = rates["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 48);
    let failed = json!({
        "at_ms": 1_000 * half_hour, "succeeded": 0, "failed": 1, "cancelled": 0,
        "waited_ms_median": 200,
    });
    let done = json!({
        "at_ms": 1_001 * half_hour, "succeeded": 1, "failed": 0, "cancelled": 0,
        "waited_ms_median": 40, "ran_ms_median": 0, "ran_ms_p95": 0,
    });
    assert_eq!(buckets[46..], [failed, done]);
    let narrow = server.get("/api/v1/tasks/rates?hours=1&buckets=2").await.json();
    assert_eq!(narrow["buckets"].as_array().unwrap()[..], buckets[46..]);
    for (query, field) in
        [("hours=0", "hours"), ("hours=9000", "hours"), ("buckets=501", "buckets")]
    {
        let refused = server.get(&format!("/api/v1/tasks/rates?{query}")).await;
        assert_eq!(refused.field(), field);
    }
}
