//! A command that was called in a way that cannot work.

use std::fmt;

/// The command was called in a way that cannot work; nothing was done. Exit code 2, as for a flag
/// that does not exist.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}
