//! Several files at once: threads that take the next file, and a gate that lets a file in when its
//! memory is free.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::{inputs::file_name, interrupt::Interrupt};

/// Bytes for each voxel beside the image itself: the labelmaps of a propagation.
const LABELMAP_BYTES: u64 = 4;
/// Bytes for the graph of an object, whatever the image's size.
const SOLVER_BYTES: u64 = 256 << 20;

/// Runs `work` on every item, `n_jobs` at once, in their order; items not yet begun when somebody
/// asks to stop are left. `work` that panics ends as `panicked` says, and the others go on.
pub(crate) fn for_each<T: Sync>(
    items: &[T],
    n_jobs: usize,
    interrupt: &Interrupt,
    work: impl Fn(&T) + Sync,
    panicked: impl Fn(&T) + Sync,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..n_jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if interrupt.is_asked() {
                        return;
                    }
                    if catch_unwind(AssertUnwindSafe(|| work(item))).is_err() {
                        panicked(item);
                    }
                }
            });
        }
    });
}

/// Memory that files at work may take together.
pub(crate) struct Gate {
    limit_bytes: u64,
    used_bytes: Mutex<u64>,
    freed: Condvar,
}

impl Gate {
    /// A gate for so many bytes.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, used_bytes: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until so much is free. A file that needs more than the limit goes alone.
    pub(crate) fn enter(&self, bytes: u64) -> Pass<'_> {
        let mut used = self.used_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && used.saturating_add(bytes) > self.limit_bytes {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used = used.saturating_add(bytes);
        Pass { gate: self, bytes }
    }
}

/// Memory that a file holds until this is dropped.
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    bytes: u64,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut used = self.gate.used_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(self.bytes);
        self.gate.freed.notify_all();
    }
}

/// Memory that segmenting an image takes, from its header.
///
/// # Errors
/// If the header cannot be read.
pub(crate) fn needed_bytes(image: &Path) -> anyhow::Result<u64> {
    let name = file_name(image);
    let header = volume::read_header(image, &name)
        .with_context(|| format!("cannot read {}", image.display()))?;
    let n_voxels = header.grid.n_voxels() as u64;
    let voxel_bytes = header.voxel_type.size() as u64 + LABELMAP_BYTES;
    Ok(n_voxels.saturating_mul(voxel_bytes).saturating_add(SOLVER_BYTES))
}

/// Half of the memory that is free now, within the limits of a container.
pub(crate) fn default_memory_bytes() -> u64 {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let free = System::new_with_specifics(what).map_or(0, |system| {
        let own = system.cgroup_limits().map_or(u64::MAX, |it| it.free_memory);
        system.available_memory().min(own)
    });
    // Where the system does not tell, as little as a small laptop has.
    if free == 0 { 2 << 30 } else { free / 2 }
}

/// Processors that this process may use.
pub(crate) fn n_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_at_work_never_take_more_than_the_limit_together() {
        let gate = Gate::new(100);
        let most = AtomicUsize::new(0);
        let interrupt = Interrupt::listen().unwrap();
        let sizes: Vec<u64> = (0..200).map(|it| 10 + it % 60).collect();
        let note = |bytes: &u64| {
            let _pass = gate.enter(*bytes);
            let used = *gate.used_bytes.lock().unwrap();
            most.fetch_max(usize::try_from(used).unwrap(), Ordering::SeqCst);
        };
        for_each(&sizes, 8, &interrupt, note, |_| panic!("none panics"));
        assert!((69..=100).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(*gate.used_bytes.lock().unwrap(), 0);
    }

    #[test]
    fn a_file_larger_than_the_limit_goes_alone() {
        let gate = Gate::new(100);
        drop(gate.enter(1000));
        assert_eq!(*gate.used_bytes.lock().unwrap(), 0);
    }

    #[test]
    fn a_panic_on_one_file_leaves_the_others() {
        let interrupt = Interrupt::listen().unwrap();
        let (done, panics) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |it: &u32| {
            assert!(*it != 3, "the bad one");
            done.fetch_add(1, Ordering::SeqCst);
        };
        for_each(&[1, 2, 3, 4, 5], 2, &interrupt, work, |_| {
            panics.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!((done.into_inner(), panics.into_inner()), (4, 1));
    }
}
