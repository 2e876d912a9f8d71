//! Secrets that the server gives out: 256 random bits after a word that says what they are for, so
//! that a person, or a program that looks for lost ones, knows one when it sees it. Only their
//! SHA-256 is kept.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::access::CredentialKind;
use protocol::id::Sha256;
use sha2::Digest;

/// A secret as it is shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A fresh one.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn fresh(kind: CredentialKind) -> std::io::Result<Self> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(std::io::Error::other)?;
        Ok(Self(format!("{}{}", prefix(kind), URL_SAFE_NO_PAD.encode(bits))))
    }

    /// The text that opens the server.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        digest(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// What would be kept of a text, if it was a secret.
#[must_use]
pub fn digest(text: &str) -> Sha256 {
    Sha256::from_digest(sha2::Sha256::digest(text.as_bytes()).into())
}

/// How the secrets of a kind begin.
fn prefix(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Session => "vxs_",
        CredentialKind::Token => "vxp_",
        CredentialKind::Agent => "vxa_",
        CredentialKind::Join => "vxj_",
        CredentialKind::Invite => "vxi_",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_say_what_they_are_and_are_not_printed() {
        let secrets = [(); 50].map(|()| Secret::fresh(CredentialKind::Agent).unwrap());
        let texts: std::collections::BTreeSet<_> = secrets.iter().map(Secret::text).collect();
        assert_eq!(texts.len(), secrets.len());
        assert!(texts.iter().all(|it| it.starts_with("vxa_") && it.len() == 4 + 43));
        assert_eq!(format!("{:?}", secrets[0]), "Secret");
        assert_eq!(secrets[0].digest(), digest(secrets[0].text()));
    }
}
