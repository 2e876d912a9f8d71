//! `voxloop models download`: one model from the hub, with its licence in sight.

use std::process::ExitCode;

use ::models::{
    catalogue::Model,
    folder::ModelFolder,
    hub::{Fetched, Hub},
};
use serde_json::json;

use super::{list::config_json, progress::Progress, size};
use crate::batch::print::say;

/// What is said, and how.
pub(super) struct How {
    /// One JSON document on stdout.
    pub(super) is_json: bool,
    /// Nothing on stderr.
    pub(super) is_quiet: bool,
}

/// Runs `voxloop models download`.
///
/// # Errors
/// As [`Hub::fetch`].
pub(super) async fn run(
    model: &Model,
    folder: &ModelFolder,
    hub: &Hub,
    how: &How,
) -> anyhow::Result<ExitCode> {
    if !how.is_quiet {
        announce(model, folder, hub);
    }
    let progress = Progress::new(how.is_quiet);
    let fetched = hub.fetch(model, folder, &progress).await;
    progress.finish();
    let (record, is_new) = match fetched? {
        Fetched::Now(it) => (it, true),
        Fetched::Before(it) => (it, false),
    };
    let path = folder.path(model);
    if how.is_json {
        say(&serde_json::to_string_pretty(&json!({
            "name": model.name,
            "path": path,
            "fetched": is_new,
            "bytes": record.size,
            "sha256": record.sha256,
            "pinned": record.announced,
            "source": record.source,
            "commit": record.commit,
            "licence": model.licence,
            "card": model.card(),
            "config": config_json(&folder.configuration(model)?),
        }))?);
        return Ok(ExitCode::SUCCESS);
    }
    let verb = if is_new { "fetched" } else { "is here already" };
    say(&format!("{} {verb}: {}", path.display(), size(record.size)));
    let whose = if record.announced {
        "as the hub announces"
    } else {
        "not pinned: this hub announces none"
    };
    say(&format!("SHA-256 {}, {whose}", record.sha256));
    say(&format!("licence: {} ({})", model.licence, model.card()));
    Ok(ExitCode::SUCCESS)
}

/// What is about to be fetched, and on which terms.
#[expect(clippy::print_stderr, reason = "the outermost layer says what it begins")]
fn announce(model: &Model, folder: &ModelFolder, hub: &Hub) {
    eprintln!("{}: {} → {}", model.name, hub.url(model), folder.path(model).display());
    eprintln!("licence: {} ({})", model.licence, model.card());
}
