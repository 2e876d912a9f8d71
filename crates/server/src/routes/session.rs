//! `/api/v1/session`: a browser signs in once, by name and password or with the server's token.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use cookie::Cookie;
use protocol::{
    access::{Session, SignIn, SignInWay},
    system::ErrorBody,
};

use crate::{
    access::{Address, Caller, secret::Secret, session_cookie},
    body::Body,
    error::ApiError,
    sign_in::NotSignedIn,
    state::Server,
};

/// Whether this server asks who comes, and who this client is.
#[utoipa::path(get, path = "/api/v1/session", tag = "access",
    responses((status = 200, body = Session)))]
pub(super) async fn session(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Json<Session>, ApiError> {
    let has_people = server.store.has_people().await?;
    let ways = [
        has_people.then_some(SignInWay::Password),
        server.settings.token.as_ref().map(|_| SignInWay::Token),
    ];
    Ok(Json(Session {
        token_required: !server.is_open().await?,
        signed_in: caller.role().is_some(),
        ways: ways.into_iter().flatten().collect(),
        signed_in_as: caller.signed_in_as(),
        role: caller.role(),
        name: caller.name().map(str::to_owned),
    }))
}

/// Sign in: the answer's cookie stands for the person for 30 days after the last call, or for the
/// server's token for 30 days.
#[utoipa::path(post, path = "/api/v1/session", tag = "access",
    request_body(content((SignIn = "application/json"), (SignIn = "application/x-www-form-urlencoded"))),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 422, body = ErrorBody),
        (status = 429, body = ErrorBody, description = "Too many failed: wait as `Retry-After` says"),
    ))]
pub(super) async fn sign_in(
    State(server): State<Server>,
    address: Address,
    headers: HeaderMap,
    Body(request): Body<SignIn>,
) -> Result<Response, ApiError> {
    let is_https = is_https(&server, &headers);
    if let (Some(name), Some(password)) = (&request.name, request.password) {
        return answer_to(server.sign_in(name, password, &address).await, |secret| {
            signed_in(&server, &headers, &secret)
        });
    }
    let Some(text) = request.token else {
        let field = if request.name.is_some() { "password" } else { "token" };
        return Err(ApiError::invalid(field, "send name and password, or the server's token"));
    };
    if server.is_open().await? {
        return Ok(with_cookies(&[]));
    }
    answer_to(server.sign_in_by_token(&text, &address).await, |()| {
        let token = server.settings.token.as_ref();
        with_cookies(&token.map(|it| it.cookie(is_https)).into_iter().collect::<Vec<_>>())
    })
}

/// Sign out: the session ends, and the cookies are taken away.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access", responses((status = 204)))]
pub(super) async fn sign_out(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let is_https = is_https(&server, &headers);
    if let Caller::Person { credential_id, person_id, name, .. } = &caller {
        let act = crate::store::Act { by: name.clone(), now_ms: server.now_ms() };
        server.revoke(*credential_id, Some(*person_id), &act).await?;
    }
    let mut cookies = vec![session_cookie::made(&headers, None, is_https)];
    cookies.extend(server.settings.token.as_ref().map(|it| it.removal(is_https)));
    Ok(with_cookies(&cookies))
}

/// The answer that signs a browser in.
pub(super) fn signed_in(server: &Server, headers: &HeaderMap, secret: &Secret) -> Response {
    let is_https = is_https(server, headers);
    with_cookies(&[session_cookie::made(headers, Some(secret.text()), is_https)])
}

/// The answer to a try: what follows from its success, or how long to wait.
pub(super) fn answer_to<T>(
    tried: Result<T, NotSignedIn>,
    answer: impl FnOnce(T) -> Response,
) -> Result<Response, ApiError> {
    match tried {
        Ok(it) => Ok(answer(it)),
        Err(NotSignedIn::Refused(error)) => Err(error),
        Err(NotSignedIn::Wait(secs)) => {
            let message = format!("too many tries failed: try again in {secs} s");
            let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", message);
            let mut response = error.into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
            Ok(response)
        }
    }
}

fn with_cookies(cookies: &[Cookie<'_>]) -> Response {
    let cookies = cookies.iter().map(|it| (header::SET_COOKIE, it.to_string()));
    (StatusCode::NO_CONTENT, AppendHeaders(cookies.collect::<Vec<_>>())).into_response()
}

/// Whether people reach the server by HTTPS under the name that this request used.
fn is_https(server: &Server, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    server.settings.is_https(host)
}
