//! This machine: processors, memory, load. What it does not tell is 0.

use protocol::system::Memory;
use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// Memory of the machine.
pub(crate) fn memory() -> Memory {
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
