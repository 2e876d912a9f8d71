//! Behind a proxy: what it says of the client, believed only where the connection comes from an address
//! that was announced as a proxy's.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Once,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    access::Peer,
    error::ApiError,
    guard,
    settings::{PublicUrl, Settings},
    state::Server,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Once is enough: whoever calls could fill the log with it.
static WARNING: Once = Once::new();

fn is_not_believed(peer: IpAddr) {
    let peer = peer.to_canonical();
    tracing::warn!(
        "{peer} says for whom it asks (X-Forwarded-For), and is not believed: if it is the proxy in \
         front of this server, name it with --behind-proxy {peer}"
    );
}

/// Notes where a request comes from, and takes the proxy's word where that is to be believed. The
/// headers end here: nothing behind this can believe them by mistake.
pub(crate) async fn understand(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
    let mut client = peer;
    if peer.is_some_and(|it| server.settings.is_proxy(it)) {
        let headers = request.headers();
        if last(headers, &FORWARDED_PROTO).is_some_and(|it| it.eq_ignore_ascii_case("http")) {
            return in_the_clear(&server.settings, &request);
        }
        client = last(headers, &FORWARDED_FOR).and_then(|it| address(&it)).or(peer);
        if let Some(host) = asked_for(headers) {
            request.headers_mut().insert(header::HOST, host);
        }
    } else if let Some(peer) = peer
        && request.headers().contains_key(FORWARDED_FOR)
    {
        WARNING.call_once(|| is_not_believed(peer));
    }
    for name in [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, header::FORWARDED] {
        request.headers_mut().remove(name);
    }
    if let Some(client) = client {
        request.extensions_mut().insert(Peer(client));
    }
    next.run(request).await
}

/// The last word of a header's list: that of the proxy which is nearest. What stands before it may be
/// the client's own invention.
fn last(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let word = value.rsplit(',').next()?.trim();
    (!word.is_empty()).then(|| word.to_owned())
}

/// `192.0.2.7`, `[2001:db8::7]`, each with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|it| it.ip()))
}

/// The name that the client asked for, where the proxy put its own address into `Host`. A name that
/// came through is the client's own, and is checked as it is.
fn asked_for(headers: &HeaderMap) -> Option<HeaderValue> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_own = guard::is_loopback(host) || address(name).is_some_and(is_near);
    HeaderValue::from_str(&last(headers, &FORWARDED_HOST).filter(|_| is_own)?).ok()
}

/// Whether an address is this machine's or of a private network.
fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(it) => it.is_loopback() || it.is_private() || it.is_link_local(),
        IpAddr::V6(it) => match it.to_ipv4_mapped() {
            Some(it) => is_near(it.into()),
            None => it == Ipv6Addr::LOCALHOST || it.is_unique_local() || it.is_unicast_link_local(),
        },
    }
}

/// Sends people to the address with HTTPS; programs learn that theirs is wrong before they show a
/// token a second time.
fn in_the_clear(settings: &Settings, request: &Request) -> Response {
    let public = settings.public_urls.iter().find(|it| it.is_https()).map(PublicUrl::origin);
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let is_page = request.method() == Method::GET && !path.starts_with("/api/");
    match public {
        Some(origin) if is_page => {
            let to = format!("{origin}{path}");
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        _ => ApiError::new(
            StatusCode::FORBIDDEN,
            "not_https",
            format!("reached in the clear: use {}", public.as_deref().unwrap_or("https://")),
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| ((*name).clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_nearest_proxy_has_the_last_word() {
        let headers = headers(&[(&FORWARDED_FOR, "203.0.113.9, 198.51.100.7")]);
        let client = last(&headers, &FORWARDED_FOR).and_then(|it| address(&it));
        assert_eq!(client, Some([198, 51, 100, 7].into()));
        for (text, expected) in [
            ("192.0.2.7:4711", Some("192.0.2.7")),
            ("[2001:db8::7]:80", Some("2001:db8::7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("unknown", None),
        ] {
            assert_eq!(address(text), expected.map(|it| it.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_name_is_taken_from_the_proxy_only_where_it_hid_the_clients() {
        let asked = |host: &str| {
            let list = [(&header::HOST, host), (&FORWARDED_HOST, "a.example, seg.example.org")];
            asked_for(&headers(&list)).map(|it| it.to_str().unwrap().to_owned())
        };
        for own in ["127.0.0.1:8000", "localhost:8000", "10.1.2.3:8000"] {
            assert_eq!(asked(own).as_deref(), Some("seg.example.org"), "{own}");
        }
        for clients in ["evil.example", "seg.example.org"] {
            assert_eq!(asked(clients), None, "{clients}");
        }
    }

    #[test]
    fn only_this_machine_and_private_networks_are_near() {
        for near in ["127.0.0.1", "10.0.0.1", "192.168.3.4", "::1", "fd00::1", "::ffff:172.16.0.1"]
        {
            assert!(is_near(near.parse().unwrap()), "{near}");
        }
        for far in ["203.0.113.9", "2001:db8::1", "::ffff:8.8.8.8", "172.32.0.1"] {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
    }
}
