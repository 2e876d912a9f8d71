//! Who is who among agents of the older kind, and who of them is let in.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode},
};
use protocol::access::{CredentialKind, Role};
use serde_json::json;
use server::{access::Token, clock::ManualClock, settings::Settings};

use crate::{
    callers::credential,
    pathology::{OldAgent, TOKEN, analyze, closed},
    support::TestServer,
};

#[tokio::test]
async fn an_agent_renews_what_only_it_was_shown() {
    for name in ["", "lab-1"] {
        let server = closed().await;
        let id = analyze(&server, "S-1").await;
        let agent = OldAgent::named(name);
        assert_eq!(agent.pending(&server).await, std::slice::from_ref(&id));
        let taken = agent.take(&server, &id).await.expect(StatusCode::OK).json();
        assert!(agent.pending(&server).await.is_empty());
        assert_eq!(agent.take(&server, &id).await.expect(StatusCode::OK).json(), taken);
        OldAgent::named("lab-2").take(&server, &id).await.expect(StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn one_that_was_told_of_a_request_otherwise_renews_by_its_name() {
    let server = closed().await;
    let (named, nameless) = (OldAgent::named("lab-1"), OldAgent::named(""));
    for (agent, again) in [(named, StatusCode::OK), (nameless, StatusCode::CONFLICT)] {
        let id = analyze(&server, "S-1").await;
        agent.take(&server, &id).await.expect(StatusCode::OK);
        agent.take(&server, &id).await.expect(again);
    }
}

#[tokio::test]
async fn agents_that_look_alike_and_saw_the_same_request_renew_with_their_fence_only() {
    for name in ["", "lab-1"] {
        let server = closed().await;
        let id = analyze(&server, "S-1").await;
        let agent = OldAgent::named(name);
        for _ in 0..2 {
            assert_eq!(agent.pending(&server).await, std::slice::from_ref(&id));
        }
        let fence = agent.take(&server, &id).await.expect(StatusCode::OK).json()["fence"].clone();
        agent.take(&server, &id).await.expect(StatusCode::CONFLICT);
        let path = format!("update-status/{id}/");
        let body = json!({ "status": "processing", "fence": fence });
        agent.send(&server, Method::POST, &path, body).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn an_agent_with_a_credential_of_its_own_renews_without_a_fence() {
    let server = closed().await;
    let (_, token) = credential(&server, CredentialKind::Agent, Role::Agent, None, None).await;
    let id = analyze(&server, "S-1").await;
    let agent = OldAgent { credentials: Some(format!(":{token}")), ..OldAgent::named("") };
    for address in ["10.0.0.1:4000", "10.0.0.2:4000"] {
        agent.clone().from(address).take(&server, &id).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_named_agent_may_come_back_from_another_address() {
    let server = closed().await;
    let id = analyze(&server, "S-1").await;
    let agent = OldAgent::named("lab-1");
    agent.take(&server, &id).await.expect(StatusCode::OK);
    let result = json!({ "success": true, "result": 1 });
    let moved = agent.from("[2001:db8::7]:4000");
    moved.end(&server, &id, result).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn with_its_fence_an_agent_does_not_end_what_was_handed_on_to_one_that_looks_alike() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let id = analyze(&server, "S-1").await;
    let agent = OldAgent::at("10.0.0.1:1");
    let mut ends = Vec::new();
    for n in 0..2 {
        let taken = agent.take(&server, &id).await.expect(StatusCode::OK).json();
        ends.push(json!({ "success": true, "result": n, "fence": taken["fence"] }));
        clock.advance_ms(61 * 60 * 1_000);
    }
    agent.end(&server, &id, ends[0].clone()).await.expect(StatusCode::CONFLICT);
    for _ in 0..2 {
        agent.end(&server, &id, ends[1].clone()).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn without_a_token_only_agents_of_named_networks_come_in() {
    let settings = Settings {
        token: Some(Token::new(TOKEN).unwrap()),
        legacy_agents: vec!["192.168.7.0/24".parse().unwrap(), "fd00::/8".parse().unwrap()],
        ..Settings::default()
    };
    let server = TestServer::with(settings).await;
    let id = analyze(&server, "S-1").await;
    for address in ["192.168.8.1:1", "[fe80::1]:1", "127.0.0.1:1"] {
        let answer = OldAgent::at(address).take(&server, &id).await;
        answer.expect(StatusCode::UNAUTHORIZED);
    }
    let agent = OldAgent::at("[::ffff:192.168.7.3]:1");
    assert_eq!(agent.pending(&server).await, std::slice::from_ref(&id));
    agent.take(&server, &id).await.expect(StatusCode::OK);
    OldAgent::at("[fd00::7]:1").take(&server, &id).await.expect(StatusCode::CONFLICT);
    // Another port is the same machine.
    let result = json!({ "success": true, "result": 1 });
    OldAgent::at("192.168.7.3:2").end(&server, &id, result).await.expect(StatusCode::OK);
    // Agents only: whoever asks, or looks at everything, shows a token.
    for (method, path) in [(Method::POST, "analyze/?wait=0"), (Method::GET, "requests/")] {
        let answer = agent.send(&server, method, path, json!({ "slide": "S" })).await;
        answer.expect(StatusCode::UNAUTHORIZED);
    }
    let wrong =
        OldAgent { credentials: Some("lab:wrong".to_owned()), ..OldAgent::at("10.0.0.1:1") };
    wrong.take(&server, &id).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn behind_a_proxy_the_address_that_it_says_lets_an_agent_in_and_its_own_does_not() {
    let settings = Settings {
        proxies: vec!["127.0.0.0/8".parse().unwrap()],
        legacy_agents: vec!["192.168.7.0/24".parse().unwrap(), "127.0.0.1/32".parse().unwrap()],
        ..Settings::default()
    };
    let server = TestServer::with(settings).await;
    let ask = |from: &str, says: Option<&str>| {
        let from: SocketAddr = from.parse().unwrap();
        let mut request =
            Request::get("/api/pathology/pending-requests/").extension(ConnectInfo(from));
        if let Some(address) = says {
            request = request.header("x-forwarded-for", address);
        }
        server.send(request.body(Body::empty()).unwrap())
    };
    ask("127.0.0.1:1", Some("192.168.7.3")).await.expect(StatusCode::OK);
    ask("192.168.7.3:1", None).await.expect(StatusCode::OK);
    // A proxy that does not say for whom, and a client that passes itself off as one.
    ask("127.0.0.1:1", None).await.expect(StatusCode::UNAUTHORIZED);
    ask("10.0.0.5:1", Some("192.168.7.3")).await.expect(StatusCode::UNAUTHORIZED);
}
