//! Settings of `voxloop agent`.

use std::path::PathBuf;

use agent::Device;
use anyhow::{Context, bail};
use clap::Args;
use engine::medsam2::DeviceChoice;
use protocol::task::TaskKind;

use super::{ComputeArgs, MonitorArgs, host_name, parse_bytes, token_text};
use crate::{program_args::ExecArgs, token_file::Holder, transport_args::ReachArgs};

/// Settings of `voxloop agent`.
#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// The server to pull work from. The variable `DJANGO_API_URL` is taken, too.
    #[arg(long, env = "VOXLOOP_SERVER", value_name = "URL")]
    pub(crate) server: String,
    /// Longest pause in seconds before a server that cannot be reached is asked for work again. One that
    /// can be reached is asked at once, and answers as soon as there is some.
    #[arg(long, env = "POLL_INTERVAL", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECS")]
    pub(crate) poll_interval: u64,
    /// Name for people; that of the machine by default.
    #[arg(long, env = "AGENT_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Kinds of task to take, separated by commas; all by default.
    #[arg(long, env = "AGENT_KINDS", value_delimiter = ',', value_parser = parse_kind, value_name = "KINDS")]
    pub(crate) kinds: Vec<TaskKind>,
    /// Devices that compute, each with tasks of its own: `cpu,cuda:0,cuda:1`; that of `--device` by
    /// default.
    #[arg(long, env = "AGENT_DEVICES", value_delimiter = ',', value_name = "DEVICES")]
    pub(crate) devices: Vec<DeviceChoice>,
    /// Tasks at once on each device.
    #[arg(long, env = "MAX_CONCURRENT_JOBS", default_value_t = 1, value_name = "N")]
    pub(crate) slots: usize,
    /// Folder of model weights.
    #[arg(long, env = "MODEL_ROOT", default_value = "./models", value_name = "DIR")]
    pub(crate) model_dir: PathBuf,
    /// Folder of files that need not survive a restart.
    #[arg(long, env = "TEMP_ROOT", default_value = "./temp", value_name = "DIR")]
    pub(crate) temp_dir: PathBuf,
    /// Room on disk for what `medsam2` made of slices, in the folder of `--temp-dir`; 0 keeps nothing.
    #[arg(long, env = "EMBEDDING_CACHE", default_value = "2G", value_parser = parse_bytes, value_name = "SIZE")]
    pub(crate) embedding_cache: u64,
    /// How and where networks compute.
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// The program that this agent runs.
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    /// How often the machine says how it is.
    #[command(flatten)]
    pub(crate) monitor: MonitorArgs,
    /// File of the token that the server asks for; with `--join` it is made.
    #[arg(long, env = "TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Join token, used once: exchanged for a credential of this agent's own in `--token-file`.
    #[arg(long, env = "JOIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) join: Option<String>,
    /// How the server is reached, and what is kept of its inputs.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

impl AgentArgs {
    /// The devices that compute, each with the name that the server knows it by.
    ///
    /// # Errors
    /// If this build cannot compute there, one is named twice, or none has a place for a task.
    pub(crate) fn devices(&self) -> anyhow::Result<Vec<(DeviceChoice, Device)>> {
        if self.slots == 0 {
            bail!("--slots 0: a device without a task at once does nothing; 1 is the least");
        }
        let chosen = match self.devices.as_slice() {
            [] => vec![self.compute.device()],
            some => some.to_vec(),
        };
        let mut devices: Vec<(DeviceChoice, Device)> = Vec::with_capacity(chosen.len());
        for choice in chosen {
            choice.check().context("--devices")?;
            let (name, gpu_memory_bytes) = choice.place();
            if devices.iter().any(|(_, it)| it.name == name) {
                bail!(
                    "--devices: {name} is named twice; --slots says how many tasks it has at once"
                );
            }
            devices.push((choice, Device { name, slots: self.slots, gpu_memory_bytes }));
        }
        Ok(devices)
    }

    /// The name for people: as given, else that of the machine.
    pub(crate) fn name(&self) -> String {
        let given = self.name.clone().filter(|it| !it.trim().is_empty());
        given.or_else(host_name).unwrap_or_else(|| "agent".to_owned())
    }

    /// The token of `--token-file`, where one is named.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub(crate) fn token(&self) -> anyhow::Result<Option<String>> {
        token_text(self.token_file.as_deref(), Holder::Agent)
    }
}

/// Reads `segment_slice`, `propagate` or `external`.
fn parse_kind(text: &str) -> Result<TaskKind, String> {
    let name = serde_json::Value::String(text.trim().to_owned());
    serde_json::from_value(name).map_err(|_unknown| {
        format!("`{text}` is no kind of task: expected segment_slice, propagate or external")
    })
}
