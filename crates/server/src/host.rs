//! This machine: processors, memory, load. What it does not tell is 0.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use protocol::system::Memory;
use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// How long a reading is good for: to ask the system costs more than the rest of `GET /health`.
const KEEP: Duration = Duration::from_secs(1);

static LAST: Mutex<Option<(Instant, Memory)>> = Mutex::new(None);

/// Memory of the machine, at most a second ago.
pub(crate) fn memory() -> Memory {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((read, memory)) = &*last
        && read.elapsed() < KEEP
    {
        return memory.clone();
    }
    let memory = read_memory();
    *last = Some((Instant::now(), memory.clone()));
    memory
}

fn read_memory() -> Memory {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    System::new_with_specifics(what).map_or(Memory { used_bytes: 0, total_bytes: 0 }, |it| Memory {
        used_bytes: it.used_memory(),
        total_bytes: it.total_memory(),
    })
}

/// Logical processors that this process may use.
pub(crate) fn n_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Runnable processes, mean of one minute.
pub(crate) fn load_average() -> f64 {
    System::load_average().map_or(0.0, |it| it.one)
}

/// Memory that this process holds.
pub(crate) fn process_bytes() -> u64 {
    let (Ok(own), Ok(mut system)) =
        (sysinfo::get_current_pid(), System::new_with_specifics(RefreshKind::nothing()))
    else {
        return 0;
    };
    let what = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, what);
    system.process(own).map_or(0, sysinfo::Process::memory)
}
