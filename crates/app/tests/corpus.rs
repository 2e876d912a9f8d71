//! What fuzzing starts from and what it found, replayed: `make fuzz` looks for more.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "the checks are shared with the fuzz targets: a panic is the answer"
)]

use std::{collections::BTreeSet, fs, path::PathBuf};

#[path = "../../../fuzz/src/checks/mod.rs"]
mod checks;

/// What can be replayed, by the name of its fuzz target.
const TARGETS: [&str; 7] =
    ["checkpoint", "files", "headers", "masks", "model_config", "prompts", "requests"];

/// A folder for each target that ever found something.
fn found() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/found")
}

/// Runs a check on every seed, and on every input in `fuzz/found/TARGET/`.
fn replay(target: &str, seeds: Vec<checks::seeds::Seed>, check: fn(&[u8])) {
    assert!(!seeds.is_empty() && TARGETS.contains(&target));
    // Most targets found nothing yet; that the folders are where they should be, a test says.
    let found = fs::read_dir(found().join(target)).into_iter().flatten().map(|entry| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::read(path).unwrap())
    });
    for (name, input) in seeds.into_iter().chain(found) {
        let outcome = std::panic::catch_unwind(|| check(&input));
        assert!(outcome.is_ok(), "{target}: {name} breaks a rule; the panic above says which");
    }
}

#[test]
fn everything_that_was_found_is_replayed() {
    let mut with_inputs = BTreeSet::new();
    for folder in fs::read_dir(found()).unwrap().map(Result::unwrap) {
        let name = folder.file_name().into_string().unwrap();
        assert!(TARGETS.contains(&name.as_str()), "{name} is no target");
        if fs::read_dir(folder.path()).unwrap().next().is_some() {
            with_inputs.insert(name);
        }
    }
    let known = ["checkpoint", "files", "headers", "model_config", "prompts"].map(str::to_owned);
    assert!(with_inputs.is_superset(&known.into()), "{with_inputs:?}");
}

#[test]
fn no_known_checkpoint_breaks_a_rule() {
    replay("checkpoint", checks::seeds::checkpoint(), checks::checkpoint::check);
}

#[test]
fn no_known_file_breaks_a_rule() {
    replay("files", checks::seeds::files(), checks::files::check);
}

#[test]
fn no_known_header_breaks_a_rule() {
    replay("headers", checks::seeds::headers(), checks::headers::check);
}

#[test]
fn no_known_mask_breaks_a_rule() {
    replay("masks", checks::seeds::masks(), checks::masks::check);
}

#[test]
fn no_known_model_configuration_breaks_a_rule() {
    replay("model_config", checks::seeds::model_config(), checks::model_config::check);
}

#[test]
fn no_known_prompt_breaks_a_rule() {
    replay("prompts", checks::seeds::prompts(), checks::prompts::check);
}

#[test]
fn no_known_request_breaks_a_rule() {
    replay("requests", checks::seeds::requests(), checks::requests::check);
}
