//! `voxloop serve`: database, blobs, page and API behind one port, and an agent of its own.

use std::{
    io::ErrorKind, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration,
};

use agent::{Agent, Device, Profile, program::Program};
use anyhow::{Context, anyhow};
use server::{
    blobs::{BlobError, BlobStore, Bucket, Folder},
    clock::SystemClock,
    diagnosis::{holder_of, remedy_for},
    routes,
    settings::{Place, PublicUrl, Settings},
    state::Server,
    store::Store,
    tls::{Identity, TlsFiles},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    agent_runner::AgentRunner,
    config::{self, ServeArgs},
    engine_runner::EngineRunner,
    first_admin,
    in_process::InProcess,
    left_url, log_file,
    models::{EMBEDDINGS, Models},
    place::without_password,
    serve_tls,
};

/// How long open requests may go on after a signal to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

const IN_THE_CLEAR: &str = "; without HTTPS passwords and images travel in the clear: give the \
    server a certificate with --tls-cert and --tls-key, or put a proxy with TLS in front \
    (--behind-proxy)";

const ASKS_NOBODY: &str = ", to see, change and delete whatever is there: say --behind-proxy if one is \
    in front, invite an admin (voxloop admin invite --role admin), or name the file of a token with \
    --token-file, unless the proxy in front asks who comes";

/// Serves until a signal comes.
///
/// # Errors
/// If the port is taken, a folder cannot be written, or the database cannot be opened.
pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    log_file::start_log();
    // Only one TLS implementation is built in; saying so twice is no error.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut settings = args.settings()?;
    let identity = settings.tls.as_ref().map(TlsFiles::read).transpose()?;
    let listener = listen(args.listen).await?;
    let address = listener.local_addr().context("reading the port")?;
    settings.place = Some(args.place(address));
    let models = Arc::new(models(&args)?);
    let server = build(&args, settings, &models).await?;
    leave_address(&args.lock_folder(), address);
    let here = say_where(address, identity.as_ref());
    let people = server.settings.public_urls.first().map_or(here, PublicUrl::origin);
    left_url::leave(&args.data_dir, &people);
    say_who_is_let_in(&server).await?;

    let stop = CancellationToken::new();
    let ticking = tokio::spawn({
        let server = server.clone();
        async move { server.keep_time().await }
    });
    let program = args.exec.program(&args.temp_dir)?.filter(|_| !args.no_agent);
    let agent =
        (!args.no_agent).then(|| spawn_agent(&args, &server, (models, program), stop.clone()));
    answer(listener, &server, identity, &stop).await?;
    stop.cancel();
    ticking.abort();
    if let Some(agent) = agent {
        agent.await.context("stopping the agent")?;
    }
    server.store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let holder = holder_of(address).map(|it| format!("{it} has it")).unwrap_or_default();
        let is_known = error.kind() == ErrorKind::AddrInUse && !holder.is_empty();
        let cause = if is_known { holder } else { error.to_string() };
        anyhow!(
            "cannot listen on {address}: {cause}; choose another port with --listen \
             127.0.0.1:PORT, or stop the program that has it"
        )
    })
}

/// Answers requests until a signal comes, and a little longer those that are under way.
async fn answer(
    listener: TcpListener,
    server: &Server,
    identity: Option<Identity>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let router = routes::router(server.clone());
    if let (Some(identity), Some(files)) = (identity, server.settings.tls.clone()) {
        return serve_tls::answer(listener, router, files, &identity, stop).await;
    }
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(signalled(stop.clone()));
    tokio::select! {
        served = serving => served.context("serving"),
        () = grace_is_over(stop.clone()) => Ok(()),
    }
}

/// Tells `voxloop doctor` where this server is.
fn leave_address(lock_folder: &Path, address: SocketAddr) {
    if let Err(error) = Folder::say_address(lock_folder, address) {
        tracing::warn!(%error, "`voxloop doctor` will not find this server");
    }
}

/// Says where the server is; its address for this machine.
fn say_where(address: SocketAddr, identity: Option<&Identity>) -> String {
    let scheme = if identity.is_some() { "https" } else { "http" };
    let here = format!("{scheme}://{}", Place::from_here(address));
    tracing::info!("voxloop is at {here}/");
    if let Some(identity) = identity {
        serve_tls::say(identity);
    }
    here
}

/// Says how others get in, and what is not safe about it.
async fn say_who_is_let_in(server: &Server) -> anyhow::Result<()> {
    if server.settings.public_urls.is_empty() {
        return Ok(());
    }
    let is_open = server.is_open().await?;
    match who_is_let_in(&server.settings, is_open) {
        Ok(said) => tracing::info!("{said}"),
        Err(doubt) => warn(&doubt),
    }
    first_admin::print_link(server).await
}

fn warn(doubt: &str) {
    tracing::warn!("{doubt}");
}

/// Who can use the server, and where.
///
/// # Errors
/// The same with what is not safe about it.
fn who_is_let_in(settings: &Settings, is_open: bool) -> Result<String, String> {
    let urls = &settings.public_urls;
    let names = urls.iter().map(PublicUrl::origin).collect::<Vec<_>>().join(", ");
    if is_open {
        return Err(format!("everybody can use it at {names}{ASKS_NOBODY}"));
    }
    let said = format!("whoever signs in can use it at {names}");
    if urls.iter().all(PublicUrl::is_https) { Ok(said) } else { Err(said + IN_THE_CLEAR) }
}

async fn build(
    args: &ServeArgs,
    settings: Settings,
    models: &Arc<Models>,
) -> anyhow::Result<Server> {
    for (flag, folder) in [
        ("--data-dir", &args.data_dir),
        ("--model-dir", &args.model_dir),
        ("--temp-dir", &args.temp_dir),
    ] {
        make_folder(folder).map_err(|it| unusable(flag, folder, &it))?;
    }
    let blobs = blobs(args)?;
    let url = args.database_url()?;
    let store = Store::open(&url).await.map_err(|error| {
        if args.has_database_url() {
            return anyhow!("--database-url {}: {error}", without_password(&url));
        }
        anyhow!("--data-dir: {}: {error}", args.data_dir.join("voxloop.db").display())
    })?;
    let log_dir = args.log_dir();
    if let Err(error) = log_file::start(&log_dir) {
        tracing::warn!(%error, folder = %log_dir.display(), "no log files are written");
    }
    store.forget_own_agents().await.context("forgetting the agent of the run before")?;
    let models = Arc::clone(models);
    Ok(Server::new(store, blobs, Arc::new(SystemClock), settings, models))
}

/// Makes a folder that only its owner opens, with images of patients in it; one that is there stays
/// as it is.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn models(args: &ServeArgs) -> anyhow::Result<Models> {
    let embeddings = args.temp_dir.join(EMBEDDINGS);
    let models = Models::new(args.model_dir.clone()).computing(args.compute.check()?);
    let models = models.keeping_embeddings(embeddings, args.embedding_cache);
    Ok(if args.no_agent { models.run_elsewhere() } else { models })
}

fn blobs(args: &ServeArgs) -> anyhow::Result<Arc<dyn BlobStore>> {
    let folder = args.lock_folder();
    let (flag, made) = match args.bucket() {
        Some(url) => {
            let bucket = Bucket::new(url, config::aws_variables(), &folder);
            ("--temp-dir", bucket.map(|it| Arc::new(it) as Arc<dyn BlobStore>))
        }
        None => ("--data-dir", Folder::new(&folder).map(|it| Arc::new(it) as Arc<dyn BlobStore>)),
    };
    made.map_err(|error| match error {
        BlobError::Io(cause) => unusable(flag, &folder, &cause),
        BlobError::Address { .. } => anyhow!("--object-store-url: {error}"),
        BlobError::Missing(_)
        | BlobError::Damaged { .. }
        | BlobError::WrongDigest { .. }
        | BlobError::InUse(_)
        | BlobError::Bucket(_) => anyhow!("{flag}: {error}"),
    })
}

/// Why a folder cannot be used, and what to do, in one sentence.
fn unusable(flag: &str, folder: &Path, error: &std::io::Error) -> anyhow::Error {
    let remedy = remedy_for(error);
    let folder = folder.display();
    anyhow!("{flag}: cannot write to {folder}: {error}; {remedy}, or choose another folder")
}

fn spawn_agent(
    args: &ServeArgs,
    server: &Server,
    (models, program): (Arc<Models>, Option<Program>),
    stop: CancellationToken,
) -> tokio::task::JoinHandle<()> {
    let (device, gpu_memory_bytes) = args.compute.device().place();
    let slots = usize::from(args.max_concurrent_jobs);
    let profile = Profile {
        name: "server".to_owned(),
        kinds: None,
        devices: vec![Device { name: device.clone(), slots, gpu_memory_bytes }],
    };
    let models = [(device, models)];
    let engines = EngineRunner::new(Arc::clone(&server.images), models, args.max_image);
    let runner = AgentRunner { engines, program };
    let host = config::host_name().unwrap_or_else(|| "server".to_owned());
    let monitor = args.monitor.monitor(host, &args.temp_dir);
    let agent = Agent::new(InProcess::new(server.clone()), runner, profile).watching(monitor);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_server_says_what_is_not_safe_about_it() {
        let said = |url: &str, is_open: bool| {
            let public_urls = vec![PublicUrl::new(url).unwrap()];
            who_is_let_in(&Settings { public_urls, ..Settings::default() }, is_open)
        };
        said("https://seg.example.org", false).unwrap();
        assert!(said("http://10.0.0.5:8000", false).unwrap_err().contains("in the clear"));
        assert!(said("https://seg.example.org", true).unwrap_err().contains("--token-file"));
    }
}
