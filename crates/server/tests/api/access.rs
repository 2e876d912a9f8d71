//! What a server with a token answers, and to whom.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, header},
};
use protocol::{access::Role, diagnosis::BlobDepth};
use serde_json::{Value, json};
use server::{
    access::Token,
    clock::ManualClock,
    settings::{PublicUrl, Settings},
};

use crate::{
    callers::{person, session, token},
    support::{Answer, TestServer},
};

const TOKEN: &str = "a-token-of-28-characters-001";
const JOBS: &str = "/api/v1/jobs";
const SESSION: &str = "/api/v1/session";

async fn with_token() -> TestServer {
    let token = Some(Token::new(TOKEN).unwrap());
    let public_urls = vec![PublicUrl::new("https://seg.lab.example").unwrap()];
    TestServer::with(Settings { token, public_urls, ..Settings::default() }).await
}

async fn ask(server: &TestServer, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

/// Signs in under this name; the cookie comes back as the browser keeps it, and as it was set.
async fn sign_in(server: &TestServer, host: &str) -> (String, String) {
    let request = Request::post(SESSION)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "token": TOKEN }).to_string()))
        .unwrap();
    let answer = server.send(request).await.expect(StatusCode::NO_CONTENT);
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    (set.split(';').next().unwrap().to_owned(), set)
}

#[tokio::test]
async fn health_and_the_page_answer_without_the_token() {
    let server = with_token().await;
    for path in ["/health", "/", "/docs/", "/openapi.json"] {
        server.get(path).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_token_opens_the_api() {
    let server = with_token().await;
    let right = format!("Bearer {TOKEN}");
    ask(&server, JOBS, &[(header::AUTHORIZATION, &right)]).await.expect(StatusCode::OK);
    let wrong = format!("Bearer {TOKEN}x");
    let refused = ask(&server, JOBS, &[(header::AUTHORIZATION, &wrong)]).await;
    refused.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_browser_signs_in_once_and_out_again() {
    let server = with_token().await;
    let before = server.get(SESSION).await.json();
    let expected = json!({
        "token_required": true, "signed_in": false, "ways": ["token"]
    });
    assert_eq!(before, expected);
    let (cookie, _) = sign_in(&server, "127.0.0.1:8000").await;
    for path in [JOBS, "/api/v1/system/status"] {
        ask(&server, path, &[(header::COOKIE, &cookie)]).await.expect(StatusCode::OK);
    }
    let session = ask(&server, SESSION, &[(header::COOKIE, &cookie)]).await.json();
    assert_eq!(session["signed_in_as"], "server_token");
    assert_eq!((&session["signed_in"], &session["role"]), (&json!(true), &json!("admin")));
    let out = server.json(Method::DELETE, SESSION, json!({})).await.expect(StatusCode::NO_CONTENT);
    let mut set = out.headers.get_all(header::SET_COOKIE).iter();
    assert!(set.all(|it| it.to_str().unwrap().contains("Max-Age=0")));
}

#[tokio::test]
async fn only_https_gets_a_cookie_that_is_kept_from_http() {
    let server = with_token().await;
    let (_, in_the_clear) = sign_in(&server, "127.0.0.1:8000").await;
    assert!(!in_the_clear.contains("Secure"));
    let (_, by_https) = sign_in(&server, "seg.lab.example").await;
    assert!(by_https.contains("Secure"), "{by_https}");
}

#[tokio::test]
async fn a_wrong_token_is_no_session() {
    let server = with_token().await;
    let answer = server.post(SESSION, json!({ "token": "wrong" })).await;
    let answer = answer.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["error"]["code"], "wrong_token");
    assert!(answer.headers.get(header::SET_COOKIE).is_none());
    let nameless = server.post(SESSION, json!({})).await;
    assert_eq!(nameless.field(), "token");
}

#[tokio::test]
async fn a_token_of_digits_signs_in_by_form_too() {
    let digits = "12345678901234567890";
    let token = Some(Token::new(digits).unwrap());
    let server = TestServer::with(Settings { token, ..Settings::default() }).await;
    let request = Request::post(SESSION)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("token={digits}")))
        .unwrap();
    server.send(request).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn without_a_token_file_nobody_has_to_sign_in() {
    let server = TestServer::start().await;
    let session = server.get(SESSION).await.json();
    let expected = json!({
        "token_required": false, "signed_in": true, "ways": [],
        "signed_in_as": "anybody", "role": "admin"
    });
    assert_eq!(session, expected);
    let answer = server.post(SESSION, json!({ "token": "anything" })).await;
    assert!(answer.expect(StatusCode::NO_CONTENT).headers.get(header::SET_COOKIE).is_none());
}

/// The state of the check of the settings, and what it says.
async fn settings_check(public_url: &str, token: Option<Token>) -> (Value, String) {
    let public_urls = vec![PublicUrl::new(public_url).unwrap()];
    let server = TestServer::with(Settings { token, public_urls, ..Settings::default() }).await;
    let diagnosis = server.server.diagnosis(BlobDepth::None).await;
    let diagnosis = serde_json::to_value(diagnosis).unwrap();
    let checks = diagnosis["checks"].as_array().unwrap();
    let check = checks.iter().find(|it| it["name"] == "settings").unwrap();
    (check["state"].clone(), check.to_string())
}

/// Such a server listens on loopback: what is open is the proxy in front of it.
#[tokio::test]
async fn a_public_server_without_a_token_or_without_tls_is_called_risky() {
    let (state, said) = settings_check("https://seg.lab.example", None).await;
    assert!(state == "warning" && said.contains("--token-file"), "{said}");
    let token = || Some(Token::new(TOKEN).unwrap());
    let (state, said) = settings_check("http://seg.lab.example", token()).await;
    assert!(state == "warning" && said.contains("HTTPS"), "{said}");
    let (_, said) = settings_check("https://seg.lab.example", token()).await;
    assert!(!said.contains("token") && !said.contains("HTTPS"), "{said}");
}

#[tokio::test]
async fn who_is_signed_in_still_reads_where_the_database_takes_nothing_more() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let ada = person(&server, "Ada", Role::Admin).await;
    let (cookie, token) = (session(&server, &ada).await, token(&server, Role::Viewer).await);
    server
        .change_database(
            "create trigger full before update on credential
             begin select raise(fail, 'database or disk is full'); end",
        )
        .await;
    clock.advance_ms(10 * 60 * 1_000);
    for shows in [cookie, token] {
        for path in [JOBS, SESSION] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            server.send(shows.on(request)).await.expect(StatusCode::OK);
        }
    }
}
