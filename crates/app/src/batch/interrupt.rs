//! Ctrl-C, and the signal by which a scheduler ends a job: work in progress is dropped, what is done
//! stays. A second signal ends the process at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::config;

/// Exit code of a run that was interrupted, as shells give it for Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

/// Whether somebody asked to stop.
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let runtime = config::runtime()?;
        let flag = Arc::clone(&asked);
        runtime.spawn(async move {
            while signal().await {
                if flag.swap(true, Ordering::SeqCst) {
                    std::process::exit(i32::from(EXIT_CODE));
                }
            }
        });
        Ok(Self { asked, runtime: Some(runtime) })
    }

    /// Whether somebody asked to stop.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl engine::Control for Interrupt {
    fn progress(&self, _: engine::Stage, _: u32, _: u32) {}

    fn partial(&self, _: engine::SoFar<'_>) {}

    fn is_cancelled(&self) -> bool {
        self.is_asked()
    }
}

/// Waits for a signal; false where none can come.
#[cfg(unix)]
async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
        told = terminate.recv() => told.is_some(),
    }
}

/// Waits for a signal; false where none can come.
#[cfg(not(unix))]
async fn signal() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
