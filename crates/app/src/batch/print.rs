//! What is printed of many files, besides how far it is.

use std::io::{self, Write};

/// Prints a result. Whoever reads stdout may leave (`| head`): the work goes on without.
pub(crate) fn say(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}

/// Lists on stderr what failed of so many, or nothing.
pub(crate) fn list_failures(failures: &[(String, String)], n_all: usize) {
    list(&format!("{} of {n_all} failed", failures.len()), failures);
}

/// Lists on stderr what could not be looked into, so that nobody knows what is there; or nothing.
pub(crate) fn list_unreadable(places: &[(String, String)]) {
    list("could not be looked into", places);
}

#[expect(clippy::print_stderr, reason = "the outermost layer says what failed")]
fn list(heading: &str, reasons: &[(String, String)]) {
    if reasons.is_empty() {
        return;
    }
    eprintln!("{heading}:");
    for (name, reason) in reasons {
        eprintln!("  {name}: {reason}");
    }
}
