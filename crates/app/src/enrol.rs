//! `voxloop agent --join`: a join token becomes a credential of this agent's own, kept in a file that
//! only its owner can read.

use std::{io::Write, path::Path};

use agent::{cache::Cache, http::Http};
use anyhow::{Context, bail};
use protocol::access::EnrolRequest;

use crate::config::{AgentArgs, named};

/// What the agent shows: what the file holds, or what it gets for its join token, once.
///
/// # Errors
/// If the file cannot be read or written, or the server does not take the join token.
pub(crate) async fn token(args: &AgentArgs, cache: &Cache) -> anyhow::Result<Option<String>> {
    let Some(join) = args.join.as_deref().filter(|it| !it.trim().is_empty()) else {
        return args.token();
    };
    let Some(file) = named(args.token_file.as_deref()) else {
        bail!("--join: say with --token-file where this agent keeps the credential it gets for it");
    };
    if file.exists() {
        // A service is started again and again with the same line.
        tracing::info!("{} is there: --join is not needed any more", file.display());
        return args.token();
    }
    let cannot = || format!("--token-file: cannot write {}", file.display());
    let parent = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made before the join token is spent. Such files are for their owner alone.
    let mut kept = tempfile::NamedTempFile::new_in(parent).with_context(cannot)?;
    let reach = args.reach.to(&args.server)?;
    let connection = Http::new(reach, cache.clone(), None).context("--server")?;
    let request =
        EnrolRequest { join: join.trim().to_owned(), name: args.name.clone().unwrap_or_default() };
    let enrolled = connection.enrol(&request).await.context("--join")?;
    writeln!(kept, "{}", enrolled.token).with_context(cannot)?;
    kept.as_file().sync_all().with_context(cannot)?;
    kept.persist_noclobber(file).with_context(cannot)?;
    tracing::info!(credential = %enrolled.credential_id, "enrolled; kept in {}", file.display());
    Ok(Some(enrolled.token))
}
