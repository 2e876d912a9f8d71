//! Stopping a propagation keeps the slices that it had solved, and nothing else changes.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use server::{blobs, clock::ManualClock};
use volume::{Labelmap, rle};

use crate::support::{TestServer, block};

const WEIGHTS: &str = "ca5d49a44b5e47d7fce5f837ebbff20dfb29f9a8b73dd0c9738c59e52c2f6a98";

fn task_path(task: &Value) -> String {
    format!("/api/v1/tasks/{}", task["task_id"].as_str().unwrap())
}

/// A job with slice 5 segmented, a propagation of it under way, and its lease.
async fn propagating(server: &TestServer) -> (String, Value) {
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    let slice = block(1, [4, 9], [4, 9], [5, 6]);
    server.run_next(&slice, 5, 5).await.expect(StatusCode::OK);
    server
        .post(&format!("{job}/propagate"), json!({ "range": [2, 8] }))
        .await
        .expect(StatusCode::ACCEPTED);
    (job, server.claim().await)
}

async fn tell_so_far(server: &TestServer, lease: &Value, mask: &Labelmap) {
    tell(server, lease, mask, json!(null)).await;
}

async fn tell(server: &TestServer, lease: &Value, mask: &Labelmap, so_far: Value) {
    let mask = rle::encode(mask);
    server.deliver(lease, mask.clone()).await.expect(StatusCode::CREATED);
    let beat = json!({
        "fence": lease["fence"], "partial": blobs::digest(&mask), "so_far": so_far,
        "progress": { "done": 2, "total": 7, "stage": "solving" },
    });
    let path = format!("{}/heartbeat", task_path(lease));
    server.post(&path, beat).await.expect(StatusCode::OK);
}

async fn ask_to_stop(server: &TestServer, lease: &Value) -> Value {
    let path = format!("{}/cancel", task_path(lease));
    server.post(&path, json!({})).await.expect(StatusCode::ACCEPTED).json()
}

async fn cancel(server: &TestServer, lease: &Value) -> Value {
    ask_to_stop(server, lease).await;
    let path = format!("{}/fail", task_path(lease));
    let stop = json!({ "fence": lease["fence"] });
    server.post(&path, stop).await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn a_stopped_propagation_keeps_the_slices_it_had_solved() {
    let server = TestServer::start().await;
    let (job, lease) = propagating(&server).await;
    tell_so_far(&server, &lease, &block(1, [4, 8], [4, 8], [4, 7])).await;
    let ended = cancel(&server, &lease).await;
    assert_eq!(ended["state"], "cancelled");
    assert_eq!(server.mask(&job).await, block(1, [4, 8], [4, 8], [4, 7]));
    let told = server.get(&job).await.json();
    assert_eq!(told["status"], "cancelled");
    let head = &told["head_revision"];
    assert_eq!(head["action"], "propagate");
    assert_eq!(head["parameters"]["cancelled"], true);
    assert_eq!(head["author"]["task_id"], lease["task_id"]);
    assert_eq!((&head["extent"]["first"], &head["extent"]["last"]), (&json!(4), &json!(6)));
    // One step back is the slice that the propagation began with.
    let parent = head["parent"].clone();
    server.show(&job, &parent).await;
    assert_eq!(server.mask(&job).await, block(1, [4, 9], [4, 9], [5, 6]));
}

#[tokio::test]
async fn slices_it_had_not_come_to_and_what_a_person_drew_meanwhile_stay() {
    let server = TestServer::start().await;
    let (job, lease) = propagating(&server).await;
    server.paint(&job, 2, [[4, 4, 4], [4, 4, 4]]).await;
    // Slices 4 and 6 are solved; slice 5, between them, is not.
    let mut so_far = block(1, [4, 8], [4, 8], [4, 5]);
    so_far.paste(&block(1, [4, 8], [4, 8], [6, 7]).crop(&[4..=7, 4..=7, 6..=6]), [4, 4, 6]);
    tell_so_far(&server, &lease, &so_far).await;
    cancel(&server, &lease).await;
    let mask = server.mask(&job).await;
    assert_eq!(mask.get([4, 4, 4]), Some(2), "painted while it ran");
    assert_eq!(mask.get([5, 5, 4]), Some(1));
    assert_eq!(mask.slice(2, 5), block(1, [4, 9], [4, 9], [5, 6]).slice(2, 5));
    assert_eq!(mask.get([7, 7, 6]), Some(1));
}

#[tokio::test]
async fn stopping_before_the_first_slice_makes_no_revision() {
    let server = TestServer::start().await;
    let (job, lease) = propagating(&server).await;
    assert_eq!(cancel(&server, &lease).await["state"], "cancelled");
    let history = server.get(&format!("{job}/revisions")).await.json();
    assert_eq!(history["revisions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stopped_propagation_says_with_which_weights_and_how_surely_it_solved() {
    let server = TestServer::start().await;
    let (job, lease) = propagating(&server).await;
    let engine = json!({ "name": "medsam2", "version": "7.1", "model": {
        "name": "weights.pt", "sha256": WEIGHTS, "licence": "CC-BY-SA-4.0",
        "precision": "f32", "device": "cpu",
    } });
    // Slice 7 was looked at, and the object is not there.
    let slices: Vec<_> = [(4, 16), (5, 16), (6, 16), (7, 0)]
        .iter()
        .map(|(index, area)| json!({ "slice_index": index, "area_voxels": area, "uncertainty": 0.25 }))
        .collect();
    let so_far = json!({ "engine": engine, "slices": slices, "doubt": 0.125 });
    tell(&server, &lease, &block(1, [4, 8], [4, 8], [4, 7]), so_far).await;
    cancel(&server, &lease).await;
    let told = server.get(&job).await.json();
    let head = &told["head_revision"];
    assert_eq!((&head["author"]["engine"], &told["rating"]["doubt"]), (&engine, &json!(0.125)));
    assert_eq!(head["slices"], json!(slices));
    assert_eq!((&head["extent"]["first"], &head["extent"]["last"]), (&json!(4), &json!(7)));
}

#[tokio::test]
async fn what_the_server_has_is_kept_when_the_agent_never_answers() {
    for is_late in [false, true] {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let server = TestServer::at_time(Arc::clone(&clock)).await;
        let (job, lease) = propagating(&server).await;
        tell_so_far(&server, &lease, &block(1, [4, 8], [4, 8], [4, 7])).await;
        let lease_ms = lease["lease_ms"].as_i64().unwrap();
        if is_late {
            // The agent had gone before anybody asked it to stop.
            clock.advance_ms(lease_ms + 1);
            assert_eq!(ask_to_stop(&server, &lease).await["state"], "leased");
        } else {
            ask_to_stop(&server, &lease).await;
            server.server.tick().await.unwrap();
            assert_eq!(server.get(&task_path(&lease)).await.json()["state"], "leased");
            clock.advance_ms(lease_ms + 1);
        }
        server.server.tick().await.unwrap();
        let ended = server.get(&task_path(&lease)).await.json();
        assert_eq!(
            (&ended["state"], &ended["cancel_requested"]),
            (&json!("cancelled"), &json!(true))
        );
        assert_eq!(server.mask(&job).await, block(1, [4, 8], [4, 8], [4, 7]));
        assert_eq!(server.get(&job).await.json()["status"], "cancelled");
    }
}
