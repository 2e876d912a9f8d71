//! The cookie of a session: kept from scripts, from other sites, and from clear text where people
//! come by HTTPS.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};

/// The browser forgets it after this long; the server after 30 days without a call.
pub(crate) const LONGEST: Duration = Duration::days(90);

/// Browsers share cookies among the ports of a host: two servers must not use one name.
fn name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let port = host.rsplit_once(':').map(|it| it.1).filter(|it| it.parse::<u16>().is_ok());
    port.map_or_else(|| "voxloop_session".to_owned(), |it| format!("voxloop_session_{it}"))
}

/// The session's secret, where the browser sent one.
pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
    let name = name(headers);
    let sent = headers.get_all(header::COOKIE).iter().filter_map(to_text);
    let mut sent = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    sent.find(|it| it.name() == name).map(|it| it.value().to_owned())
}

fn to_text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// The cookie that a browser gets; `is_https`: never sent in the clear. Without a secret: the one
/// that takes it away.
pub(crate) fn made(headers: &HeaderMap, secret: Option<&str>, is_https: bool) -> Cookie<'static> {
    Cookie::build((name(headers), secret.unwrap_or_default().to_owned()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_https)
        .path("/")
        .max_age(if secret.is_some() { LONGEST } else { Duration::ZERO })
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &'static str, cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static(host)),
            (header::COOKIE, HeaderValue::from_str(cookie).unwrap()),
        ])
    }

    #[test]
    fn each_port_has_a_cookie_of_its_own() {
        let here = headers("127.0.0.1:8000", "");
        let cookie = made(&here, Some("vxs_abc"), false);
        let sent = format!("a=b; {}; c=d", cookie.stripped());
        assert_eq!(read(&headers("127.0.0.1:8000", &sent)).as_deref(), Some("vxs_abc"));
        assert_eq!(read(&headers("127.0.0.1:8001", &sent)), None);
        assert_eq!(read(&headers("seg.lab.example", &sent)), None);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_other_sites_and_clear_text() {
        let here = headers("seg.lab.example", "");
        let cookie = made(&here, Some("vxs_abc"), true).to_string();
        for word in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=7776000"] {
            assert!(cookie.contains(word), "{word} is missing in {cookie}");
        }
        assert!(!made(&here, Some("vxs_abc"), false).to_string().contains("Secure"));
        assert!(made(&here, None, true).to_string().contains("Max-Age=0"));
    }
}
