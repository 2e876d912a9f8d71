//! Processors, memory and disk of this machine; what it does not tell is left out.

use std::path::{Path, PathBuf};

use protocol::device::DeviceReadings;
use sysinfo::{Disks, RefreshKind, System};

use super::gigabytes;

/// Looks at this machine. How busy the processors are is counted from one look to the next.
pub(super) struct Machine {
    folder: PathBuf,
    system: Option<System>,
    is_first: bool,
}

impl Machine {
    pub(super) fn new(folder: PathBuf) -> Self {
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let system = System::new_with_specifics(RefreshKind::nothing()).ok();
        Self { folder, system, is_first: true }
    }

    /// How the machine is now. The system is asked on a thread where waiting does no harm.
    pub(super) async fn look(&mut self) -> DeviceReadings {
        let (folder, system) = (self.folder.clone(), self.system.take());
        let is_first = std::mem::replace(&mut self.is_first, false);
        let asked = tokio::task::spawn_blocking(move || {
            let mut system = system?;
            system.refresh_cpu_usage();
            system.refresh_memory();
            let disk = disk_of(&folder);
            let readings = DeviceReadings {
                cpu_util: (!is_first).then(|| f64::from(system.global_cpu_usage()).round()),
                memory_used: Some(gigabytes(system.used_memory())),
                memory_total: Some(gigabytes(system.total_memory())),
                disk_free: disk.map(|it| gigabytes(it.0)),
                disk_total: disk.map(|it| gigabytes(it.1)),
                ..DeviceReadings::default()
            };
            Some((system, readings))
        });
        let (system, readings) = asked.await.ok().flatten().unzip();
        self.system = system;
        readings.unwrap_or_default()
    }
}

/// Free and total bytes of the disk that a folder lies on.
fn disk_of(folder: &Path) -> Option<(u64, u64)> {
    let disks = Disks::new_with_refreshed_list().ok()?;
    let holds = disks.iter().filter(|it| folder.starts_with(it.mount_point()));
    let nearest = holds.max_by_key(|it| it.mount_point().as_os_str().len())?;
    Some((nearest.available_space(), nearest.total_space()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_tells_of_its_processors_memory_and_disk() {
        let mut machine = Machine::new(std::env::temp_dir());
        let first = machine.look().await;
        assert_eq!(first.cpu_util, None, "nothing to count from yet");
        let second = machine.look().await;
        assert!((0.0..=100.0).contains(&second.cpu_util.unwrap()));
        assert!(second.memory_used.unwrap() <= second.memory_total.unwrap());
        assert!(second.disk_free.unwrap() <= second.disk_total.unwrap());
    }
}
