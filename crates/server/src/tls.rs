//! The certificate and the key of a server that speaks TLS itself: read, held against each other, and
//! looked at by the diagnosis.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer};

/// Where certificate and key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its authority, in PEM.
    pub cert: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// A certificate or a key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{flag} {}: {error}", path.display())]
    Unreadable {
        /// Which of the two.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is none.
    #[error(
        "--tls-cert {}: it holds no certificate in PEM (-----BEGIN CERTIFICATE-----){hint}",
        path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        hint: &'static str,
    },
    /// There is none.
    #[error("--tls-key {}: it holds no private key in PEM{hint}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        hint: &'static str,
    },
    /// Only a person could open it.
    #[error(
        "--tls-key {path}: the key is encrypted, and nobody is there to type its password when the \
         server starts; write it without: (umask 077; openssl pkey -in {path} -out server.key)",
        path = path.display()
    )]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// They do not belong together.
    #[error("--tls-key {} is not the key of the certificate in --tls-cert {}", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Something else is wrong with them.
    #[error("--tls-cert {}, --tls-key {}: {reason}", cert.display(), key.display())]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What.
        reason: String,
    },
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    /// The server's own certificate first.
    chain: Vec<CertificateDer<'static>>,
    config: Arc<ServerConfig>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Milliseconds since 1970 from which it is valid.
    pub not_before_ms: i64,
    /// Milliseconds since 1970 until which it is.
    pub not_after_ms: i64,
    /// Names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether it says of itself that it is an authority's, which clients do not take from a server.
    pub is_authority: bool,
}

impl TlsFiles {
    /// Reads both and holds them against each other.
    ///
    /// # Errors
    /// If one of them cannot be used, or they do not belong together.
    pub fn read(&self) -> Result<Identity, TlsError> {
        let chain = self.chain()?;
        let key = self.key()?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|it| it.with_no_client_auth().with_single_cert(chain.clone(), key))
            .map_err(|it| self.unusable(&it))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Identity { chain, config: Arc::new(config) })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let pem = read("--tls-cert", &self.cert)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
        if !chain.is_empty() {
            return Ok(chain);
        }
        let hint =
            if says(&pem, "PRIVATE KEY") { "; it holds a key: are the two swapped?" } else { "" };
        Err(TlsError::NoCertificate { path: self.cert.clone(), hint })
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let (pem, path) = (read("--tls-key", &self.key)?, self.key.clone());
        if says(&pem, "BEGIN ENCRYPTED PRIVATE KEY") || says(&pem, "Proc-Type: 4,ENCRYPTED") {
            return Err(TlsError::EncryptedKey { path });
        }
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_no_key| {
            let holds_certificate = says(&pem, "BEGIN CERTIFICATE");
            let hint = if holds_certificate {
                "; it holds a certificate: are the two swapped?"
            } else {
                ""
            };
            TlsError::NoKey { path, hint }
        })
    }

    fn unusable(&self, error: &Error) -> TlsError {
        let (cert, key) = (self.cert.clone(), self.key.clone());
        if let Error::InconsistentKeys(InconsistentKeys::KeyMismatch) = error {
            return TlsError::Mismatch { cert, key };
        }
        TlsError::Unusable { cert, key, reason: error.to_string() }
    }
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { flag, path: path.to_owned(), error })
}

fn says(pem: &[u8], words: &str) -> bool {
    pem.windows(words.len()).any(|it| it == words.as_bytes())
}

impl Identity {
    /// How a server speaks TLS with it: HTTP/2 and HTTP/1.1.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// What the certificate says; none where it cannot be taken apart.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        let (_, cert) =
            x509_parser::certificate::X509Certificate::from_der(self.chain.first()?).ok()?;
        let validity = cert.validity();
        let names = cert.subject_alternative_name().ok().flatten();
        let names = names.map(|it| it.value.general_names.iter().filter_map(name).collect());
        Some(Facts {
            not_before_ms: validity.not_before.timestamp().saturating_mul(1_000),
            not_after_ms: validity.not_after.timestamp().saturating_mul(1_000),
            names: names.unwrap_or_default(),
            is_authority: cert.is_ca(),
        })
    }

    /// Whether a client that asks for `host` takes the certificate for it.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let (Some(first), Ok(name)) = (self.chain.first(), ServerName::try_from(host)) else {
            return false;
        };
        ParsedCertificate::try_from(first)
            .and_then(|it| rustls::client::verify_server_name(&it, &name))
            .is_ok()
    }

    /// Certificates with which a client on this machine may make sure that it meets this server.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
}

/// A name or an address that a certificate is for.
fn name(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(it) = name {
        return Some((*it).to_owned());
    }
    let GeneralName::IPAddress(bytes) = name else { return None };
    let v4 = <[u8; 4]>::try_from(*bytes).map(|it| std::net::Ipv4Addr::from(it).to_string());
    let v6 = <[u8; 16]>::try_from(*bytes).map(|it| std::net::Ipv6Addr::from(it).to_string());
    v4.or(v6).ok()
}
