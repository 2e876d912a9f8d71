//! A job that is accepted: every route that would change it refuses.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestServer, filled};

const SPOT: [[u32; 3]; 2] = [[10, 11, 7], [11, 13, 7]];

/// Routes of a job that write nothing of its masks, prompts and labels: the review itself, what
/// readers say, a hint at what somebody looks at; and the removal of the whole.
const FREE: [(&str, &str); 5] = [
    ("post", "/review"),
    ("post", "/opinions"),
    ("delete", "/opinions/{opinion_id}"),
    ("post", "/prepare"),
    ("delete", ""),
];

/// A request to each route that would be accepted while the job is a draft. A new route that writes
/// stands here, or above.
fn request(method: &str, route: &str, head: &Value) -> (String, Value) {
    let prompt = json!({ "axis": 2, "slice_index": 7, "box": [3, 3, 12, 12] });
    let (query, body) = match (method, route) {
        ("put", "/head") => ("", json!({ "head": null, "expected": head })),
        ("post", "/revisions") => ("", filled(head, 2, SPOT)),
        ("post", "/initial-mask") | ("put", "/prompts") => ("", prompt),
        ("delete", "/prompts") => ("?axis=2&slice_index=7", json!({})),
        ("post", "/propagate") => ("", json!({ "label": 1 })),
        ("put", "/labels") => ("", json!({ "labels": [] })),
        ("post", "/operations") => {
            ("", json!({ "parent": head, "label": 1, "operation": { "kind": "keep_largest" } }))
        }
        ("patch", "") => ("", json!({ "modality": "MR" })),
        ("post", "/interpolate") => ("", json!({ "label": 1, "axis": 2 })),
        _ => panic!("{method} {route} is new: say what it does to an accepted job"),
    };
    (format!("{route}{query}"), body)
}

/// A job with two slices that a person vouches for.
async fn vouched_job(server: &TestServer) -> (String, Value) {
    let job = server.open_phantom().await;
    let mut edit = filled(&Value::Null, 1, [[10, 11, 5], [11, 13, 9]]);
    edit["confirmed"] = json!([
        { "axis": 2, "slice_index": 5, "label": 1 }, { "axis": 2, "slice_index": 9, "label": 1 },
    ]);
    let made = server.post(&format!("{job}/revisions"), edit).await;
    (job, made.expect(StatusCode::CREATED).json()["revision_id"].clone())
}

/// Routes below a job that write, by the document.
fn writing_routes() -> Vec<(String, String)> {
    let document = serde_json::to_value(server::routes::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(route) = path.strip_prefix("/api/v1/jobs/{job_id}") else { continue };
        for method in operations.as_object().unwrap().keys().filter(|it| *it != "get") {
            if !FREE.contains(&(method.as_str(), route)) {
                routes.push((method.clone(), route.to_owned()));
            }
        }
    }
    routes
}

async fn send(server: &TestServer, job: &str, head: &Value, method: &str, route: &str) -> Value {
    let (path, body) = request(method, route, head);
    let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let answer = server.json(verb, &format!("{job}{path}"), body).await;
    match answer.status.is_success() {
        true => Value::Null,
        false => answer.json()["error"]["code"].clone(),
    }
}

#[tokio::test]
async fn an_accepted_job_refuses_every_route_that_writes() {
    let server = TestServer::start().await;
    let (job, head) = vouched_job(&server).await;
    for (from, to) in [("draft", "in_review"), ("in_review", "accepted")] {
        let step = json!({ "from": from, "to": to, "head": head });
        server.post(&format!("{job}/review"), step).await.expect(StatusCode::OK);
    }
    let before = server.get(&job).await.json();
    let routes = writing_routes();
    assert!(routes.len() >= 7, "{routes:?}");
    for (method, route) in &routes {
        let code = send(&server, &job, &head, method, route).await;
        assert_eq!(code, "job_accepted", "{method} {route}");
    }
    assert_eq!(server.get(&job).await.json(), before);
    server.try_claim().await.expect(StatusCode::NO_CONTENT);

    // The same requests are good ones: a draft takes each of them.
    for (method, route) in &routes {
        let (job, head) = vouched_job(&server).await;
        let code = send(&server, &job, &head, method, route).await;
        assert_eq!(code, Value::Null, "{method} {route}");
    }
}

#[tokio::test]
async fn an_accepted_job_can_be_looked_at_commented_and_deleted() {
    let server = TestServer::start().await;
    let (job, head) = vouched_job(&server).await;
    for (from, to) in [("draft", "in_review"), ("in_review", "accepted")] {
        let step = json!({ "from": from, "to": to, "head": head });
        server.post(&format!("{job}/review"), step).await.expect(StatusCode::OK);
    }
    let opinion = json!({ "revision_id": head, "comment": "agreed" });
    server.post(&format!("{job}/opinions"), opinion).await.expect(StatusCode::CREATED);
    let look = json!({ "axis": 2, "slice_index": 7 });
    server.post(&format!("{job}/prepare"), look).await.expect(StatusCode::ACCEPTED);
    server.get(&format!("{job}/result?type=3d")).await.expect(StatusCode::OK);
    server.json(Method::DELETE, &job, json!({})).await.expect(StatusCode::NO_CONTENT);
}
