//! Refusals: each says what is wrong, and none leaves anything behind.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use server::settings::Settings;

use crate::support::{Answer, TestServer, filled, phantom_file};

#[tokio::test]
async fn a_file_that_is_no_image_is_refused_by_what_it_is() {
    let server = TestServer::start().await;
    let mut truncated = phantom_file();
    truncated.truncate(truncated.len() / 2);
    for (name, bytes) in [
        ("picture.png", b"\x89PNG\r\n\x1a\n0000".to_vec()),
        ("empty.nii", Vec::new()),
        ("two.nii.gz", b"ab".to_vec()),
        ("truncated.nii.gz", truncated),
    ] {
        let refused = server.upload(name, &bytes, &[]).await;
        assert!(refused.field().starts_with("file"), "{name}");
    }
    let said = server.upload("picture.png", b"\x89PNG\r\n\x1a\n0000", &[]).await.json();
    assert!(said["error"]["message"].as_str().unwrap().contains("PNG"), "{said}");
    assert_eq!(server.n_files(), 0, "nothing stays behind");
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"], json!([]));
}

#[tokio::test]
async fn limits_are_kept() {
    let settings = Settings { max_upload_bytes: 1_000, max_json_bytes: 500, ..Settings::default() };
    let server = TestServer::with(settings).await;
    let refused = server.upload("a.nii.gz", &phantom_file(), &[]).await;
    let refused = refused.expect(StatusCode::PAYLOAD_TOO_LARGE).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("1000"));
    let long = json!({ "name": "x".repeat(600) });
    server.post("/api/v1/claims", long).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    let long = "x".repeat(501);
    let refused = server.upload("a.nii.gz", b"", &[("name", &long)]).await;
    refused.expect(StatusCode::PAYLOAD_TOO_LARGE);
    let settings = Settings { max_image_bytes: 1_000, ..Settings::default() };
    let server = TestServer::with(settings).await;
    assert!(server.upload("a.nii.gz", &phantom_file(), &[]).await.field().starts_with("file"));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let none = "00000000-0000-7000-8000-000000000000";
    for path in [
        format!("/api/v1/jobs/{none}"),
        "/api/v1/jobs/not-a-job".to_owned(),
        "/api/v1/jobs/..%2F..%2Fetc".to_owned(),
        format!("/api/v1/jobs/{none}/status"),
        format!("/api/v1/jobs/{none}/result"),
        format!("/api/v1/jobs/{none}/mask"),
        format!("/api/v1/jobs/{none}/image"),
        format!("/api/v1/jobs/{none}/revisions"),
        format!("/api/v1/jobs/{none}/slices/2/0.png"),
        format!("/api/v1/tasks/{none}"),
        "/api/v1/nothing".to_owned(),
        "/assets/nothing.js".to_owned(),
    ] {
        let answer = server.get(&path).await.expect(StatusCode::NOT_FOUND);
        assert_eq!(answer.json()["error"]["code"], "not_found", "{path}");
    }
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    for (action, body) in [("initial-mask", prompt), ("propagate", json!({}))] {
        let path = format!("/api/v1/jobs/{none}/{action}");
        server.post(&path, body).await.expect(StatusCode::NOT_FOUND);
    }
    let gone = server.json(Method::DELETE, &format!("/api/v1/jobs/{none}"), json!(null)).await;
    gone.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_method_gets_an_error_like_any_other() {
    let server = TestServer::start().await;
    let wrong = server.json(Method::PUT, "/api/v1/jobs", json!({})).await;
    let wrong = wrong.expect(StatusCode::METHOD_NOT_ALLOWED).json();
    assert_eq!(wrong["error"]["code"], "method_not_allowed");
    server.post("/nothing", json!({})).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bad_bodies_are_refused() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/initial-mask");
    let send = async |content_type: &str, body: &'static str| {
        let request = Request::post(&path).header(header::CONTENT_TYPE, content_type);
        server.send(request.body(Body::from(body)).unwrap()).await
    };
    assert_eq!(send("application/json", "{").await.field(), "body");
    assert_eq!(send("application/json", "[1]").await.field(), "body");
    assert_eq!(send("application/json", "").await.field(), "axis");
    assert_eq!(send("text/plain", "axis=2").await.field(), "content-type");
    let no_file = Request::post("/api/v1/jobs")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from(
            "--b\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nx\r\n--b--\r\n",
        ))
        .unwrap();
    assert_eq!(server.send(no_file).await.field(), "file");
}

#[tokio::test]
async fn a_scribble_without_end_is_refused() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let ask = |n_corners: usize| {
        let path = vec![[3, 3]; n_corners];
        let scribbles = json!([{ "path": path, "radius": 1, "positive": true }]);
        json!({ "axis": 2, "slice_index": 5, "scribbles": scribbles })
    };
    let endless = server.post(&format!("{job}/initial-mask"), ask(5_001)).await;
    assert_eq!(endless.field(), "scribbles");
    let long = server.post(&format!("{job}/initial-mask"), ask(5_000)).await;
    long.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_refusal_says_why_in_a_way_that_pages_can_translate() {
    let server = TestServer::start().await;
    let reason = |answer: Answer| {
        let error = &answer.json()["error"];
        (error["reason"].as_str().unwrap_or_default().to_owned(), error["parameters"].clone())
    };
    let whole = phantom_file();
    let text = server.upload("a.nii.gz", b"hello, this is no volume", &[]).await;
    assert_eq!(reason(text).0, "not_a_volume");
    let cut = server.upload("a.nii.gz", &whole[..whole.len() / 2], &[]).await;
    assert_eq!(reason(cut).0, "cut_short");
    let header = b"NRRD0004\ntype: complex\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n\n12345678";
    let (what, values) = reason(server.upload("a.nrrd", header, &[]).await);
    assert_eq!((what.as_str(), &values["field"]), ("header_field", &json!("type")));

    let job = server.open_phantom().await;
    let unmasked = server.post(&format!("{job}/propagate"), json!({})).await;
    assert_eq!(reason(unmasked).0, "no_mask");

    let locked =
        json!({ "labels": [{ "value": 1, "name": "Lesion", "color": "#ff2d2d", "locked": true }] });
    server.put(&format!("{job}/labels"), locked).await.expect(StatusCode::NO_CONTENT);
    let edit = filled(&Value::Null, 1, [[1, 1, 5], [2, 2, 5]]);
    let (what, values) = reason(server.post(&format!("{job}/revisions"), edit).await);
    assert_eq!((what.as_str(), &values["name"]), ("label_locked", &json!("Lesion")));
}
