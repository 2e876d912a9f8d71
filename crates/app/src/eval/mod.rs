//! `voxloop eval`: how well an engine does on cases with known masks.
//!
//! Prompts are derived from the truth: a tight box, boxes with a person's errors, a loose box, and
//! corrections of the slices that the engine itself calls most uncertain.

mod cases;
mod report;
mod score;

use std::{path::PathBuf, process::ExitCode};

use crate::segment::EngineArg;

use cases::sources;
use report::Report;
use score::Scores;

/// Arguments of `voxloop eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// Folder of cases: JSON files that name image, label and prompt.
    #[arg(required_unless_present = "image", conflicts_with = "image")]
    pub(crate) dir: Option<PathBuf>,
    /// A single image instead; the prompt is derived from its label.
    #[arg(long, requires = "label")]
    pub(crate) image: Option<PathBuf>,
    /// The image's true mask.
    #[arg(long, requires = "image")]
    pub(crate) label: Option<PathBuf>,
    /// The value of the object in the true mask; any value but 0 without it.
    #[arg(long, requires = "label", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) label_value: Option<u8>,
    /// The engine.
    #[arg(long, value_enum, default_value_t = EngineArg::Graphcut)]
    pub(crate) engine: EngineArg,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs `voxloop eval`.
///
/// # Errors
/// If there are no cases. A case that fails is reported in its place, and the exit code is 1.
pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let sources = sources(args)?;
    let report = Report { json: args.json };
    report.header();
    let mut mean = Scores::default();
    let mut n_scored = 0u32;
    for source in &sources {
        match source.open().and_then(|case| case.scores(args.engine.name())) {
            Ok(mut scores) => {
                report.case(&source.name, &scores);
                n_scored += 1;
                for (sum, value) in mean.values().into_iter().zip(scores.values()) {
                    *sum += *value;
                }
            }
            Err(error) => report.failure(&source.name, &error),
        }
    }
    for sum in mean.values() {
        *sum /= f64::from(n_scored.max(1));
    }
    report.mean(&mean, n_scored);
    let all = usize::try_from(n_scored).is_ok_and(|it| it == sources.len());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
