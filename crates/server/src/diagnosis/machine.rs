//! The machine: GPU, memory, clock.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::sentence;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::{
    Subject,
    finding::{Finding, duration, size},
};

/// With less free memory an image of a usual size cannot be segmented.
const LITTLE_MEMORY: u64 = 1 << 30;

/// This program did not exist before 2025.
const FIRST_DAY_MS: i64 = 1_735_689_600_000;

/// A change that lies this far in the future was written with another clock.
const AHEAD_MS: i64 = 60_000;

/// Operating system and processor.
pub(super) fn system() -> String {
    let name = System::long_os_version().unwrap_or_else(|_untold| std::env::consts::OS.to_owned());
    format!("{name}, {}, {} processors", std::env::consts::ARCH, crate::host::n_cpus())
}

/// The machine's GPUs; none is no fault.
pub async fn gpu() -> Finding {
    let gpus = crate::gpu::list().await;
    if gpus.is_empty() {
        return Finding::note(sentence::no_gpu());
    }
    let lines = gpus.iter().map(|it| {
        let (used, total) = (size(it.memory.used_bytes), size(it.memory.total_bytes));
        sentence::gpu_memory(it.index, it.name.as_str(), used, total)
    });
    Finding::ok(sentence::gpus(gpus.len())).details(lines.collect())
}

/// The machine's memory.
#[must_use]
pub fn memory() -> Finding {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let Ok(system) = System::new_with_specifics(what) else {
        return Finding::skipped(sentence::memory_unknown());
    };
    let (available, total) = (system.available_memory(), system.total_memory());
    let found = sentence::memory_available(size(available), size(total));
    if available < LITTLE_MEMORY {
        Finding::warning(found)
            .remedy(sentence::end_programs())
            .command("--max-concurrent-jobs 1 (MAX_CONCURRENT_JOBS)")
    } else {
        Finding::ok(found)
    }
}

pub(super) async fn clock(subject: &Subject) -> Finding {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since.map_or(-1, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
    if now_ms < FIRST_DAY_MS {
        return Finding::error(sentence::clock_wrong())
            .remedy(sentence::set_clock())
            .command("sudo timedatectl set-ntp true");
    }
    let newest_ms = match &subject.database {
        Ok(store) => store.jobs_and_newest_change().await.map_or(0, |(_, newest)| newest),
        Err(_) => 0,
    };
    let ahead_ms = newest_ms - now_ms;
    if ahead_ms > AHEAD_MS {
        return Finding::warning(sentence::clock_ahead(duration(ahead_ms)))
            .remedy(sentence::set_clocks())
            .command("sudo timedatectl set-ntp true");
    }
    Finding::ok(sentence::clock_fine())
}
