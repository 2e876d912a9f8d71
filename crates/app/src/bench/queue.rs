//! The queue over loopback HTTP: how soon an agent that waits has a task that somebody asks for, and
//! how soon a task that somebody withdraws has stopped in the engine.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use protocol::id::AgentId;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};
use volume::{
    MaskFormat,
    phantom::{PhantomOptions, phantom},
    write_volume,
};

use super::{
    Bench,
    figure::{Figure, Limit},
    http,
    process::Process,
};

/// Agents that wait.
const N_AGENTS: usize = 8;

/// Slices of the volume that is asked for again and again.
const N_SLICES: u32 = 12;

/// A task that is not where it should be by then is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the queue.
///
/// # Errors
/// If the server or the agent does not start, or does not answer as it should.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (n_tasks, n_stops) = if bench.quick { (10, 1) } else { (500, 5) };
    let (mut wakes, mut stops) = (Vec::new(), Vec::new());
    for run in 0..bench.n_runs {
        let folder = bench.folder.join(format!("queue-{run}"));
        wakes.push(percentile_99(&mut wake_ups(&folder, n_tasks)?));
        fs::remove_dir_all(&folder).context("removing the server's folder")?;
        stops.push(percentile_99(&mut withdrawals(&folder, bench.quick, n_stops)?));
        fs::remove_dir_all(&folder).context("removing the server's folder")?;
    }
    Ok(vec![
        Figure::new("claim wake-up, p99", "ms", wakes, Limit::AtMost(100.0), None).noting(format!(
            "from asking for a slice to the agent's lease, {n_tasks} times with {N_AGENTS} waiting \
             agents; SQLite, every task committed to the disk before"
        )),
        Figure::new("stop of a withdrawn propagation", "ms", stops, Limit::AtMost(1_000.0), None)
            .noting(format!(
                "the longest of {n_stops}, by the server's clock: from the withdrawal to the word \
                 of `voxloop agent` that its engine has stopped"
            )),
    ])
}

/// The value that 99 of 100 do not exceed.
fn percentile_99(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() * 99).div_ceil(100).saturating_sub(1);
    values.get(place).copied().unwrap_or_default()
}

/// Calls of a server.
#[derive(Clone)]
struct Client {
    client: reqwest::Client,
    server: String,
}

impl Client {
    fn new(address: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build().context("a client")?;
        Ok(Self { client, server: format!("http://{address}/api/v1") })
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let sent = self.client.post(format!("{}/{path}", self.server)).json(body).send().await;
        read(sent).await.with_context(|| format!("POST {path}"))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let sent = self.client.get(format!("{}/{path}", self.server)).send().await;
        read(sent).await.with_context(|| format!("GET {path}"))
    }

    /// Opens a phantom.
    async fn open(&self, address: &str, shape: [usize; 3]) -> anyhow::Result<String> {
        let mut file = Vec::new();
        write_volume(&phantom(&PhantomOptions::ct(shape)).volume, MaskFormat::Nifti, &mut file)?;
        http::upload(address, file.len() as u64, |out| out.write_all(&file))?;
        text(&self.get("jobs").await?["jobs"][0]["job_id"])
    }

    async fn segment(
        &self,
        job: &str,
        slice_index: u32,
        bounds: [u32; 4],
    ) -> anyhow::Result<String> {
        let prompt = json!({ "axis": 2, "slice_index": slice_index, "box": bounds });
        let queued = self.post(&format!("jobs/{job}/initial-mask"), &prompt).await?;
        text(&queued["task_id"])
    }

    /// Asks until a task is as `is_reached` wants it.
    async fn until(
        &self,
        task: &str,
        is_reached: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let since = Instant::now();
        loop {
            let now = self.get(&format!("tasks/{task}")).await?;
            if is_reached(&now) {
                return Ok(now);
            }
            ensure!(since.elapsed() < PATIENCE, "the task stays as it is: {now}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The JSON of an answer; null where it has none.
async fn read(sent: reqwest::Result<reqwest::Response>) -> anyhow::Result<Value> {
    let answer = sent?;
    let status = answer.status();
    let body = answer.text().await?;
    ensure!(status.is_success(), "{status}: {body}");
    Ok(serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("expected a text, got {value}"))
}

/// Milliseconds from each request to its lease.
fn wake_ups(folder: &std::path::Path, n_tasks: u32) -> anyhow::Result<Vec<f64>> {
    let server = Process::voxloop(folder, &["--no-agent"])?;
    let client = Client::new(&server.address)?;
    crate::config::runtime()?.block_on(async {
        let job = client.open(&server.address, [32, 28, N_SLICES as usize]).await?;
        let (granted, mut leases) = mpsc::unbounded_channel();
        let mut agents = JoinSet::new();
        for _ in 0..N_AGENTS {
            agents.spawn(answer_claims(client.clone(), granted.clone()));
        }
        // All of them wait before the first request comes.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut waits = Vec::new();
        for n in 0..n_tasks {
            let asked = Instant::now();
            let task = client.segment(&job, n % N_SLICES, [2, 2, 9, 9]).await?;
            let lease = tokio::time::timeout(PATIENCE, leases.recv()).await;
            let Some((leased, at)) = lease.context("no agent has the task")? else {
                bail!("every agent gave up")
            };
            ensure!(leased == task, "an agent has {leased} instead of {task}");
            waits.push((at - asked).as_secs_f64() * 1e3);
            client.until(&task, |it| it["state"] == "failed").await?;
        }
        Ok(waits)
    })
}

/// An agent that gives up whatever it gets.
async fn answer_claims(
    client: Client,
    granted: mpsc::UnboundedSender<(String, Instant)>,
) -> anyhow::Result<()> {
    let claim = json!({
        "agent_id": AgentId::fresh(), "name": "bench", "protocol": 2, "device": "cpu", "slots": 1,
        "kinds": ["segment_slice"], "engines": ["graphcut"], "wait_secs": 25,
    });
    let failure = json!({ "class": "permanent", "code": "bench", "message": "only measured" });
    loop {
        let lease = client.post("claims", &claim).await?;
        let at = Instant::now();
        let Some(task) = lease["task_id"].as_str() else { continue };
        let body = json!({ "fence": lease["fence"], "failure": failure });
        if granted.send((task.to_owned(), at)).is_err() {
            return Ok(());
        }
        client.post(&format!("tasks/{task}/fail"), &body).await?;
    }
}

/// Milliseconds from each withdrawal to the end of its run.
fn withdrawals(folder: &std::path::Path, quick: bool, n_stops: usize) -> anyhow::Result<Vec<f64>> {
    let server = Process::voxloop(folder, &["--no-agent"])?;
    let agent = Process::agent(folder, &server.address)?;
    let client = Client::new(&server.address)?;
    let shape = if quick { [160, 160, 64] } else { [320, 320, 160] };
    let stops = crate::config::runtime()?.block_on(async {
        let job = client.open(&server.address, shape).await?;
        let [x, y, z] = shape.map(|it| u32::try_from(it).unwrap_or(u32::MAX));
        let bounds = [x / 4, y / 4, 3 * x / 4, 3 * y / 4];
        let task = client.segment(&job, z / 2, bounds).await?;
        client.until(&task, |it| it["state"] == "succeeded").await?;
        let mut stops = Vec::new();
        for _ in 0..n_stops {
            let queued = client.post(&format!("jobs/{job}/propagate"), &json!({})).await?;
            let task = text(&queued["task_id"])?;
            let is_running = |it: &Value| {
                let stage = it["progress"]["stage"].as_str().unwrap_or_default();
                it["state"] == "succeeded" || ["solving", "uncertainty"].contains(&stage)
            };
            client.until(&task, is_running).await?;
            client.post(&format!("tasks/{task}/cancel"), &json!({})).await?;
            client.until(&task, |it| it["state"] == "cancelled").await?;
            let log = client.get(&format!("tasks/{task}/log")).await?;
            stops.push(took(&log)?);
        }
        anyhow::Ok(stops)
    })?;
    drop(agent);
    Ok(stops)
}

/// Milliseconds between the withdrawal and the end, as the server wrote them down.
fn took(log: &Value) -> anyhow::Result<f64> {
    let lines = log["lines"].as_array().context("no log")?;
    let at = |step: &str| {
        let line = lines.iter().find(|it| it["step"] == step);
        line.and_then(|it| it["at_ms"].as_f64()).with_context(|| format!("no line {step}"))
    };
    Ok(at("cancelled")? - at("cancel_requested")?)
}

#[cfg(test)]
mod tests {
    use super::percentile_99;

    #[test]
    fn ninety_nine_of_a_hundred_are_not_longer() {
        let mut values: Vec<f64> = (1..=500).rev().map(f64::from).collect();
        assert_eq!(percentile_99(&mut values), 495.0);
        assert_eq!(percentile_99(&mut [7.0]), 7.0);
        assert_eq!(percentile_99(&mut [2.0, 1.0]), 2.0);
    }
}
