//! `voxloop serve`: database, blobs, page and API behind one port, and an agent of its own.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use agent::{Agent, Profile};
use anyhow::Context;
use server::{
    blobs::{BlobStore, Bucket, Folder},
    clock::SystemClock,
    routes,
    settings::{PublicUrl, Settings},
    state::Server,
    store::Store,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, ServeArgs},
    engine_runner::EngineRunner,
    in_process::InProcess,
};

/// How long open requests may go on after a signal to stop.
const GRACE: Duration = Duration::from_secs(5);

const IN_THE_CLEAR: &str = "; without HTTPS the token and the images travel in the clear: put a \
    proxy with TLS in front and name its address with --public-url https://…";

/// Serves until a signal comes.
///
/// # Errors
/// If the port is taken, a folder cannot be written, or the database cannot be opened.
pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    config::start_log();
    // Only one TLS implementation is built in; saying so twice is no error.
    rustls::crypto::ring::default_provider().install_default().ok();
    let settings = args.settings()?;
    let listener = listen(args.listen).await?;
    let server = build(&args, settings).await?;
    let address = listener.local_addr().context("reading the port")?;
    tracing::info!("voxloop is at http://{address}/");
    if !address.ip().is_loopback() {
        say_who_is_let_in(&server);
    }

    let stop = CancellationToken::new();
    let ticking = tokio::spawn({
        let server = server.clone();
        async move { server.keep_time().await }
    });
    let agent = (!args.no_agent).then(|| spawn_agent(&args, &server, stop.clone()));
    answer(listener, &server, &stop).await?;
    stop.cancel();
    ticking.abort();
    if let Some(agent) = agent {
        agent.await.context("stopping the agent")?;
    }
    server.store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: choose another port with --listen 127.0.0.1:PORT, or stop \
             the program that has it"
        )
    })
}

/// Answers requests until a signal comes, and a little longer those that are under way.
async fn answer(
    listener: TcpListener,
    server: &Server,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let router = routes::router(server.clone());
    let serving = axum::serve(listener, router).with_graceful_shutdown(signalled(stop.clone()));
    tokio::select! {
        served = serving => served.context("serving"),
        () = grace_is_over(stop.clone()) => Ok(()),
    }
}

/// Says how others get in, and what is not safe about it.
fn say_who_is_let_in(server: &Server) {
    let urls = &server.settings.public_urls;
    let names = urls.iter().map(PublicUrl::origin).collect::<Vec<_>>().join(", ");
    let is_safe = urls.iter().all(PublicUrl::is_https);
    let hint = if is_safe { "" } else { IN_THE_CLEAR };
    tracing::info!("people with the token reach it at {names}{hint}");
}

async fn build(args: &ServeArgs, settings: Settings) -> anyhow::Result<Server> {
    for (flag, folder) in [
        ("--data-dir", &args.data_dir),
        ("--model-dir", &args.model_dir),
        ("--temp-dir", &args.temp_dir),
    ] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{flag}: cannot make the folder {}", folder.display()))?;
    }
    let blobs: Arc<dyn BlobStore> =
        match args.object_store_url.as_ref().filter(|it| !it.is_empty()) {
            Some(url) => Arc::new(
                Bucket::new(url, config::aws_variables(), &args.temp_dir.join("blob-cache"))
                    .context("--object-store-url")?,
            ),
            None => Arc::new(Folder::new(&args.data_dir).with_context(|| {
                format!("--data-dir: cannot write to {}", args.data_dir.display())
            })?),
        };
    let url = args.database_url()?;
    let place = if args.database_url.is_some() { "--database-url" } else { "--data-dir" };
    let store = Store::open(&url).await.context(place)?;
    let engines = Arc::new(EngineRunner::statuses);
    Ok(Server::new(store, blobs, Arc::new(SystemClock), settings, engines))
}

fn spawn_agent(
    args: &ServeArgs,
    server: &Server,
    stop: CancellationToken,
) -> tokio::task::JoinHandle<()> {
    let profile = Profile { name: "server".to_owned(), slots: args.max_concurrent_jobs };
    let runner = EngineRunner::new(Arc::clone(&server.images), args.max_image);
    let agent = Agent::new(InProcess::new(server.clone()), runner, profile);
    tokio::spawn(async move { agent.run(stop).await })
}

/// Waits for Ctrl-C or a request to terminate, then tells everybody.
pub(crate) async fn signalled(stop: CancellationToken) {
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "listening for Ctrl-C");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
    tracing::info!("stopping; once more to stop at once");
    stop.cancel();
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "listening for SIGTERM");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}

/// Event streams never end by themselves: they get some seconds, then the server stops.
async fn grace_is_over(stop: CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
