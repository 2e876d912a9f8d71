//! `voxloop models import`: weights from a file, looked into before they take a place.

use std::{fs, path::Path, process::ExitCode};

use ::models::{
    catalogue::{self, MODELS, Model},
    folder::{Import, ModelFolder},
};
use anyhow::bail;
use engine::medsam2::config_beside;
use serde_json::json;

use super::{Unusable, check_loads, list::config_json, size};
use crate::batch::{Misuse, print::say};

/// Runs `voxloop models import`.
///
/// # Errors
/// [`Misuse`] if it is not clear which model the file is; if a file cannot be read or no network be
/// made of it; if the folder cannot be written.
pub(super) fn run(
    file: &Path,
    config: Option<&Path>,
    name: Option<&'static Model>,
    folder: &ModelFolder,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    match fs::metadata(file) {
        Ok(it) if it.is_dir() => {
            bail!("{} is a folder: expected is the file of weights in it", file.display())
        }
        Ok(_) => {}
        Err(error) => bail!("cannot read {}: {error}", file.display()),
    }
    let model = name.or_else(|| catalogue::find(file.file_name()?.to_str()?)).ok_or_else(|| {
        Misuse(format!(
            "{} has the name of no published model: say with --as NAME which one it takes the place \
             of, such as --as {} for the one that the server runs",
            file.display(),
            MODELS[0].name
        ))
    })?;
    let beside = config_beside(file);
    let config = config.or(beside.as_deref());
    let weights = Import { weights: file, config };
    let check = |weights: &Path, dimensions: &Path| {
        check_loads(weights, Some(dimensions)).map_err(|Unusable { problem, is_mismatch }| {
            let hint = match config {
                None if is_mismatch => {
                    "weights of other dimensions than the published ones need --config YAML: "
                }
                None | Some(_) => "",
            };
            format!("{hint}{problem}")
        })
    };
    let record = folder.import(model, weights, check)?;
    let path = folder.path(model);
    let configuration = folder.configuration(model)?;
    if is_json {
        say(&serde_json::to_string_pretty(&json!({
            "name": model.name,
            "path": path,
            "bytes": record.size,
            "sha256": record.sha256,
            "pinned": false,
            "config": config_json(&configuration),
        }))?);
    } else {
        say(&format!("{}: {} from {}", path.display(), size(record.size), file.display()));
        if let Some(config) = config {
            say(&format!("dimensions from {}", config.display()));
        }
        say(&format!("SHA-256 {}, not pinned: no hub vouches for it", record.sha256));
    }
    Ok(ExitCode::SUCCESS)
}
