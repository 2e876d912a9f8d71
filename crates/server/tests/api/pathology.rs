//! The older pull API: an agent as it was written for it, and twenty of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use base64::Engine as _;
use serde_json::{Value, json};
use server::{access::Token, clock::ManualClock, settings::Settings};

use crate::support::{Answer, TestServer};

pub(crate) const TOKEN: &str = "a-token-of-28-characters-001";

/// An agent of the older kind: what it shows, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct OldAgent {
    pub(crate) credentials: Option<String>,
    pub(crate) address: SocketAddr,
}

impl OldAgent {
    /// One whose address holds `NAME:TOKEN`.
    pub(crate) fn named(name: &str) -> Self {
        let credentials = Some(format!("{name}:{TOKEN}"));
        Self { credentials, address: "10.0.0.9:4000".parse().unwrap() }
    }

    /// One that shows nothing.
    pub(crate) fn at(address: &str) -> Self {
        Self { credentials: None, address: address.parse().unwrap() }
    }

    /// The same, coming from there.
    pub(crate) fn from(self, address: &str) -> Self {
        Self { address: address.parse().unwrap(), ..self }
    }

    pub(crate) async fn send(
        &self,
        server: &TestServer,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/pathology/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .extension(ConnectInfo(self.address));
        if let Some(text) = &self.credentials {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            request = request.header(header::AUTHORIZATION, format!("Basic {encoded}"));
        }
        server.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn pending(&self, server: &TestServer) -> Vec<String> {
        let answer = self.send(server, Method::GET, "pending-requests/", json!({})).await;
        let list = answer.expect(StatusCode::OK).json();
        assert_eq!(list["success"], true);
        let ids: Vec<_> = list["requests"].as_array().unwrap().iter().map(id_of).collect();
        assert_eq!(list["count"], ids.len());
        ids
    }

    pub(crate) async fn take(&self, server: &TestServer, id: &str) -> Answer {
        let body = json!({ "status": "processing" });
        self.send(server, Method::POST, &format!("update-status/{id}/"), body).await
    }

    pub(crate) async fn end(&self, server: &TestServer, id: &str, body: Value) -> Answer {
        self.send(server, Method::POST, &format!("complete-request/{id}/"), body).await
    }
}

fn id_of(request: &Value) -> String {
    request["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn analyze(server: &TestServer, slide: &str) -> String {
    let asking = match server.server.settings.token {
        Some(_) => OldAgent::named(""),
        None => OldAgent::at("10.0.0.9:4000"),
    };
    let answer = asking
        .send(server, Method::POST, "analyze/?wait=0", json!({ "slide": slide, "model": "clam" }))
        .await;
    let made = answer.expect(StatusCode::ACCEPTED).json();
    assert_eq!((&made["success"], &made["status"]), (&json!(true), &json!("pending")));
    made["request_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn closed() -> TestServer {
    let token = Some(Token::new(TOKEN).unwrap());
    TestServer::with(Settings { token, ..Settings::default() }).await
}

#[tokio::test]
async fn an_agent_of_the_older_kind_polls_takes_and_completes() {
    let server = closed().await;
    let id = analyze(&server, "../../etc/passwd").await;
    let agent = OldAgent::named("lab-1");
    assert_eq!(agent.pending(&server).await, std::slice::from_ref(&id));
    let taken = agent.take(&server, &id).await.expect(StatusCode::OK).json();
    assert_eq!((&taken["success"], &taken["status"]), (&json!(true), &json!("processing")));
    assert!(agent.pending(&server).await.is_empty());
    let other = OldAgent::named("lab-2");
    other.take(&server, &id).await.expect(StatusCode::CONFLICT);
    let result =
        json!({ "success": true, "result": { "class": "LUSC", "probabilities": [0.1, 0.9] } });
    other.end(&server, &id, result.clone()).await.expect(StatusCode::CONFLICT);
    let done = agent.end(&server, &id, result.clone()).await.expect(StatusCode::OK).json();
    assert_eq!(done["status"], "completed");
    assert_eq!(agent.end(&server, &id, result).await.expect(StatusCode::OK).json(), done);
    let another = json!({ "success": true, "result": {} });
    agent.end(&server, &id, another).await.expect(StatusCode::CONFLICT);
    agent.take(&server, &id).await.expect(StatusCode::CONFLICT);

    let list = agent.send(&server, Method::GET, "requests/", json!({})).await.json();
    let shown = &list["requests"][0];
    assert_eq!(
        (&shown["status"], &shown["slide"]),
        (&json!("completed"), &json!("../../etc/passwd"))
    );
    assert_eq!((&shown["model"], &shown["agent"]), (&json!("clam"), &json!("lab-1")));
    assert_eq!(shown["result"]["class"], "LUSC");
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_failure_is_told_as_it_was_said() {
    let server = closed().await;
    let id = analyze(&server, "S-1").await;
    let agent = OldAgent::named("lab-1");
    let failed = json!({ "success": false, "error": "no tissue" });
    agent.end(&server, &id, failed.clone()).await.expect(StatusCode::CONFLICT);
    agent.take(&server, &id).await.expect(StatusCode::OK);
    for _ in 0..2 {
        let answer = agent.end(&server, &id, failed.clone()).await.expect(StatusCode::OK).json();
        assert_eq!((&answer["success"], &answer["status"]), (&json!(true), &json!("failed")));
    }
    let shown =
        agent.send(&server, Method::GET, &format!("requests/{id}/"), json!({})).await.json();
    assert_eq!((&shown["status"], &shown["error"]), (&json!("failed"), &json!("no tissue")));
    for (body, field) in [(json!({}), "success"), (json!({ "success": true }), "result")] {
        assert_eq!(agent.end(&server, &id, body).await.field(), field);
    }
    let path = format!("update-status/{id}/");
    let body = json!({ "status": "completed" });
    assert_eq!(agent.send(&server, Method::POST, &path, body).await.field(), "status");
}

#[tokio::test]
async fn who_asks_for_an_analysis_may_wait_for_it() {
    let server = closed().await;
    let (asking, agent) = (OldAgent::named(""), OldAgent::named("lab-1"));
    let work = async {
        let mut ids = Vec::new();
        while ids.is_empty() {
            tokio::task::yield_now().await;
            ids = agent.pending(&server).await;
        }
        agent.take(&server, &ids[0]).await.expect(StatusCode::OK);
        let result = json!({ "success": true, "result": { "p": 0.5 } });
        agent.end(&server, &ids[0], result).await.expect(StatusCode::OK);
    };
    let ask = asking.send(&server, Method::POST, "analyze/", json!({ "slide": "S-1" }));
    let (answer, ()) = tokio::join!(ask, work);
    let answer = answer.expect(StatusCode::OK).json();
    assert_eq!((&answer["status"], &answer["result"]["p"]), (&json!("completed"), &json!(0.5)));
    for slide in [json!(""), json!("a\nb"), json!("x".repeat(501)), json!(7)] {
        let body = json!({ "slide": slide });
        let refused = asking.send(&server, Method::POST, "analyze/?wait=0", body).await;
        assert_eq!(refused.field(), "slide");
    }
    let late =
        asking.send(&server, Method::POST, "analyze/?wait=301", json!({ "slide": "S" })).await;
    assert_eq!(late.field(), "wait");
}

/// Twenty agents that show `agents[n]` work until nothing is left; each request must be taken once.
async fn check_twenty(server: &TestServer, agents: Vec<OldAgent>) {
    let mut asked = Vec::new();
    for n in 0..60 {
        asked.push(analyze(server, &format!("S-{n}")).await);
    }
    let work = agents.into_iter().enumerate().map(|(n, agent)| async move {
        let mut taken = Vec::new();
        loop {
            // What was pending when it looked: by now others may have it.
            let pending = agent.pending(server).await;
            if pending.is_empty() {
                return taken;
            }
            for id in pending {
                tokio::task::yield_now().await;
                let answer = agent.take(server, &id).await;
                if answer.status == StatusCode::CONFLICT {
                    continue;
                }
                answer.expect(StatusCode::OK);
                tokio::task::yield_now().await;
                let result = json!({ "success": true, "result": { "by": n, "of": id } });
                agent.end(server, &id, result).await.expect(StatusCode::OK);
                taken.push(id);
            }
        }
    });
    let mut taken: Vec<String> = futures::future::join_all(work).await.concat();
    taken.sort();
    asked.sort();
    assert_eq!(taken, asked, "each request was taken by one agent");
    let list = OldAgent::named("").send(server, Method::GET, "requests/", json!({})).await.json();
    for it in list["requests"].as_array().unwrap() {
        assert_eq!((&it["status"], &it["result"]["of"]), (&json!("completed"), &it["id"]));
    }
}

#[tokio::test]
async fn of_twenty_agents_with_names_none_gets_anothers_request() {
    let agents = (0..20).map(|n| OldAgent::named(&format!("lab-{n}"))).collect();
    check_twenty(&closed().await, agents).await;
}

#[tokio::test]
async fn of_twenty_agents_that_look_alike_none_gets_anothers_request() {
    check_twenty(&closed().await, vec![OldAgent::named(""); 20]).await;
}

#[tokio::test]
async fn of_twenty_agents_with_one_copied_address_none_gets_anothers_request() {
    let agents = (0..20).map(|n| OldAgent::named("lab").from(&format!("10.0.0.{n}:4000")));
    check_twenty(&closed().await, agents.collect()).await;
}

#[tokio::test]
async fn the_request_of_a_silent_agent_is_handed_on() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let id = analyze(&server, "S-1").await;
    let (first, second) = (OldAgent::at("10.0.0.1:1"), OldAgent::at("10.0.0.2:1"));
    let fence = first.take(&server, &id).await.expect(StatusCode::OK).json()["fence"].clone();
    clock.advance_ms(59 * 60 * 1_000);
    let (path, again) =
        (format!("update-status/{id}/"), json!({ "status": "processing", "fence": fence }));
    first.send(&server, Method::POST, &path, again).await.expect(StatusCode::OK);
    clock.advance_ms(59 * 60 * 1_000);
    second.take(&server, &id).await.expect(StatusCode::CONFLICT);
    clock.advance_ms(2 * 60 * 1_000);
    assert_eq!(second.pending(&server).await, std::slice::from_ref(&id));
    second.take(&server, &id).await.expect(StatusCode::OK);
    let result = json!({ "success": true, "result": 1 });
    first.end(&server, &id, result.clone()).await.expect(StatusCode::CONFLICT);
    second.end(&server, &id, result).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn both_kinds_of_agent_serve_the_same_requests() {
    let server = TestServer::start().await;
    let (first, second) = (analyze(&server, "S-1").await, analyze(&server, "S-2").await);
    let claim = json!({
        "agent_id": "00000000-0000-7000-8000-000000000001", "name": "new", "protocol": 2,
        "kinds": ["external"], "engines": [], "programs": ["pathology"], "wait_secs": 0,
    });
    let lease = server.post("/api/v1/claims", claim).await.expect(StatusCode::OK).json();
    assert_eq!(lease["task_id"], first);
    assert_eq!(lease["spec"]["arguments"], json!({ "slide": "S-1", "model": "clam" }));
    let agent = OldAgent::at("10.0.0.1:1");
    assert_eq!(agent.pending(&server).await, [second]);
    agent.take(&server, &first).await.expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn where_the_servers_own_agent_runs_them_others_get_none() {
    let settings = Settings {
        use_local_inference: Some(false),
        look_again: Duration::from_millis(50),
        ..Settings::default()
    };
    let server = TestServer::with(settings).await;
    let id = analyze(&server, "S-1").await;
    let agent = OldAgent::at("10.0.0.1:1");
    assert!(agent.pending(&server).await.is_empty());
    agent.take(&server, &id).await.expect(StatusCode::CONFLICT);
}
