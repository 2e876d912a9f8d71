//! `/api/v1/session`: a browser shows the token once and stays signed in.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use cookie::Cookie;
use protocol::system::{ErrorBody, Session, SignIn};

use crate::{access, body::Body, error::ApiError, state::Server};

/// Whether this server asks for a token, and whether this browser has shown it.
#[utoipa::path(get, path = "/api/v1/session", tag = "system",
    responses((status = 200, body = Session)))]
pub(super) async fn session(State(server): State<Server>, headers: HeaderMap) -> Json<Session> {
    Json(Session {
        token_required: server.settings.token.is_some(),
        signed_in: access::is_allowed(&server, &headers),
    })
}

/// Sign in: the answer's cookie stands for the token for 30 days.
#[utoipa::path(post, path = "/api/v1/session", tag = "system", 
    request_body(content((SignIn = "application/json"), (SignIn = "application/x-www-form-urlencoded"))),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(super) async fn sign_in(
    State(server): State<Server>,
    headers: HeaderMap,
    Body(request): Body<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let Some(token) = &server.settings.token else { return Ok(without_body(None)) };
    if !token.is(request.token.trim()) {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_token",
            "this is not the server's token; whoever runs the server finds it in the file of \
             --token-file",
        ));
    }
    Ok(without_body(Some(token.cookie(is_https(&server, &headers)))))
}

/// Sign out: the cookie is taken away.
#[utoipa::path(delete, path = "/api/v1/session", tag = "system", responses((status = 204)))]
pub(super) async fn sign_out(
    State(server): State<Server>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let is_https = is_https(&server, &headers);
    without_body(server.settings.token.as_ref().map(|it| it.removal(is_https)))
}

fn without_body(cookie: Option<Cookie<'_>>) -> impl IntoResponse + use<> {
    let cookie = cookie.map(|it| (header::SET_COOKIE, it.to_string()));
    (StatusCode::NO_CONTENT, AppendHeaders(cookie))
}

/// Whether people reach the server by HTTPS under the name that this request used.
fn is_https(server: &Server, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    host.and_then(|it| server.settings.public_url(it)).is_some_and(|it| it.is_https())
}
