//! Operations on objects, interpolation between confirmed slices, and frames of 4D images.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use volume::{Labelmap, rle};

use crate::{
    measures::with_block,
    support::{SHAPE, TestServer, block},
};

async fn mask(server: &TestServer, job: &str) -> Labelmap {
    let bytes = server.get(&format!("{job}/mask")).await.expect(StatusCode::OK).bytes;
    rle::decode(&bytes, SHAPE.iter().product()).unwrap()
}

async fn head(server: &TestServer, job: &str) -> Value {
    server.get(job).await.json()["head"].clone()
}

async fn operate(server: &TestServer, job: &str, operation: Value) -> Value {
    let request = json!({ "parent": head(server, job).await, "label": 1, "operation": operation });
    let made = server.post(&format!("{job}/operations"), request).await;
    made.expect(StatusCode::CREATED).json()
}

#[tokio::test]
async fn growing_makes_a_revision_that_says_what_was_done() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let image = &server.get(&job).await.json()["image"];
    let spacing: Vec<f64> = serde_json::from_value(image["spacing_mm"].clone()).unwrap();
    let parent = head(&server, &job).await;
    // Just reaches the next voxel along i.
    let made = operate(&server, &job, json!({ "kind": "grow", "mm": spacing[0] })).await;
    assert_eq!((&made["action"], &made["parent"]), (&json!("grow"), &parent));
    assert_eq!((&made["label"], &made["author"]["by"]), (&json!(1), &json!("person")));
    assert_eq!(made["parameters"]["operation"], json!({ "kind": "grow", "mm": spacing[0] }));
    assert_eq!(head(&server, &job).await, made["revision_id"]);
    let grown = mask(&server, &job).await;
    let reach: Vec<usize> = spacing.iter().map(|it| usize::from(*it <= spacing[0])).collect();
    let first = [4 - reach[0], 4 - reach[1], 4 - reach[2]];
    let last = [8 + reach[0], 7 + reach[1], 6 + reach[2]];
    assert_eq!(made["changed"], json!([first, last]));
    assert_eq!(grown.bounding_box(1), Some([0, 1, 2].map(|it| first[it]..=last[it])));
}

#[tokio::test]
async fn on_a_slice_nothing_else_changes() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let request = json!({
        "parent": head(&server, &job).await,
        "operation": { "kind": "shrink", "mm": 12 },
        "slice": { "axis": 2, "slice_index": 5 },
    });
    server.post(&format!("{job}/operations"), request).await.expect(StatusCode::CREATED);
    let shrunk = mask(&server, &job).await;
    let counts = shrunk.slice_counts(2, 1);
    assert_eq!((counts[4], counts[6]), (20, 20));
    assert!(counts[5] < 20, "{counts:?}");
}

#[tokio::test]
async fn islands_and_holes_go() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let rle = |n: usize, label: u8| {
        use base64::Engine as _;
        let piece = Labelmap { shape: [n, 1, 1], voxels: vec![label; n] };
        base64::engine::general_purpose::STANDARD.encode(rle::encode(&piece))
    };
    let hole = json!({ "parent": head(&server, &job).await, "box": [[6, 5, 5], [6, 5, 5]], "rle_base64": rle(1, 0) });
    server.post(&format!("{job}/revisions"), hole).await.expect(StatusCode::CREATED);
    let island = json!({ "parent": head(&server, &job).await, "box": [[20, 20, 9], [21, 20, 9]], "rle_base64": rle(2, 1) });
    server.post(&format!("{job}/revisions"), island).await.expect(StatusCode::CREATED);
    operate(&server, &job, json!({ "kind": "fill_holes" })).await;
    assert_eq!(mask(&server, &job).await.count(1), 62);
    let unchanged =
        operate(&server, &job, json!({ "kind": "remove_islands", "below_ml": 1e-9 })).await;
    assert_eq!(unchanged["changed"], Value::Null);
    operate(&server, &job, json!({ "kind": "keep_largest" })).await;
    assert_eq!(mask(&server, &job).await.count(1), 60);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_its_field() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/operations");
    let fill = json!({ "parent": null, "operation": { "kind": "fill_holes" } });
    server.post(&path, fill).await.expect(StatusCode::CONFLICT);
    let job = with_block(&server).await;
    let path = format!("{job}/operations");
    let parent = head(&server, &job).await;
    for (operation, field) in [
        (json!({ "kind": "grow", "mm": 0 }), "operation.mm"),
        (json!({ "kind": "shrink", "mm": 100.5 }), "operation.mm"),
        (json!({ "kind": "smooth", "mm": -1 }), "operation.mm"),
        (json!({ "kind": "remove_islands", "below_ml": 0 }), "operation.below_ml"),
        (json!({ "kind": "melt" }), "operation"),
        (json!({ "kind": "grow" }), "operation"),
    ] {
        let request = json!({ "parent": parent, "operation": operation });
        let found = server.post(&path, request).await.field();
        assert!(found.starts_with(field), "{operation}: {found}");
    }
    let smooth = json!({ "kind": "smooth", "mm": 1 });
    let outside =
        json!({ "parent": parent, "operation": smooth, "slice": { "axis": 2, "slice_index": 16 } });
    assert_eq!(server.post(&path, outside).await.field(), "slice_index");
    let nothing = json!({ "parent": parent, "label": 5, "operation": smooth });
    server.post(&path, nothing).await.expect(StatusCode::CONFLICT);
    let stale = json!({ "parent": null, "operation": smooth });
    let refused = server.post(&path, stale).await.expect(StatusCode::CONFLICT).json();
    assert_eq!(refused["error"]["code"], "not_head");
    let labels =
        json!({ "labels": [{ "value": 1, "name": "a", "color": "#102030", "locked": true }] });
    server.json(Method::PUT, &format!("{job}/labels"), labels).await.expect(StatusCode::NO_CONTENT);
    let locked = json!({ "parent": parent, "operation": { "kind": "grow", "mm": 15 } });
    let refused = server.post(&path, locked).await.expect(StatusCode::CONFLICT).json();
    assert_eq!(refused["error"]["code"], "label_locked");
}

#[tokio::test]
async fn an_accepted_mask_stays_as_it_is_and_can_be_taken_away() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let parent = head(&server, &job).await;
    for (from, to) in [("draft", "in_review"), ("in_review", "accepted")] {
        let step = json!({ "from": from, "to": to, "head": parent });
        server.post(&format!("{job}/review"), step).await.expect(StatusCode::OK);
    }
    for (path, request) in [
        ("operations", json!({ "parent": parent, "operation": { "kind": "fill_holes" } })),
        ("operations", json!({ "parent": parent, "operation": { "kind": "shrink", "mm": 15 } })),
    ] {
        let refused = server.post(&format!("{job}/{path}"), request).await;
        let refused = refused.expect(StatusCode::CONFLICT).json();
        assert_eq!(refused["error"]["code"], "job_accepted");
    }
    server.get(&format!("{job}/measurements")).await.expect(StatusCode::OK);
    server.get(&format!("{job}/export/mask.nrrd")).await.expect(StatusCode::OK);
    let audit = server.get("/api/v1/audit?limit=1").await.expect(StatusCode::OK).json();
    assert_eq!(audit["entries"][0]["action"], "exported");
    assert_eq!(audit["entries"][0]["details"]["file"], "phantom-mask.nrrd");
    // A plain link has no header that could say who follows it.
    for (path, file) in [
        ("export/mask.nrrd?person=%EA%B9%80", "phantom-mask.nrrd"),
        ("result?type=3d&person=%EA%B9%80", "phantom-mask.nii.gz"),
    ] {
        server.get(&format!("{job}/{path}")).await.expect(StatusCode::OK);
        let audit = server.get("/api/v1/audit?limit=1").await.json();
        assert_eq!(
            (&audit["entries"][0]["by"], &audit["entries"][0]["details"]["file"]),
            (&json!("김"), &json!(file))
        );
    }
    assert_eq!(server.get(&format!("{job}/export/case.zip?person=a%00b")).await.field(), "person");
}

#[tokio::test]
async fn interpolation_asks_for_what_lies_between_confirmed_slices() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let path = format!("{job}/interpolate");
    let wish = json!({ "label": 1, "axis": 2 });
    // The slice with a box is no confirmed one.
    server.post(&path, wish.clone()).await.expect(StatusCode::CONFLICT);
    for prompt in [
        json!({ "axis": 2, "slice_index": 4, "mask": true }),
        json!({ "axis": 2, "slice_index": 9, "absent": true }),
        json!({ "axis": 1, "slice_index": 3, "absent": true }),
    ] {
        let prompts = format!("{job}/prompts");
        server.json(Method::PUT, &prompts, prompt).await.expect(StatusCode::NO_CONTENT);
    }
    server.post(&path, wish).await.expect(StatusCode::ACCEPTED);
    let lease = server.claim().await;
    let spec = &lease["spec"];
    assert_eq!((&spec["kind"], &spec["engine"]), (&json!("propagate"), &json!("graphcut")));
    assert_eq!((&spec["range"], &spec["interpolate"]), (&json!([4, 9]), &json!(true)));
    let asked: Vec<_> =
        spec["prompts"].as_array().unwrap().iter().map(|it| &it["slice_index"]).collect();
    assert_eq!(asked, [4, 9]);

    let encoded = rle::encode(&block(1, [4, 9], [4, 8], [4, 9]));
    let sha256 = server::blobs::digest(&encoded);
    server.deliver(&lease, encoded).await.expect(StatusCode::CREATED);
    let complete = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    let output = crate::support::completion(&lease, sha256.as_str(), [4, 9]);
    server.post(&complete, output).await.expect(StatusCode::OK);
    let made = &server.get(&job).await.json()["head_revision"];
    assert_eq!(made["action"], "interpolate");
    assert_eq!(mask(&server, &job).await.slice_counts(2, 1)[4..9], [20; 5]);
}

#[tokio::test]
async fn two_absent_slices_are_nothing_to_go_by() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    for slice_index in [1, 9] {
        let absent = json!({ "axis": 2, "slice_index": slice_index, "absent": true });
        let prompts = format!("{job}/prompts");
        server.json(Method::PUT, &prompts, absent).await.expect(StatusCode::NO_CONTENT);
    }
    let wish = json!({ "label": 1, "axis": 2 });
    server.post(&format!("{job}/interpolate"), wish).await.expect(StatusCode::CONFLICT);
    assert_eq!(
        server.post(&format!("{job}/interpolate"), json!({ "axis": 3 })).await.field(),
        "axis"
    );
}

/// 2 × 2 × 1 voxels in three frames, each of one intensity.
fn series() -> Vec<u8> {
    let mut file =
        b"NRRD0004\ntype: uchar\ndimension: 4\nsizes: 2 2 1 3\nencoding: raw\n\n".to_vec();
    for frame in [10, 20, 30] {
        file.extend([frame; 4]);
    }
    file
}

#[tokio::test]
async fn every_frame_can_be_seen_measured_and_segmented() {
    let server = TestServer::start().await;
    let created = server.upload("series.nrrd", &series(), &[]).await.expect(StatusCode::CREATED);
    let job = format!("/api/v1/jobs/{}", created.json()["job_id"].as_str().unwrap());
    let mut pictures = Vec::new();
    for frame in 0..3 {
        let path = format!("{job}/slices/2/0.png?low=0&high=255&frame={frame}");
        pictures.push(server.get(&path).await.expect(StatusCode::OK).bytes);
    }
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
    assert_eq!(server.get(&format!("{job}/slices/2/0.png?frame=3")).await.field(), "frame");

    let path = format!("{job}/initial-mask");
    let prompt =
        |frame: u32| json!({ "axis": 2, "slice_index": 0, "box": [0, 0, 1, 1], "frame": frame });
    assert_eq!(server.post(&path, prompt(3)).await.field(), "frame");
    server.post(&path, prompt(2)).await.expect(StatusCode::ACCEPTED);
    let lease = server.claim().await;
    assert_eq!(lease["spec"]["image"]["frame"], 2);
    let encoded = rle::encode(&Labelmap { shape: [2, 2, 1], voxels: vec![1; 4] });
    let sha256 = server::blobs::digest(&encoded);
    server.deliver(&lease, encoded).await.expect(StatusCode::CREATED);
    let complete = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    let output = crate::support::completion(&lease, sha256.as_str(), [0, 0]);
    server.post(&complete, output).await.expect(StatusCode::OK);
    for (frame, mean) in [(0, 10.0), (1, 20.0), (2, 30.0)] {
        let path = format!("{job}/measurements?frame={frame}");
        let measured = server.get(&path).await.expect(StatusCode::OK).json();
        assert_eq!(measured["objects"][0]["mean"], mean);
    }
    let wish = json!({ "frame": 1 });
    server.post(&format!("{job}/propagate"), wish).await.expect(StatusCode::ACCEPTED);
    assert_eq!(server.claim().await["spec"]["image"]["frame"], 1);
    assert_eq!(
        server.post(&format!("{job}/propagate"), json!({ "frame": 9 })).await.field(),
        "frame"
    );
}
