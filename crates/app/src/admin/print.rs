//! What `voxloop admin` prints: what was asked for on stdout, words about it on stderr.

use std::io::Write;

use anyhow::Context;
use protocol::access::{Account, Credential, CredentialKind, Role};

/// One line on stdout.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing to stdout")
}

/// A word to the person at the terminal.
pub(super) fn hint(text: &str) {
    // Nobody may be there to read it.
    writeln!(std::io::stderr(), "{text}").ok();
}

/// People, a line each.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn people(people: &[Account]) -> anyhow::Result<()> {
    for it in people {
        let disabled = if it.disabled { "disabled" } else { "" };
        line(format!("{:10} {:9} {}", role(it.role), disabled, it.name).trim_end())?;
    }
    Ok(())
}

/// What opens the server, a line each.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn credentials(credentials: &[Credential]) -> anyhow::Result<()> {
    for it in credentials {
        line(
            format!("{} {:8} {:10} {}", it.credential_id, kind(it.kind), role(it.role), it.name)
                .trim_end(),
        )?;
    }
    Ok(())
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Agent => "agent",
        Role::Viewer => "viewer",
        Role::Annotator => "annotator",
        Role::Reviewer => "reviewer",
        Role::Admin => "admin",
    }
}

fn kind(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Session => "session",
        CredentialKind::Token => "token",
        CredentialKind::Agent => "agent",
        CredentialKind::Join => "join",
        CredentialKind::Invite => "invite",
    }
}
