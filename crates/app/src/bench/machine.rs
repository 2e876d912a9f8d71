//! What the figures were measured on.

use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::batch::pool;

/// Above this load other programs take part in the figures.
const IDLE_LOAD: f64 = 0.5;

/// The machine and the build.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    /// Model of the processor.
    pub(super) cpu: String,
    /// Logical processors that this process may use.
    pub(super) n_cpus: usize,
    /// Memory of the machine.
    pub(super) memory_bytes: u64,
    /// Operating system and its version.
    pub(super) os: String,
    /// Runnable processes before the first measurement, mean of one minute.
    pub(super) load_average: f64,
    /// `release` or `debug`.
    pub(super) build: &'static str,
    /// Version of voxloop.
    pub(super) version: &'static str,
}

impl Machine {
    /// This machine, now. What it does not tell is empty or 0.
    pub(super) fn look() -> Self {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(what).ok();
        let cpu = system.as_ref().and_then(|it| it.cpus().first().map(|it| it.brand().to_owned()));
        Self {
            cpu: cpu.unwrap_or_default().trim().to_owned(),
            n_cpus: pool::n_cpus(),
            memory_bytes: system.map_or(0, |it| it.total_memory()),
            os: System::long_os_version().unwrap_or_default(),
            load_average: System::load_average().map_or(0.0, |it| it.one),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Why the figures may be worse than they should be.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.load_average > IDLE_LOAD {
            warnings.push(format!(
                "the machine is not idle: its load is {:.2}, above {IDLE_LOAD}",
                self.load_average
            ));
        }
        if self.build == "debug" {
            warnings.push("this is a debug build: measure a release build".to_owned());
        }
        warnings
    }
}

/// Most memory that a process (`self` or its number) ever held, where the system tells.
pub(super) fn peak_bytes(process: &str) -> Option<u64> {
    status_bytes(process, "VmHWM:")
}

/// Memory that a process holds now, where the system tells.
pub(super) fn resident_bytes(process: &str) -> Option<u64> {
    status_bytes(process, "VmRSS:")
}

fn status_bytes(process: &str, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix(field))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}
