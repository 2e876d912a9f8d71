//! `voxloop agent`: pulls work from a server by outgoing requests only.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use agent::{Agent, Device, Profile, cache::Cache, http::Http};
use anyhow::{Context, bail, ensure};
use protocol::task::TaskKind;
use server::images::ImageCache;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    agent_runner::AgentRunner,
    config::{self, AgentArgs},
    engine_runner::EngineRunner,
    enrol, log_file,
    models::{EMBEDDINGS, Models},
};

/// Largest image after decompression.
const MAX_IMAGE_BYTES: u64 = 8 << 30;

/// Decoded volumes that are kept for the next prompt on the same image.
const IMAGE_CACHE_BYTES: u64 = 1 << 30;

/// Works until a signal comes.
///
/// # Errors
/// If the folder cannot be written, the token not read, or the server does not take it.
pub(crate) async fn pull(args: AgentArgs) -> anyhow::Result<ExitCode> {
    log_file::start_log();
    rustls::crypto::ring::default_provider().install_default().ok();
    let compute = args.compute.check()?;
    let folder = args.temp_dir.join("blobs");
    let cache = Cache::new(&folder, args.reach.cache_size)
        .with_context(|| format!("--temp-dir: cannot use the folder {}", folder.display()))?;
    let token = enrol::token(&args, &cache).await?;
    let connection =
        Http::new(args.reach.to(&args.server)?, cache, token.as_deref()).context("--server")?;
    let mut turned_away = connection.turned_away();
    let devices = args.devices()?;
    let name = args.name();
    let monitor = args.monitor.monitor(name.clone(), &args.temp_dir);
    let images = Arc::new(ImageCache::new(IMAGE_CACHE_BYTES));
    let embeddings = args.temp_dir.join(EMBEDDINGS);
    let models = Models::new(args.model_dir).computing(compute);
    let models = models.keeping_embeddings(embeddings, args.embedding_cache);
    let on_each = |(choice, it): &(_, Device)| (it.name.clone(), Arc::new(models.on(*choice)));
    let engines = EngineRunner::new(images, devices.iter().map(on_each), MAX_IMAGE_BYTES);
    let program = args.exec.program(&args.temp_dir)?;
    check_kinds(&args.kinds, program.is_some())?;
    let kinds = Some(args.kinds).filter(|it| !it.is_empty());
    // Who starts an agent for a program does not expect it to segment for others, unless they say so.
    let kinds = kinds.or_else(|| program.as_ref().map(|_| vec![TaskKind::External]));
    let devices = devices.into_iter().map(|(_, it)| it).collect();
    let profile = Profile { name, kinds, devices };
    let runner = AgentRunner { engines, program };
    let agent = Agent::new(connection, runner, profile)
        .watching(monitor)
        .asking_again_after(Duration::from_secs(args.poll_interval));
    let stop = CancellationToken::new();
    tracing::info!(server = %args.server, "pulling work");
    let working = agent.run(stop.clone());
    tokio::pin!(working);
    tokio::select! {
        () = &mut working => {}
        () = crate::serve::signalled(stop.clone()) => working.await,
        reason = said(&mut turned_away) => {
            stop.cancel();
            working.await;
            bail!("{reason}{}", remedy(args.token_file.as_deref()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Why the server turned this agent away, once it does.
async fn said(turned_away: &mut watch::Receiver<Option<String>>) -> String {
    match turned_away.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        // The connection is gone: nobody can turn it away any more.
        Err(_gone) => std::future::pending().await,
    }
}

/// What to do when the server does not take this agent's credential.
fn remedy(token_file: Option<&Path>) -> String {
    let command = "voxloop agent --server URL --join TOKEN --token-file FILE";
    match config::named(token_file) {
        Some(file) => {
            format!("; ask an admin for a join token, remove {}, then: {command}", file.display())
        }
        None => format!("; ask an admin for a join token, then: {command}"),
    }
}
/// A program that no task is for, and tasks that no program is for, wait for ever.
fn check_kinds(kinds: &[TaskKind], has_program: bool) -> anyhow::Result<()> {
    let is_external = kinds.contains(&TaskKind::External);
    if has_program {
        ensure!(is_external || kinds.is_empty(), "--kinds: the program of --exec runs `external`");
    } else {
        ensure!(!is_external || kinds.len() > 1, "--kinds external: name the program with --exec");
    }
    Ok(())
}
