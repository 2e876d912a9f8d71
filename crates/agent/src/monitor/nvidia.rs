//! GPUs and what runs on them, asked of the driver's own tool. A machine without one has none.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use protocol::device::{DeviceGpu, GpuProcess};
use tokio::process::Command;

use super::gigabytes;

/// A driver that does not answer in this time is asked again later.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where there is no tool, it is looked for again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Where the tool failed though there are GPUs, it is asked again after this long.
const ASK_AGAIN: Duration = Duration::from_secs(10);

const OF_GPUS: &str = "--query-gpu=index,uuid,memory.used,memory.total,utilization.gpu,\
    temperature.gpu,power.draw,name";

const OF_PROCESSES: &str = "--query-compute-apps=gpu_uuid,pid,used_memory,process_name";

const AS_CSV: &str = "--format=csv,noheader,nounits";

/// Asks the driver's tool.
#[derive(Debug, Default)]
pub(super) struct Nvidia {
    /// Not before this.
    again: Option<Instant>,
    /// As they were when the tool last answered.
    last: Vec<DeviceGpu>,
}

impl Nvidia {
    /// The GPUs of this machine; where the tool does not answer, those that it had, without figures.
    pub(super) async fn look(&mut self) -> Vec<DeviceGpu> {
        if self.again.is_some_and(|it| Instant::now() < it) {
            return without_figures(&self.last);
        }
        let (gpus, processes) = tokio::join!(ask(OF_GPUS), ask(OF_PROCESSES));
        let Some(gpus) = gpus else {
            let pause = if self.last.is_empty() { LOOK_AGAIN } else { ASK_AGAIN };
            self.again = Some(Instant::now() + pause);
            return without_figures(&self.last);
        };
        self.again = None;
        self.last = together(&gpus, &processes.unwrap_or_default());
        self.last.clone()
    }
}

fn without_figures(gpus: &[DeviceGpu]) -> Vec<DeviceGpu> {
    let plain = |it: &DeviceGpu| DeviceGpu {
        id: it.id,
        name: it.name.clone(),
        vram_total: it.vram_total,
        ..DeviceGpu::default()
    };
    gpus.iter().map(plain).collect()
}

/// The tool's answer; none where there is no tool, or it failed.
async fn ask(query: &str) -> Option<String> {
    let output = Command::new("nvidia-smi").args([query, AS_CSV]).kill_on_drop(true).output();
    let failure = match tokio::time::timeout(PATIENCE, output).await {
        Ok(Ok(it)) if it.status.success() => {
            return Some(String::from_utf8_lossy(&it.stdout).into_owned());
        }
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return None,
        Ok(Ok(it)) => it.status.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_late) => "no answer in time".to_owned(),
    };
    tracing::warn!(query, failure, "nvidia-smi does not say how the GPUs are");
    None
}

/// GPUs with their processes.
fn together(gpus: &str, processes: &str) -> Vec<DeviceGpu> {
    let processes: Vec<_> = processes.lines().filter_map(process).collect();
    let mut found = Vec::new();
    for (uuid, mut gpu) in gpus.lines().filter_map(gpu) {
        let own = processes.iter().filter(|(of, _)| *of == uuid);
        gpu.processes = own.map(|(_, it)| it.clone()).collect();
        found.push(gpu);
    }
    found
}

/// The tool says memory in MiB, and `[N/A]` where it does not know.
fn memory(text: &str) -> Option<f64> {
    text.parse::<u64>().ok().map(|it| gigabytes(it << 20))
}

/// A line of the GPUs. The name comes last: it may hold a comma.
fn gpu(line: &str) -> Option<(&str, DeviceGpu)> {
    let mut fields = line.splitn(8, ',').map(str::trim);
    let (id, uuid) = (fields.next()?.parse().ok()?, fields.next()?);
    let (vram_used, vram_total) = (memory(fields.next()?), memory(fields.next()?));
    let mut number = || fields.next().map(|it| it.parse().ok());
    let (util, temperature, power_usage) = (number()?, number()?, number()?);
    let name = fields.next()?.to_owned();
    let processes = Vec::new();
    let gpu =
        DeviceGpu { id, name, util, vram_used, vram_total, temperature, power_usage, processes };
    Some((uuid, gpu))
}

/// A line of the processes.
fn process(line: &str) -> Option<(&str, GpuProcess)> {
    let mut fields = line.splitn(4, ',').map(str::trim);
    let (uuid, pid) = (fields.next()?, fields.next()?.parse().ok()?);
    let vram_used = memory(fields.next()?);
    let path = fields.next()?;
    // The program, without where it lies: that may name a person.
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    Some((uuid, GpuProcess { pid, name, vram_used }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPUS: &str = "0, GPU-aa, 1024, 143771, 37, 41, 118.90, NVIDIA H200\n\
        1, GPU-bb, 0, 24576, [N/A], [Not Supported], [N/A], Card, with a comma\n";

    const PROCESSES: &str = "GPU-aa, 4711, 512, /opt/venv/bin/python\n\
        GPU-bb, 9, [N/A], C:\\tools\\train.exe\n\
        GPU-aa, 4712, 256, [Not Found]\n";

    #[test]
    fn the_tools_lines_are_understood() {
        let gpus = together(GPUS, PROCESSES);
        assert_eq!(gpus.len(), 2);
        let first = &gpus[0];
        assert_eq!((first.id, first.name.as_str()), (0, "NVIDIA H200"));
        assert_eq!((first.vram_used, first.vram_total), (Some(1.0), Some(140.401)));
        assert_eq!((first.util, first.temperature), (Some(37.0), Some(41.0)));
        assert_eq!(first.power_usage, Some(118.9));
        let names: Vec<_> = first.processes.iter().map(|it| (it.pid, it.name.as_str())).collect();
        assert_eq!(names, [(4711, "python"), (4712, "[Not Found]")]);
        assert_eq!(first.processes[0].vram_used, Some(0.5));
        let second = &gpus[1];
        assert_eq!(second.name, "Card, with a comma");
        assert_eq!((second.util, second.temperature, second.power_usage), (None, None, None));
        assert_eq!(
            (second.processes[0].name.as_str(), second.processes[0].vram_used),
            ("train.exe", None)
        );
    }

    #[test]
    fn other_words_are_no_gpus() {
        for text in ["", "No devices were found\n", "0, GPU-aa\n", "x, GPU-aa, 1, 2, 3, 4, 5, N\n"]
        {
            assert_eq!(together(text, PROCESSES), [], "{text}");
        }
    }
}
