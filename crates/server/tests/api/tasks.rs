//! Tasks and the agents' protocol over HTTP, and the stream of events.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use server::{clock::ManualClock, routes, settings::Settings};
use tower::ServiceExt;
use volume::rle;

use crate::support::{TestServer, block, completion};

async fn segment(server: &TestServer, job: &str) -> Value {
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    let queued = server.post(&format!("{job}/initial-mask"), prompt).await;
    queued.expect(StatusCode::ACCEPTED).json()
}

fn task_path(task: &Value) -> String {
    format!("/api/v1/tasks/{}", task["task_id"].as_str().unwrap())
}

#[tokio::test]
async fn a_repeated_completion_gets_the_same_answer() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let lease = server.claim().await;
    let mask = rle::encode(&block(1, [4, 9], [4, 9], [5, 6]));
    let sha256 = server::blobs::digest(&mask);
    server.deliver(&lease, mask).await.expect(StatusCode::CREATED);
    let path = format!("{}/complete", task_path(&lease));
    let body = completion(&lease, sha256.as_str(), [5, 5]);
    let first = server.post(&path, body.clone()).await.expect(StatusCode::OK);
    let second = server.post(&path, body).await.expect(StatusCode::OK);
    assert_eq!(first.json(), second.json());
    let other = server.post(&path, completion(&lease, sha256.as_str(), [5, 6])).await;
    assert_eq!(other.expect(StatusCode::CONFLICT).json()["error"]["code"], "stale_fence");
    let history = server.get(&format!("{job}/revisions")).await.json();
    assert_eq!(history["revisions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeated_failure_gets_the_same_answer() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let lease = server.claim().await;
    let path = format!("{}/fail", task_path(&lease));
    let failed = json!({ "class": "permanent", "code": "no_contrast", "message": "one intensity" });
    let body = json!({ "fence": lease["fence"], "failure": failed });
    let first = server.post(&path, body.clone()).await.expect(StatusCode::OK);
    assert_eq!(first.json()["state"], "failed");
    let second = server.post(&path, body).await.expect(StatusCode::OK);
    assert_eq!(first.json(), second.json());
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_more_does_not_become_the_mask() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let lease = server.claim().await;
    let cancel = format!("{}/cancel", task_path(&lease));
    server.post(&cancel, json!({})).await.expect(StatusCode::ACCEPTED);
    let mask = rle::encode(&block(1, [4, 9], [4, 9], [5, 6]));
    let sha256 = server::blobs::digest(&mask);
    server.deliver(&lease, mask).await.expect(StatusCode::CREATED);
    let body = completion(&lease, sha256.as_str(), [5, 5]);
    for _ in 0..2 {
        let ended = server.post(&format!("{}/complete", task_path(&lease)), body.clone()).await;
        assert_eq!(ended.expect(StatusCode::OK).json()["state"], "cancelled");
    }
    let job = server.get(&job).await.json();
    assert_eq!((&job["head"], &job["status"]), (&Value::Null, &json!("cancelled")));
}

#[tokio::test]
async fn an_output_must_be_what_it_says_and_fit_the_image() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let lease = server.claim().await;
    let wrong =
        format!("{}/outputs/{}?fence={}", task_path(&lease), "0".repeat(64), lease["fence"]);
    let refused = server.send(Request::put(wrong).body(Body::from("bytes")).unwrap()).await;
    assert_eq!(refused.field(), "sha256");

    let small = rle::encode(&volume::Labelmap { shape: [2, 2, 2], voxels: vec![1; 8] });
    let sha256 = server::blobs::digest(&small);
    server.deliver(&lease, small).await.expect(StatusCode::CREATED);
    let path = format!("{}/complete", task_path(&lease));
    let refused = server.post(&path, completion(&lease, sha256.as_str(), [5, 5])).await;
    assert_eq!(refused.field(), "output");
    for extent in [[5, 16], [0, 15], [6, 6]] {
        let refused = server.post(&path, completion(&lease, sha256.as_str(), extent)).await;
        assert_eq!(refused.field(), "output");
    }
    let undelivered = completion(&lease, &"0".repeat(64), [5, 5]);
    assert_eq!(server.post(&path, undelivered).await.field(), "output");
    assert_eq!(server.get(&task_path(&lease)).await.json()["state"], "leased");
}

#[tokio::test]
async fn a_task_gives_out_its_own_inputs_and_no_others() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let lease = server.claim().await;
    let image = lease["spec"]["image"]["sha256"].as_str().unwrap().to_owned();
    let input =
        |sha256: &str, fence: i64| format!("{}/inputs/{sha256}?fence={fence}", task_path(&lease));
    let bytes = server.get(&input(&image, 1)).await.expect(StatusCode::OK).bytes;
    assert_eq!(server::blobs::digest(&bytes).as_str(), image);
    server.get(&input(&image, 0)).await.expect(StatusCode::CONFLICT);
    server.get(&input(&"0".repeat(64), 1)).await.expect(StatusCode::NOT_FOUND);
    server.get(&input("..%2F..%2Ftest.db", 1)).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_withdrawal_reaches_the_agent_while_its_heartbeat_is_held() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let queued = segment(&server, &job).await;
    let lease = server.claim().await;
    let beat = json!({
        "fence": lease["fence"], "wait_ms": 10_000,
        "progress": { "done": 1, "total": 4, "stage": "solving" },
    });
    let path = format!("{}/heartbeat", task_path(&lease));
    let (reply, cancelled) = tokio::join!(server.post(&path, beat), async {
        // The heartbeat is held from here on: its progress is in the database.
        let mut events = server.server.store.watch_events();
        while server.get(&task_path(&queued)).await.json()["progress"]["done"] != 1 {
            events.changed().await.unwrap();
        }
        server.post(&format!("{}/cancel", task_path(&queued)), json!({})).await
    });
    assert_eq!(cancelled.expect(StatusCode::ACCEPTED).json()["cancel_requested"], true);
    assert_eq!(reply.expect(StatusCode::OK).json()["cancel"], true);
    let stop = json!({ "fence": lease["fence"] });
    let stopped = server.post(&format!("{}/fail", task_path(&lease)), stop).await;
    assert_eq!(stopped.expect(StatusCode::OK).json()["state"], "cancelled");
    assert_eq!(server.get(&format!("{job}/status")).await.json()["status"], "cancelled");
    let again = server.post(&format!("{}/cancel", task_path(&queued)), json!({})).await;
    again.expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_waiting_agent_has_the_task_as_soon_as_it_is_queued() {
    // Nobody looks again by the clock while the test lasts: only the wake-up grants the task.
    let look_again = std::time::Duration::from_secs(3_600);
    let server = TestServer::with(Settings { look_again, ..Settings::default() }).await;
    let job = server.open_phantom().await;
    let claim = json!({
        "agent_id": "00000000-0000-7000-8000-000000000001", "name": "test", "protocol": 1,
        "kinds": ["segment_slice"], "engines": ["graphcut"], "wait_secs": 20,
    });
    let (granted, queued) =
        tokio::join!(server.post("/api/v1/claims", claim.clone()), segment(&server, &job));
    assert_eq!(granted.expect(StatusCode::OK).json()["task_id"], queued["task_id"]);
    let mut other = claim;
    other["protocol"] = json!(protocol::lease::PROTOCOL_VERSION + 1);
    assert_eq!(server.post("/api/v1/claims", other).await.field(), "protocol");
}

#[tokio::test]
async fn the_task_of_a_silent_agent_is_handed_on_when_its_lease_is_over() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let silent = server.claim().await;
    let lease_ms = silent["lease_ms"].as_i64().unwrap();
    clock.advance_ms(lease_ms - 1);
    let nothing = server.try_claim().await;
    nothing.expect(StatusCode::NO_CONTENT);
    // It may come back for as long as another attempt is put off: a second, and up to half of one.
    clock.advance_ms(1_501);
    let next = server.claim().await;
    assert_eq!(next["task_id"], silent["task_id"]);
    assert!(next["fence"].as_i64() > silent["fence"].as_i64());
    let beat = json!({ "fence": silent["fence"], "progress": { "done": 1, "total": 1 } });
    let late = server.post(&format!("{}/heartbeat", task_path(&silent)), beat).await;
    let refused = late.expect(StatusCode::CONFLICT).json();
    assert_eq!(refused["error"]["code"], "stale_fence");
}

#[tokio::test]
async fn a_partial_mask_is_shown_while_the_task_runs() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    let lease = server.claim().await;
    let path = format!("{}/partial", task_path(&lease));
    server.get(&path).await.expect(StatusCode::NO_CONTENT);
    let partial = rle::encode(&block(1, [4, 6], [4, 6], [5, 6]));
    server.deliver(&lease, partial.clone()).await.expect(StatusCode::CREATED);
    let beat = json!({
        "fence": lease["fence"], "partial": server::blobs::digest(&partial),
        "progress": { "done": 1, "total": 4, "stage": "solving" },
    });
    let beat = server.post(&format!("{}/heartbeat", task_path(&lease)), beat).await;
    beat.expect(StatusCode::OK);
    assert_eq!(server.get(&path).await.expect(StatusCode::OK).bytes, partial);
}

#[tokio::test]
async fn a_listener_that_comes_back_hears_what_it_missed() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);

    for odd in ["x", "-1", "99999999999999999999", "1-"] {
        let request = Request::get("/events/stream").header("host", "localhost");
        let request = request.header("last-event-id", odd).body(Body::empty()).unwrap();
        assert_eq!(server.send(request).await.field(), "Last-Event-ID");
    }
    let request =
        Request::get("/events/stream").header("host", "localhost").header("last-event-id", "2");
    let router = routes::router(server.server.clone());
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut text = String::new();
    while text.matches("\n\n").count() < 5 {
        let frame = body.frame().await.unwrap().unwrap();
        text += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
    }
    let heard: Vec<_> = text
        .split("\n\n")
        .filter(|it| !it.is_empty())
        .map(|it| {
            let field = |name: &str| it.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let data: Value = serde_json::from_str(field("data: ")).unwrap();
            assert_eq!(data["event"], field("event: "));
            (field("id: ").parse::<i64>().unwrap(), data["event"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = ["job_update", "queue_update", "queue_update", "revision_update", "job_update"];
    let expected: Vec<_> = (3..).zip(expected.map(str::to_owned)).collect();
    assert_eq!(heard, expected);
}
