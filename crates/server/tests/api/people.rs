//! People: invited, signed in and out, shut out; their passwords and programs; agents that enrol.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use protocol::access::{
    CredentialKind,
    Role::{self, Admin, Agent, Annotator, Reviewer, Viewer},
};
use serde_json::{Value, json};
use server::{clock::ManualClock, routes};
use tower::ServiceExt;

use crate::{
    callers::{Shows, ask, cookie_of, credential, person, session, token},
    support::{TestServer, block, claim_request},
};

const SESSION: &str = "/api/v1/session";
const PASSWORD: &str = "correct horse battery";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Has a server make something that opens it.
async fn make(server: &TestServer, shows: &Shows, body: Value) -> Value {
    let answer = ask(server, shows, Method::POST, "/api/v1/credentials", body).await;
    answer.expect(StatusCode::CREATED).json()
}

/// Invites somebody, who takes it up; the cookie of their browser.
async fn invite(server: &TestServer, shows: &Shows, name: &str, role: Role) -> Shows {
    let made = make(server, shows, json!({ "kind": "invite", "role": role })).await;
    let body = json!({ "invite": made["secret"], "name": name, "password": PASSWORD });
    cookie_of(&server.post("/api/v1/invitation/accept", body).await)
}

async fn sign_in(server: &TestServer, name: &str, password: &str) -> crate::support::Answer {
    server.post(SESSION, json!({ "name": name, "password": password })).await
}

async fn get(server: &TestServer, shows: &Shows, path: &str) -> crate::support::Answer {
    ask(server, shows, Method::GET, path, json!({})).await
}

#[tokio::test]
async fn the_first_person_is_an_admin_who_invites_others() {
    let server = TestServer::start().await;
    let refused = server.post("/api/v1/credentials", json!({ "kind": "invite", "role": "viewer" }));
    let refused = refused.await.expect(StatusCode::CONFLICT).json();
    assert_eq!(refused["error"]["code"], "no_admin");
    let ada = invite(&server, &Shows::Nothing, "Ada Kim", Admin).await;
    let session = get(&server, &ada, SESSION).await.json();
    assert_eq!(
        (&session["name"], &session["role"], &session["signed_in_as"]),
        (&json!("Ada Kim"), &json!("admin"), &json!("person"))
    );

    let made = make(&server, &ada, json!({ "kind": "invite", "role": "annotator" })).await;
    let shown = json!({ "invite": made["secret"] });
    let seen = server.post("/api/v1/invitation", shown.clone()).await.json();
    assert_eq!(seen["role"], "annotator");
    let body = |name: &str, password: &str| {
        let mut body = shown.clone();
        body["name"] = name.into();
        body["password"] = password.into();
        body
    };
    let accept = "/api/v1/invitation/accept";
    assert_eq!(server.post(accept, body(" ", PASSWORD)).await.field(), "name");
    assert_eq!(server.post(accept, body("Anna", "short")).await.field(), "password");
    assert_eq!(server.post(accept, body("Anna", "anna-the-best")).await.field(), "password");
    let taken = server.post(accept, body("ada kim", PASSWORD)).await;
    assert_eq!(taken.expect(StatusCode::CONFLICT).json()["error"]["code"], "name_taken");
    for look_alike in ["Ada  Kim", "Ada\u{a0}Kim", "ＡＤＡ Ｋｉｍ"] {
        let taken = server.post(accept, body(look_alike, PASSWORD)).await;
        assert_eq!(taken.status, StatusCode::CONFLICT, "{look_alike}");
    }
    for invisible in ["A\u{200b}da Kim", "\u{202e}adA", "Ada\u{ad} Kim", "\u{3164}"] {
        assert_eq!(server.post(accept, body(invisible, PASSWORD)).await.field(), "name");
    }
    let anna = cookie_of(&server.post(accept, body("Anna", PASSWORD)).await);
    assert_eq!(get(&server, &anna, SESSION).await.json()["role"], "annotator");
    for path in [accept, "/api/v1/invitation"] {
        let again = server.post(path, body("Berta", PASSWORD)).await.expect(StatusCode::GONE);
        assert_eq!(again.json()["error"]["code"], "used_up");
    }
}

#[tokio::test]
async fn a_person_signs_in_by_name_and_password_and_out_again() {
    let server = TestServer::start().await;
    invite(&server, &Shows::Nothing, "Ada", Admin).await;
    let answer = sign_in(&server, " ADA ", PASSWORD).await;
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    let ada = cookie_of(&answer);
    get(&server, &ada, "/api/v1/jobs").await.expect(StatusCode::OK);
    ask(&server, &ada, Method::DELETE, SESSION, json!({})).await.expect(StatusCode::NO_CONTENT);
    get(&server, &ada, "/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
    for (name, password) in [("Ada", "correct horse batter"), ("Nobody", PASSWORD)] {
        let answer = sign_in(&server, name, password).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(answer.json()["error"]["code"], "wrong_password");
    }
    assert_eq!(server.post(SESSION, json!({ "name": "Ada" })).await.field(), "password");
}

#[tokio::test]
async fn what_happens_with_accounts_is_on_record_without_secrets() {
    let server = TestServer::start().await;
    let ada = invite(&server, &Shows::Nothing, "Ada", Admin).await;
    sign_in(&server, "Ada", "wrong password").await.expect(StatusCode::UNAUTHORIZED);
    let made =
        make(&server, &ada, json!({ "kind": "token", "name": "script", "role": "viewer" })).await;
    let path =
        format!("/api/v1/credentials/{}", made["credential"]["credential_id"].as_str().unwrap());
    ask(&server, &ada, Method::DELETE, &path, json!({})).await.expect(StatusCode::NO_CONTENT);
    let lines = get(&server, &ada, "/api/v1/audit").await.json();
    let lines = lines["entries"].as_array().unwrap();
    let said: Vec<_> = lines.iter().rev().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(
        said,
        [
            "credential_made",
            "person_added",
            "signed_in",
            "sign_in_failed",
            "credential_made",
            "credential_revoked"
        ]
    );
    assert_eq!(lines[2]["details"], json!({ "name": "ada" }));
    assert_eq!(lines[0]["by"], "Ada");
    let text = serde_json::to_string(lines).unwrap();
    let listed = get(&server, &ada, "/api/v1/credentials").await.json().to_string();
    for secret in [made["secret"].as_str().unwrap(), PASSWORD, "wrong password", "argon2"] {
        assert!(!text.contains(secret) && !listed.contains(secret));
    }
}

#[tokio::test]
async fn many_wrong_passwords_have_to_wait() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    person(&server, "Ada", Admin).await;
    for _ in 0..5 {
        sign_in(&server, "Ada", "a wrong password").await.expect(StatusCode::UNAUTHORIZED);
    }
    let answer = sign_in(&server, "ada", "a wrong password").await;
    let answer = answer.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    clock.advance_ms(1_000);
    sign_in(&server, "Ada", "a wrong password").await.expect(StatusCode::UNAUTHORIZED);
    let answer = sign_in(&server, "Ada", "a wrong password").await;
    assert_eq!(answer.headers[header::RETRY_AFTER], "2");
}

#[tokio::test]
async fn sessions_end_when_they_are_old_or_unused() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let ada = invite(&server, &Shows::Nothing, "Ada", Admin).await;
    let days = |n: i64| clock.advance_ms(n * DAY_MS);
    for _ in 0..3 {
        days(29);
        get(&server, &ada, "/api/v1/jobs").await.expect(StatusCode::OK);
    }
    days(4);
    get(&server, &ada, "/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
    let again = cookie_of(&sign_in(&server, "Ada", PASSWORD).await);
    days(31);
    get(&server, &again, "/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_password_signs_other_browsers_out() {
    let server = TestServer::start().await;
    let ada = invite(&server, &Shows::Nothing, "Ada", Admin).await;
    let other = cookie_of(&sign_in(&server, "Ada", PASSWORD).await);
    let path = "/api/v1/account/password";
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    let wrong = ask(&server, &ada, Method::PUT, path, change("not this one", "another password"));
    assert_eq!(wrong.await.field(), "current");
    let weak = ask(&server, &ada, Method::PUT, path, change(PASSWORD, "ada-ada-ada")).await;
    assert_eq!(weak.field(), "new");
    let changed = ask(&server, &ada, Method::PUT, path, change(PASSWORD, "another password")).await;
    changed.expect(StatusCode::NO_CONTENT);
    get(&server, &ada, "/api/v1/jobs").await.expect(StatusCode::OK);
    get(&server, &other, "/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
    sign_in(&server, "Ada", PASSWORD).await.expect(StatusCode::UNAUTHORIZED);
    cookie_of(&sign_in(&server, "Ada", "another password").await);

    // Forgotten: an admin makes a link for this very person.
    let people = get(&server, &ada, "/api/v1/people").await.json();
    let person_id = &people["people"][0]["person_id"];
    let made = make(&server, &ada, json!({ "kind": "invite", "person_id": person_id })).await;
    let seen = server.post("/api/v1/invitation", json!({ "invite": made["secret"] })).await.json();
    assert_eq!((&seen["name"], &seen["role"]), (&json!("Ada"), &json!("admin")));
    let body = json!({ "invite": made["secret"], "password": "a third password" });
    let fresh = cookie_of(&server.post("/api/v1/invitation/accept", body).await);
    get(&server, &ada, "/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
    get(&server, &fresh, "/api/v1/jobs").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let server = TestServer::start().await;
    let first = person(&server, "Ada", Admin).await;
    let ada = session(&server, &first).await;
    let path = format!("/api/v1/people/{}", first.person_id);
    for (method, body) in [
        (Method::PUT, json!({ "role": "viewer" })),
        (Method::PUT, json!({ "disabled": true })),
        (Method::DELETE, json!({})),
    ] {
        let answer = ask(&server, &ada, method, &path, body).await.expect(StatusCode::CONFLICT);
        assert_eq!(answer.json()["error"]["code"], "no_admin");
    }
    let agent = ask(&server, &ada, Method::PUT, &path, json!({ "role": "agent" })).await;
    assert_eq!(agent.field(), "role");
    person(&server, "Berta", Admin).await;
    let answer = ask(&server, &ada, Method::PUT, &path, json!({ "role": "reviewer" })).await;
    assert_eq!(answer.expect(StatusCode::OK).json()["role"], "reviewer");
    get(&server, &ada, "/api/v1/people").await.expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_persons_token_does_at_most_what_the_person_may() {
    let server = TestServer::start().await;
    person(&server, "Ada", Admin).await;
    let rita = person(&server, "Rita", Reviewer).await;
    let shows = session(&server, &rita).await;
    let own = "/api/v1/account/credentials";
    let wish = |role: &str| json!({ "kind": "token", "name": "script", "role": role });
    assert_eq!(ask(&server, &shows, Method::POST, own, wish("admin")).await.field(), "role");
    assert_eq!(ask(&server, &shows, Method::POST, own, wish("agent")).await.field(), "role");
    let made = ask(&server, &shows, Method::POST, own, wish("annotator")).await;
    let made = made.expect(StatusCode::CREATED).json();
    let script = Shows::Bearer(made["secret"].as_str().unwrap().to_owned());
    let seen = get(&server, &script, SESSION).await.json();
    assert_eq!((&seen["name"], &seen["role"]), (&json!("Rita"), &json!("annotator")));
    ask(&server, &script, Method::POST, own, wish("viewer")).await.expect(StatusCode::CONFLICT);
    let listed = get(&server, &shows, own).await.json();
    let marked =
        listed["credentials"].as_array().unwrap().iter().filter(|it| it["is_this"] == true);
    assert_eq!((listed["credentials"].as_array().unwrap().len(), marked.count()), (2, 1));
    // Somebody else's are not theirs to end.
    let (foreign, _) = credential(&server, CredentialKind::Token, Viewer, None, None).await;
    let path = format!("{own}/{foreign}");
    ask(&server, &shows, Method::DELETE, &path, json!({})).await.expect(StatusCode::NOT_FOUND);
    let path = format!("{own}/{}", made["credential"]["credential_id"].as_str().unwrap());
    ask(&server, &shows, Method::DELETE, &path, json!({})).await.expect(StatusCode::NO_CONTENT);
    get(&server, &script, "/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_people_do_is_recorded_under_the_name_they_signed_in_with() {
    let server = TestServer::start().await;
    let anna = person(&server, "Ada", Admin).await;
    let shows = session(&server, &anna).await;
    let request = Request::post("/api/v1/label-sets")
        .header(header::CONTENT_TYPE, "application/json")
        .header("voxloop-person", "Somebody%20Else")
        .body(Body::from(json!({ "name": "Set", "labels": [{ "value": 1, "name": "Liver", "color": "#e6194b" }] }).to_string()))
        .unwrap();
    server.send(shows.on(request)).await.expect(StatusCode::CREATED);
    let lines = get(&server, &shows, "/api/v1/audit?limit=1").await.json();
    assert_eq!(lines["entries"][0]["by"], "Ada");
}

#[tokio::test]
async fn annotators_delete_what_they_opened_and_reviewers_decide() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.paint(&job, 1, [[1, 1, 1], [2, 2, 2]]).await;
    let head = server.get(&job).await.json()["head"].clone();
    let body = json!({ "revision_id": head, "comment": "fine" });
    let opinion = server.post(&format!("{job}/opinions"), body).await;
    let opinion = opinion.expect(StatusCode::CREATED).json();
    person(&server, "Ada", Admin).await;
    let [anna, rita] = [token(&server, Annotator).await, token(&server, Reviewer).await];
    let step = |from: &str, to: &str| json!({ "from": from, "to": to, "head": head });
    let review = format!("{job}/review");
    let take = async |shows: &Shows, from: &str, to: &str| {
        ask(&server, shows, Method::POST, &review, step(from, to)).await.status
    };
    assert_eq!(take(&anna, "draft", "in_review").await, StatusCode::OK);
    assert_eq!(take(&anna, "in_review", "accepted").await, StatusCode::FORBIDDEN);
    assert_eq!(take(&rita, "in_review", "accepted").await, StatusCode::OK);
    assert_eq!(take(&anna, "accepted", "draft").await, StatusCode::FORBIDDEN);
    assert_eq!(take(&rita, "accepted", "draft").await, StatusCode::OK);
    let path = format!("{job}/opinions/{}", opinion["opinion_id"].as_str().unwrap());
    let status = |answer: crate::support::Answer| answer.status;
    let delete = async |shows: &Shows, path: &str| {
        status(ask(&server, shows, Method::DELETE, path, json!({})).await)
    };
    assert_eq!(delete(&anna, &path).await, StatusCode::FORBIDDEN);
    assert_eq!(delete(&rita, &path).await, StatusCode::NO_CONTENT);
    assert_eq!(delete(&anna, &job).await, StatusCode::FORBIDDEN);
    assert_eq!(delete(&rita, &job).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_agent_enrols_once_and_is_revoked_alone() {
    let server = TestServer::start().await;
    person(&server, "Ada", Admin).await;
    let admin = token(&server, Admin).await;
    let join = make(&server, &admin, json!({ "kind": "join" })).await;
    let enrol = |join: &Value, name: &str| {
        server.post("/api/v1/agents/enrol", json!({ "join": join["secret"], "name": name }))
    };
    let made = enrol(&join, "gpu-box").await.expect(StatusCode::CREATED).json();
    let agent = Shows::Bearer(made["token"].as_str().unwrap().to_owned());
    let seen = get(&server, &agent, SESSION).await.json();
    assert_eq!((&seen["name"], &seen["role"]), (&json!("gpu-box"), &json!("agent")));
    enrol(&join, "second").await.expect(StatusCode::GONE);
    let other =
        make(&server, &admin, json!({ "kind": "join", "name": "spare", "expires_hours": 1 }));
    let other = enrol(&other.await, "").await.expect(StatusCode::CREATED).json();
    let path = format!("/api/v1/credentials/{}", made["credential_id"].as_str().unwrap());
    ask(&server, &admin, Method::DELETE, &path, json!({})).await.expect(StatusCode::NO_CONTENT);
    let claims = "/api/v1/claims";
    ask(&server, &agent, Method::POST, claims, json!({})).await.expect(StatusCode::UNAUTHORIZED);
    let other = Shows::Bearer(other["token"].as_str().unwrap().to_owned());
    assert_eq!(ask(&server, &other, Method::POST, claims, json!({})).await.field(), "agent_id");
    assert_eq!(get(&server, &other, SESSION).await.json()["name"], "spare");
}

#[tokio::test]
async fn a_lease_belongs_to_the_credential_that_claimed_it() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 8, 1).await;
    person(&server, "Ada", Admin).await;
    let admin = token(&server, Admin).await;
    let [holder, other] = [token(&server, Agent).await, token(&server, Agent).await];
    let lease = ask(&server, &holder, Method::POST, "/api/v1/claims", claim_request()).await;
    let lease = lease.expect(StatusCode::OK).json();
    let task = format!("/api/v1/tasks/{}", lease["task_id"].as_str().unwrap());
    let mask = volume::rle::encode(&block(1, [3, 6], [3, 6], [8, 9]));
    let sha256 = server::blobs::digest(&mask);
    let done = crate::support::completion(&lease, sha256.as_str(), [8, 8]);
    let fence = &lease["fence"];
    let image = lease["spec"]["image"]["sha256"].as_str().unwrap();
    let output = format!("{task}/outputs/{sha256}?fence={fence}");
    let progress = json!({ "done": 0, "total": 1, "stage": "solving" });
    let said = [
        (
            Method::POST,
            format!("{task}/heartbeat"),
            json!({ "fence": fence, "progress": progress }),
        ),
        (Method::GET, format!("{task}/inputs/{image}?fence={fence}"), json!({})),
        (Method::POST, format!("{task}/complete"), done.clone()),
        (Method::POST, format!("{task}/fail"), json!({ "fence": fence })),
    ];
    for shows in [&other, &admin] {
        for (method, path, body) in &said {
            let answer = ask(&server, shows, method.clone(), path, body.clone()).await;
            let answer = answer.expect(StatusCode::CONFLICT).json();
            assert_eq!(answer["error"]["code"], "stale_fence", "{method} {path}");
        }
        let put = Request::put(&output).body(Body::from(mask.clone())).unwrap();
        server.send(shows.on(put)).await.expect(StatusCode::CONFLICT);
    }
    let put = Request::put(&output).body(Body::from(mask)).unwrap();
    server.send(holder.on(put)).await.expect(StatusCode::CREATED);
    for (method, path, body) in &said[..3] {
        let answer = ask(&server, &holder, method.clone(), path, body.clone()).await;
        answer.expect(StatusCode::OK);
    }
    // Repeated by another, it is not answered.
    let path = format!("{task}/complete");
    ask(&server, &other, Method::POST, &path, done.clone()).await.expect(StatusCode::CONFLICT);
    ask(&server, &holder, Method::POST, &path, done).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_event_stream_ends_when_its_session_does() {
    let server = TestServer::start().await;
    let ada = person(&server, "Ada", Admin).await;
    let shows = session(&server, &ada).await;
    let router = routes::router(server.server.clone());
    let request = Request::get("/events/stream")
        .header(header::HOST, "127.0.0.1:8000")
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(shows.on(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    ask(&server, &shows, Method::DELETE, SESSION, json!({})).await.expect(StatusCode::NO_CONTENT);
    // Ends, or the test never does.
    response.into_body().collect().await.unwrap();
}
