//! `voxloop eval`: how well an engine does on cases with known masks.
//!
//! Prompts are derived from the truth: a tight box, boxes with a person's errors, a loose box, and
//! corrections of the slices that the engine itself calls most uncertain.

mod cases;
mod report;
mod score;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, ensure};
use engine::Engine;
use serde::{Deserialize, Serialize};

use crate::{
    apart::{self, Named},
    batch::{
        Misuse,
        interrupt::{self, Interrupt},
        manifest::Manifest,
        pool::{self, Gate},
        print::{list_failures, list_unreadable},
        progress::{Ended, Progress},
    },
    config::parse_bytes,
    engine_args::EngineArgs,
    segment::parse_jobs,
};

use cases::{Source, Sources, sources};
use report::{Report, Rows};
use score::Scores;

/// Arguments of `voxloop eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// Cases: JSON files that name image, label and prompt, folders of them, and globs in quotes.
    #[arg(required_unless_present = "image", conflicts_with = "image", value_name = "CASES")]
    pub(crate) cases: Vec<PathBuf>,
    /// A single image instead; the prompt is derived from its label.
    #[arg(long, requires = "label")]
    pub(crate) image: Option<PathBuf>,
    /// The image's true mask.
    #[arg(long, requires = "image")]
    pub(crate) label: Option<PathBuf>,
    /// The value of the object in the true mask; any value but 0 without it.
    #[arg(long, requires = "label", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) label_value: Option<u8>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Cases at once. With more than one the times say little: cases wait for each other.
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_jobs)]
    pub(crate) jobs: usize,
    /// Memory for the cases at work, such as 8G; half of what is free by default.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) memory: Option<u64>,
    /// Add each case's scores to this file, and take from it those of cases that are as they were:
    /// image, label, prompt and engine.
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) scores: Option<PathBuf>,
    /// No progress on stderr; what failed is still listed.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// A line of the file of scores.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Scored {
    case: String,
    /// Digest of all that the scores depend on.
    key: String,
    #[serde(flatten)]
    taken: Taken,
}

/// Scores, and how they were taken.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Taken {
    scores: Scores,
    /// Cases at work at once, which the times depend on.
    jobs: usize,
}

/// Runs `voxloop eval`.
///
/// # Errors
/// If there are no cases, or `--scores` cannot be used. A case that fails is reported in its place
/// and at the end, and the exit code is 1.
pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    args.engine.check(&[])?;
    let Sources { cases, unreadable } = sources(args)?;
    keep_apart(args, &cases)?;
    let engine = args.engine.open()?;
    let (manifest, earlier) = match &args.scores {
        Some(path) => {
            let (manifest, lines) = Manifest::open::<Scored>(path).context("--scores")?;
            (Some(manifest), lines.into_iter().map(|it| (it.key, it.taken)).collect())
        }
        None => (None, BTreeMap::new()),
    };
    let interrupt = Interrupt::listen()?;
    let report = Report { json: args.json };
    report.header();
    let evaluation = Evaluation {
        args,
        engine,
        manifest,
        earlier,
        gate: Gate::new(args.memory.unwrap_or_else(pool::default_memory_bytes)),
        interrupt: &interrupt,
        progress: Progress::new(cases.len(), args.quiet),
        rows: Mutex::new(Rows::new(report, cases.len())),
    };
    let numbered: Vec<(usize, &Source)> = cases.iter().enumerate().collect();
    let panicked = || anyhow::anyhow!("a fault of the program; please report it");
    pool::for_each(
        &numbered,
        args.jobs,
        &interrupt,
        |(n, source)| evaluation.case(*n, source),
        |(n, source)| evaluation.end(*n, source, Err(panicked())),
    );
    evaluation.progress.finish();
    Ok(evaluation.conclude(&unreadable))
}

/// Refuses a file of scores that is one of those that are read.
fn keep_apart(args: &EvalArgs, cases: &[Source]) -> Result<(), Misuse> {
    let scores = apart::named([("--scores", args.scores.as_deref())]);
    if scores.is_empty() {
        return Ok(());
    }
    let files: Vec<PathBuf> = cases.iter().flat_map(Source::files).collect();
    let of_cases = files.iter().map(|path| Named { argument: "CASES", path });
    let read = of_cases.chain(args.engine.files()).collect::<Vec<_>>();
    apart::check(&read, &scores)
}

/// A running evaluation.
struct Evaluation<'a> {
    args: &'a EvalArgs,
    engine: Engine,
    manifest: Option<Manifest>,
    earlier: BTreeMap<String, Taken>,
    gate: Gate,
    interrupt: &'a Interrupt,
    progress: Progress,
    rows: Mutex<Rows>,
}

impl Evaluation<'_> {
    fn case(&self, n: usize, source: &Source) {
        self.progress.begin(&source.name);
        let scored = self.score(source);
        // What was dropped halfway is neither scored nor failed.
        if scored.is_ok() || !self.interrupt.is_asked() {
            self.end(n, source, scored);
        }
    }

    fn end(&self, n: usize, source: &Source, scored: anyhow::Result<(Taken, Ended)>) {
        let ended = scored.as_ref().map_or(Ended::Failed, |it| it.1);
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = scored.map(|it| it.0);
        self.progress.suspend(|| rows.add(n, source.name.clone(), row));
        drop(rows);
        self.progress.end(&source.name, ended);
    }

    fn score(&self, source: &Source) -> anyhow::Result<(Taken, Ended)> {
        let Some(manifest) = &self.manifest else {
            return Ok((self.measure(source)?, Ended::Worked));
        };
        let key = source.key(&self.engine)?;
        if let Some(taken) = self.earlier.get(&key) {
            return Ok((*taken, Ended::Unchanged));
        }
        let taken = self.measure(source)?;
        manifest.append(&Scored { case: source.name.clone(), key, taken })?;
        Ok((taken, Ended::Worked))
    }

    fn measure(&self, source: &Source) -> anyhow::Result<Taken> {
        let _pass = self.gate.enter(source.needed_bytes()?);
        ensure!(!self.interrupt.is_asked(), "interrupted");
        let scores = source.open()?.scores(&self.engine, self.interrupt)?;
        Ok(Taken { scores, jobs: self.args.jobs })
    }

    #[expect(clippy::print_stderr, reason = "the outermost layer says how it went")]
    fn conclude(&self, unreadable: &[(String, String)]) -> ExitCode {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = rows.conclude();
        let (n_all, n_scored, jobs) = (rows.n_cases(), rows.n_scored(), rows.jobs());
        list_unreadable(unreadable);
        list_failures(&failures, n_all);
        if n_scored < n_all {
            eprintln!("the mean is of {n_scored} of {n_all} cases");
        }
        if jobs > 1 {
            eprintln!("times were taken with up to {jobs} cases at once: they say little");
        }
        if self.interrupt.is_asked() {
            let again = match self.args.scores {
                Some(_) => "run the same command again to go on",
                None => "with --scores FILE.jsonl a further run goes on where one ended",
            };
            eprintln!("interrupted: {again}");
            return ExitCode::from(interrupt::EXIT_CODE);
        }
        if failures.is_empty() && unreadable.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
