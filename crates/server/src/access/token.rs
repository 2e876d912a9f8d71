//! The server's own token, `--token-file`: who shows it may do everything. A browser shows it once
//! and is given a cookie that stands for it.

use std::fmt;

use axum::http::{HeaderMap, header};
use cookie::{Cookie, SameSite, time::Duration};
use sha2::{Digest, Sha256};

/// Shorter tokens could be guessed.
const SHORTEST: usize = 20;

/// How long a browser stays signed in.
const SIGNED_IN: Duration = Duration::days(30);

/// A text that is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It could be guessed.
    #[error("the token has {0} characters; at least {SHORTEST} are needed")]
    TooShort(usize),
    /// It does not fit into a header.
    #[error("a token is one line of letters, digits and signs, without spaces")]
    NotPlain,
}

/// What a client must show. The token itself is not kept, only what it is compared with and the
/// cookie that stands for it; neither is ever printed.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
    cookie_name: String,
    cookie_value: String,
}

impl Token {
    /// The token that `text` is, without the line's end.
    ///
    /// # Errors
    /// If it is too short to be safe, or does not fit into a header.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if !text.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(TokenError::NotPlain);
        }
        if text.len() < SHORTEST {
            return Err(TokenError::TooShort(text.len()));
        }
        let cookie_value = hex(digest(&["voxloop session", text]));
        // Browsers share cookies among the ports of a host: two servers must not use one name.
        let cookie_name = format!("voxloop_{}", &hex(digest(&["name", &cookie_value]))[..8]);
        Ok(Self { digest: digest(&["token", text]), cookie_name, cookie_value })
    }

    /// Whether `text` is this token. Digests are compared, so the time taken tells nothing of it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        digest(&["token", text]) == self.digest
    }

    /// Whether a browser shows the cookie that stands for the token.
    pub(crate) fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let expected = digest(&[&self.cookie_value]);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .any(|it| it.name() == self.cookie_name && digest(&[it.value()]) == expected)
    }

    /// The cookie that a browser gets; `is_https`: never sent in the clear.
    pub(crate) fn cookie(&self, is_https: bool) -> Cookie<'_> {
        Cookie::build((&self.cookie_name, &self.cookie_value))
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(is_https)
            .path("/")
            .max_age(SIGNED_IN)
            .build()
    }

    /// The cookie that takes the other away.
    pub(crate) fn removal(&self, is_https: bool) -> Cookie<'_> {
        let mut cookie = self.cookie(is_https);
        cookie.set_value("");
        cookie.set_max_age(Duration::ZERO);
        cookie
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

/// Digest of several texts; no two lists of texts share one.
fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

fn hex(digest: [u8; 32]) -> String {
    protocol::id::Sha256::from_digest(digest).to_string()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdefghij";

    fn cookies(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_token_is_long_and_fits_into_a_header() {
        assert_eq!(Token::new("short\n").unwrap_err(), TokenError::TooShort(5));
        assert_eq!(Token::new("two words, long enough").unwrap_err(), TokenError::NotPlain);
        assert!(Token::new(&format!("{TOKEN}\n")).unwrap().is(TOKEN));
    }

    #[test]
    fn the_cookie_stands_for_the_token_among_others() {
        let token = Token::new(TOKEN).unwrap();
        let own = token.cookie(false).stripped().to_string();
        assert!(!own.contains(TOKEN));
        assert!(token.has_cookie(&cookies(&format!("a=b; {own}; c=d"))));
        let other = Token::new("another token, as long".replace([' ', ','], "-").as_str()).unwrap();
        assert!(!other.has_cookie(&cookies(&own)));
        let emptied = token.removal(false).stripped().to_string();
        assert!(!token.has_cookie(&cookies(&emptied)));
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_other_pages_and_clear_text() {
        let token = Token::new(TOKEN).unwrap();
        let cookie = token.cookie(true).to_string();
        for word in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age="] {
            assert!(cookie.contains(word), "{word} is missing in {cookie}");
        }
        assert!(!token.cookie(false).to_string().contains("Secure"));
    }

    #[test]
    fn a_token_is_never_printed() {
        assert_eq!(format!("{:?}", Token::new(TOKEN).unwrap()), "Token");
    }
}
