//! Every route with every role: what the API's document lists is asked for by everybody, and the
//! answers are compared with a table of its own.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use protocol::access::{
    AccountChange, CredentialKind,
    Role::{self, Admin, Agent, Annotator, Reviewer, Viewer},
};
use server::{access::Token, settings::Settings};

use crate::{
    callers::{Shows, act, credential, person, session, token},
    support::{Answer, TestServer},
};

const TOKEN: &str = "a-token-of-28-characters-001";

/// Who may what, written down once more: `None` is everybody.
const EXPECTED: &[(Option<Role>, &str)] = &[
    (
        None,
        "GET /health
         GET /api/v1/session
         POST /api/v1/session
         DELETE /api/v1/session
         POST /api/v1/invitation
         POST /api/v1/invitation/accept
         POST /api/v1/agents/enrol",
    ),
    (
        Some(Viewer),
        "GET /api/v1/jobs
         GET /api/v1/jobs/{job_id}
         GET /api/v1/jobs/{job_id}/compare
         GET /api/v1/jobs/{job_id}/export/{file}
         GET /api/v1/jobs/{job_id}/image
         GET /api/v1/jobs/{job_id}/mask
         GET /api/v1/jobs/{job_id}/measurements
         GET /api/v1/jobs/{job_id}/result
         GET /api/v1/jobs/{job_id}/reviews
         GET /api/v1/jobs/{job_id}/revisions
         GET /api/v1/jobs/{job_id}/slices/{axis}/{slice_file}
         GET /api/v1/jobs/{job_id}/status
         GET /api/v1/jobs/{job_id}/surface
         GET /api/v1/jobs/{job_id}/thumbnail.png
         GET /api/v1/label-sets
         GET /api/v1/tasks
         GET /api/v1/tasks/rates
         GET /api/v1/tasks/{task_id}
         GET /api/v1/tasks/{task_id}/log
         GET /api/v1/tasks/{task_id}/waiting
         GET /api/v1/tasks/{task_id}/partial
         GET /api/v1/tasks/{task_id}/output
         GET /api/v1/system/status
         GET /api/v1/system/gpu
         GET /api/v1/system/jobs/active
         GET /api/v1/system/model
         GET /api/devices
         GET /events/stream
         GET /api/v1/requests
         GET /api/v1/requests/{request_id}
         GET /api/v1/requests/{request_id}/result
         GET /api/v1/requests/{request_id}/files/{name}
         GET /api/v1/programs
         GET /api/pathology/requests/
         GET /api/pathology/requests/{request_id}/
         PUT /api/v1/account/password
         GET /api/v1/account/credentials
         POST /api/v1/account/credentials
         DELETE /api/v1/account/credentials/{credential_id}",
    ),
    (
        Some(Annotator),
        "POST /api/v1/jobs
         POST /api/v1/sample
         DELETE /api/v1/jobs/{job_id}
         PATCH /api/v1/jobs/{job_id}
         PUT /api/v1/jobs/{job_id}/labels
         PUT /api/v1/jobs/{job_id}/head
         PUT /api/v1/jobs/{job_id}/prompts
         DELETE /api/v1/jobs/{job_id}/prompts
         POST /api/v1/jobs/{job_id}/prepare
         POST /api/v1/jobs/{job_id}/initial-mask
         POST /api/v1/jobs/{job_id}/propagate
         POST /api/v1/jobs/{job_id}/interpolate
         POST /api/v1/jobs/{job_id}/operations
         POST /api/v1/jobs/{job_id}/revisions
         POST /api/v1/jobs/{job_id}/review
         POST /api/v1/jobs/{job_id}/opinions
         DELETE /api/v1/jobs/{job_id}/opinions/{opinion_id}
         POST /api/v1/label-sets
         PUT /api/v1/label-sets/{label_set_id}
         DELETE /api/v1/label-sets/{label_set_id}
         POST /api/v1/tasks/{task_id}/cancel
         POST /api/v1/tasks/{task_id}/retry
         POST /api/v1/requests
         POST /api/v1/requests/inputs
         PUT /api/v1/requests/inputs/{sha256}
         DELETE /api/v1/requests/{request_id}
         POST /api/pathology/analyze/",
    ),
    (
        Some(Reviewer),
        "GET /api/v1/audit
         PUT /api/v1/tasks/{task_id}/priority",
    ),
    (
        Some(Agent),
        "POST /api/v1/claims
         POST /api/v1/tasks/{task_id}/heartbeat
         POST /api/v1/tasks/{task_id}/complete
         POST /api/v1/tasks/{task_id}/fail
         GET /api/pathology/pending-requests/
         POST /api/pathology/update-status/{request_id}/
         POST /api/pathology/complete-request/{request_id}/
         GET /api/v1/tasks/{task_id}/inputs/{sha256}
         HEAD /api/v1/tasks/{task_id}/outputs/{sha256}
         PUT /api/v1/tasks/{task_id}/outputs/{sha256}
         PATCH /api/v1/tasks/{task_id}/outputs/{sha256}
         POST /api/v1/tasks/{task_id}/log
         POST /api/devices/heartbeat",
    ),
    (
        Some(Admin),
        "GET /api/v1/people
         PUT /api/v1/people/{person_id}
         DELETE /api/v1/people/{person_id}
         GET /api/v1/credentials
         POST /api/v1/credentials
         DELETE /api/v1/credentials/{credential_id}
         DELETE /api/devices/{host_id}
         GET /api/v1/system/diagnosis
         POST /api/v1/system/cleanup
         POST /api/v1/system/model/reload",
    ),
];

/// Whether somebody of a role may do what asks for another, spelt out.
fn may(role: Role, needed: Role) -> bool {
    match role {
        Agent => needed == Agent,
        Viewer => needed == Viewer,
        Annotator => needed == Viewer || needed == Annotator,
        Reviewer => needed == Viewer || needed == Annotator || needed == Reviewer,
        Admin => true,
    }
}

struct Operation {
    method: Method,
    path: String,
    /// None is everybody.
    needed: Option<Role>,
}

/// The operations of the API's document, each with what the table says of it.
fn operations() -> Vec<Operation> {
    let mut expected = BTreeMap::new();
    for (role, lines) in EXPECTED {
        for line in lines.lines() {
            assert!(expected.insert(line.trim().to_owned(), *role).is_none(), "{line} twice");
        }
    }
    let document = serde_json::to_value(server::routes::openapi()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let name = format!("{method} {path}");
            let needed = expected.remove(&name);
            let needed = needed.unwrap_or_else(|| panic!("{name}: say here who may do it"));
            let said =
                operation.get("x-role").map(|it| serde_json::from_value(it.clone()).unwrap());
            assert_eq!(said, needed, "{name}: x-role of the document");
            assert_eq!(operation["responses"].get("401").is_some(), name_asks(&name, needed));
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            found.push(Operation { method, path: path.clone(), needed });
        }
    }
    assert!(expected.is_empty(), "no such operations: {expected:?}");
    found
}

/// Whether an operation may answer 401: those that ask for a role, and signing in.
fn name_asks(name: &str, needed: Option<Role>) -> bool {
    needed.is_some() || name == "POST /api/v1/session"
}

impl Operation {
    /// Whether an answer costs seconds: one of those who may is enough.
    fn takes_long(&self) -> bool {
        self.path == "/api/v1/sample" || self.path == "/api/v1/system/diagnosis"
    }

    fn request(&self) -> Request<Body> {
        const ID: &str = "00000000-0000-7000-8000-000000000001";
        let mut path = self.path.replace("{axis}", "2").replace("{sha256}", &"0".repeat(64));
        for name in
            ["job", "task", "request", "person", "credential", "opinion", "label_set", "host"]
        {
            path = path.replace(&format!("{{{name}_id}}"), ID);
        }
        let path = path
            .replace("{slice_file}", "1.png")
            .replace("{file}", "mask.nii.gz")
            .replace("{name}", "a.png");
        assert!(!path.contains('{'), "{path}: fill it in");
        Request::builder().method(&self.method).uri(path).body(Body::empty()).unwrap()
    }
}

/// A server with people, in which nobody may do anything unless they show who they are.
async fn closed() -> TestServer {
    let token = Some(Token::new(TOKEN).unwrap());
    let server = TestServer::with(Settings { token, ..Settings::default() }).await;
    person(&server, "First", Admin).await;
    server
}

/// Everybody who has a role, by session, by token, and by the server's own token.
async fn everybody(server: &TestServer) -> Vec<(Role, Shows)> {
    let mut all = vec![(Admin, Shows::Bearer(TOKEN.to_owned()))];
    for (name, role) in [("Vera", Viewer), ("Anna", Annotator), ("Rita", Reviewer), ("Ada", Admin)]
    {
        let of = person(server, name, role).await;
        all.push((role, session(server, &of).await));
        all.push((role, token(server, role).await));
        // A person's token may do at most what its person may.
        let (_, text) = credential(server, CredentialKind::Token, Admin, Some(&of), None).await;
        all.push((role, Shows::Bearer(text)));
    }
    all.push((Agent, token(server, Agent).await));
    all
}

#[tokio::test]
async fn every_route_lets_in_who_has_the_role_and_nobody_else() {
    let server = closed().await;
    let everybody = everybody(&server).await;
    let mut n_asked = 0;
    for operation in operations() {
        let (method, path) = (&operation.method, &operation.path);
        let Some(needed) = operation.needed else {
            let answer = server.begin(operation.request()).await;
            assert_ne!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
            continue;
        };
        let mut n_allowed = 0;
        for (role, shows) in &everybody {
            n_allowed += u32::from(may(*role, needed));
            if operation.takes_long() && may(*role, needed) && n_allowed > 1 {
                continue;
            }
            let answer = server.begin(shows.on(operation.request())).await;
            n_asked += 1;
            if may(*role, needed) {
                let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                assert!(!refused.contains(&answer.status), "{method} {path} for {role:?}");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} for {role:?}");
                check_code(method, &answer, "forbidden");
            }
        }
    }
    assert!(n_asked > 700, "{n_asked} answers");
}

/// The code of a refusal; the answer to HEAD has no body.
#[track_caller]
fn check_code(method: &Method, answer: &Answer, code: &str) {
    if *method != Method::HEAD {
        assert_eq!(answer.json()["error"]["code"], code);
    }
}

/// People who may not come in any more.
async fn former(server: &TestServer) -> Vec<(&'static str, Shows)> {
    let store = &server.server.store;
    let out = person(server, "Otto", Admin).await;
    let outs_session = session(server, &out).await;
    let token = credential(server, CredentialKind::Token, Admin, Some(&out), None).await;
    let change = AccountChange { disabled: Some(true), ..AccountChange::default() };
    store.change_person(out.person_id, &change, &act(server)).await.unwrap();
    let gone = person(server, "Gustav", Admin).await;
    let gones_session = session(server, &gone).await;
    store.remove_person(gone.person_id, &act(server)).await.unwrap();
    vec![
        ("somebody shut out", outs_session),
        ("a token of somebody shut out", Shows::Bearer(token.1)),
        ("somebody removed", gones_session),
    ]
}

/// Ways to show something that opens nothing.
async fn strangers(server: &TestServer) -> Vec<(&'static str, Shows)> {
    use CredentialKind::{Agent as OfAgent, Invite, Join, Session, Token as OfProgram};
    let made = async |kind, role, expires| credential(server, kind, role, None, expires).await;
    let revoked = async |kind, role| {
        let (id, text) = made(kind, role, None).await;
        server.server.store.revoke(id, None, &act(server)).await.unwrap();
        Shows::Bearer(text)
    };
    let past = Some(server.server.now_ms() - 1);
    let of_nobody = made(Session, Admin, None).await.1;
    let cookie = |port: &str| Shows::Cookie(format!("voxloop_session_{port}={of_nobody}"));
    let mut all = vec![
        ("nobody", Shows::Nothing),
        ("a wrong token", Shows::Bearer(format!("{TOKEN}x"))),
        ("a revoked token", revoked(OfProgram, Admin).await),
        ("a revoked agent", revoked(OfAgent, Agent).await),
        ("a token that has run out", Shows::Bearer(made(OfProgram, Admin, past).await.1)),
        ("a join token", Shows::Bearer(made(Join, Admin, None).await.1)),
        ("an invitation", Shows::Bearer(made(Invite, Admin, None).await.1)),
        ("a session in a header", Shows::Bearer(of_nobody.clone())),
        ("a session of nobody", cookie("8000")),
        ("a session of another port", cookie("8001")),
    ];
    all.extend(former(server).await);
    all
}

#[tokio::test]
async fn every_route_turns_strangers_away() {
    let server = closed().await;
    let strangers = strangers(&server).await;
    for operation in operations().iter().filter(|it| it.needed.is_some()) {
        for (who, shows) in &strangers {
            let answer = server.begin(shows.on(operation.request())).await;
            let place = format!("{} {} for {who}", operation.method, operation.path);
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place}");
            check_code(&operation.method, &answer, "unauthenticated");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{place}");
        }
    }
}

#[tokio::test]
async fn an_open_server_asks_for_nothing_but_takes_nothing_wrong() {
    let server = TestServer::start().await;
    for operation in operations() {
        if operation.path == "/api/v1/session" {
            continue;
        }
        let answer = server.begin(operation.request()).await;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        assert!(!refused.contains(&answer.status), "{} {}", operation.method, operation.path);
        let wrong = Shows::Bearer("wrong".to_owned());
        let answer = server.begin(wrong.on(operation.request())).await;
        let is_refused = answer.status == StatusCode::UNAUTHORIZED;
        assert_eq!(is_refused, operation.needed.is_some(), "{}", operation.path);
    }
}

#[tokio::test]
async fn the_first_person_closes_the_server() {
    let server = TestServer::start().await;
    server.get("/api/v1/jobs").await.expect(StatusCode::OK);
    let first = person(&server, "Ada", Admin).await;
    server.get("/api/v1/jobs").await.expect(StatusCode::UNAUTHORIZED);
    let shows = session(&server, &first).await;
    let request = Request::get("/api/v1/jobs").body(Body::empty()).unwrap();
    server.send(shows.on(request)).await.expect(StatusCode::OK);
}
