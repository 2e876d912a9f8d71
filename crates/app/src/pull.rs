//! `voxloop agent`: pulls work from a server by outgoing requests only.

use std::{process::ExitCode, sync::Arc};

use agent::{Agent, Device, Profile, http::Http};
use anyhow::Context;
use server::images::ImageCache;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, AgentArgs},
    engine_runner::EngineRunner,
    models::{EMBEDDINGS, Models},
};

/// Largest image after decompression.
const MAX_IMAGE_BYTES: u64 = 8 << 30;

/// Decoded volumes that are kept for the next prompt on the same image.
const IMAGE_CACHE_BYTES: u64 = 1 << 30;

/// Works until a signal comes.
///
/// # Errors
/// If the folder cannot be written, or the token not read.
pub(crate) async fn pull(args: AgentArgs) -> anyhow::Result<ExitCode> {
    config::start_log();
    rustls::crypto::ring::default_provider().install_default().ok();
    let token = args.token()?;
    let compute = args.compute.check()?;
    let folder = args.temp_dir.join("inputs");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("--temp-dir: cannot make the folder {}", folder.display()))?;
    let connection = Http::new(&args.server, folder, token.as_deref()).context("--server")?;
    let devices = args.devices()?;
    let name = args.name();
    let images = Arc::new(ImageCache::new(IMAGE_CACHE_BYTES));
    let embeddings = args.temp_dir.join(EMBEDDINGS);
    let models = Models::new(args.model_dir).computing(compute);
    let models = models.keeping_embeddings(embeddings, args.embedding_cache);
    let on_each = |(choice, it): &(_, Device)| (it.name.clone(), Arc::new(models.on(*choice)));
    let runner = EngineRunner::new(images, devices.iter().map(on_each), MAX_IMAGE_BYTES);
    let kinds = Some(args.kinds).filter(|it| !it.is_empty());
    let devices = devices.into_iter().map(|(_, it)| it).collect();
    let profile = Profile { name, kinds, devices };
    let agent = Agent::new(connection, runner, profile);
    let stop = CancellationToken::new();
    tracing::info!(server = %args.server, "pulling work");
    let working = agent.run(stop.clone());
    tokio::pin!(working);
    tokio::select! {
        () = &mut working => {}
        () = crate::serve::signalled(stop) => working.await,
    }
    Ok(ExitCode::SUCCESS)
}
