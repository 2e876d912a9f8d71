//! Who calls, and what they may do: one check before any handler.
//!
//! Routes say in one table what they ask for (`roles.rs`). A request shows the server's own token,
//! a session's cookie, or a token that was made here; what it shows makes it a [`Caller`], which
//! handlers take like any other part of the request.

mod caller;
pub mod password;
pub mod roles;
pub mod secret;
pub(crate) mod session_cookie;
mod throttle;
mod token;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use protocol::access::{CredentialKind, Role};
use tokio::sync::{Semaphore, watch};

pub use caller::{Address, Caller, Peer};
pub(crate) use caller::{forbidden, ip};
pub use token::{Token, TokenError};

use crate::{
    error::ApiError,
    pathology,
    state::Server,
    store::{StoreError, credentials::Opened},
};
use roles::Need;
use throttle::Throttle;

/// The one open route that says who comes.
const SESSION: &str = "/api/v1/session";

/// Passwords that are hashed at once: each takes 19 MiB and a processor.
const HASHED_AT_ONCE: usize = 2;

/// What the server remembers about who is let in.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) throttle: Throttle,
    pub(crate) hashing: Semaphore,
    /// Changes whenever somebody may be shut out: open streams look again.
    changed: watch::Sender<u64>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            throttle: Throttle::default(),
            hashing: Semaphore::new(HASHED_AT_ONCE),
            changed: watch::Sender::new(0),
        }
    }
}

impl Access {
    /// Has open streams look whether they may go on.
    pub(crate) fn look_again(&self) {
        self.changed.send_modify(|it| *it += 1);
    }
}

/// What a request shows.
enum Shown {
    /// Nothing that is meant for this server.
    Nothing,
    /// Something that opens nothing.
    Wrong,
    Caller(Caller),
}

impl Server {
    /// Whether everybody may do everything: on loopback without a proxy, while there is no token and
    /// nobody who could sign in.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_open(&self) -> Result<bool, StoreError> {
        let settings = &self.settings;
        Ok(settings.token.is_none()
            && !settings.is_reached_by_others()
            && !self.store.has_people().await?)
    }

    async fn shown(&self, headers: &HeaderMap, route: &str) -> Result<Shown, StoreError> {
        if let Some(text) = bearer(headers).map(str::to_owned).or_else(|| in_url(headers, route)) {
            if self.settings.token.as_ref().is_some_and(|it| it.is(&text)) {
                return Ok(Shown::Caller(Caller::Master));
            }
            let opened = self.opened(&text).await?.and_then(by_header);
            return Ok(opened.map_or(Shown::Wrong, Shown::Caller));
        }
        if self.settings.token.as_ref().is_some_and(|it| it.has_cookie(headers)) {
            return Ok(Shown::Caller(Caller::Master));
        }
        // A cookie that has run out was sent by the browser, not by a person.
        let Some(text) = session_cookie::read(headers) else { return Ok(Shown::Nothing) };
        let opened = self.opened(&text).await?.and_then(by_cookie);
        Ok(opened.map_or(Shown::Nothing, Shown::Caller))
    }

    async fn opened(&self, text: &str) -> Result<Option<Opened>, StoreError> {
        let now_ms = self.now_ms();
        let opened = self.store.opened_by(&secret::digest(text), now_ms).await?;
        if let Some(it) = &opened {
            let noted = self.store.saw_credential(&it.credential, now_ms).await;
            // Where the disk is full, people can still see what is there.
            noted.unwrap_or_else(|error| not_noted(&error));
        }
        Ok(opened)
    }

    async fn caller(
        &self,
        headers: &HeaderMap,
        route: &str,
        need: Need,
    ) -> Result<Caller, ApiError> {
        match self.shown(headers, route).await? {
            Shown::Caller(it) => Ok(it),
            Shown::Wrong if need == Need::Open => Ok(Caller::Nobody),
            Shown::Wrong => Err(unauthenticated(
                "what this request shows in the header `Authorization` opens nothing here, or \
                 nothing any more: it was revoked, has run out, or belongs to another server",
            )),
            Shown::Nothing if self.is_open().await? => Ok(Caller::Open),
            Shown::Nothing => Ok(Caller::Nobody),
        }
    }

    /// Ends when the caller may not do any more what asks for this role.
    pub(crate) async fn shut_out(&self, caller: &Caller, role: Role) {
        let mut changed = self.access.changed.subscribe();
        while self.still_may(caller, role).await {
            // Another server of the same database, or the command line, tells nobody.
            let again = tokio::time::sleep(self.settings.heartbeat);
            tokio::select! {
                _ = changed.changed() => {}
                () = again => {}
            }
        }
    }

    async fn still_may(&self, caller: &Caller, role: Role) -> bool {
        let still = match caller {
            Caller::Nobody | Caller::Network => Ok(false),
            Caller::Master => Ok(true),
            Caller::Open => self.is_open().await,
            Caller::Person { credential_id, .. }
            | Caller::Token { credential_id, .. }
            | Caller::Agent { credential_id, .. } => {
                let found = self.store.opened(*credential_id, self.now_ms()).await;
                found.map(|it| it.is_some_and(|it| it.credential.role.includes(role)))
            }
        };
        // A database that is away for a moment shuts nobody out.
        still.unwrap_or(true)
    }
}

fn not_noted(error: &StoreError) {
    tracing::warn!(%error, "it is not noted when a credential was last used");
}

/// The text of `Authorization: Bearer …`; another scheme is meant for a proxy in front.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// The token that an agent of the older pull API carries in its URL, as Basic credentials.
fn in_url(headers: &HeaderMap, route: &str) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, secret) = pathology::basic(value).filter(|_| pathology::is_route(route))?;
    Some(secret)
}

/// Who shows this in a header.
fn by_header(Opened { credential, person }: Opened) -> Option<Caller> {
    let (credential_id, role) = (credential.credential_id, credential.role);
    match credential.kind {
        CredentialKind::Token => Some(Caller::Token {
            credential_id,
            person_id: credential.person_id,
            name: person.unwrap_or(credential.name),
            role,
        }),
        CredentialKind::Agent => Some(Caller::Agent { credential_id, name: credential.name }),
        CredentialKind::Session | CredentialKind::Join | CredentialKind::Invite => None,
    }
}

/// Who shows this in a cookie.
fn by_cookie(Opened { credential, person }: Opened) -> Option<Caller> {
    let (person_id, name) = (credential.person_id?, person?);
    let (credential_id, role) = (credential.credential_id, credential.role);
    (credential.kind == CredentialKind::Session).then_some(Caller::Person {
        credential_id,
        person_id,
        name,
        role,
    })
}

/// Refuses requests of those who may not. Laid around the API's routes as a whole, so that a new
/// route asks for an admin unless the table says otherwise.
pub(crate) async fn check(
    State(server): State<Server>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let need = roles::needed(request.method(), route.as_str());
    if need == Need::Open && route.as_str() != SESSION {
        // It does not matter who comes; whether the server is well is asked often.
        return next.run(request).await;
    }
    let caller = match server.caller(request.headers(), route.as_str(), need).await {
        Ok(Caller::Nobody)
            if pathology::is_let_in(&server, route.as_str(), request.extensions()) =>
        {
            Caller::Network
        }
        Ok(it) => it,
        Err(error) => return refused(error),
    };
    if let Need::Role(role) = need
        && let Err(error) = caller.check(role)
    {
        return refused(error);
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

pub(crate) fn unauthenticated(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
}

/// The answer of a check, with the header that HTTP asks for.
pub(crate) fn refused(error: ApiError) -> Response {
    let is_unauthenticated = error.status() == StatusCode::UNAUTHORIZED;
    let mut response = error.into_response();
    if is_unauthenticated {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_is_meant_for_this_server() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer ", Some("")),
            ("Basic abc", None),
            ("abc", None),
        ] {
            let value = HeaderValue::from_str(value).unwrap();
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            assert_eq!(bearer(&headers), expected);
        }
    }
}
