//! What can be set about the server. Resolved once, by the binary.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

pub use ipnet::IpNet;

use crate::{access::Token, tls::TlsFiles};

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Largest upload in bytes.
    pub max_upload_bytes: u64,
    /// Largest image in bytes after decompression.
    pub max_image_bytes: u64,
    /// Largest JSON body in bytes.
    pub max_json_bytes: usize,
    /// Bytes of decoded volumes that are kept in memory.
    pub image_cache_bytes: u64,
    /// How long an agent may be silent before its task is handed on.
    pub lease: Duration,
    /// How often an agent says that it lives.
    pub heartbeat: Duration,
    /// A task that becomes due by the clock alone (back-off, expired lease) is seen this late at most.
    pub look_again: Duration,
    /// What segmenting a slice may take.
    pub slice_time_limit: Duration,
    /// What a propagation may take.
    pub propagate_time_limit: Duration,
    /// What a program may take.
    pub program_time_limit: Duration,
    /// Who runs programs: `true` agents elsewhere only, `false` the server's own agent only, none
    /// whoever offers them.
    pub use_local_inference: Option<bool>,
    /// Networks from which agents of the older kind may come without a token.
    pub legacy_agents: Vec<IpNet>,
    /// How long an agent of the older kind, which says nothing while it works, may be silent.
    pub legacy_lease: Duration,
    /// Grants before a task is given up.
    pub max_attempts: u32,
    /// Which pages of other origins may call.
    pub cors: Cors,
    /// Addresses besides loopback under which people reach the server.
    pub public_urls: Vec<PublicUrl>,
    /// Certificate and key, where the server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Addresses of the proxies in front, which are believed where they say whom requests come from;
    /// none where no proxy is in front.
    pub proxies: Vec<IpNet>,
    /// What clients must show; nothing where none is set.
    pub token: Option<Token>,
    /// Part of the GPU's memory that engines may use, 0–1.
    pub gpu_memory_limit: f64,
    /// Tasks that the server's own agent runs at once.
    pub max_concurrent_jobs: usize,
    /// Where things are; none for a server in memory.
    pub place: Option<Place>,
}

/// Where a server is and keeps things, as a diagnosis shows it: without passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Database, images and masks.
    pub data_dir: PathBuf,
    /// Model weights.
    pub model_dir: PathBuf,
    /// Files that need not survive a restart.
    pub temp_dir: PathBuf,
    /// Log files; none where they are not written.
    pub log_dir: Option<PathBuf>,
    /// The database's address.
    pub database: String,
    /// The file of the token; none where clients need none.
    pub token_file: Option<PathBuf>,
    /// The bucket's address; none where images and masks lie in the data folder.
    pub bucket: Option<String>,
}

impl Place {
    /// The address as a client on this machine can use it: loopback where the server listens on
    /// every address.
    #[must_use]
    pub fn from_here(mut listen: SocketAddr) -> SocketAddr {
        match listen.ip() {
            IpAddr::V4(it) if it.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(it) if it.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        listen
    }
}

/// Which pages of other origins may call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cors {
    /// None: only the server's own page, and clients that send no `Origin`.
    #[default]
    SameOrigin,
    /// The pages of these origins.
    These(Vec<String>),
    /// Any page.
    Any,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 4 << 30,
            max_image_bytes: 8 << 30,
            max_json_bytes: 1 << 20,
            image_cache_bytes: 512 << 20,
            lease: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
            look_again: Duration::from_secs(1),
            slice_time_limit: Duration::from_secs(6 * 60),
            propagate_time_limit: Duration::from_secs(3 * 60 * 60),
            program_time_limit: Duration::from_secs(3 * 60 * 60),
            use_local_inference: None,
            legacy_agents: Vec::new(),
            legacy_lease: Duration::from_secs(60 * 60),
            max_attempts: 3,
            cors: Cors::SameOrigin,
            public_urls: Vec::new(),
            tls: None,
            proxies: Vec::new(),
            token: None,
            gpu_memory_limit: 0.8,
            max_concurrent_jobs: 2,
            place: None,
        }
    }
}

/// An address under which people reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: String,
    /// `host`, or `host:port` where the port is not the scheme's own: what browsers send as `Host`.
    host: String,
}

/// A text that is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected https://HOST or http://HOST:PORT without a path, got `{0}`")]
pub struct PublicUrlError(String);

impl PublicUrl {
    /// Reads `https://host` or `http://host:port`.
    ///
    /// # Errors
    /// If it is something else, or has a path: the page must lie at the root.
    pub fn new(text: &str) -> Result<Self, PublicUrlError> {
        let wrong = || PublicUrlError(text.to_owned());
        let url = url::Url::parse(text).map_err(|_no_url| wrong())?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let (true, true, Some(host)) =
            (matches!(url.scheme(), "http" | "https"), is_bare, url.host_str())
        else {
            return Err(wrong());
        };
        let host = url.port().map_or_else(|| host.to_owned(), |it| format!("{host}:{it}"));
        Ok(Self { scheme: url.scheme().to_owned(), host })
    }

    /// Whether people reach the server by HTTPS here.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The name, without a port.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    /// What a browser sends as `Origin` of the page.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// Whether a `Host` header names this address.
    fn is_host(&self, host: &str) -> bool {
        let default_port = if self.is_https() { ":443" } else { ":80" };
        host.strip_suffix(default_port).unwrap_or(host).eq_ignore_ascii_case(&self.host)
    }
}

impl Settings {
    /// Whether it listens to more than this machine.
    #[must_use]
    pub fn is_off_loopback(&self) -> bool {
        self.place.as_ref().is_some_and(|it| !it.listen.ip().is_loopback())
    }

    /// Whether a proxy is in front.
    #[must_use]
    pub fn is_behind_proxy(&self) -> bool {
        !self.proxies.is_empty()
    }

    /// Whether a proxy in front has this address.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|it| it.contains(&address))
    }

    /// Whether others than those on this machine come, by themselves or through a proxy.
    #[must_use]
    pub fn is_reached_by_others(&self) -> bool {
        self.is_off_loopback() || self.is_behind_proxy()
    }

    /// Whether people reach the server by HTTPS where they call it by this `Host`.
    #[must_use]
    pub fn is_https(&self, host: Option<&str>) -> bool {
        self.tls.is_some()
            || host.and_then(|it| self.public_url(it)).is_some_and(PublicUrl::is_https)
    }

    /// The public address that a `Host` header names.
    #[must_use]
    pub fn public_url(&self, host: &str) -> Option<&PublicUrl> {
        self.public_urls.iter().find(|it| it.is_host(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_a_scheme_and_a_host() {
        let https = PublicUrl::new("https://Seg.Lab.example/").unwrap();
        assert_eq!(https.origin(), "https://seg.lab.example");
        for (host, is_own) in [
            ("seg.lab.example", true),
            ("SEG.lab.example:443", true),
            ("seg.lab.example:8000", false),
            ("lab.example", false),
        ] {
            assert_eq!(https.is_host(host), is_own, "{host}");
        }
        let http = PublicUrl::new("http://10.0.0.5:8000").unwrap();
        assert!(http.is_host("10.0.0.5:8000") && !http.is_host("10.0.0.5"));
        assert!(PublicUrl::new("http://[fd00::1]:8000").unwrap().is_host("[fd00::1]:8000"));
        for text in ["seg.lab.example", "ftp://seg.lab.example", "https://a/voxloop", "https://"] {
            assert_eq!(PublicUrl::new(text).unwrap_err(), PublicUrlError(text.to_owned()));
        }
    }
}
