//! Behind a proxy: what it says is believed where it was announced, and from nobody else.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode, header},
};
use server::{
    access::Token,
    settings::{IpNet, PublicUrl, Settings},
};

use crate::support::{Answer, TestServer};

const TOKEN: &str = "a-token-of-28-characters-001";
const PROXY: &str = "127.0.0.1:40000";
const STRANGER: &str = "203.0.113.9:40000";
/// On the server's own network.
const NEIGHBOUR: &str = "10.0.0.5:40000";

/// Where a proxy on the server's machine comes from.
const HERE: &str = "127.0.0.0/8";

async fn server(proxy: Option<&str>) -> TestServer {
    TestServer::with(Settings {
        proxies: proxy.into_iter().map(|it| it.parse().unwrap()).collect(),
        public_urls: vec![PublicUrl::new("https://seg.example.org").unwrap()],
        token: Some(Token::new(TOKEN).unwrap()),
        ..Settings::default()
    })
    .await
}

/// Asks from an address, with headers.
async fn ask(server: &TestServer, from: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
    server.send(request).await
}

/// Whether the cookie of a sign-in that comes like this is kept from HTTP.
async fn is_secure(server: &TestServer, from: &str, headers: &[(&str, &str)]) -> bool {
    let body = serde_json::json!({ "token": TOKEN }).to_string();
    let mut request =
        Request::post("/api/v1/session").header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
    let answer = server.send(request).await;
    assert!(answer.status.is_success(), "{}", answer.status);
    answer.headers[header::SET_COOKIE].to_str().unwrap().contains("Secure")
}

#[tokio::test]
async fn what_came_to_the_proxy_in_the_clear_is_sent_to_https_or_refused() {
    let server = server(Some(HERE)).await;
    let clear = [("x-forwarded-proto", "http"), ("host", "seg.example.org")];
    let page = ask(&server, PROXY, "/jobs/1?slice=4", &clear).await;
    let page = page.expect(StatusCode::PERMANENT_REDIRECT);
    assert_eq!(page.headers[header::LOCATION], "https://seg.example.org/jobs/1?slice=4");
    let call = ask(&server, PROXY, "/api/v1/jobs", &clear).await.expect(StatusCode::FORBIDDEN);
    assert_eq!(call.json()["error"]["code"], "not_https");
    let https = [("x-forwarded-proto", "https"), ("host", "seg.example.org")];
    ask(&server, PROXY, "/health", &https).await.expect(StatusCode::OK);
    // What watches the server on its own machine says nothing of a proxy.
    ask(&server, PROXY, "/health", &[]).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_name_that_the_proxy_hid_is_the_one_that_counts() {
    let hidden = [("host", "127.0.0.1:8000"), ("x-forwarded-host", "seg.example.org")];
    assert!(is_secure(&server(Some(HERE)).await, PROXY, &hidden).await);
    assert!(!is_secure(&server(Some(HERE)).await, STRANGER, &hidden).await);
    assert!(!is_secure(&server(None).await, PROXY, &hidden).await);
}

#[tokio::test]
async fn a_stranger_or_an_unannounced_proxy_is_not_believed() {
    let clear = [("x-forwarded-proto", "http"), ("host", "seg.example.org")];
    for (proxy, from) in [
        (Some(HERE), STRANGER),
        (Some(HERE), NEIGHBOUR),
        (Some("10.0.0.6/32"), NEIGHBOUR),
        (Some("10.0.0.5/32"), PROXY),
        (None, PROXY),
        (None, STRANGER),
    ] {
        let server = server(proxy).await;
        ask(&server, from, "/health", &clear).await.expect(StatusCode::OK);
    }
    let named = server(Some("10.0.0.5/32")).await;
    ask(&named, NEIGHBOUR, "/health", &clear).await.expect(StatusCode::PERMANENT_REDIRECT);
    // A page under a foreign name gains nothing by naming the right one besides.
    let foreign = [("host", "evil.example"), ("x-forwarded-host", "seg.example.org")];
    let refused = ask(&server(Some(HERE)).await, PROXY, "/health", &foreign).await;
    assert_eq!(refused.expect(StatusCode::FORBIDDEN).json()["error"]["code"], "foreign_host");
}

#[tokio::test]
async fn behind_a_proxy_somebody_must_say_who_they_are_though_the_server_listens_on_loopback() {
    let settings = |proxies: Vec<IpNet>| Settings {
        proxies,
        public_urls: vec![PublicUrl::new("https://seg.example.org").unwrap()],
        ..Settings::default()
    };
    let behind = TestServer::with(settings(vec![HERE.parse().unwrap()])).await;
    let through = [("x-forwarded-for", "203.0.113.9"), ("host", "seg.example.org")];
    for headers in [through.as_slice(), &through[1..], &[]] {
        let jobs = ask(&behind, PROXY, "/api/v1/jobs", headers).await;
        jobs.expect(StatusCode::UNAUTHORIZED);
    }
    let session = ask(&behind, PROXY, "/api/v1/session", &through).await.json();
    assert_eq!((&session["token_required"], &session["signed_in"]), (&true.into(), &false.into()));
    let alone = TestServer::with(settings(Vec::new())).await;
    ask(&alone, PROXY, "/api/v1/jobs", &[]).await.expect(StatusCode::OK);
}
