//! Opening, listing, looking at and deleting jobs.

use axum::http::{Method, StatusCode, header};
use serde_json::json;

use crate::support::{TestServer, block, phantom_file};

#[tokio::test]
async fn an_upload_becomes_a_job_that_describes_its_image() {
    let server = TestServer::start().await;
    let bytes = phantom_file();
    let created = server.upload("팬텀.nii.gz", &bytes, &[("name", "first case")]).await;
    let created = created.expect(StatusCode::CREATED).json();
    assert_eq!(created["status"], "ready");
    let image = &created["image"];
    assert_eq!(image["shape"], json!([40, 36, 16]));
    assert_eq!(image["axis_codes"], "LPS");
    assert_eq!(image["modality"], "CT", "air tells");
    assert_eq!(image["sha256"].as_str().unwrap(), server::blobs::digest(&bytes).as_str());
    assert!((image["spacing_mm"][2].as_f64().unwrap() - 12.0).abs() < 1e-4);

    let path = format!("/api/v1/jobs/{}", created["job_id"].as_str().unwrap());
    let job = server.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!(job["name"], "first case");
    assert_eq!(job["labels"][0]["value"], 1);
    let list = server.get("/api/v1/jobs").await.json();
    assert_eq!(list["jobs"][0]["job_id"], created["job_id"]);

    let image = server.get(&format!("{path}/image")).await.expect(StatusCode::OK);
    assert_eq!(image.bytes, bytes);
    let name = image.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.ends_with("filename*=UTF-8''%ED%8C%AC%ED%85%80.nii.gz"), "{name}");
}

#[tokio::test]
async fn the_modality_can_be_said() {
    let server = TestServer::start().await;
    let created = server.upload("a.nii.gz", &phantom_file(), &[("modality", "MR")]).await;
    assert_eq!(created.json()["image"]["modality"], "MR");
    let refused = server.upload("a.nii.gz", &phantom_file(), &[("modality", "PET")]).await;
    assert_eq!(refused.field(), "modality");
}

#[tokio::test]
async fn status_follows_the_work() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let status = async || server.get(&format!("{job}/status")).await.json();
    assert_eq!(status().await["status"], "ready");
    assert_eq!(status().await["progress"], 0);

    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    let queued = server.post(&format!("{job}/initial-mask"), prompt).await;
    let queued = queued.expect(StatusCode::ACCEPTED).json();
    assert_eq!(queued["status"], "queued");
    let waiting = status().await;
    assert_eq!((&waiting["status"], &waiting["stage"]), (&json!("segmenting"), &json!("queued")));
    assert_eq!(waiting["task_id"], queued["task_id"]);

    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    assert_eq!(status().await["status"], "segmented");
    assert_eq!(status().await["progress"], 100);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    assert_eq!(status().await["status"], "propagating");
    server.run_next(&block(1, [4, 9], [4, 9], [3, 8]), 0, 15).await.expect(StatusCode::OK);
    assert_eq!(status().await["status"], "completed");
}

#[tokio::test]
async fn a_deleted_job_leaves_no_file_behind() {
    let server = TestServer::start().await;
    let (kept, deleted) = (server.open_phantom().await, server.open_phantom().await);
    assert_eq!(server.n_files(), 1, "the same bytes are stored once");
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    server.post(&format!("{deleted}/initial-mask"), prompt).await.expect(StatusCode::ACCEPTED);
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    assert!(server.n_files() > 1);
    for (job, n_left) in [(deleted, 1), (kept, 0)] {
        let gone = server.json(Method::DELETE, &job, json!(null)).await;
        gone.expect(StatusCode::NO_CONTENT);
        assert_eq!(server.n_files(), n_left);
        server.get(&job).await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_file_that_nobody_refers_to_goes_when_it_is_old() {
    let server = TestServer::start().await;
    server.open_phantom().await;
    for (bytes, hours) in [("young", 0), ("old", 2)] {
        let blobs = &*server.server.blobs;
        let sha256 = server::blobs::keep_bytes(blobs, bytes.into()).await.unwrap();
        let file = std::fs::File::options().append(true).open(blobs.open(&sha256).await.unwrap());
        let written = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3_600);
        file.unwrap().set_modified(written).unwrap();
    }
    assert_eq!(server.n_files(), 3);
    let cleanup = server.post("/api/v1/system/cleanup", json!({})).await.json();
    assert_eq!((&cleanup["removed_blobs"], &cleanup["removed_bytes"]), (&json!(1), &json!(3)));
    assert_eq!(server.n_files(), 2);
}

#[tokio::test]
async fn the_built_in_sample_opens() {
    let server = TestServer::start().await;
    let created = server.post("/api/v1/sample", json!({})).await.expect(StatusCode::CREATED);
    assert_eq!(created.json()["image"]["modality"], "CT");
}

#[tokio::test]
async fn objects_are_named_and_coloured() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/labels");
    let label = |value: i32, color: &str| json!({ "value": value, "name": "간", "color": color });
    let labels = json!({ "labels": [label(1, "#00ff00"), label(7, "#0000FF")] });
    server.json(Method::PUT, &path, labels).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.get(&job).await.json()["labels"][1]["value"], 7);

    for (labels, field) in [
        (json!([label(0, "#00ff00")]), "labels[0].value"),
        (json!([label(1, "#00ff00"), label(1, "#00ff00")]), "labels[1].value"),
        (json!([label(1, "red")]), "labels[0].color"),
        (json!([label(256, "#00ff00")]), "labels[0].value"),
    ] {
        let refused = server.json(Method::PUT, &path, json!({ "labels": labels })).await;
        assert_eq!(refused.field(), field);
    }
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let server = TestServer::start().await;
    let health = server.get("/health").await.expect(StatusCode::OK).json();
    assert_eq!(health["status"], "ok");
    assert!(health["memory"]["total_bytes"].as_u64().unwrap() > 0);
    assert!(health.as_object().unwrap().contains_key("gpu"));
    let status = server.get("/api/v1/system/status").await.expect(StatusCode::OK).json();
    assert!(status["n_cpus"].as_u64().unwrap() >= 1);
    assert!(status["process_bytes"].as_u64().unwrap() > 0);
    assert!(server.get("/api/v1/system/gpu").await.json()["gpus"].is_array());
    assert_eq!(server.get("/api/v1/system/jobs/active").await.json()["tasks"], json!([]));
    let model = server.get("/api/v1/system/model").await.json();
    assert_eq!(model["engines"][0]["name"], "graphcut");
    let reload = server.post("/api/v1/system/model/reload", json!({})).await;
    assert_eq!(reload.expect(StatusCode::OK).json(), model);
    let cleanup = server.post("/api/v1/system/cleanup", json!({})).await;
    assert_eq!(cleanup.expect(StatusCode::OK).json()["removed_blobs"], 0);
    for path in ["/docs/", "/redoc", "/openapi.json"] {
        server.get(path).await.expect(StatusCode::OK);
    }
}
