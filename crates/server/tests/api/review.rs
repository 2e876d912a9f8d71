//! Reviews, second readers, comparisons, the audit list, and who says to have done what.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::TestServer;

const SPOT: [[u32; 3]; 2] = [[10, 11, 7], [11, 13, 7]];
const STATES: [&str; 4] = ["draft", "in_review", "accepted", "rejected"];

fn step(from: &str, to: &str, head: &Value) -> Value {
    json!({ "from": from, "to": to, "head": head, "comment": "because" })
}

/// Which steps there are, by the issue.
fn is_step(from: &str, to: &str) -> bool {
    match from {
        "draft" => to == "in_review",
        "in_review" => to != "in_review",
        "rejected" => to == "in_review" || to == "draft",
        _ => to == "draft",
    }
}

/// A job with a mask whose review stands at `state`.
async fn job_at(server: &TestServer, state: &str) -> (String, Value) {
    let job = server.open_phantom().await;
    let head = server.paint(&job, 1, SPOT).await;
    let way: &[&str] = match state {
        "draft" => &["draft"],
        "in_review" => &["draft", "in_review"],
        _ => &["draft", "in_review", state],
    };
    for pair in way.windows(2) {
        let request = step(pair[0], pair[1], &head);
        server.post(&format!("{job}/review"), request).await.expect(StatusCode::OK);
    }
    (job, head)
}

#[tokio::test]
async fn every_pair_of_states_is_a_step_or_refused() {
    let server = TestServer::start().await;
    for from in STATES {
        for to in STATES {
            let (job, head) = job_at(&server, from).await;
            let path = format!("{job}/review");
            let answer = server.post(&path, step(from, to, &head)).await;
            let state = server.get(&job).await.json()["review"]["state"].clone();
            if is_step(from, to) {
                let review = answer.expect(StatusCode::OK).json();
                assert_eq!((&review["state"], &state), (&json!(to), &json!(to)));
                continue;
            }
            assert_eq!(answer.field(), "to", "{from} to {to}");
            assert_eq!(state, from);
        }
    }
}

#[tokio::test]
async fn what_is_accepted_is_what_was_seen() {
    let server = TestServer::start().await;
    let (job, head) = job_at(&server, "in_review").await;
    let path = format!("{job}/review");
    let silent = json!({ "from": "in_review", "to": "rejected", "head": head, "comment": " \n" });
    assert_eq!(server.post(&path, silent).await.field(), "comment");
    let long = json!({ "from": "in_review", "to": "rejected", "head": head, "comment": "é".repeat(2_001) });
    assert_eq!(server.post(&path, long).await.field(), "comment");
    let headless = json!({ "from": "in_review", "to": "accepted" });
    assert_eq!(server.post(&path, headless).await.field(), "head");

    server.paint(&job, 1, [[0, 0, 0], [1, 1, 1]]).await;
    let unseen = server.post(&path, step("in_review", "accepted", &head)).await;
    assert_eq!(unseen.expect(StatusCode::CONFLICT).json()["error"]["code"], "not_head");
    let head = server.get(&job).await.json()["head"].clone();
    let lee =
        server.as_person("Dr.%20Lee", Method::POST, &path, step("in_review", "accepted", &head));
    let review = lee.await.expect(StatusCode::OK).json();
    assert_eq!((&review["by"], &review["revision"]), (&json!("Dr. Lee"), &head));
    let late = server.post(&path, step("in_review", "rejected", &head)).await;
    assert_eq!(late.expect(StatusCode::CONFLICT).json()["error"]["code"], "review_changed");

    let listed = server.get("/api/v1/jobs").await.json();
    assert_eq!(listed["jobs"][0]["review"], review);
    let steps = server.get(&format!("{job}/reviews")).await.json();
    assert_eq!(steps["steps"].as_array().unwrap().len(), 2);
    assert_eq!(steps["steps"][1]["by"], "Dr. Lee");
    let empty = server.open_phantom().await;
    let nothing = step("draft", "in_review", &Value::Null);
    let refused = server.post(&format!("{empty}/review"), nothing).await;
    assert_eq!(refused.expect(StatusCode::CONFLICT).json()["error"]["code"], "wrong_state");
}

#[tokio::test]
async fn a_second_reader_has_a_revision_of_their_own() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    // 6 voxels of object 1, and 8 of object 2.
    server.paint(&job, 2, [[0, 0, 0], [1, 1, 1]]).await;
    let first = server.paint(&job, 1, SPOT).await;
    server.show(&job, &Value::Null).await;
    // 9 voxels, 6 of which are the first reader's.
    let second = server.paint(&job, 1, [[9, 11, 7], [11, 13, 7]]).await;
    let opinions = format!("{job}/opinions");
    let body = json!({ "revision_id": second, "comment": "a row more" });
    let made = server.as_person("Lee", Method::POST, &opinions, body).await;
    let made = made.expect(StatusCode::CREATED).json();
    server.show(&job, &first).await;
    let shown = server.get(&job).await.json();
    assert_eq!(shown["opinions"], json!([made]));
    assert_eq!((&made["reader"], &made["comment"]), (&json!("Lee"), &json!("a row more")));

    let [a, b] = [&first, &second].map(|it| it.as_str().unwrap());
    let found =
        server.get(&format!("{job}/compare?a={a}&b={b}")).await.expect(StatusCode::OK).json();
    let of = |n: usize, field: &str| found["objects"][n][field].as_f64().unwrap();
    assert_eq!((of(0, "label"), of(0, "dice")), (1.0, 2.0 * 6.0 / 15.0));
    assert_eq!((of(1, "label"), of(1, "dice"), of(1, "a_voxels")), (2.0, 0.0, 8.0));
    assert_eq!(found["overall_dice"].as_f64().unwrap(), 12.0 / 23.0);
    let spacing = server.get(&job).await.json()["image"]["spacing_mm"].clone();
    let mm3: f64 = spacing.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).product();
    assert!((of(0, "b_ml") - 9.0 * mm3 / 1000.0).abs() < 1e-9);
    let none = format!("{job}/compare?a={a}&b=00000000-0000-7000-8000-000000000001");
    server.get(&none).await.expect(StatusCode::NOT_FOUND);

    let own = format!("{opinions}/{}", made["opinion_id"].as_str().unwrap());
    server.json(Method::DELETE, &own, json!({})).await.expect(StatusCode::NO_CONTENT);
    server.json(Method::DELETE, &own, json!({})).await.expect(StatusCode::NOT_FOUND);
    assert_eq!(server.get(&job).await.json()["opinions"], json!([]));
    let lost = json!({ "revision_id": "00000000-0000-7000-8000-000000000001" });
    server.post(&opinions, lost).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_audit_list_names_who_and_what() {
    let server = TestServer::start().await;
    let kim = "%EA%B9%80";
    let made = server.as_person(kim, Method::POST, "/api/v1/sample", json!({})).await;
    let job_id = made.expect(StatusCode::CREATED).json()["job_id"].clone();
    let job = format!("/api/v1/jobs/{}", job_id.as_str().unwrap());
    let labels = json!({ "labels": [] });
    server.as_person("Lee", Method::PUT, &format!("{job}/labels"), labels).await;
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    server.as_person("Lee", Method::POST, &format!("{job}/initial-mask"), prompt).await;
    server.as_person(kim, Method::DELETE, &job, json!({})).await.expect(StatusCode::NO_CONTENT);
    let path = format!("/api/v1/audit?job_id={}", job_id.as_str().unwrap());
    let list = server.get(&path).await.expect(StatusCode::OK).json();
    let lines: Vec<_> = list["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["action"].as_str().unwrap(), it["by"].as_str().unwrap()))
        .collect();
    let expected = [
        ("job_deleted", "김"),
        ("task_queued", "Lee"),
        ("labels_changed", "Lee"),
        ("job_created", "김"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(list["entries"][0]["job_name"], "CT abdomen (sample)");
    assert_eq!(list["entries"][1]["details"]["kind"], "segment_slice");

    for (query, expected) in [
        ("person=Lee", vec!["task_queued", "labels_changed"]),
        ("person=%EA%B9%80&action=job_created", vec!["job_created"]),
        ("person=", vec![]),
        ("action=job_deleted", vec!["job_deleted"]),
    ] {
        let found = server.get(&format!("/api/v1/audit?{query}")).await.json();
        let entries = found["entries"].as_array().unwrap();
        let actions: Vec<_> = entries.iter().map(|it| it["action"].as_str().unwrap()).collect();
        assert_eq!(actions, expected, "{query}");
    }

    let page = server.get("/api/v1/audit?limit=1").await.json();
    let before = page["entries"][0]["audit_id"].as_str().unwrap();
    let rest = server.get(&format!("/api/v1/audit?before={before}")).await.json();
    assert_eq!(rest["entries"].as_array().unwrap().len(), 3);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("before=x", "before"),
        ("action=x", "action"),
    ] {
        assert_eq!(server.get(&format!("/api/v1/audit?{query}")).await.field(), field);
    }
}

/// Every call that changes something, but those of agents, of machines and of signing in, says who makes it; a
/// name that cannot be read is refused before anything is done.
#[tokio::test]
async fn every_route_that_writes_reads_the_persons_name() {
    let server = TestServer::start().await;
    let (job, head) = job_at(&server, "draft").await;
    let before = server.get(&job).await.json();
    let document = serde_json::to_value(server::routes::openapi()).unwrap();
    let mut n_routes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let tag = operation["tags"][0].as_str().unwrap();
            let is_of_people = !["agents", "devices", "system"].contains(&tag);
            if method == "get" || !is_of_people || path.ends_with("/prepare") {
                continue;
            }
            if ["/session", "/invitation", "/password"].iter().any(|it| path.contains(it)) {
                continue;
            }
            let says = operation["parameters"].as_array().is_some_and(|all| {
                all.iter().any(|it| it["name"] == "Voxloop-Person" && it["in"] == "header")
            });
            assert!(says, "{method} {path} does not say who");
            let filled = path
                .replace("/api/v1/jobs/{job_id}", &job)
                .replace("{task_id}", "00000000-0000-7000-8000-000000000001")
                .replace("{person_id}", "00000000-0000-7000-8000-000000000001")
                .replace("{credential_id}", "00000000-0000-7000-8000-000000000001")
                .replace("{request_id}", "00000000-0000-7000-8000-000000000001")
                .replace("{sha256}", &"0".repeat(64))
                .replace("{label_set_id}", "00000000-0000-7000-8000-000000000001")
                .replace("{opinion_id}", head.as_str().unwrap());
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let refused = server.as_person("%ff", method.clone(), &filled, json!({})).await;
            assert_eq!(refused.field(), "Voxloop-Person", "{method} {path}");
            n_routes += 1;
        }
    }
    assert!(n_routes >= 23, "{n_routes} routes");
    assert_eq!(server.get(&job).await.json(), before, "nothing was done");
}
