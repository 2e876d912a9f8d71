//! People, programs and agents for tests, made past the hashing of passwords.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use protocol::{
    access::{Account, CredentialKind, Role},
    id::CredentialId,
};
use serde_json::Value;
use server::{
    access::secret::Secret,
    store::{Act, NewCredential, NewPerson},
};

use crate::support::{Answer, TestServer};

/// What somebody shows with a request.
#[derive(Debug, Clone)]
pub(crate) enum Shows {
    Nothing,
    Bearer(String),
    Cookie(String),
}

impl Shows {
    pub(crate) fn on(&self, mut request: Request<Body>) -> Request<Body> {
        let headers = request.headers_mut();
        match self {
            Self::Nothing => None,
            Self::Bearer(it) => {
                headers.insert(header::AUTHORIZATION, format!("Bearer {it}").parse().unwrap())
            }
            Self::Cookie(it) => headers.insert(header::COOKIE, it.parse().unwrap()),
        };
        request
    }
}

/// Sends JSON as somebody.
pub(crate) async fn ask(
    server: &TestServer,
    shows: &Shows,
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    server.send(shows.on(request)).await
}

pub(crate) fn act(server: &TestServer) -> Act {
    Act { by: "test".to_owned(), now_ms: server.server.now_ms() }
}

/// Adds somebody who cannot sign in by password.
pub(crate) async fn person(server: &TestServer, name: &str, role: Role) -> Account {
    let new = NewPerson { name: name.to_owned(), password: "none".to_owned() };
    server.server.store.add_person(&new, role, &act(server)).await.unwrap()
}

/// Makes something that opens the server.
pub(crate) async fn credential(
    server: &TestServer,
    kind: CredentialKind,
    role: Role,
    of: Option<&Account>,
    expires_ms: Option<i64>,
) -> (CredentialId, String) {
    let secret = Secret::fresh(kind).unwrap();
    let new = NewCredential {
        kind,
        digest: secret.digest(),
        name: "made for a test".to_owned(),
        role,
        person_id: of.map(|it| it.person_id),
        expires_ms,
    };
    let made = server.server.store.add_credential(&new, &act(server)).await.unwrap();
    (made.credential_id, secret.text().to_owned())
}

/// A browser of a person who has signed in.
pub(crate) async fn session(server: &TestServer, of: &Account) -> Shows {
    let (_, text) = credential(server, CredentialKind::Session, of.role, Some(of), None).await;
    Shows::Cookie(format!("voxloop_session_8000={text}"))
}

/// A program with this role.
pub(crate) async fn token(server: &TestServer, role: Role) -> Shows {
    let kind = if role == Role::Agent { CredentialKind::Agent } else { CredentialKind::Token };
    Shows::Bearer(credential(server, kind, role, None, None).await.1)
}

/// The cookie that an answer sets, as a browser sends it back.
pub(crate) fn cookie_of(answer: &Answer) -> Shows {
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    Shows::Cookie(set.split(';').next().unwrap().to_owned())
}
