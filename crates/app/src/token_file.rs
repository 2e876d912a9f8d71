//! The file of the token: `--token-file` of `serve` and `agent`.

use std::path::Path;

use anyhow::Context;
use server::access::Token;

/// A token as it was read.
pub(crate) struct TokenFile {
    /// What clients send.
    pub(crate) text: String,
    /// What a server compares it with.
    pub(crate) token: Token,
}

/// Whose token it is: what helps where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holder {
    Server,
    Agent,
}

/// Reads a token: one line of at least 20 characters.
///
/// # Errors
/// If the file cannot be read, or holds no token that is safe to use.
pub(crate) fn read(path: &Path, holder: Holder) -> anyhow::Result<TokenFile> {
    let place = || {
        let path = path.display();
        match holder {
            Holder::Server => {
                format!(
                    "--token-file {path}: make a token with `(umask 077; openssl rand -hex 32 > {path})`"
                )
            }
            Holder::Agent => format!(
                "--token-file {path}: ask an admin for a join token and start once with --join TOKEN, \
                 which makes this file"
            ),
        }
    };
    let text = std::fs::read_to_string(path).with_context(place)?.trim().to_owned();
    let token = Token::new(&text).with_context(place)?;
    if is_readable_by_others(path) {
        tracing::warn!("others on this machine can read the token: chmod 600 {}", path.display());
    }
    Ok(TokenFile { text, token })
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}
