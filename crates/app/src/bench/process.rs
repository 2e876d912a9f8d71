//! Servers and agents in processes of their own.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;

use super::http;
use crate::config::{AgentArgs, ServeArgs};

/// Threads that answer.
pub(super) const N_THREADS: &str = "2";

/// A server is given up that has not answered by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// This program in a folder. Settings of the person who measures would be measured too.
fn command(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("looking for myself")?);
    let serve = ServeArgs::augment_args(clap::Command::new("serve"));
    let agent = AgentArgs::augment_args(clap::Command::new("agent"));
    for variable in
        serve.get_arguments().chain(agent.get_arguments()).filter_map(clap::Arg::get_env)
    {
        command.env_remove(variable);
    }
    command.current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command)
}

pub(super) fn wait(time: Duration) -> anyhow::Result<()> {
    crate::config::runtime()?.block_on(async { tokio::time::sleep(time).await });
    Ok(())
}

/// A server that answers; killed in the end.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) address: String,
    pub(super) start_secs: f64,
}

impl Process {
    /// `voxloop serve` in an empty folder.
    pub(super) fn voxloop(folder: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
        let mut command = command(folder)?;
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(flags)
            .env("TOKIO_WORKER_THREADS", N_THREADS)
            .stderr(Stdio::piped());
        let started = Instant::now();
        let child = command.spawn().context("starting the server")?;
        let mut process = Self { child, address: String::new(), start_secs: 0.0 };
        let log = process.child.stderr.take().context("the server has no log")?;
        process.address = address_in(log)?;
        http::get(&process.address, "/health")?;
        process.start_secs = started.elapsed().as_secs_f64();
        Ok(process)
    }

    /// `voxloop agent` of the server at this address.
    pub(super) fn agent(folder: &Path, server: &str) -> anyhow::Result<Self> {
        let mut command = command(folder)?;
        let address = format!("http://{server}");
        command.args(["agent", "--server", &address, "--name", "bench"]).stderr(Stdio::null());
        let child = command.spawn().context("starting the agent")?;
        Ok(Self { child, address: server.to_owned(), start_secs: 0.0 })
    }

    /// A peer on a port; asked until it answers.
    pub(super) fn peer(mut command: Command, port: u16) -> anyhow::Result<Self> {
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the peer")?;
        let mut process = Self { child, address: format!("127.0.0.1:{port}"), start_secs: 0.0 };
        while http::get(&process.address, "/health").is_err() {
            if started.elapsed() > PATIENCE {
                bail!("the peer does not answer");
            }
            wait(Duration::from_millis(2))?;
        }
        process.start_secs = started.elapsed().as_secs_f64();
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where the server is, as its log says; the rest is read on, so that it never waits for a reader.
fn address_in(log: impl io::Read + Send + 'static) -> anyhow::Result<String> {
    let mut log = BufReader::new(log);
    let mut said = String::new();
    loop {
        let before = said.len();
        if log.read_line(&mut said).context("reading the server's log")? == 0 {
            bail!("the server ended: {}", said.trim());
        }
        if let Some((_, rest)) = said[before..].split_once("http://") {
            let address = rest.split('/').next().unwrap_or_default().to_owned();
            std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
            return Ok(address);
        }
    }
}
