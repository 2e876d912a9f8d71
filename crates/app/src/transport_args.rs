//! Settings of the way between agents and server: certificates, proxies, and what an agent keeps.

use std::path::PathBuf;

use agent::reach::Reach;
use anyhow::{Context, bail};
use clap::Args;
use server::{
    settings::{IpNet, PublicUrl, Settings},
    tls::TlsFiles,
};

use crate::{
    config::{named, parse_bytes},
    program_args::parse_network,
};

/// Where a proxy on the same machine comes from.
const LOOPBACK: &str = "127.0.0.0/8,::1";

/// HTTPS of `voxloop serve`.
#[derive(Debug, Args)]
pub(crate) struct TlsArgs {
    /// Certificate (PEM) with which the server speaks HTTPS itself; those between it and its authority
    /// follow it in the file.
    #[arg(long, env = "TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key (PEM) of that certificate.
    #[arg(long, env = "TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A proxy with TLS is in front, on this machine or at these addresses, separated by commas:
    /// believe what it says of its clients (`X-Forwarded-…`).
    #[arg(long, env = "BEHIND_PROXY", num_args = 0..=1, default_missing_value = "true", default_value = "", hide_default_value = true, value_parser = parse_proxies, value_name = "ADDRESSES")]
    pub(crate) behind_proxy: Proxies,
}

/// Addresses of proxies; none where no proxy is in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxies(pub(crate) Vec<IpNet>);

/// Reads addresses and networks; `true` is this machine, as is the flag alone.
fn parse_proxies(text: &str) -> Result<Proxies, String> {
    let list = match text.trim().to_ascii_lowercase().as_str() {
        "" | "false" | "no" | "0" => return Ok(Proxies(Vec::new())),
        "true" | "yes" | "1" => LOOPBACK,
        _ => text,
    };
    let found: Result<Vec<_>, _> = list.split(',').map(parse_network).collect();
    Ok(Proxies(found?.into_iter().flatten().collect()))
}

impl TlsArgs {
    /// Whether the server speaks HTTPS itself.
    pub(crate) fn is_spoken(&self) -> bool {
        named(self.tls_cert.as_deref()).is_some()
    }

    /// Certificate and key, where the server speaks HTTPS itself.
    ///
    /// # Errors
    /// If only one of them is named.
    pub(crate) fn files(&self) -> anyhow::Result<Option<TlsFiles>> {
        let (cert, key) = (named(self.tls_cert.as_deref()), named(self.tls_key.as_deref()));
        match (cert, key) {
            (Some(cert), Some(key)) => {
                Ok(Some(TlsFiles { cert: cert.to_owned(), key: key.to_owned() }))
            }
            (None, None) => Ok(None),
            (Some(_), None) => {
                bail!("--tls-cert needs the certificate's key: name it with --tls-key")
            }
            (None, Some(_)) => bail!("--tls-key needs its certificate: name it with --tls-cert"),
        }
    }
}

/// Whether the addresses that people use begin as the server, or the proxy, answers.
///
/// # Errors
/// If they do not.
pub(crate) fn check_schemes(settings: &Settings) -> anyhow::Result<()> {
    let is_https = |it: &PublicUrl| it.is_https();
    if settings.is_behind_proxy() && !settings.public_urls.iter().any(is_https) {
        bail!(
            "--behind-proxy: say with --public-url https://HOST under which address the proxy is \
             reached; a proxy without TLS would let token and images travel in the clear"
        );
    }
    let plain = settings.public_urls.iter().find(|it| !it.is_https());
    if let (Some(url), true, false) = (plain, settings.tls.is_some(), settings.is_behind_proxy()) {
        bail!(
            "--public-url {}: with --tls-cert the server speaks HTTPS alone; begin the address with \
             https://",
            url.origin()
        );
    }
    Ok(())
}

/// How `voxloop agent` reaches its server.
#[derive(Debug, Args)]
pub(crate) struct ReachArgs {
    /// Certificates (PEM) to trust instead of the system's authorities: the laboratory's own
    /// authority, or the server's own certificate.
    #[arg(long, env = "CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Speak to a server on another machine without TLS: whoever is between reads token and images.
    #[arg(long, env = "INSECURE_HTTP")]
    pub(crate) insecure_http: bool,
    /// Room on disk for inputs that the next task may need, in the folder of `--temp-dir`; several
    /// agents may share it. 0 keeps none.
    #[arg(long, env = "CACHE_SIZE", default_value = "20G", value_parser = parse_bytes, value_name = "SIZE")]
    pub(crate) cache_size: u64,
}

impl ReachArgs {
    /// The server at `server`, and whom to trust.
    ///
    /// # Errors
    /// If the file of authorities cannot be read.
    pub(crate) fn to(&self, server: &str) -> anyhow::Result<Reach> {
        let authorities = named(self.ca_file.as_deref())
            .map(|it| std::fs::read(it).with_context(|| format!("--ca-file {}", it.display())))
            .transpose()?;
        let (server, insecure_http) = (server.to_owned(), self.insecure_http);
        Ok(Reach { server, authorities, insecure_http })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_on_this_machine_unless_addresses_are_named() {
        let read = |it: &str| {
            let proxies =
                parse_proxies(it).map(|it| Settings { proxies: it.0, ..Settings::default() });
            let is_proxy = |it: &Settings, from: &str| it.is_proxy(from.parse().unwrap());
            proxies.map(|it| (is_proxy(&it, "127.0.0.1"), is_proxy(&it, "10.0.0.2")))
        };
        for (text, expected) in [
            ("", (false, false)),
            ("false", (false, false)),
            ("TRUE", (true, false)),
            ("10.0.0.2", (false, true)),
            ("10.0.0.0/24, 127.0.0.1", (true, true)),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        read("proxy.lab").unwrap_err();
        let loopback = parse_proxies("true")
            .map(|proxies| Settings { proxies: proxies.0, ..Settings::default() });
        for near in ["::1", "127.0.0.2", "::ffff:127.0.0.1"] {
            assert!(loopback.as_ref().is_ok_and(|it| it.is_proxy(near.parse().unwrap())), "{near}");
        }
    }
}
