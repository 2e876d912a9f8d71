//! Objects: what a list of them may hold, locks, concurrent changes, and sets kept for other jobs.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestServer, block, filled};

const SPOT: [[u32; 3]; 2] = [[10, 11, 7], [11, 13, 7]];

async fn lock(server: &TestServer, job: &str, locked: &[u8]) {
    let label = |value: u8| {
        let is_locked = locked.contains(&value);
        json!({ "value": value, "name": format!("O{value}"), "color": "#ff0000", "locked": is_locked })
    };
    let body = json!({ "labels": [label(1), label(2)] });
    server.put(&format!("{job}/labels"), body).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn objects_come_back_as_they_were_put() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let code =
        |value: &str, meaning: &str| json!({ "scheme": "SCT", "value": value, "meaning": meaning });
    let full = json!({
        "value": 7, "name": "왼쪽 콩팥", "color": "#00ff7f", "visible": false, "locked": true,
        "opacity": 0.25, "outline": true,
        "anatomy": {
            "category": code("123037004", "Anatomical structure"),
            "kind": code("64033007", "Kidney"),
            "laterality": code("7771000", "Left"),
        },
    });
    let plain = json!({ "value": 1, "name": "Lesion", "color": "#ff0000" });
    let path = format!("{job}/labels");
    let body = json!({ "labels": [full, plain] });
    server.put(&path, body).await.expect(StatusCode::NO_CONTENT);
    let labels = server.get(&job).await.json()["labels"].clone();
    assert_eq!(labels[0], full);
    assert_eq!((&labels[1]["visible"], &labels[1]["locked"]), (&json!(true), &json!(false)));
    for (change, field) in [
        (json!({ "locekd": true }), "labels[0].locekd"),
        (json!({ "opacity": 2 }), "labels[0].opacity"),
        (json!({ "anatomy": { "kind": code("1", "x") } }), "labels[0].anatomy.category"),
    ] {
        let mut label = plain.clone();
        label.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(server.put(&path, json!({ "labels": [label] })).await.field(), field);
    }
}

#[tokio::test]
async fn labels_that_somebody_else_changed_are_not_overwritten() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/labels");
    let seen = server.get(&job).await.json()["labels"].clone();
    let named =
        |name: &str| json!([{ "value": 1, "name": name, "color": "#ff0000", "opacity": 0.3 }]);
    let first = json!({ "labels": named("Liver"), "expected": seen });
    server.put(&path, first).await.expect(StatusCode::NO_CONTENT);
    let late = server.put(&path, json!({ "labels": named("Spleen"), "expected": seen })).await;
    assert_eq!(late.expect(StatusCode::CONFLICT).json()["error"]["code"], "labels_changed");
    let now = server.get(&job).await.json()["labels"].clone();
    assert_eq!(now[0]["name"], "Liver");
    let second = json!({ "labels": named("Spleen"), "expected": now });
    server.put(&path, second).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_locked_object_keeps_its_voxels_whoever_draws() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let head = server.paint(&job, 1, SPOT).await;
    lock(&server, &job, &[1]).await;
    let path = format!("{job}/revisions");
    for (label, what) in [(0, "erased"), (2, "taken over"), (1, "extended")] {
        let edit = filled(&head, label, [[9, 11, 7], [11, 13, 7]]);
        let refused = server.post(&path, edit).await.expect(StatusCode::CONFLICT).json();
        assert_eq!(refused["error"]["code"], "label_locked", "{what}");
        assert!(refused["error"]["message"].as_str().unwrap().contains("O1"), "it is named");
    }
    assert_eq!(server.mask(&job).await, block(1, [10, 12], [11, 14], [7, 8]));
    // The box may hold the object's voxels as they are.
    server.paint(&job, 1, SPOT).await;
    server.paint(&job, 2, [[9, 11, 7], [9, 13, 7]]).await;
    let mask = server.mask(&job).await;
    assert_eq!((mask.count(1), mask.count(2)), (6, 3));
}

#[tokio::test]
async fn an_engine_leaves_a_locked_object_alone() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    lock(&server, &job, &[1]).await;
    let before = server.mask(&job).await;
    server.run_next(&block(1, [2, 9], [4, 9], [3, 8]), 0, 15).await.expect(StatusCode::OK);
    assert_eq!(server.mask(&job).await, before, "locked while the engine ran");
    let shown = server.get(&job).await.json();
    assert_eq!(shown["status"], "completed");
    assert_eq!(shown["head_revision"]["changed"], Value::Null);

    for path in ["initial-mask", "propagate"] {
        let body = match path {
            "propagate" => json!({ "label": 1 }),
            _ => json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] }),
        };
        let refused = server.post(&format!("{job}/{path}"), body).await;
        assert_eq!(refused.expect(StatusCode::CONFLICT).json()["error"]["code"], "label_locked");
    }
    lock(&server, &job, &[2]).await;
    server.ask_for_slice(&job, 5, 1).await;
}

#[tokio::test]
async fn label_sets_are_kept_for_other_jobs() {
    let server = TestServer::start().await;
    let path = "/api/v1/label-sets";
    let set = |name: &str| json!({ "name": name, "labels": [{ "value": 1, "name": "Liver", "color": "#dd8265" }] });
    let made = server.post(path, set(" Abdomen ")).await.expect(StatusCode::CREATED).json();
    assert_eq!(made["name"], "Abdomen");
    let taken = server.post(path, set("Abdomen")).await.expect(StatusCode::CONFLICT).json();
    assert_eq!(taken["error"]["code"], "name_taken");
    let own = format!("{path}/{}", made["label_set_id"].as_str().unwrap());
    server.put(&own, set("Abdomen")).await.expect(StatusCode::OK);
    server.put(&own, set("Belly")).await.expect(StatusCode::OK);
    let all = server.get(path).await.json();
    assert_eq!(all["label_sets"][0]["name"], "Belly");
    assert_eq!(server.post(path, set("  ")).await.field(), "name");
    assert_eq!(server.post(path, json!({ "name": "x" })).await.field(), "labels");
    let bad = json!({ "name": "x", "labels": [{ "value": 0, "name": "", "color": "#000000" }] });
    assert_eq!(server.put(&own, bad).await.field(), "labels[0].value");
    server.json(Method::DELETE, &own, json!({})).await.expect(StatusCode::NO_CONTENT);
    server.put(&own, set("Belly")).await.expect(StatusCode::NOT_FOUND);
    let audit = server.get("/api/v1/audit").await.json();
    let actions: Vec<_> =
        audit["entries"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
    let expected =
        ["label_set_deleted", "label_set_changed", "label_set_changed", "label_set_created"];
    assert_eq!(actions, expected);
}
