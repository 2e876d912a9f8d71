//! What a task's program says, as agents send it and people read it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::TestServer;

impl TestServer {
    async fn say(&self, lease: &Value, offset: u64, text: &str) -> Value {
        let path = format!("/api/v1/tasks/{}/log", lease["task_id"].as_str().unwrap());
        let body = json!({ "fence": lease["fence"], "offset": offset, "text": text });
        self.post(&path, body).await.expect(StatusCode::OK).json()
    }

    async fn read(&self, lease: &Value, query: &str) -> Value {
        let path = format!("/api/v1/tasks/{}/output{query}", lease["task_id"].as_str().unwrap());
        self.get(&path).await.expect(StatusCode::OK).json()
    }

    async fn leased(&self) -> Value {
        let job = self.open_phantom().await;
        self.ask_for_slice(&job, 5, 1).await;
        self.claim().await
    }
}

#[tokio::test]
async fn a_piece_that_is_sent_twice_is_kept_once() {
    let server = TestServer::start().await;
    let lease = server.leased().await;
    assert_eq!(server.read(&lease, "").await["attempts"], json!([]));
    assert_eq!(server.say(&lease, 0, "읽는 중\n").await, json!({ "offset": 11, "full": false }));
    assert_eq!(server.say(&lease, 0, "읽는 중\n").await["offset"], 11);
    assert_eq!(server.say(&lease, 0, "읽는 중\nsolving\n").await["offset"], 19);
    // A piece is missing in between: the answer says which.
    assert_eq!(server.say(&lease, 30, "done\n").await["offset"], 19);
    assert_eq!(server.say(&lease, 19, "a\0b\n").await["offset"], 23);
    let log = server.read(&lease, "").await;
    assert_eq!(log["text"], "읽는 중\nsolving\na b\n");
    assert_eq!(
        (&log["attempt"], &log["length"], &log["next_offset"]),
        (&json!(1), &json!(23), &json!(23))
    );
    let rest = server.read(&lease, "?offset=11&attempt=1").await;
    assert_eq!((&rest["text"], &rest["offset"]), (&json!("solving\na b\n"), &json!(11)));
    assert_eq!(server.read(&lease, "?offset=-4").await["text"], "a b\n");
    assert_eq!(server.read(&lease, "?offset=99").await["text"], "");
    // Within a letter: from the next one on.
    assert_eq!(server.read(&lease, "?offset=1").await["offset"], 3);
}

#[tokio::test]
async fn only_whoever_has_the_lease_adds_to_the_log() {
    let server = TestServer::start().await;
    let lease = server.leased().await;
    let path = format!("/api/v1/tasks/{}/log", lease["task_id"].as_str().unwrap());
    let stale = json!({ "fence": 7, "offset": 0, "text": "x" });
    let answer = server.post(&path, stale).await.expect(StatusCode::CONFLICT);
    assert_eq!(answer.json()["error"]["code"], "stale_fence");
    let unknown = "/api/v1/tasks/00000000-0000-7000-8000-000000000009/output";
    server.get(unknown).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_attempt_has_its_own_log_and_additions_are_events() {
    let server = TestServer::start().await;
    let lease = server.leased().await;
    server.say(&lease, 0, "first try\n").await;
    let fail = format!("/api/v1/tasks/{}/fail", lease["task_id"].as_str().unwrap());
    let failure = json!({ "class": "retryable", "code": "stumbled", "message": "it stumbled" });
    server
        .post(&fail, json!({ "fence": lease["fence"], "failure": failure }))
        .await
        .expect(StatusCode::OK);
    let again = loop {
        let answer = server.try_claim().await;
        if answer.status == StatusCode::OK {
            break answer.json();
        }
        tokio::task::yield_now().await;
    };
    server.say(&again, 0, "second try\n").await;
    let log = server.read(&again, "").await;
    assert_eq!((&log["text"], &log["attempts"]), (&json!("second try\n"), &json!([1, 2])));
    assert_eq!(server.read(&again, "?attempt=1").await["text"], "first try\n");
    let events = server.server.store.events_after(0, None, 1_000).await.unwrap();
    let lengths: Vec<Value> = events
        .iter()
        .map(|it| serde_json::to_value(it).unwrap())
        .filter(|it| it["event"] == "log_update")
        .map(|it| json!([it["data"]["attempt"], it["data"]["length"]]))
        .collect();
    assert_eq!(lengths, [json!([1, 10]), json!([2, 11])]);
}

#[tokio::test]
async fn a_long_log_is_read_in_parts_and_cut_at_its_limit() {
    let server = TestServer::start().await;
    let lease = server.leased().await;
    let piece = "x".repeat(900 << 10);
    let mut length = 0;
    for _ in 0..19 {
        length = server.say(&lease, length, &piece).await["offset"].as_u64().unwrap();
    }
    assert_eq!(length, 16 << 20);
    let more = server.say(&lease, length, "more").await;
    assert_eq!(more, json!({ "offset": length, "full": true }));
    let first = server.read(&lease, "").await;
    assert_eq!((&first["next_offset"], &first["length"]), (&json!(256 << 10), &json!(16 << 20)));
    let tail = server.read(&lease, "?offset=-100").await;
    assert_eq!(tail["text"].as_str().unwrap().len(), 100);
}
