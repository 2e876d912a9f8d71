//! Which pages may call.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use protocol::access::Role;
use server::{
    routes,
    settings::{Cors, PublicUrl, Settings},
};
use tower::ServiceExt;

use crate::{
    callers::{Shows, person, session, token},
    support::{Answer, TestServer},
};

async fn ask(server: &TestServer, method: Method, host: &str, origin: Option<&str>) -> Answer {
    let mut request =
        Request::builder().method(method).uri("/api/v1/jobs").header(header::HOST, host);
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_the_own_page_and_clients_without_origin_may_call() {
    let server = TestServer::start().await;
    let host = "127.0.0.1:8000";
    for origin in [None, Some("http://127.0.0.1:8000")] {
        ask(&server, Method::GET, host, origin).await.expect(StatusCode::OK);
    }
    for origin in ["http://evil.example", "http://127.0.0.1:9000", "null"] {
        let refused = ask(&server, Method::GET, host, Some(origin)).await;
        let refused = refused.expect(StatusCode::FORBIDDEN).json();
        assert_eq!(refused["error"]["code"], "foreign_origin");
    }
}

#[tokio::test]
async fn a_page_that_had_its_name_point_here_is_refused() {
    let server = TestServer::start().await;
    let refused = ask(&server, Method::GET, "evil.example:8000", Some("http://evil.example:8000"));
    refused.await.expect(StatusCode::FORBIDDEN);
    let public_urls = vec![PublicUrl::new("https://seg.lab.example").unwrap()];
    let server = TestServer::with(Settings { public_urls, ..Settings::default() }).await;
    let own = ask(&server, Method::GET, "seg.lab.example", Some("https://seg.lab.example")).await;
    own.expect(StatusCode::OK);
    // Somebody on the way may forge what comes without TLS.
    let clear = ask(&server, Method::GET, "seg.lab.example", Some("http://seg.lab.example")).await;
    clear.expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_request_must_name_the_server_once_and_readably() {
    let server = TestServer::start().await;
    let send = |hosts: &[&[u8]], uri: &str| {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let router = routes::router(server.server.clone());
        router.oneshot(request.body(Body::empty()).unwrap())
    };
    let (path, absolute) = ("/api/v1/jobs", "http://localhost:8000/api/v1/jobs");
    for (hosts, uri, status) in [
        (vec![b"localhost:8000".as_slice()], path, StatusCode::OK),
        // As HTTP/2 has it.
        (vec![], absolute, StatusCode::OK),
        (vec![b"localhost:8000"], absolute, StatusCode::OK),
        (vec![], path, StatusCode::FORBIDDEN),
        (vec![b"localhost", b"evil.example"], path, StatusCode::FORBIDDEN),
        (vec![b"localhost\xff"], path, StatusCode::FORBIDDEN),
        (vec![b"evil.example"], absolute, StatusCode::FORBIDDEN),
        (vec![], "http://evil.example/api/v1/jobs", StatusCode::FORBIDDEN),
    ] {
        let answer = send(&hosts, uri).await.unwrap();
        assert_eq!(answer.status(), status, "{hosts:?} {uri}");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_embed_what_the_server_has() {
    let server = TestServer::start().await;
    let ask = |site: &'static str, mode: &'static str| {
        let request = Request::get("/api/v1/system/diagnosis")
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", mode);
        server.send(request.body(Body::empty()).unwrap())
    };
    for site in ["cross-site", "same-site"] {
        ask(site, "no-cors").await.expect(StatusCode::FORBIDDEN);
        ask(site, "navigate").await.expect(StatusCode::OK);
    }
    ask("same-origin", "no-cors").await.expect(StatusCode::OK);
    ask("none", "navigate").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn named_origins_may_call() {
    let cors = Cors::These(vec!["http://viewer.example".to_owned()]);
    let server = TestServer::with(Settings { cors, ..Settings::default() }).await;
    let origin = Some("http://viewer.example");
    let answer = ask(&server, Method::GET, "localhost:8000", origin).await.expect(StatusCode::OK);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://viewer.example");
    let preflight = ask(&server, Method::OPTIONS, "localhost:8000", origin).await;
    let preflight = preflight.expect(StatusCode::NO_CONTENT);
    let allowed = preflight.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    for name in ["authorization", "content-type", "last-event-id", "voxloop-person"] {
        assert!(allowed.contains(name), "{name} is missing in {allowed}");
    }
    let other = ask(&server, Method::GET, "localhost:8000", Some("http://other.example")).await;
    other.expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_page_of_another_origin_comes_without_the_cookies_of_who_is_signed_in() {
    let named = Cors::These(vec!["http://127.0.0.1:9000".to_owned()]);
    for cors in [named, Cors::Any] {
        let server = TestServer::with(Settings { cors, ..Settings::default() }).await;
        let ada = person(&server, "Ada", Role::Admin).await;
        let (cookie, token) = (session(&server, &ada).await, token(&server, Role::Admin).await);
        let ask = |shows: &Shows, headers: &[(&str, &str)]| {
            let mut request = Request::get("/api/v1/jobs");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            server.send(shows.on(request.body(Body::empty()).unwrap()))
        };
        let (own, other) =
            (("origin", "http://127.0.0.1:8000"), ("origin", "http://127.0.0.1:9000"));
        let embedded = [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")];
        for (headers, status) in [
            ([own].as_slice(), StatusCode::OK),
            (&[], StatusCode::OK),
            (&[other], StatusCode::UNAUTHORIZED),
            (&embedded, StatusCode::UNAUTHORIZED),
        ] {
            ask(&cookie, headers).await.expect(status);
            ask(&token, headers).await.expect(StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn answers_carry_a_content_security_policy() {
    let server = TestServer::start().await;
    let answer = server.get("/").await.expect(StatusCode::OK);
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}
