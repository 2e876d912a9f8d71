//! `voxloop openapi`: the document that is committed as `openapi.json`.

use std::{io::Write, process::ExitCode};

use anyhow::Context;

/// Prints the document.
///
/// # Errors
/// If stdout cannot be written.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let text = server::routes::openapi().to_pretty_json().context("writing OpenAPI")?;
    writeln!(std::io::stdout(), "{text}").context("writing to stdout")?;
    Ok(ExitCode::SUCCESS)
}
