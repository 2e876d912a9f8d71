//! `voxloop bench-child`: one measurement in a process of its own, so that neither memory nor
//! caches of another one take part. Answers with one line of JSON.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use volume::{Labelmap, MaskFormat, ReadOptions};

/// One measurement.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ChildCommand {
    /// Read a volume.
    Read {
        /// The file.
        image: PathBuf,
    },
    /// Write a mask on a volume's grid.
    Write {
        /// Whose grid.
        image: PathBuf,
        /// The mask, as a file.
        labels: PathBuf,
        /// Where to write it.
        out: PathBuf,
    },
    /// Run the network of a folder.
    Sam2 {
        /// Where checkpoint, configuration, slices and manifest lie.
        folder: PathBuf,
        /// f32 or bf16.
        precision: String,
        /// How often.
        n_runs: usize,
    },
    /// Ask for the health of a server again and again.
    Load {
        /// Address and port.
        address: String,
        /// How long.
        secs: f64,
        /// Connections that are kept open.
        n_connections: usize,
    },
}

/// A timed step.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Timed {
    /// Seconds of the step alone, without the process's start.
    pub(super) secs: f64,
    /// Most memory that the process ever held, where the system tells.
    pub(super) peak_bytes: Option<u64>,
}

/// Answered requests.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Answered {
    /// How many.
    pub(super) n: u64,
    /// In which time.
    pub(super) secs: f64,
}

/// This program as `bench-child` with these arguments.
///
/// # Errors
/// If the program does not know where it lies.
pub(super) fn command<I: AsRef<std::ffi::OsStr>>(
    args: impl IntoIterator<Item = I>,
) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("looking for this program")?);
    command.arg("bench-child").args(args);
    Ok(command)
}

/// Runs a command whose last line is JSON.
///
/// # Errors
/// If it fails or says something else.
pub(super) fn ask<T: serde::de::DeserializeOwned>(command: &mut Command) -> anyhow::Result<T> {
    let program = command.get_program().to_owned();
    let program = Path::new(&program).display();
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} failed: {}", said.trim());
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("{program} answered `{line}`"))
}

/// Runs `voxloop bench-child`.
///
/// # Errors
/// If a file cannot be read or written, or the server does not answer as it should.
#[expect(clippy::print_stdout, reason = "the answer to the process that measures")]
pub(crate) fn run(command: &ChildCommand) -> anyhow::Result<ExitCode> {
    let answer = match command {
        ChildCommand::Read { image } => serde_json::to_string(&read(image)?),
        ChildCommand::Write { image, labels, out } => {
            serde_json::to_string(&write(image, labels, out)?)
        }
        ChildCommand::Sam2 { folder, precision, n_runs } => {
            serde_json::to_string(&super::sam2::child::measure(folder, precision, *n_runs)?)
        }
        ChildCommand::Load { address, secs, n_connections } => {
            let answered = runtime()?.block_on(load(address, *secs, *n_connections))?;
            serde_json::to_string(&answered)
        }
    };
    println!("{}", answer.context("writing the answer")?);
    Ok(ExitCode::SUCCESS)
}

fn read(image: &Path) -> anyhow::Result<Timed> {
    let started = Instant::now();
    let volume = volume::read(image, "", &ReadOptions::default())
        .with_context(|| format!("reading {}", image.display()))?;
    let secs = started.elapsed().as_secs_f64();
    ensure!(!volume.voxels.as_bytes().is_empty(), "{} has no voxels", image.display());
    Ok(Timed { secs, peak_bytes: super::machine::peak_bytes("self") })
}

fn write(image: &Path, labels: &Path, out: &Path) -> anyhow::Result<Timed> {
    let source = volume::read_header(image, "")
        .with_context(|| format!("reading {}", image.display()))?
        .source;
    let labels = volume::read(labels, "", &ReadOptions::default())
        .with_context(|| format!("reading {}", labels.display()))?;
    let labelmap = Labelmap::from_volume(&labels)?;
    drop(labels);
    let started = Instant::now();
    let file = File::create(out).with_context(|| format!("creating {}", out.display()))?;
    volume::write_mask(&labelmap, &source, MaskFormat::NiftiGz, BufWriter::new(file))
        .with_context(|| format!("writing {}", out.display()))?;
    let secs = started.elapsed().as_secs_f64();
    Ok(Timed { secs, peak_bytes: super::machine::peak_bytes("self") })
}

/// One thread: the server gets the other processors.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting a runtime")
}

async fn load(address: &str, secs: f64, n_connections: usize) -> anyhow::Result<Answered> {
    let started = Instant::now();
    let end = started + Duration::from_secs_f64(secs);
    let asking = (0..n_connections).map(|_| ask_until(address, end));
    let n = futures::future::try_join_all(asking).await?.into_iter().sum();
    Ok(Answered { n, secs: started.elapsed().as_secs_f64() })
}

/// Asks on one connection, the next time when the answer has come.
async fn ask_until(address: &str, end: Instant) -> anyhow::Result<u64> {
    let request = format!("GET /health HTTP/1.1\r\nhost: {address}\r\naccept: */*\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.context("connecting")?;
    stream.set_nodelay(true).context("connecting")?;
    let mut answer = Vec::with_capacity(8 << 10);
    let mut n = 0;
    while Instant::now() < end {
        stream.write_all(request.as_bytes()).await.context("asking")?;
        answer.clear();
        while !is_whole(&answer)? {
            if stream.read_buf(&mut answer).await.context("reading the answer")? == 0 {
                bail!("the server closed the connection");
            }
        }
        n += 1;
    }
    Ok(n)
}

/// Whether an answer has come to its end.
fn is_whole(answer: &[u8]) -> anyhow::Result<bool> {
    let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = std::str::from_utf8(&answer[..end]).context("reading the answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "the server answered {head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.context("the answer does not say how long it is")?;
    Ok(answer.len() >= end + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_ends_with_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert!(is_whole(answer).unwrap());
        assert!(!is_whole(&answer[..answer.len() - 1]).unwrap());
        assert!(!is_whole(&answer[..20]).unwrap());
        let refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        assert!(is_whole(refused).unwrap_err().to_string().contains("403"));
    }
}
