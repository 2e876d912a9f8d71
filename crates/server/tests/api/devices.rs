//! Devices over HTTP: what machines say, how long they are silent, their removal, and the stream.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use server::{clock::ManualClock, routes};
use tower::ServiceExt;

use crate::support::{Answer, TestServer};

const AGENT: &str = "00000000-0000-7000-8000-000000000001";

async fn at(now_ms: i64) -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(now_ms));
    (TestServer::at_time(Arc::clone(&clock)).await, clock)
}

async fn beat(server: &TestServer, body: Value) {
    let answer = server.post("/api/devices/heartbeat", body.clone()).await.expect(StatusCode::OK);
    let name = body.get("host_id").unwrap_or(&body["device_name"]);
    assert_eq!(answer.json(), json!({ "message": "Heartbeat received", "host_id": name }));
}

async fn list(server: &TestServer) -> Vec<Value> {
    let list = server.get("/api/devices").await.expect(StatusCode::OK).json();
    list.as_array().unwrap().clone()
}

async fn delete(server: &TestServer, host_id: &str) -> Answer {
    let path = format!("/api/devices/{host_id}");
    server.send(Request::delete(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_device_says_how_it_is_in_either_shape() {
    let (server, _clock) = at(1_764_000_000_000).await;
    assert!(list(&server).await.is_empty());
    let gpu = json!({
        "id": 0, "name": "NVIDIA H200", "util": 3, "vram_used": 1.5, "vram_total": 140.0,
        "temperature": 41, "power_usage": 118.9,
        "processes": [{ "pid": 7, "name": "python", "vram_used": 1.5 }],
    });
    beat(&server, json!({ "device_name": "gpu-10", "gpus": [gpu] })).await;
    let code = json!({
        "host_id": "gpu-1", "gpu_util": 55.0, "vram_used": 6, "vram_total": 24,
        "gpu_temperature": 60, "gpu_power_usage": 200, "gpu_count": 1, "gpus": [],
        "cpu_util": 12.5, "memory_used": 8, "memory_total": 64, "disk_free": 100,
        "torch_version": "2.4", "cuda_version": "12.4",
        "code_version": { "git_hash": "abc", "git_dirty": true }, "active_jobs": ["20260101_ab12"],
    });
    beat(&server, code).await;

    let devices = list(&server).await;
    let names: Vec<_> = devices.iter().map(|it| it["host_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["gpu-1", "gpu-10"], "in the order of names, each its own");
    let (code, guide) = (&devices[0], &devices[1]);
    assert_eq!((&guide["status"], &guide["gpu_util"]), (&json!("idle"), &json!(3.0)));
    assert_eq!(guide["gpus"][0]["processes"][0]["name"], "python");
    assert_eq!(guide["last_heartbeat"], "2025-11-24T16:00:00Z");
    assert_eq!((&code["status"], &code["gpu_count"]), (&json!("busy"), &json!(1)));
    assert_eq!((&code["torch_version"], &code["disk_free"]), (&json!("2.4"), &json!(100.0)));
    assert_eq!(
        (&code["code_version"]["git_hash"], &code["removable"]),
        (&json!("abc"), &json!(false))
    );
    assert_eq!(code["active_jobs"], json!(["20260101_ab12"]));
    assert!(code.get("samples").is_none(), "only where asked for");
}

#[tokio::test]
async fn a_heartbeat_without_a_name_or_with_odd_figures_is_refused() {
    let (server, _clock) = at(1_000).await;
    for body in [json!({}), json!({ "gpus": [] }), json!({ "host_id": "" })] {
        let refused = server.post("/api/devices/heartbeat", body).await;
        refused.expect(StatusCode::BAD_REQUEST);
    }
    let odd = json!({ "host_id": "a", "memory_total": "much" });
    assert_eq!(server.post("/api/devices/heartbeat", odd).await.field(), "memory_total");
    let gpus = json!({ "host_id": "a", "gpus": { "id": 1 } });
    assert_eq!(server.post("/api/devices/heartbeat", gpus).await.field(), "gpus");
    for name in [".", "..", "gpu\u{202e}01", "gpu\n01"] {
        let refused = server.post("/api/devices/heartbeat", json!({ "host_id": name })).await;
        assert_eq!(refused.field(), "host_id");
    }
    assert!(list(&server).await.is_empty());
}

#[tokio::test]
async fn a_silent_device_is_suspect_offline_and_may_then_be_removed() {
    let (server, clock) = at(1_000_000).await;
    beat(&server, json!({ "host_id": "a", "cpu_util": 5 })).await;
    delete(&server, "b").await.expect(StatusCode::NOT_FOUND);
    for (by_ms, status, removable) in [
        (6_000, "idle", false),
        (1, "suspect", false),
        (8_999, "suspect", false),
        (1, "offline", false),
        (44_999, "offline", false),
        (1, "offline", true),
    ] {
        clock.advance_ms(by_ms);
        let device = &list(&server).await[0];
        assert_eq!((&device["status"], &device["removable"]), (&json!(status), &json!(removable)));
        if !removable {
            let refused = delete(&server, "a").await.expect(StatusCode::BAD_REQUEST).json();
            assert_eq!(refused["error"]["code"], "not_removable");
        }
    }
    beat(&server, json!({ "host_id": "a" })).await;
    delete(&server, "a").await.expect(StatusCode::BAD_REQUEST);
    clock.advance_ms(60_001);
    delete(&server, "a").await.expect(StatusCode::OK);
    delete(&server, "a").await.expect(StatusCode::NOT_FOUND);
    let server = server.reopened().await;
    assert!(list(&server).await.is_empty());
}

#[tokio::test]
async fn a_server_that_starts_again_knows_its_devices() {
    let (server, clock) = at(1_000_000).await;
    beat(&server, json!({ "host_id": "a", "cpu_util": 5 })).await;
    let before = list(&server).await.remove(0);
    clock.advance_ms(7_000);
    let server = server.reopened().await;
    let after = list(&server).await.remove(0);
    assert_eq!((&after["last_ms"], &after["cpu_util"]), (&before["last_ms"], &json!(5.0)));
    assert_eq!(after["status"], "suspect");
    assert!(after["seq"].as_i64() > before["seq"].as_i64());
}

#[tokio::test]
async fn two_servers_of_a_database_agree_about_a_device() {
    let (here, clock) = at(1_000_000).await;
    let there = here.beside();
    beat(&here, json!({ "host_id": "a", "cpu_util": 5 })).await;
    assert_eq!(list(&there).await[0]["host_id"], "a");
    // It speaks to one of them only.
    for cpu_util in [10.0, 20.0, 30.0].repeat(9) {
        clock.advance_ms(3_000);
        beat(&here, json!({ "host_id": "a", "cpu_util": cpu_util })).await;
        let device = list(&there).await.remove(0);
        assert_eq!((&device["status"], &device["cpu_util"]), (&json!("idle"), &json!(cpu_util)));
    }
    delete(&there, "a").await.expect(StatusCode::BAD_REQUEST);
    // Neither writes anything over what the other one heard.
    clock.advance_ms(20_000);
    assert_eq!(list(&there).await[0]["status"], "offline");
    assert_eq!(list(&here).await[0]["status"], "offline");
    beat(&here, json!({ "host_id": "a" })).await;
    assert_eq!(list(&there).await[0]["status"], "idle");
    clock.advance_ms(60_001);
    delete(&there, "a").await.expect(StatusCode::OK);
    assert!(list(&here).await.is_empty());
}

#[tokio::test]
async fn a_device_is_busy_while_a_task_runs_on_it() {
    let (server, _clock) = at(1_000_000).await;
    let job = server.open_phantom().await;
    beat(&server, json!({ "host_id": "a", "agent_id": AGENT })).await;
    beat(&server, json!({ "host_id": "b" })).await;
    assert_eq!(list(&server).await[0]["status"], "idle");
    server.ask_for_slice(&job, 5, 1).await;
    let lease = server.claim().await;
    let devices = list(&server).await;
    assert_eq!((&devices[0]["status"], &devices[1]["status"]), (&json!("busy"), &json!("idle")));
    let task = &devices[0]["tasks"][0];
    assert_eq!(
        (&task["task_id"], &task["job_name"]),
        (&lease["task_id"], &json!("phantom.nii.gz"))
    );
    let fail = json!({ "fence": lease["fence"] });
    let path = format!("/api/v1/tasks/{}/fail", lease["task_id"].as_str().unwrap());
    server.post(&path, fail).await.expect(StatusCode::OK);
    let device = &list(&server).await[0];
    assert_eq!((&device["status"], &device["tasks"]), (&json!("idle"), &json!([])));
}

#[tokio::test]
async fn curves_go_back_more_than_ten_minutes_and_no_further() {
    let (server, clock) = at(1_000_000).await;
    for percent in 0..300 {
        beat(&server, json!({ "host_id": "a", "cpu_util": percent % 100, "memory_used": 1, "memory_total": 4 }))
            .await;
        clock.advance_ms(3_000);
    }
    let devices = server.get("/api/devices?samples=true").await.expect(StatusCode::OK).json();
    let samples = devices[0]["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 241);
    let newest =
        json!({ "at_ms": 1_897_000, "cpu": 99.0, "memory": 25.0, "gpu": null, "vram": null });
    assert_eq!(samples[240], newest);
    let refused = server.get("/api/devices?samples=many").await;
    refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
}

/// The next events of a stream: id, name, data.
async fn hear(
    server: &TestServer,
    path: &str,
    last: &str,
    n: usize,
) -> Vec<(String, String, Value)> {
    let mut request = Request::get(path).header("host", "localhost");
    if !last.is_empty() {
        request = request.header("last-event-id", last);
    }
    let router = routes::router(server.server.clone());
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut text = String::new();
    while text.matches("\n\n").count() < n {
        let frame = body.frame().await.unwrap().unwrap();
        text += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
    }
    let of = |event: &str| {
        let field = |name: &str| event.lines().find_map(|it| it.strip_prefix(name)).unwrap();
        let data = serde_json::from_str(field("data: ")).unwrap();
        (field("id: ").to_owned(), field("event: ").to_owned(), data)
    };
    text.split("\n\n").filter(|it| !it.is_empty()).map(of).collect()
}

#[tokio::test]
async fn a_listener_that_comes_back_hears_the_newest_of_each_device_and_what_was_removed() {
    let (server, clock) = at(1_000_000).await;
    for name in ["a", "b", "c"] {
        beat(&server, json!({ "host_id": name })).await;
    }
    let heard = hear(&server, "/events/stream", "0", 3).await;
    let names: Vec<_> = heard.iter().map(|it| it.2["data"]["host_id"].clone()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(heard.iter().all(|it| it.1 == "device_update" && it.2["event"] == "device_update"));
    let last = heard[2].0.clone();
    assert_eq!(last, "0-1000002");

    // While nobody listens: a removal, many words of one device, another falls silent.
    clock.advance_ms(60_001);
    for percent in [10, 20, 30] {
        beat(&server, json!({ "host_id": "b", "cpu_util": percent })).await;
    }
    delete(&server, "a").await.expect(StatusCode::OK);
    list(&server).await;
    let heard = hear(&server, "/events/stream", &last, 3).await;
    let brief: Vec<_> = heard
        .iter()
        .map(|(_, name, it)| (name.as_str(), it["data"]["host_id"].as_str().unwrap()))
        .collect();
    assert_eq!(brief[0], ("device_removed", "a"));
    assert!(brief.contains(&("device_update", "b")) && brief.contains(&("device_update", "c")));
    let of =
        |name: &str| &heard.iter().find(|it| it.2["data"]["host_id"] == name).unwrap().2["data"];
    assert_eq!((&of("b")["cpu_util"], &of("c")["status"]), (&json!(30.0), &json!("offline")));
    assert!(of("a")["seq"].as_i64() > Some(1_000_002));
    assert_eq!(heard[0].0, "1", "removals have their number in the list of events");
    assert!(heard[1].0.starts_with("1-"));
}

#[tokio::test]
async fn devices_do_not_fill_the_list_of_events() {
    let (server, clock) = at(1_000_000).await;
    for _ in 0..20 {
        for name in 0..50 {
            beat(&server, json!({ "host_id": format!("gpu-{name}"), "cpu_util": name })).await;
        }
        clock.advance_ms(3_000);
    }
    assert_eq!(server.server.store.last_event_id().await.unwrap(), 0);
    let heard = hear(&server, "/events/stream", "0", 50).await;
    assert_eq!(heard.len(), 50, "each device once");
    // A listener of a job, or of other names, does not hear of them.
    let job = server.open_phantom().await;
    let heard = hear(&server, "/events/stream?only=job_update", "0", 1).await;
    assert_eq!(heard[0].1, "job_update");
    let job_id = job.rsplit('/').next().unwrap();
    let heard = hear(&server, &format!("/events/stream?job_id={job_id}"), "0", 1).await;
    assert_eq!(heard[0].1, "job_update");
}

#[tokio::test]
async fn an_open_stream_hears_what_changes() {
    let (server, _clock) = at(1_000_000).await;
    let request = Request::get("/events/stream").header("host", "localhost");
    let router = routes::router(server.server.clone());
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut body = response.into_body();
    let (frame, ()) = tokio::join!(body.frame(), beat(&server, json!({ "host_id": "new" })));
    let frame = frame.unwrap().unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&frame).unwrap();
    assert!(
        text.contains("event: device_update") && text.contains("\"host_id\":\"new\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_name_with_odd_characters_is_removed_too() {
    let (server, clock) = at(1_000_000).await;
    beat(&server, json!({ "host_id": "Ward 3/GPU ü" })).await;
    clock.advance_ms(60_001);
    delete(&server, "Ward%203%2FGPU%20%C3%BC").await.expect(StatusCode::OK);
    assert!(list(&server).await.is_empty());
    let wrong = server.json(Method::PUT, "/api/devices", json!({})).await;
    wrong.expect(StatusCode::METHOD_NOT_ALLOWED);
}
