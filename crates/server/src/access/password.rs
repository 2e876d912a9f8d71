//! Passwords: which are taken, and how they are kept (argon2id with the parameters that OWASP
//! recommends: 19 MiB, two passes, one lane).

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// Fewer characters could be guessed.
const SHORTEST: usize = 10;
/// More are no password.
const LONGEST: usize = 200;
/// A password of fewer different characters is a pattern.
const FEWEST_DIFFERENT: usize = 4;

/// A text that is no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has {SHORTEST} to {LONGEST} characters, got {0}")]
    Length(usize),
    /// It is made of the name.
    #[error("the password holds the name: choose one that does not")]
    HoldsName,
    /// The same few characters over and over.
    #[error("the password has only {0} different characters; {FEWEST_DIFFERENT} are needed")]
    Monotonous(usize),
}

/// Whether somebody of this name may have this password.
///
/// # Errors
/// If it is too easy to guess.
pub fn check(password: &str, name: &str) -> Result<(), PasswordError> {
    let n_chars = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&n_chars) {
        return Err(PasswordError::Length(n_chars));
    }
    let (lower, name) = (password.to_lowercase(), name.trim().to_lowercase());
    // A name of one or two letters is in many a good password.
    if name.chars().count() > 2 && lower.contains(&name) {
        return Err(PasswordError::HoldsName);
    }
    let different: std::collections::BTreeSet<char> = lower.chars().collect();
    if different.len() < FEWEST_DIFFERENT {
        return Err(PasswordError::Monotonous(different.len()));
    }
    Ok(())
}

/// What is kept of a password. Takes tens of milliseconds and 19 MiB.
///
/// # Errors
/// If the system gives no random numbers.
pub fn kept(password: &str) -> std::io::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(std::io::Error::other)?.to_string())
}

/// Whether a password is the one that is kept; as slow for somebody who is not known (`None`).
#[must_use]
pub fn is_right(password: &str, kept: Option<&str>) -> bool {
    /// Of no password that anybody knows.
    const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBmaXhlZCBzYWx0$\
                           d7Rj3lVqPpcJlvCuf0P4sJnbKbWm0cF8wSgbZgAmKcE";
    let Ok(parsed) = PasswordHash::new(kept.unwrap_or(NOBODYS)) else { return false };
    let is_same = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    is_same && kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for (password, name, expected) in [
            ("123456789", "Kim", Err(PasswordError::Length(9))),
            ("김영희김영희", "Lee", Err(PasswordError::Length(6))),
            ("Dr.Kim-2026!", "dr.kim", Err(PasswordError::HoldsName)),
            ("ababababababab", "Kim", Err(PasswordError::Monotonous(2))),
            ("correct horse battery", "Kim", Ok(())),
            ("비밀번호는 열 글자 이상", "김", Ok(())),
        ] {
            assert_eq!(check(password, name), expected, "{password}");
        }
        assert_eq!(check(&"ab1!".repeat(51), "Kim"), Err(PasswordError::Length(204)));
    }

    #[test]
    fn a_password_is_kept_as_argon2id_and_known_again() {
        let (one, other) = (kept("correct horse").unwrap(), kept("correct horse").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
        assert!(is_right("correct horse", Some(&one)) && is_right("correct horse", Some(&other)));
        assert!(!is_right("correct hors", Some(&one)));
    }

    #[test]
    fn somebody_unknown_costs_as_much_and_never_gets_in() {
        // The stand-in is well formed, so that the work is really done.
        assert!(!is_right("correct horse", None));
        assert!(!is_right("", Some("no hash")));
    }
}
