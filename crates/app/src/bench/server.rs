//! The server as a process: how soon it answers, what it holds, what an upload takes, how many
//! requests it answers.

use std::{
    fs,
    io::{self, Write},
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use volume::{
    MaskFormat,
    phantom::{PhantomOptions, phantom},
    write_volume,
};

use super::{
    Bench,
    child::{self, Answered},
    figure::{Figure, Limit, Peer},
    http,
    machine::{peak_bytes, resident_bytes},
    process::{self, N_THREADS, Process},
};

/// Connections that ask for `/health`.
const N_CONNECTIONS: usize = 8;

/// What was once measured of a FastAPI server with a network's weights loaded, on two processors.
const QUOTED: &str = "FastAPI server with a network";
const QUOTED_START_SECS: f64 = 5.8;
const QUOTED_MIB: f64 = 1_076.0;
const QUOTED_PER_SEC: f64 = 3_450.0;

/// What one server told.
#[derive(Default)]
struct Observed {
    start_secs: Vec<f64>,
    idle_mib: Vec<f64>,
    upload_mib: Vec<f64>,
    upload_secs: Vec<f64>,
}

/// Measures the server.
///
/// # Errors
/// If it does not start or answer, or a file cannot be written.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let upload = Upload::new(bench.quick)?;
    let mut observed = Observed::default();
    for run in 0..bench.n_runs {
        let folder = bench.folder.join(format!("server-{run}"));
        observe(&folder, bench, &upload, &mut observed)?;
        fs::remove_dir_all(&folder)
            .with_context(|| format!("removing the folder {}", folder.display()))?;
    }
    let rates = rates(bench)?;
    let peers = peers(bench)?;
    let mib_per_sec: Vec<f64> =
        observed.upload_secs.iter().map(|it| upload.n_bytes as f64 / it / MIB).collect();
    let speed = super::figure::median(&mib_per_sec).unwrap_or_default();
    Ok(vec![
        Figure::new(
            "start to the first answer",
            "s",
            observed.start_secs,
            Limit::AtMost(0.3),
            peers.start,
        )
        .noting("with an empty data folder, so that the database is made as well"),
        Figure::new(
            "memory of the idle server",
            "MiB",
            observed.idle_mib,
            Limit::AtMost(60.0),
            peers.idle,
        ),
        Figure::new(
            format!("most memory, upload of {:.0} MiB over idle", upload.n_bytes as f64 / MIB),
            "MiB",
            observed.upload_mib,
            Limit::AtMost(64.0),
            None,
        )
        .noting(format!("a .nii that is received, hashed, surveyed and kept: {speed:.0} MiB/s")),
        Figure::new("GET /health", "1/s", rates, Limit::AtLeast(10_000.0), peers.rate).noting(
            format!(
                "{N_CONNECTIONS} connections kept open by a process of one thread on the same \
                 machine; {N_THREADS} threads answer"
            ),
        ),
    ])
}

const MIB: f64 = 1_048_576.0;

/// One server: its start, its memory, an upload.
fn observe(
    folder: &Path,
    bench: &Bench<'_>,
    upload: &Upload,
    observed: &mut Observed,
) -> anyhow::Result<()> {
    let server = Process::voxloop(folder, &[])?;
    observed.start_secs.push(server.start_secs);
    pause(bench)?;
    let process = server.child.id().to_string();
    let Some(idle) = resident_bytes(&process) else {
        return Ok(());
    };
    observed.idle_mib.push(idle as f64 / MIB);
    let started = Instant::now();
    http::upload(&server.address, upload.n_bytes, |out| upload.write(out))?;
    observed.upload_secs.push(started.elapsed().as_secs_f64());
    let peak = peak_bytes(&process).context("the server ended")?;
    // What the start itself took at most counts as well: the server gave it back before.
    observed.upload_mib.push(peak.saturating_sub(idle) as f64 / MIB);
    Ok(())
}

/// Lets what the start set going come to rest.
fn pause(bench: &Bench<'_>) -> anyhow::Result<()> {
    let rest = Duration::from_millis(if bench.quick { 50 } else { 1_000 });
    process::wait(rest)
}

/// Answers per second of one server, which is warm.
fn rates(bench: &Bench<'_>) -> anyhow::Result<Vec<f64>> {
    let server = Process::voxloop(&bench.folder.join("server-health"), &[])?;
    rates_of(&server, bench)
}

fn rates_of(server: &Process, bench: &Bench<'_>) -> anyhow::Result<Vec<f64>> {
    let secs = if bench.quick { "0.1" } else { "2" };
    let connections = N_CONNECTIONS.to_string();
    let mut load = child::command(["load", &server.address, secs, &connections])?;
    let mut rates = Vec::new();
    for run in 0..=bench.n_runs {
        let answered: Answered = child::ask(&mut load)?;
        if run > 0 {
            rates.push(answered.n as f64 / answered.secs);
        }
    }
    Ok(rates)
}

/// The peer's figures.
struct Peers {
    start: Option<Peer>,
    idle: Option<Peer>,
    rate: Option<Peer>,
}

/// A FastAPI server that does nothing but answer, where there is one; else what is known of one.
fn peers(bench: &Bench<'_>) -> anyhow::Result<Peers> {
    let Some((python, name)) =
        bench.python.as_ref().and_then(|it| it.fastapi().map(|name| (it, name)))
    else {
        return Ok(Peers {
            start: Some(Peer::quoted(QUOTED, QUOTED_START_SECS)),
            idle: Some(Peer::quoted(QUOTED, QUOTED_MIB)),
            rate: Some(Peer::quoted(QUOTED, QUOTED_PER_SEC)),
        });
    };
    let (mut start, mut idle, mut rate) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..bench.n_runs {
        let port = free_port()?;
        let server = Process::peer(python.command(["serve", &port.to_string()]), port)?;
        start.push(server.start_secs);
        pause(bench)?;
        idle.extend(resident_bytes(&server.child.id().to_string()).map(|it| it as f64 / MIB));
        if run == 0 {
            rate = rates_of(&server, bench)?;
        }
    }
    Ok(Peers {
        start: Peer::measured(name.clone(), start),
        idle: Peer::measured(name.clone(), idle),
        rate: Peer::measured(name, rate),
    })
}

fn free_port() -> anyhow::Result<u16> {
    let probe = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(probe.local_addr().context("looking for a free port")?.port())
}

/// An uncompressed volume that is written while it is sent: a phantom's slices over and over.
struct Upload {
    header: Vec<u8>,
    slab: Vec<u8>,
    n_slabs: usize,
    n_bytes: u64,
}

impl Upload {
    fn new(quick: bool) -> anyhow::Result<Self> {
        let (shape, n_slabs) =
            if quick { ([128, 128, 16], 4_usize) } else { ([512, 512, 16], 128) };
        let made = phantom(&PhantomOptions::ct(shape));
        let mut file = Vec::new();
        write_volume(&made.volume, MaskFormat::Nifti, &mut file)?;
        let slab = made.volume.voxels.as_bytes().to_vec();
        let mut header = file;
        header.truncate(header.len() - slab.len());
        let n_slices = u16::try_from(shape[2] * n_slabs).context("too many slices")?;
        header[DIM_3..DIM_3 + 2].copy_from_slice(&n_slices.to_le_bytes());
        let n_bytes = (header.len() + slab.len() * n_slabs) as u64;
        Ok(Self { header, slab, n_slabs, n_bytes })
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.header)?;
        (0..self.n_slabs).try_for_each(|_| out.write_all(&self.slab))
    }
}

/// Where NIfTI-1 says how many slices there are.
const DIM_3: usize = 46;

#[cfg(test)]
mod tests {
    use super::Upload;

    #[test]
    fn the_upload_is_a_volume_of_the_promised_size() {
        let upload = Upload::new(true).unwrap();
        let mut bytes = Vec::new();
        upload.write(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, upload.n_bytes);
        let read = volume::read_bytes(&bytes, "", &volume::ReadOptions::default()).unwrap();
        assert_eq!(read.shape(), [128, 128, 64]);
    }
}
