//! GPUs of this machine, asked of the driver's own tool; a machine without one has an empty list.

use std::time::{Duration, Instant};

use protocol::system::{Gpu, Memory};
use tokio::{process::Command, sync::Mutex};

/// How long an answer is good for: starting the tool takes tens of milliseconds.
const KEEP: Duration = Duration::from_secs(2);

/// Without a driver the answer will stay what it is.
const KEEP_NONE: Duration = Duration::from_secs(60);

/// A driver that does not answer in this time is as good as none.
const PATIENCE: Duration = Duration::from_secs(3);

static LAST: Mutex<Option<(Instant, Vec<Gpu>)>> = Mutex::const_new(None);

/// The GPUs of this machine.
pub(crate) async fn list() -> Vec<Gpu> {
    let mut last = LAST.lock().await;
    if let Some((asked, gpus)) = &*last {
        let keep = if gpus.is_empty() { KEEP_NONE } else { KEEP };
        if asked.elapsed() < keep {
            return gpus.clone();
        }
    }
    let gpus = ask().await;
    *last = Some((Instant::now(), gpus.clone()));
    gpus
}

async fn ask() -> Vec<Gpu> {
    let output = Command::new("nvidia-smi")
        .args([
            "--query-gpu=index,name,memory.used,memory.total,utilization.gpu,temperature.gpu",
            "--format=csv,noheader,nounits",
        ])
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(PATIENCE, output).await {
        Ok(Ok(it)) if it.status.success() => {
            String::from_utf8_lossy(&it.stdout).lines().filter_map(parse).collect()
        }
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// One line of the tool's answer; memory is in MiB.
fn parse(line: &str) -> Option<Gpu> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [index, name, used, total, utilization, temperature] = fields[..] else {
        return None;
    };
    let mebibytes = |text: &str| text.parse::<u64>().ok().map(|it| it << 20);
    Some(Gpu {
        index: index.parse().ok()?,
        name: name.to_owned(),
        memory: Memory { used_bytes: mebibytes(used)?, total_bytes: mebibytes(total)? },
        utilization_percent: utilization.parse().ok(),
        temperature_c: temperature.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tool_is_understood() {
        let gpu = parse("0, NVIDIA H200, 512, 143771, 3, [N/A]").unwrap();
        assert_eq!(gpu.name, "NVIDIA H200");
        assert_eq!(gpu.memory, Memory { used_bytes: 512 << 20, total_bytes: 143_771 << 20 });
        assert_eq!((gpu.utilization_percent, gpu.temperature_c), (Some(3), None));
        assert_eq!(parse("no devices were found"), None);
    }
}
