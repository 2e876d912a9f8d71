//! `voxloop models list`: what there is, what of it is here, and what to do about the rest.

use std::process::ExitCode;

use ::models::{
    catalogue::{MODELS, Model, PUBLISHED_CONFIG},
    folder::ModelFolder,
    record::{Configuration, State},
};
use serde_json::{Value, json};

use super::size;
use crate::batch::print::say;

/// Runs `voxloop models list`. Nothing is asked of the network, and no file is read whole.
///
/// # Errors
/// If the folder or a record cannot be read.
pub(super) fn run(folder: &ModelFolder, endpoint: &str, is_json: bool) -> anyhow::Result<ExitCode> {
    let states: Vec<(&Model, State)> = MODELS
        .iter()
        .map(|model| Ok((model, folder.state(model)?)))
        .collect::<anyhow::Result<_>>()?;
    if is_json {
        let list = states
            .iter()
            .map(|(model, state)| as_json(model, state, folder, endpoint))
            .collect::<anyhow::Result<Vec<_>>>()?;
        say(&serde_json::to_string_pretty(&json!({ "models": list }))?);
        return Ok(ExitCode::SUCCESS);
    }
    for (model, state) in &states {
        say(&format!(
            "{:24} {:26} {:28} {}",
            model.name,
            in_words(state),
            model.file,
            model.purpose
        ));
    }
    let first = &MODELS[0];
    say(&format!("\nweights of {}: {}", first.card(), first.licence));
    let missing: Vec<&Model> =
        states.iter().filter(|(_, it)| *it == State::Missing).map(|(it, _)| *it).collect();
    if !missing.is_empty() {
        say(
            "`voxloop models download NAME` fetches one. Without a network: fetch on another machine",
        );
        for model in missing {
            say(&format!(
                "  {}  and put it at  {}",
                model.url(endpoint),
                folder.path(model).display()
            ));
        }
        say(&format!(
            "{PUBLISHED_CONFIG} is in this binary; weights of other dimensions: `models import`"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(state: &State) -> String {
    match state {
        State::Missing => "not here".to_owned(),
        State::Present { size: bytes, record: Some(it) } if state.has_other_size() => {
            format!("DAMAGED, {} of {}", size(*bytes), size(it.size))
        }
        State::Present { size: bytes, .. } if state.is_pinned() => {
            format!("here, {}", size(*bytes))
        }
        State::Present { size: bytes, .. } => format!("here, {}, not pinned", size(*bytes)),
    }
}

fn as_json(
    model: &Model,
    state: &State,
    folder: &ModelFolder,
    endpoint: &str,
) -> anyhow::Result<Value> {
    let (bytes, record) = match state {
        State::Missing => (None, None),
        State::Present { size, record } => (Some(size), record.as_ref()),
    };
    let word = match state {
        State::Missing => "missing",
        State::Present { .. } if state.has_other_size() => "damaged",
        State::Present { .. } => "present",
    };
    Ok(json!({
        "name": model.name,
        "file": model.file,
        "purpose": model.purpose,
        "licence": model.licence,
        "card": model.card(),
        "url": model.url(endpoint),
        "path": folder.path(model),
        "state": word,
        "pinned": state.is_pinned(),
        "bytes": bytes,
        "sha256": record.map(|it| &it.sha256),
        "source": record.map(|it| &it.source),
        "commit": record.and_then(|it| it.commit.as_ref()),
        "config": config_json(&folder.configuration(model)?),
    }))
}

/// A configuration: a state, and the file where there is one or should be.
pub(super) fn config_json(configuration: &Configuration) -> Value {
    match configuration {
        Configuration::BuiltIn => json!({ "state": "built_in", "path": null }),
        Configuration::File(path) => json!({ "state": "present", "path": path }),
        Configuration::Gone(path) => json!({ "state": "missing", "path": path }),
        Configuration::Changed(path) => json!({ "state": "changed", "path": path }),
    }
}
