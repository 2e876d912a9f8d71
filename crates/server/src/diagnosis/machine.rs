//! The machine: GPU, memory, clock.

use std::time::{SystemTime, UNIX_EPOCH};

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::{
    Subject,
    finding::{Finding, count, duration, size},
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
        return Finding::note(
            "no NVIDIA GPU answers to nvidia-smi; every engine runs on the processor",
        );
    }
    let lines = gpus.iter().map(|it| {
        let (used, total) = (size(it.memory.used_bytes), size(it.memory.total_bytes));
        format!("{}: {}, {used} of {total} in use", it.index, it.name)
    });
    Finding::ok(count(gpus.len(), "GPU", "GPUs")).details(lines.collect())
}

/// The machine's memory.
#[must_use]
pub fn memory() -> Finding {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let Ok(system) = System::new_with_specifics(what) else {
        return Finding::skipped("the system does not tell its memory");
    };
    let (available, total) = (system.available_memory(), system.total_memory());
    let found = format!("{} available of {}", size(available), size(total));
    if available < LITTLE_MEMORY {
        Finding::warning(found)
            .remedy("end other programs, or let fewer tasks run at once")
            .command("--max-concurrent-jobs 1 (MAX_CONCURRENT_JOBS)")
    } else {
        Finding::ok(found)
    }
}

pub(super) async fn clock(subject: &Subject) -> Finding {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since.map_or(-1, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
    if now_ms < FIRST_DAY_MS {
        return Finding::error("the machine's clock is wrong: it shows a time before 2025")
            .remedy("set the clock, best by the network")
            .command("sudo timedatectl set-ntp true");
    }
    let newest_ms = match &subject.database {
        Ok(store) => store.jobs_and_newest_change().await.map_or(0, |(_, newest)| newest),
        Err(_) => 0,
    };
    let ahead_ms = newest_ms - now_ms;
    if ahead_ms > AHEAD_MS {
        return Finding::warning(format!(
            "the newest change in the database lies {} in the future: a clock was or is wrong",
            duration(ahead_ms)
        ))
        .remedy("set the clocks of server and agents by the network")
        .command("sudo timedatectl set-ntp true");
    }
    Finding::ok("no change in the database lies in the future")
}
