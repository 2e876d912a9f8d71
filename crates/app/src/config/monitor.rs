//! Settings of how a machine says how it is, in an agent as in a server.

use std::{path::Path, time::Duration};

use agent::monitor::Monitor;
use clap::Args;

/// How often a machine says how it is.
#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    /// Seconds between two words of a machine about itself; after a silence of more than 6 s the page
    /// calls it suspect.
    #[arg(long, env = "DEVICE_HEARTBEAT_SECS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=5), value_name = "1–5")]
    device_heartbeat_secs: u64,
}

impl MonitorArgs {
    /// A monitor of the machine `name`, with the disk of `folder`.
    pub(crate) fn monitor(&self, name: String, folder: &Path) -> Monitor {
        Monitor {
            host_id: name,
            every: Duration::from_secs(self.device_heartbeat_secs),
            folder: folder.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The machine's name for people.
pub(crate) fn host_name() -> Option<String> {
    sysinfo::System::host_name().ok().filter(|it| !it.trim().is_empty())
}
