//! Who may call: the server's own page, clients that are no browser, and origins that were named.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{error::ApiError, settings::Cors, state::Server};

/// Refuses requests for other hosts: a foreign page that had its own name resolve to this machine
/// would otherwise pass for the server's own.
pub(crate) async fn check_host(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let served = host_of(&request)
        .filter(|it| is_loopback(it) || server.settings.public_url(it).is_some())
        .and_then(|it| HeaderValue::from_str(it).ok());
    if let Some(host) = served {
        // HTTP/2 has the name elsewhere; from here on it stands in one place.
        request.headers_mut().insert(header::HOST, host);
        return next.run(request).await;
    }
    ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign_host",
        "this server is not reached under this name; --public-url names the one it is reached under",
    )
    .into_response()
}

/// The name that the server is called by, if there is exactly one.
fn host_of(request: &Request) -> Option<&str> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    match (headers.next(), headers.next(), request.uri().authority()) {
        (Some(host), None, None) => host.to_str().ok(),
        (Some(host), None, Some(authority)) => host.to_str().ok().filter(|it| it == authority),
        (None, _, Some(authority)) => Some(authority.as_str()),
        (None, _, None) | (Some(_), Some(_), _) => None,
    }
}

/// Whether a `Host` header names this machine, whatever the port.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Lets a request through, answers a preflight, or refuses a foreign page. Those that were named come
/// without cookies: a page must not act as the person who happens to be signed in.
pub(crate) async fn check_origin(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        if is_embedded_elsewhere(request.headers()) {
            if server.settings.cors == Cors::SameOrigin {
                return foreign_origin();
            }
            request.headers_mut().remove(header::COOKIE);
        }
        return next.run(request).await;
    };
    if is_own(&origin, request.headers(), &server) {
        return next.run(request).await;
    }
    if !is_named(&origin, &server.settings.cors) {
        return foreign_origin();
    }
    request.headers_mut().remove(header::COOKIE);
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let allowed = match server.settings.cors {
        Cors::Any => HeaderValue::from_static("*"),
        Cors::SameOrigin | Cors::These(_) => origin,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if is_preflight {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PUT, DELETE"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type, last-event-id, voxloop-person"),
        );
    }
    response
}

fn foreign_origin() -> Response {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "pages of other origins may not call this server; CORS_ORIGIN names those that may",
    )
    .into_response()
}

/// Whether a browser asks on behalf of a foreign page, for a picture or a script, say: those carry
/// no origin. A link that a person follows is no such request.
fn is_embedded_elsewhere(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    (says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site"))
        && !says("sec-fetch-mode", "navigate")
}

/// Whether the origin is the very host that is being asked; where that is a public address, by its
/// scheme too.
fn is_own(origin: &HeaderValue, headers: &HeaderMap, server: &Server) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let (Some(host), Ok(origin)) = (host, origin.to_str()) else { return false };
    match server.settings.public_url(host) {
        Some(public) => public.origin() == origin,
        None => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
    }
}

fn is_named(origin: &HeaderValue, cors: &Cors) -> bool {
    match cors {
        Cors::SameOrigin => false,
        Cors::Any => true,
        Cors::These(named) => named.iter().any(|it| it.as_bytes() == origin.as_bytes()),
    }
}

/// What the browser may load, and from where: only this server, and no style but that of its files.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; \
    worker-src 'self' blob:; connect-src 'self' blob: data:; object-src 'none'; \
    frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

/// Swagger UI styles itself inline.
const DOCS_POLICY: &str = "default-src 'self'; img-src 'self' data:; \
    style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'; \
    base-uri 'self'; form-action 'self'";

/// Tells the browser what it may do with an answer.
pub(crate) async fn add_security_headers(request: Request, next: Next) -> Response {
    let is_docs = request.uri().path().starts_with("/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, if is_docs { DOCS_POLICY } else { PAGE_POLICY }),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_many_names() {
        for host in ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.2:1", "[::1]:8000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8000", "10.0.0.1", "[2001:db8::1]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
