//! What fuzzing starts from and what it found, replayed: `make fuzz` looks for more.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "the checks are shared with the fuzz targets: a panic is the answer"
)]

use std::{fs, path::Path};

#[path = "../../../fuzz/src/checks/mod.rs"]
mod checks;

/// Runs a check on every seed, and on every input in `fuzz/found/TARGET/`.
fn replay(target: &str, seeds: Vec<checks::seeds::Seed>, check: fn(&[u8])) {
    assert!(!seeds.is_empty());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/found").join(target);
    let found = fs::read_dir(folder).into_iter().flatten().map(|entry| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::read(path).unwrap())
    });
    for (name, input) in seeds.into_iter().chain(found) {
        let outcome = std::panic::catch_unwind(|| check(&input));
        assert!(outcome.is_ok(), "{target}: {name} breaks a rule; the panic above says which");
    }
}

#[test]
fn files() {
    replay("files", checks::seeds::files(), checks::files::check);
}

#[test]
fn headers() {
    replay("headers", checks::seeds::headers(), checks::headers::check);
}

#[test]
fn masks() {
    replay("masks", checks::seeds::masks(), checks::masks::check);
}

#[test]
fn prompts() {
    replay("prompts", checks::seeds::prompts(), checks::prompts::check);
}

#[test]
fn requests() {
    replay("requests", checks::seeds::requests(), checks::requests::check);
}
