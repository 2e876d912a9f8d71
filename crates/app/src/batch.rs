//! What `segment` and `eval` share when they are given many files: finding them, running several at
//! once within a share of the memory, saying how far it is, stopping cleanly, and a list of what was
//! done, so that a second run goes on where the first ended.

pub(crate) mod inputs;

pub(crate) mod digest;
pub(crate) mod interrupt;
pub(crate) mod manifest;
pub(crate) mod pool;
pub(crate) mod progress;

use std::{
    fmt,
    io::{self, Write},
};

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

/// Prints a result. Whoever reads stdout may leave (`| head`): the work goes on without.
pub(crate) fn say(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}

/// Lists failures on stderr, or nothing.
#[expect(clippy::print_stderr, reason = "the outermost layer says what failed")]
pub(crate) fn list_failures(failures: &[(String, String)], n_all: usize) {
    if failures.is_empty() {
        return;
    }
    eprintln!("{} of {n_all} failed:", failures.len());
    for (name, reason) in failures {
        eprintln!("  {name}: {reason}");
    }
}
