//! What a request says of its task beside what is to be done: who waits for it, which agents may have
//! it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::TestServer;

async fn ask(server: &TestServer, job: &str, slice_index: u32, more: &Value) -> Value {
    let mut prompt = json!({ "axis": 2, "slice_index": slice_index, "box": [3, 3, 12, 12] });
    prompt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let queued = server.post(&format!("{job}/initial-mask"), prompt).await;
    queued.expect(StatusCode::ACCEPTED).json()
}

#[tokio::test]
async fn what_a_program_asks_for_by_the_hundred_goes_after_what_people_wait_for() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let many = ask(&server, &job, 4, &json!({ "class": "batch" })).await;
    let one = ask(&server, &job, 5, &json!({})).await;
    let path = format!("/api/v1/tasks/{}", many["task_id"].as_str().unwrap());
    let shown = server.get(&path).await.json();
    assert_eq!((&shown["class"], &shown["priority"]), (&json!("batch"), &json!(0)));
    assert_eq!(server.claim().await["task_id"], one["task_id"]);

    // Asked for again it stays what it was.
    server.post(&format!("{path}/cancel"), json!({})).await.expect(StatusCode::ACCEPTED);
    let again = server.post(&format!("{path}/retry"), json!({})).await;
    let again = again.expect(StatusCode::ACCEPTED).json()["task_id"].clone();
    let path = format!("/api/v1/tasks/{}", again.as_str().unwrap());
    assert_eq!(server.get(&path).await.json()["class"], "batch");
    let refused = json!({ "axis": 2, "slice_index": 6, "box": [3, 3, 12, 12], "class": "urgent" });
    assert_eq!(server.post(&format!("{job}/initial-mask"), refused).await.field(), "class");
}

#[tokio::test]
async fn a_task_waits_for_a_gpu_that_is_large_enough() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let task = ask(&server, &job, 4, &json!({ "gpu_memory_bytes": 1_000 })).await;
    server.try_claim().await.expect(StatusCode::NO_CONTENT);
    let path = format!("/api/v1/tasks/{}/waiting", task["task_id"].as_str().unwrap());
    let why = json!({
        "why": "no_agent_for", "n_agents": 1, "lacks": [{ "lack": "gpu_memory", "bytes": 1_000 }],
    });
    assert_eq!(server.get(&path).await.json()["reasons"], json!([why]));
    let large = json!({
        "agent_id": "00000000-0000-7000-8000-000000000002", "name": "large", "protocol": 2,
        "kinds": ["segment_slice"], "engines": ["graphcut"], "wait_secs": 0,
        "device": "cuda:0", "slots": 1, "gpu_memory_bytes": 1_000,
    });
    let lease = server.post("/api/v1/claims", large).await.expect(StatusCode::OK).json();
    assert_eq!(lease["task_id"], task["task_id"]);

    let weights = "ab".repeat(32);
    let wish = json!({
        "axis": 2, "slice_index": 6, "box": [3, 3, 12, 12], "engine": "graphcut", "model": weights,
    });
    assert_eq!(server.post(&format!("{job}/initial-mask"), wish).await.field(), "model");
}
