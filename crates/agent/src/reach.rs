//! How a server is reached: its address, whom to trust, and in which words it is said that it cannot
//! be. Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), for servers on
//! other machines.

use std::{error::Error, io, time::Duration};

use reqwest::{
    Certificate, Client, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};
use rustls::CertificateError;

/// A server, and how sure one must be of it.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// `https://host`, or `http://127.0.0.1:8000` on the same machine.
    pub server: String,
    /// Certificates in PEM that are trusted instead of the system's authorities.
    pub authorities: Option<Vec<u8>>,
    /// Whether a server elsewhere may be spoken to in the clear.
    pub insecure_http: bool,
}

/// A server that cannot be reached as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// The address is none.
    #[error("expected https://HOST or http://127.0.0.1:PORT, got `{0}`")]
    Address(String),
    /// Token and images would travel in the clear.
    #[error(
        "{0} is on another machine and has no TLS: its token and images would travel in the clear; \
         use https://, or say --insecure-http if the network between is yours alone"
    )]
    InTheClear(String),
    /// The file of authorities holds none.
    #[error("--ca-file: it holds no certificate in PEM (-----BEGIN CERTIFICATE-----): {0}")]
    Authorities(String),
    /// The token does not fit into a header.
    #[error("the token: {0}")]
    Token(String),
    /// TLS cannot be set up.
    #[error("setting up TLS: {0}")]
    Client(String),
}

impl Reach {
    /// The address of a path of the API, such as `claims`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        self.address(&format!("/api/v1/{path}"))
    }

    /// The address of any path of the server, such as `/api/devices`.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.server.trim_end_matches('/'))
    }

    /// A client that shows `token` with every request, follows no redirect, and waits at most
    /// `patience` for the next bytes of an answer.
    ///
    /// # Errors
    /// If the address, the token or the authorities cannot be used.
    pub fn client(&self, token: Option<&str>, patience: Duration) -> Result<Client, ReachError> {
        let is_here = is_loopback(&self.checked_host()?);
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|it| ReachError::Token(it.to_string()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut builder = Client::builder()
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            // Over HTTP/2 all requests share a connection: one that died unnoticed would hold up
            // heartbeats until the system gives it up.
            .http1_only()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(patience);
        if is_here {
            // A proxy would read the token, and has another loopback.
            builder = builder.no_proxy();
        }
        if let Some(pem) = &self.authorities {
            builder = builder.tls_certs_only(certificates(pem)?);
        }
        builder.build().map_err(|it| ReachError::Client(cause(it)))
    }

    /// The address's host, where it may be spoken to.
    fn checked_host(&self) -> Result<String, ReachError> {
        let wrong = || ReachError::Address(self.server.clone());
        let url = Url::parse(&self.server).map_err(|_no_url| wrong())?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(host)) => Ok(host.to_owned()),
            ("http", Some(host)) if self.insecure_http || is_loopback(host) => Ok(host.to_owned()),
            ("http", Some(_)) => Err(ReachError::InTheClear(self.server.clone())),
            _ => Err(wrong()),
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, ReachError> {
    let wrong = |it: reqwest::Error| ReachError::Authorities(cause(it));
    let found = Certificate::from_pem_bundle(pem).map_err(wrong)?;
    if found.is_empty() {
        return Err(ReachError::Authorities("nothing found".to_owned()));
    }
    Ok(found)
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Why a request failed, in words that say what to do where that is known.
#[must_use]
pub fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(it) = next {
        if let Some(tls) = of_tls(it) {
            return tls;
        }
        let words = it.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = it.source();
    }
    text
}

fn of_tls(error: &(dyn Error + 'static)) -> Option<String> {
    // An I/O error's source is the source of what it holds, which may be an I/O error again.
    if let Some(held) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return of_tls(held);
    }
    let tls = error.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::InvalidCertificate(it) = tls {
        return Some(of_certificate(it));
    }
    if let rustls::Error::InvalidMessage(_) = tls {
        let words = "it does not speak TLS there: is it http:// instead of https://?";
        return Some(words.to_owned());
    }
    Some(format!("TLS: {tls}"))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "others than those that a person can mend are told as they are"
)]
fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: whoever runs the server renews it (or this machine's clock \
             is wrong)"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is this machine's clock right?".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate comes from an authority that is not trusted here: name the file of that \
             authority, or of the server's own certificate, with --ca-file"
                .to_owned()
        }
        CertificateError::NotValidForName => {
            "its certificate is for another name: use the one that it was made for".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "its certificate is for {}, not for {}: use the name that it was made for",
            names(presented),
            expected.to_str()
        ),
        other => {
            let words = format!("{other:?}");
            if words.contains("CaUsedAsEndEntity") {
                return "its certificate is marked as an authority's: make one that is not \
                        (basicConstraints=CA:FALSE; docs/server.md shows how)"
                    .to_owned();
            }
            format!("its certificate is refused: {other}")
        }
    }
}

/// `DnsName("host")` as `host`.
fn names(presented: &[String]) -> String {
    let bare = |it: &String| {
        let inner = it.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(it).trim_matches('"').to_owned()
    };
    match presented {
        [] => "no name".to_owned(),
        some => some.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(server: &str, insecure_http: bool) -> Result<(), ReachError> {
        Reach { server: server.to_owned(), authorities: None, insecure_http }
            .checked_host()
            .map(|_host| ())
    }

    #[test]
    fn only_loopback_is_spoken_to_in_the_clear() {
        for server in ["https://seg.example.org", "http://127.0.0.1:8000", "http://[::1]:8000"] {
            assert_eq!(at(server, false), Ok(()), "{server}");
        }
        let server = "http://10.0.0.5:8000";
        assert_eq!(at(server, false), Err(ReachError::InTheClear(server.to_owned())));
        assert_eq!(at(server, true), Ok(()));
        for server in ["seg.example.org", "ftp://seg.example.org", "localhost:8000"] {
            assert_eq!(at(server, true), Err(ReachError::Address(server.to_owned())), "{server}");
        }
    }

    #[test]
    fn a_file_of_authorities_holds_some() {
        assert!(matches!(certificates(b""), Err(ReachError::Authorities(_))));
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(certificates(key), Err(ReachError::Authorities(_))));
    }
}
