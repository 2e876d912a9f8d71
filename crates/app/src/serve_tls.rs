//! `voxloop serve` with a certificate: HTTPS by itself, and a new certificate without a restart.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use server::tls::{Identity, TlsFiles};
use tokio_util::sync::CancellationToken;

use crate::serve::{GRACE, signalled};

/// How often it is looked whether the files have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Answers requests until a signal comes, and a little longer those that are under way.
///
/// # Errors
/// If the port cannot be used.
pub(crate) async fn answer(
    listener: tokio::net::TcpListener,
    router: Router,
    files: TlsFiles,
    identity: &Identity,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let config = RustlsConfig::from_config(identity.config());
    let listener = listener.into_std().context("serving")?;
    let handle = Handle::new();
    let reloading = tokio::spawn(reload(config.clone(), files));
    let leaving = tokio::spawn({
        let (handle, stop) = (handle.clone(), stop.clone());
        async move {
            signalled(stop).await;
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    let served = axum_server::from_tcp_rustls(listener, config)
        .context("serving")?
        .handle(handle)
        .serve(router.into_make_service_with_connect_info::<SocketAddr>())
        .await;
    reloading.abort();
    leaving.abort();
    served.context("serving")
}

/// Reads certificate and key anew when they change, or when a SIGHUP asks for it. What cannot be used
/// is said once, and the server goes on with what it has.
async fn reload(config: RustlsConfig, files: TlsFiles) {
    let mut hang_up = HangUp::listen();
    let mut seen = stamps(&files);
    loop {
        let is_asked = tokio::select! {
            () = hang_up.heard() => true,
            () = tokio::time::sleep(LOOK_AGAIN) => false,
        };
        let now = stamps(&files);
        if !is_asked && now == seen {
            continue;
        }
        seen = now;
        let reading = files.clone();
        let read = tokio::task::spawn_blocking(move || reading.read()).await;
        match read.map_err(anyhow::Error::from).and_then(|it| usable(it?)) {
            Ok(identity) => {
                config.reload_from_config(identity.config());
                say(&identity);
            }
            Err(error) => warn(&error),
        }
    }
}

/// Tells of a certificate in use.
pub(crate) fn say(identity: &Identity) {
    let words = described(identity);
    if has_expired(identity) {
        return warn_of(&format!("{words}: it has expired, and browsers and agents refuse it"));
    }
    tracing::info!("{words}");
}

fn warn_of(doubt: &str) {
    tracing::warn!("{doubt}");
}

/// A new certificate, if it can take the place of the old one.
fn usable(identity: Identity) -> anyhow::Result<Identity> {
    anyhow::ensure!(!has_expired(&identity), "{}: it has expired", described(&identity));
    Ok(identity)
}

fn has_expired(identity: &Identity) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    identity.facts().is_some_and(|it| it.not_after_ms <= now_ms)
}

fn warn(error: &anyhow::Error) {
    tracing::error!(%error, "the new certificate cannot be used; the old one stays");
}

/// What the certificate is for and until when, for the log.
fn described(identity: &Identity) -> String {
    let Some(facts) = identity.facts() else {
        return "the certificate is in use".to_owned();
    };
    let until = Duration::from_millis(u64::try_from(facts.not_after_ms).unwrap_or(0));
    let until = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + until);
    format!("the certificate is for {} until {until}", facts.names.join(", "))
}

/// Sizes and times of both files.
fn stamps(files: &TlsFiles) -> [Option<(u64, SystemTime)>; 2] {
    let stamp = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    [stamp(&files.cert), stamp(&files.key)]
}

/// The signal that asks a server to read its files anew, where the system has one.
struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl HangUp {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::error!(%error, "listening for SIGHUP"));
        Self { signal: signal.ok() }
    }

    async fn heard(&mut self) {
        let Some(signal) = &mut self.signal else { return std::future::pending().await };
        if signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
impl HangUp {
    fn listen() -> Self {
        Self {}
    }

    async fn heard(&mut self) {
        std::future::pending().await
    }
}
