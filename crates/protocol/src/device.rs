//! Machines that compute: what their agents say of them every few seconds, and what the server says.
//!
//! Memory and disk are in GB of 2³⁰ bytes, shares in percent, temperatures in degrees Celsius, power in
//! watts: the units of the programs that this part of the API was made for.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    id::{AgentId, JobId, TaskId},
    task::{Progress, TaskKind},
};

/// A machine says that it lives and how it is. Everything but its name may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DeviceHeartbeat {
    /// The machine's name. It or `device_name` is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_id: Option<String>,
    /// The machine's name, as some programs call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The agent that speaks: the tasks it has are shown with the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// How the machine is.
    #[serde(flatten)]
    pub readings: DeviceReadings,
    /// What the machine runs, as the program calls it.
    pub active_jobs: Vec<Value>,
}

/// How a machine is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DeviceReadings {
    /// Mean of the GPUs.
    pub gpu_util: Option<f64>,
    /// GPU memory in use, of all GPUs.
    pub vram_used: Option<f64>,
    /// GPU memory, of all GPUs.
    pub vram_total: Option<f64>,
    /// The hottest GPU's.
    pub gpu_temperature: Option<f64>,
    /// Of all GPUs.
    pub gpu_power_usage: Option<f64>,
    /// Number of GPUs.
    pub gpu_count: Option<u32>,
    /// Each GPU.
    pub gpus: Vec<DeviceGpu>,
    /// Mean of the processors.
    pub cpu_util: Option<f64>,
    /// Memory in use.
    pub memory_used: Option<f64>,
    /// Memory in all.
    pub memory_total: Option<f64>,
    /// Room on the disk that tasks are computed on.
    pub disk_free: Option<f64>,
    /// That disk in all.
    pub disk_total: Option<f64>,
    /// Version of a library, where the program says it.
    pub torch_version: Option<String>,
    /// Version of a library, where the program says it.
    pub cuda_version: Option<String>,
    /// Version of the agent.
    pub version: Option<String>,
    /// Version of the program's own code.
    pub code_version: Option<CodeVersion>,
}

/// Which code a program is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CodeVersion {
    /// Commit.
    pub git_hash: Option<String>,
    /// Whether files differ from the commit.
    pub git_dirty: Option<bool>,
    /// Branch.
    pub branch: Option<String>,
    /// Digest of the source files.
    pub files_hash: Option<String>,
    /// Digest of the list of libraries.
    pub uv_lock_hash: Option<String>,
}

/// A GPU of a machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DeviceGpu {
    /// Number on the machine.
    pub id: u32,
    /// Model.
    pub name: String,
    /// Percent of the time in which it was busy.
    pub util: Option<f64>,
    /// Memory in use.
    pub vram_used: Option<f64>,
    /// Memory in all.
    pub vram_total: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Watts.
    pub power_usage: Option<f64>,
    /// What computes on it.
    pub processes: Vec<GpuProcess>,
}

/// A program on a GPU.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct GpuProcess {
    /// The system's number.
    pub pid: u32,
    /// Of the program.
    pub name: String,
    /// GPU memory that it holds, where the driver tells.
    pub vram_used: Option<f64>,
}

/// The server did as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceAnswer {
    /// `Heartbeat received` or `Device removed`.
    pub message: String,
    /// The machine.
    pub host_id: String,
}

/// What a machine does, or how long it has been silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// It lives and has nothing to do.
    Idle,
    /// It lives and works.
    Busy,
    /// Silent for more than 6 s.
    Suspect,
    /// Silent for more than 15 s.
    Offline,
}

/// A task on a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceTask {
    /// The task.
    pub task_id: TaskId,
    /// What it does.
    pub kind: TaskKind,
    /// Its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The job's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// Where on the machine: `cpu`, `cuda:0` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// A machine as the server knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// The machine's name.
    pub host_id: String,
    /// What it does, by the server's clock.
    pub status: DeviceStatus,
    /// Silent for more than 60 s: it may be removed.
    pub removable: bool,
    /// When it was last heard: RFC 3339, UTC.
    pub last_heartbeat: String,
    /// The same in milliseconds since 1970.
    pub last_ms: i64,
    /// Milliseconds since then, when this was said.
    pub silent_ms: i64,
    /// Place in the order of what changed about devices.
    pub seq: i64,
    /// How it was when it was last heard.
    #[serde(flatten)]
    pub readings: DeviceReadings,
    /// Tasks of this server that run there.
    pub tasks: Vec<DeviceTask>,
    /// What else it said that it runs.
    pub active_jobs: Vec<String>,
    /// How it was in the last minutes, oldest first; only where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<DeviceSample>>,
}

/// How a machine was at one time, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceSample {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Processors.
    pub cpu: Option<f64>,
    /// Memory in use.
    pub memory: Option<f64>,
    /// Mean of the GPUs.
    pub gpu: Option<f64>,
    /// GPU memory in use.
    pub vram: Option<f64>,
}
