//! What machines say: two shapes of body, checked, and what may be worked out of the rest.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use protocol::{
    device::{DeviceGpu, DeviceReadings, DeviceSample},
    id::AgentId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{body, error::ApiError, people::is_invisible};

/// Characters of a name that are kept.
const MAX_CHARS: usize = 100;

/// GPUs of a machine, programs on a GPU, tasks that a machine names.
const MAX_LISTED: usize = 100;

/// Larger figures are none of a machine's.
const MAX_FIGURE: f64 = 1e9;

/// What is kept of a machine's words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// How it is.
    pub readings: DeviceReadings,
    /// What it runs, as its program calls it.
    pub active_jobs: Vec<String>,
    /// The agents on it and when each was last heard, milliseconds since 1970.
    pub agents: BTreeMap<AgentId, i64>,
}

/// A heartbeat as it came.
#[derive(Debug, PartialEq)]
pub(crate) struct Beat {
    pub(crate) host_id: String,
    pub(crate) agent_id: Option<AgentId>,
    pub(crate) readings: DeviceReadings,
    pub(crate) active_jobs: Vec<String>,
}

/// Who speaks; the rest of the body is the readings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Speaker {
    host_id: Option<String>,
    device_name: Option<String>,
    agent_id: Option<AgentId>,
    active_jobs: Vec<Value>,
}

impl Beat {
    /// Reads `{host_id, …}` or `{device_name, gpus}`.
    ///
    /// # Errors
    /// 400 where it says no name, 422 naming the field that cannot be used.
    pub(crate) fn read(value: Value) -> Result<Self, ApiError> {
        // Read twice, each time for some of its fields: so an error names the field.
        let speaker: Speaker = body::from_value(value.clone())?;
        let readings: DeviceReadings = body::from_value(value)?;
        let given = speaker.host_id.or(speaker.device_name);
        let Some(host_id) = given.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()) else {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "invalid",
                "host_id: say the machine's name in host_id or device_name",
            ));
        };
        // A browser takes the last two for steps in the path of an address.
        let is_plain = !host_id.chars().any(is_invisible) && !matches!(&*host_id, "." | "..");
        if host_id.chars().count() > MAX_CHARS || !is_plain {
            let message = format!("a name of 1 to {MAX_CHARS} printable characters, not . or ..");
            return Err(ApiError::invalid("host_id", message));
        }
        check(&readings)?;
        let texts = speaker.active_jobs.iter().take(MAX_LISTED);
        let active_jobs = texts.filter_map(Value::as_str).map(cut).collect();
        let readings = completed(shortened(readings));
        Ok(Self { host_id, agent_id: speaker.agent_id, readings, active_jobs })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// Refuses figures that no machine has.
fn check(readings: &DeviceReadings) -> Result<(), ApiError> {
    let own = [
        ("gpu_util", readings.gpu_util),
        ("vram_used", readings.vram_used),
        ("vram_total", readings.vram_total),
        ("gpu_power_usage", readings.gpu_power_usage),
        ("cpu_util", readings.cpu_util),
        ("memory_used", readings.memory_used),
        ("memory_total", readings.memory_total),
        ("disk_free", readings.disk_free),
        ("disk_total", readings.disk_total),
    ];
    let of_gpus = readings.gpus.iter().flat_map(|it| {
        let used = it.processes.iter().map(|it| ("gpus.processes.vram_used", it.vram_used));
        let figures = [
            ("gpus.util", it.util),
            ("gpus.vram_used", it.vram_used),
            ("gpus.vram_total", it.vram_total),
            ("gpus.power_usage", it.power_usage),
        ];
        figures.into_iter().chain(used)
    });
    let is_figure = |it: f64| (0.0..=MAX_FIGURE).contains(&it);
    match own.into_iter().chain(of_gpus).find(|(_, it)| it.is_some_and(|it| !is_figure(it))) {
        Some((field, _)) => Err(ApiError::invalid(field, "a number from 0 to 1000000000")),
        None => Ok(()),
    }
}

/// Lists and texts of a length that fits on a page.
fn shortened(mut readings: DeviceReadings) -> DeviceReadings {
    readings.gpus.truncate(MAX_LISTED);
    for gpu in &mut readings.gpus {
        gpu.name = cut(&gpu.name);
        gpu.processes.truncate(MAX_LISTED);
        for it in &mut gpu.processes {
            it.name = cut(&it.name);
        }
    }
    let code = readings.code_version.as_mut();
    let of_code =
        code.map(|it| [&mut it.git_hash, &mut it.branch, &mut it.files_hash, &mut it.uv_lock_hash]);
    let own = [&mut readings.torch_version, &mut readings.cuda_version, &mut readings.version];
    for text in own.into_iter().chain(of_code.into_iter().flatten()).flatten() {
        *text = cut(text);
    }
    readings
}

/// Each GPU where only the whole was said, and the whole where only each GPU was.
fn completed(mut readings: DeviceReadings) -> DeviceReadings {
    let says_whole = readings.vram_total.is_some() || readings.gpu_util.is_some();
    if readings.gpus.is_empty() && says_whole && readings.gpu_count.unwrap_or(1) == 1 {
        readings.gpus.push(DeviceGpu {
            util: readings.gpu_util,
            vram_used: readings.vram_used,
            vram_total: readings.vram_total,
            temperature: readings.gpu_temperature,
            power_usage: readings.gpu_power_usage,
            ..DeviceGpu::default()
        });
    }
    let gpus = &readings.gpus;
    let known = |of: fn(&DeviceGpu) -> Option<f64>| gpus.iter().filter_map(of);
    let sum = |of| known(of).reduce(|a, b| a + b);
    let n_known = f64::from(u32::try_from(known(|it| it.util).count()).unwrap_or(u32::MAX));
    let mean = sum(|it| it.util).map(|it| it / n_known);
    let hottest = known(|it| it.temperature).reduce(f64::max);
    let (used, total) = (sum(|it| it.vram_used), sum(|it| it.vram_total));
    let watts = sum(|it| it.power_usage);
    readings.gpu_util = readings.gpu_util.or(mean);
    readings.vram_used = readings.vram_used.or(used);
    readings.vram_total = readings.vram_total.or(total);
    readings.gpu_temperature = readings.gpu_temperature.or(hottest);
    readings.gpu_power_usage = readings.gpu_power_usage.or(watts);
    readings.gpu_count = readings.gpu_count.or_else(|| u32::try_from(gpus.len()).ok());
    readings
}

/// What a curve shows of a machine.
pub(crate) fn sample(readings: &DeviceReadings, at_ms: i64) -> DeviceSample {
    let share = |used: Option<f64>, total: Option<f64>| {
        let (used, total) = (used?, total?);
        (total > 0.0).then(|| round(100.0 * used / total))
    };
    DeviceSample {
        at_ms,
        cpu: readings.cpu_util.map(round),
        memory: share(readings.memory_used, readings.memory_total),
        gpu: readings.gpu_util.map(round),
        vram: share(readings.vram_used, readings.vram_total),
    }
}

/// One decimal: a curve shows no more, and there are many of them.
fn round(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_bodies_say_the_same() {
        let gpu = json!({
            "id": 0, "name": "RTX 3090", "util": 40.0, "vram_used": 6.0, "vram_total": 24.0,
            "temperature": 61, "power_usage": 210.5,
        });
        let beat = Beat::read(json!({ "device_name": "gpu-1", "gpus": [gpu] })).unwrap();
        let code = json!({
            "host_id": "gpu-1", "gpu_util": 40.0, "vram_used": 6.0, "vram_total": 24.0,
            "gpu_temperature": 61, "gpu_power_usage": 210.5, "gpu_count": 1, "gpus": [gpu],
        });
        assert_eq!(beat, Beat::read(code).unwrap());
        assert_eq!(sample(&beat.readings, 5).vram, Some(25.0));
    }

    #[test]
    fn the_whole_is_worked_out_of_the_gpus() {
        let gpus = json!([
            { "id": 0, "util": 10, "vram_used": 1, "vram_total": 8, "temperature": 50 },
            { "id": 1, "util": 70, "vram_used": 2, "vram_total": 8, "temperature": 80 },
            { "id": 2 },
        ]);
        let beat = Beat::read(json!({ "host_id": "a", "gpus": gpus })).unwrap();
        let it = beat.readings;
        assert_eq!((it.gpu_util, it.vram_used, it.vram_total), (Some(40.0), Some(3.0), Some(16.0)));
        assert_eq!(
            (it.gpu_temperature, it.gpu_power_usage, it.gpu_count),
            (Some(80.0), None, Some(3))
        );
    }

    #[test]
    fn a_machine_that_says_only_the_whole_has_a_gpu() {
        let beat =
            Beat::read(json!({ "host_id": "a", "gpu_util": 12.0, "vram_total": 8 })).unwrap();
        assert_eq!(beat.readings.gpus.len(), 1);
        let without = Beat::read(json!({ "host_id": "a", "cpu_util": 5 })).unwrap();
        assert!(without.readings.gpus.is_empty() && without.readings.gpu_util.is_none());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (body, field) in [
            (json!({ "host_id": "x".repeat(101) }), "host_id"),
            (json!({ "host_id": "a\nb" }), "host_id"),
            (json!({ "host_id": 5 }), "host_id"),
            (json!({ "host_id": "a", "cpu_util": "much" }), "cpu_util"),
            (json!({ "host_id": "a", "memory_used": -1 }), "memory_used"),
            (json!({ "host_id": "a", "gpus": [{ "vram_total": 1e12 }] }), "gpus.vram_total"),
        ] {
            let error = Beat::read(body.clone()).unwrap_err();
            assert_eq!(error.detail().field.as_deref(), Some(field), "{body}");
        }
        for body in [json!({}), json!({ "host_id": "  " }), json!({ "gpus": [] })] {
            assert_eq!(Beat::read(body).unwrap_err().status(), StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn long_lists_and_texts_are_cut() {
        let process = json!({ "pid": 1, "name": "p".repeat(500) });
        let gpu = json!({ "name": "g".repeat(500), "processes": vec![process; 300] });
        let body = json!({ "host_id": "a", "gpus": vec![gpu; 300], "active_jobs": vec!["j"; 300] });
        let beat = Beat::read(body).unwrap();
        assert_eq!((beat.readings.gpus.len(), beat.active_jobs.len()), (MAX_LISTED, MAX_LISTED));
        let gpu = &beat.readings.gpus[0];
        assert_eq!((gpu.name.len(), gpu.processes.len()), (MAX_CHARS, MAX_LISTED));
        assert_eq!(gpu.processes[0].name.len(), MAX_CHARS);
    }
}
