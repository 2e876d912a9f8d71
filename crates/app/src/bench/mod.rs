//! `voxloop bench`: how fast it is and how much memory it takes, each figure with its limit and,
//! where the peer is on the machine, the peer's own in the same run.

mod figure;
mod machine;
mod report;

mod graphcut;
mod queue;
mod sam2;
mod server;
mod volume;

pub(crate) mod child;
mod http;
mod peer;
mod process;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;

use figure::Figure;
use machine::Machine;
use peer::Python;
use sam2::Sam2Args;

/// Arguments of `voxloop bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// What to measure.
    #[arg(value_enum, default_value_t = Part::All)]
    part: Part,
    /// Tiny sizes, one run each: shows that the measuring works and says nothing about speed.
    #[arg(long)]
    quick: bool,
    /// JSON as well, in a file, or with no file JSON instead of the table.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Python with the peers, nibabel, FastAPI and PyTorch; by default `.venv/bin/python`, then `python3`.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Folder for the files that are measured with, about 2 GB; that for temporary files by
    /// default. They are removed in the end.
    #[arg(long, value_name = "DIR")]
    temp_dir: Option<PathBuf>,
    #[command(flatten)]
    sam2: Sam2Args,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Everything.
    All,
    /// Reading volumes and writing masks.
    Volume,
    /// Start, memory, uploads and requests of the server.
    Server,
    /// How soon a waiting agent has a task, and how soon a withdrawn one stops.
    Queue,
    /// The embedded engine against the size of the object.
    Graphcut,
    /// The MedSAM2 network: with --source beside the published code, with --model alone.
    Sam2,
}

impl Part {
    fn holds(self, part: Self) -> bool {
        self == Self::All || self == part
    }
}

/// What every measurement needs.
struct Bench<'a> {
    /// Empty, removed in the end.
    folder: &'a Path,
    /// The peers.
    python: Option<Python>,
    /// How often each figure is measured; the median counts.
    n_runs: usize,
    /// Tiny sizes.
    quick: bool,
    /// The network.
    sam2: &'a Sam2Args,
}

/// Runs `voxloop bench`.
///
/// # Errors
/// If a file cannot be written, or a process that is measured fails.
#[expect(clippy::print_stderr, reason = "the outermost layer says what it does")]
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let machine = Machine::look();
    for warning in machine.warnings() {
        eprintln!("warning: {warning}");
    }
    let parent = args.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new()
        .prefix("voxloop-bench-")
        .tempdir_in(&parent)
        .with_context(|| format!("--temp-dir: cannot make a folder in {}", parent.display()))?;
    let bench = Bench {
        folder: folder.path(),
        python: Python::find(args.python.as_deref())?,
        n_runs: if args.quick { 1 } else { 5 },
        quick: args.quick,
        sam2: &args.sam2,
    };
    let mut figures: Vec<Figure> = Vec::new();
    for (part, name, measure) in [
        (Part::Volume, "volume", volume::measure as fn(&Bench<'_>) -> _),
        (Part::Server, "server", server::measure),
        (Part::Queue, "queue", queue::measure),
        (Part::Graphcut, "graphcut", graphcut::measure),
        (Part::Sam2, "sam2", sam2::measure),
    ] {
        let is_left_out = args.part == Part::All && part == Part::Sam2 && !args.sam2.has_network();
        if args.part.holds(part) && !is_left_out {
            eprintln!("measuring: {name} …");
            let measured: anyhow::Result<Vec<Figure>> = measure(&bench);
            figures.extend(measured.with_context(|| format!("measuring {name}"))?);
        }
    }
    report::report(&machine, &figures, args)?;
    Ok(ExitCode::SUCCESS)
}
