//! `voxloop models verify`: every file here read whole, and a network made of it. What was placed by
//! hand and can be used is put on record.

use std::{path::Path, process::ExitCode};

use ::models::{
    catalogue::{MODELS, Model},
    folder::ModelFolder,
    record::{Configuration, Record, State, Verdict},
};
use serde_json::{Value, json};

use super::{check_loads, list::config_json};
use crate::batch::print::say;

/// What was found of one model.
struct Found {
    model: &'static Model,
    /// SHA-256 of the file as it is.
    sha256: String,
    record: Record,
    filing: Filing,
    configuration: Configuration,
    /// Why it cannot be used.
    problem: Option<String>,
}

/// How a file came on record.
enum Filing {
    /// It was before.
    Before,
    /// It can be used, and is from now on.
    Now,
    /// It is not, and why, where it can be used.
    Not(Option<String>),
}

/// Runs `voxloop models verify`: 1 where a model is damaged or cannot be used.
///
/// # Errors
/// If a file or a record cannot be read.
pub(super) fn run(folder: &ModelFolder, root: &Path, is_json: bool) -> anyhow::Result<ExitCode> {
    let mut found = Vec::new();
    for model in &MODELS {
        if folder.state(model)? != State::Missing {
            found.push(look(model, folder)?);
        }
    }
    if is_json {
        let list: Vec<Value> = found.iter().map(|it| as_json(it, folder)).collect();
        say(&serde_json::to_string_pretty(&json!({ "models": list }))?);
    } else {
        for it in &found {
            say(&format!("{}: {}", folder.path(it.model).display(), in_words(it)));
        }
        if found.is_empty() {
            say(&format!("no model is in {}; see `voxloop models list`", root.display()));
        }
    }
    let is_fine = found.iter().all(|it| it.problem.is_none());
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn look(model: &'static Model, folder: &ModelFolder) -> anyhow::Result<Found> {
    let (record, sha256, is_recorded) = match folder.verify(model)? {
        Verdict::Intact(record) => (record.clone(), record.sha256, true),
        Verdict::Unrecorded(record) => (record.clone(), record.sha256, false),
        Verdict::Changed { record, found } => (record, found, true),
    };
    let configuration = folder.configuration_of(model, Some(&record))?;
    let path = folder.path(model);
    let problem = match &configuration {
        _ if record.sha256 != sha256 => Some(format!(
            "DAMAGED: SHA-256 {sha256} where {} is on record; fetch it again with \
             `voxloop models download {}`, or import another one",
            record.sha256, model.name
        )),
        Configuration::Gone(config) => Some(format!(
            "{} is missing: the weights came with it; import them again",
            config.display()
        )),
        Configuration::Changed(config) => Some(format!(
            "{} is not the file that came with the weights; import them again",
            config.display()
        )),
        Configuration::BuiltIn => check_loads(&path, None).err().map(|it| it.problem),
        Configuration::File(config) => check_loads(&path, Some(config)).err().map(|it| it.problem),
    };
    let filing = match (is_recorded, &problem) {
        (true, _) => Filing::Before,
        (false, Some(_)) => Filing::Not(None),
        // A folder that only others may write to can be verified, too.
        (false, None) => match folder.put_on_record(model, &record) {
            Ok(()) => Filing::Now,
            Err(error) => Filing::Not(Some(error.to_string())),
        },
    };
    Ok(Found { model, sha256, record, filing, configuration, problem })
}

fn in_words(found: &Found) -> String {
    let Found { record, filing, configuration, problem, .. } = found;
    if let Some(problem) = problem {
        return problem.clone();
    }
    let pinned = match filing {
        _ if record.announced => "as the hub announced".to_owned(),
        Filing::Before => "not pinned: as on record, which no hub vouches for".to_owned(),
        Filing::Now => "not pinned: placed by hand, now on record".to_owned(),
        Filing::Not(None) => "not pinned: placed by hand".to_owned(),
        Filing::Not(Some(cause)) => {
            format!("not pinned: placed by hand, not put on record ({cause})")
        }
    };
    let config = match configuration {
        Configuration::File(_) | Configuration::Gone(_) | Configuration::Changed(_) => "",
        Configuration::BuiltIn => "; no YAML beside it, the built-in dimensions hold",
    };
    format!("intact, SHA-256 {}, {pinned}{config}", found.sha256)
}

fn as_json(found: &Found, folder: &ModelFolder) -> Value {
    let is_damaged = found.record.sha256 != found.sha256;
    let is_recorded = !matches!(found.filing, Filing::Not(_));
    let verdict = match &found.problem {
        None => "intact",
        Some(_) if is_damaged => "damaged",
        Some(_) => "unusable",
    };
    json!({
        "name": found.model.name,
        "path": folder.path(found.model),
        "verdict": verdict,
        "pinned": found.record.announced,
        "sha256": found.sha256,
        "recorded_sha256": is_recorded.then_some(&found.record.sha256),
        "source": found.record.source,
        "config": config_json(&found.configuration),
        "problem": found.problem,
    })
}
