//! Requests for a laboratory's own programs over HTTP: asked for, run, waited for, deleted.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use server::{blobs, settings::Settings};

use crate::support::{Answer, TestServer};

async fn upload(server: &TestServer, bytes: &[u8]) -> Value {
    let request = Request::post("/api/v1/requests/inputs").body(Body::from(bytes.to_vec()));
    server.send(request.unwrap()).await.expect(StatusCode::CREATED).json()
}

async fn ask(server: &TestServer, body: Value) -> Answer {
    server.as_person("Dr.%20Kim", Method::POST, "/api/v1/requests", body).await
}

fn path_of(request: &Value) -> String {
    format!("/api/v1/requests/{}", request["request_id"].as_str().unwrap())
}

async fn claim(server: &TestServer, programs: &[&str]) -> Answer {
    let request = json!({
        "agent_id": "00000000-0000-7000-8000-000000000001", "name": "lab-7", "protocol": 2,
        "kinds": ["external"], "engines": [], "programs": programs, "wait_secs": 0,
    });
    server.post("/api/v1/claims", request).await
}

/// Ends a claimed task with a result and one file, which was delivered before.
async fn complete(server: &TestServer, lease: &Value, bytes: &[u8]) -> Answer {
    let file = json!({
        "name": "maps/heat map.png", "sha256": blobs::digest(bytes).to_string(),
        "size": bytes.len(), "media_type": "image/png",
    });
    let path = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    let made = json!({ "result": { "class": "LUAD", "p": 0.93 }, "files": [file] });
    server.post(&path, json!({ "fence": lease["fence"], "external": made })).await
}

#[tokio::test]
async fn a_program_is_asked_for_and_its_files_are_taken_away() {
    let server = TestServer::start().await;
    let input = upload(&server, b"a slide").await;
    assert_eq!((&input["size"], input["sha256"].as_str().map(str::len)), (&json!(7), Some(64)));
    let body = json!({
        "program": "clam", "arguments": { "slide": "S-1" },
        "inputs": [{ "name": "slide.svs", "sha256": input["sha256"] }],
    });
    let answer = ask(&server, body).await.expect(StatusCode::ACCEPTED);
    let made = answer.json();
    let path = path_of(&made);
    assert_eq!(answer.headers[header::LOCATION], path);
    assert_eq!((&made["status"], &made["by"]), (&json!("queued"), &json!("Dr. Kim")));
    assert_eq!(made["inputs"][0]["size"], 7);
    let pending = server.get(&format!("{path}/result")).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!(pending["request_id"], made["request_id"]);

    claim(&server, &["unet"]).await.expect(StatusCode::NO_CONTENT);
    let lease = claim(&server, &["unet", "clam"]).await.expect(StatusCode::OK).json();
    let spec = &lease["spec"];
    assert_eq!((&spec["kind"], &spec["program"]), (&json!("external"), &json!("clam")));
    let task = format!("/api/v1/tasks/{}", lease["task_id"].as_str().unwrap());
    let fence = &lease["fence"];
    let granted = format!("{task}/inputs/{}?fence={fence}", input["sha256"].as_str().unwrap());
    assert_eq!(server.get(&granted).await.expect(StatusCode::OK).bytes, b"a slide");
    let other = format!("{task}/inputs/{}?fence={fence}", blobs::digest(b"another"));
    server.get(&other).await.expect(StatusCode::NOT_FOUND);
    let beat = json!({ "fence": fence, "progress": { "done": 3, "total": 10, "stage": "tiles" } });
    server.post(&format!("{task}/heartbeat"), beat).await.expect(StatusCode::OK);
    let shown = server.get(&path).await.json();
    assert_eq!((&shown["status"], &shown["agent"]), (&json!("leased"), &json!("lab-7")));
    assert_eq!(shown["progress"]["stage"], "tiles");
    server.deliver(&lease, b"png".to_vec()).await.expect(StatusCode::CREATED);
    for _ in 0..2 {
        complete(&server, &lease, b"png").await.expect(StatusCode::OK);
    }

    let result = server.get(&format!("{path}/result")).await.expect(StatusCode::OK).json();
    assert_eq!(result["result"]["class"], "LUAD");
    let file = server.get(&format!("{path}/files/maps%2Fheat%20map.png")).await;
    let file = file.expect(StatusCode::OK);
    assert_eq!(file.bytes, b"png");
    assert_eq!(file.headers[header::CONTENT_TYPE], "image/png");
    let disposition = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; filename=\"heat_map.png\""), "{disposition}");
    server.get(&format!("{path}/files/result.json")).await.expect(StatusCode::NOT_FOUND);

    let list = server.get("/api/v1/requests?program=clam&state=succeeded").await.json();
    assert_eq!(list["requests"][0]["request_id"], made["request_id"]);
    assert_eq!(list["requests"][0].get("output"), None, "lists are short");
    let tasks = server.get("/api/v1/tasks").await.json();
    assert_eq!(
        (&tasks["tasks"][0]["program"], tasks["tasks"][0].get("job_id")),
        (&json!("clam"), None)
    );
    assert_eq!(server.n_files(), 2);
    server.json(Method::DELETE, &path, json!({})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.n_files(), 0, "its files go with it");
    server.get(&path).await.expect(StatusCode::NOT_FOUND);
    server.json(Method::DELETE, &path, json!({})).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_and_named() {
    let server = TestServer::start().await;
    let sha256 = upload(&server, b"x").await["sha256"].clone();
    let named = |name: &str| json!({ "name": name, "sha256": sha256 });
    let unknown = json!({ "name": "a", "sha256": "0".repeat(64) });
    for (body, field) in [
        (json!({}), "program"),
        (json!({ "program": "../sh" }), "program"),
        (json!({ "program": "p", "inputs": [named("../a")] }), "inputs[0].name"),
        (json!({ "program": "p", "inputs": [named("a"), named("A")] }), "inputs[1].name"),
        (json!({ "program": "p", "inputs": [unknown] }), "inputs[0].sha256"),
        (json!({ "program": "p", "slide": "x" }), "slide"),
    ] {
        assert_eq!(ask(&server, body).await.field(), field);
    }
    let path = format!("/api/v1/requests/inputs/{}", blobs::digest(b"one"));
    let wrong = Request::put(path).body(Body::from("another")).unwrap();
    assert_eq!(server.send(wrong).await.field(), "sha256");
    assert_eq!(server.n_files(), 1);
    let request = ask(&server, json!({ "program": "p" })).await.expect(StatusCode::ACCEPTED).json();
    let path = path_of(&request);
    assert_eq!(server.get(&format!("{path}?wait_secs=51")).await.field(), "wait_secs");
    assert_eq!(server.get("/api/v1/requests?limit=0").await.field(), "limit");
}

#[tokio::test]
async fn what_an_agent_did_not_deliver_is_no_result() {
    let server = TestServer::start().await;
    upload(&server, b"of somebody else").await;
    ask(&server, json!({ "program": "p" })).await.expect(StatusCode::ACCEPTED);
    let lease = claim(&server, &["p"]).await.expect(StatusCode::OK).json();
    server.deliver(&lease, b"mine".to_vec()).await.expect(StatusCode::CREATED);
    let path = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    let file = |name: &str, bytes: &[u8], size: usize| {
        let sha256 = blobs::digest(bytes).to_string();
        json!({ "name": name, "sha256": sha256, "size": size, "media_type": "text/plain" })
    };
    for (files, field) in [
        (vec![file("a", b"of somebody else", 16)], "external.files[0].sha256"),
        (vec![file("a", b"mine", 5)], "external.files[0].size"),
        (vec![file("../a", b"mine", 4)], "external.files[0].name"),
        (vec![file("a", b"mine", 4), file("a", b"mine", 4)], "external.files[1].name"),
    ] {
        let body = json!({ "fence": lease["fence"], "external": { "result": 1, "files": files } });
        assert_eq!(server.post(&path, body).await.field(), field);
    }
    let mask = json!({ "fence": lease["fence"] });
    assert_eq!(server.post(&path, mask).await.field(), "external");
    let body = json!({ "fence": lease["fence"], "external": { "result": null } });
    server.post(&path, body).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_waits_hears_of_the_end_at_once() {
    let server = TestServer::start().await;
    let request = ask(&server, json!({ "program": "p" })).await.expect(StatusCode::ACCEPTED).json();
    let path = format!("{}/result?wait_secs=50", path_of(&request));
    let end = async {
        let lease = claim(&server, &["p"]).await.expect(StatusCode::OK).json();
        server.deliver(&lease, b"x".to_vec()).await.expect(StatusCode::CREATED);
        complete(&server, &lease, b"x").await.expect(StatusCode::OK);
    };
    let (waited, ()) = tokio::join!(server.get(&path), end);
    assert_eq!(waited.expect(StatusCode::OK).json()["result"]["p"], 0.93);
}

#[tokio::test]
async fn a_failed_request_says_why_and_is_asked_for_again() {
    let server = TestServer::start().await;
    let sha256 = upload(&server, b"x").await["sha256"].clone();
    let body =
        json!({ "program": "p", "arguments": [1], "inputs": [{ "name": "a", "sha256": sha256 }] });
    let request = ask(&server, body).await.expect(StatusCode::ACCEPTED).json();
    let lease = claim(&server, &["p"]).await.expect(StatusCode::OK).json();
    let task = format!("/api/v1/tasks/{}", lease["task_id"].as_str().unwrap());
    let failure = json!({ "class": "permanent", "code": "program_failed", "message": "no tissue" });
    let body = json!({ "fence": lease["fence"], "failure": failure });
    server.post(&format!("{task}/fail"), body).await.expect(StatusCode::OK);
    let path = path_of(&request);
    let refused = server.get(&format!("{path}/result")).await.expect(StatusCode::CONFLICT).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("no tissue"), "{refused}");

    let again = server.post(&format!("{task}/retry"), json!({})).await;
    let again = again.expect(StatusCode::ACCEPTED).json();
    let second = format!("/api/v1/requests/{}", again["task_id"].as_str().unwrap());
    let shown = server.get(&second).await.json();
    assert_eq!((&shown["arguments"], &shown["inputs"][0]["name"]), (&json!([1]), &json!("a")));
    // The file goes with the last request that names it.
    server.json(Method::DELETE, &path, json!({})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.n_files(), 1);
    server.json(Method::DELETE, &second, json!({})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.n_files(), 0);
}

#[tokio::test]
async fn a_deleted_or_withdrawn_request_stops_its_agent() {
    let server = TestServer::start().await;
    let request = ask(&server, json!({ "program": "p" })).await.expect(StatusCode::ACCEPTED).json();
    let lease = claim(&server, &["p"]).await.expect(StatusCode::OK).json();
    let task = format!("/api/v1/tasks/{}", lease["task_id"].as_str().unwrap());
    server.post(&format!("{task}/cancel"), json!({})).await.expect(StatusCode::ACCEPTED);
    let beat = json!({ "fence": lease["fence"], "progress": { "done": 0, "total": 0 }, "wait_ms": 10_000 });
    let heard = server.post(&format!("{task}/heartbeat"), beat.clone()).await;
    assert_eq!(heard.expect(StatusCode::OK).json()["cancel"], true);
    server.json(Method::DELETE, &path_of(&request), json!({})).await.expect(StatusCode::NO_CONTENT);
    server.post(&format!("{task}/heartbeat"), beat).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn programs_are_known_by_who_offers_and_who_waits_for_them() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/api/v1/programs").await.json(), json!({ "programs": [] }));
    claim(&server, &["clam"]).await.expect(StatusCode::NO_CONTENT);
    ask(&server, json!({ "program": "unet" })).await.expect(StatusCode::ACCEPTED);
    let expected = json!({ "programs": [
        { "program": "clam", "agents": ["lab-7"], "waiting": 0 },
        { "program": "unet", "agents": [], "waiting": 1 },
    ] });
    assert_eq!(server.get("/api/v1/programs").await.json(), expected);
    assert_eq!(claim(&server, &["a,b"]).await.field(), "programs");
}

#[tokio::test]
async fn the_server_says_where_programs_run() {
    for (setting, is_granted) in [(None, true), (Some(true), true), (Some(false), false)] {
        let settings = Settings {
            use_local_inference: setting,
            look_again: Duration::from_millis(50),
            ..Settings::default()
        };
        let server = TestServer::with(settings).await;
        ask(&server, json!({ "program": "p" })).await.expect(StatusCode::ACCEPTED);
        let status = if is_granted { StatusCode::OK } else { StatusCode::NO_CONTENT };
        claim(&server, &["p"]).await.expect(status);
    }
}
