//! Compares the network with a folder of answers that `tools/sam2/published.py` made.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    unreachable_pub,
    dead_code,
    reason = "a measuring tool: a panic is an answer, the table goes to standard output"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use support::{Deviation, Golden, deviation, name_of};

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).expect("give the folder").into();
    let golden = Golden::open(&folder);
    let started = Instant::now();
    let model = golden.model();
    println!("loaded in {:.2} s", started.elapsed().as_secs_f64());

    let mut worst: BTreeMap<String, Deviation> = BTreeMap::new();
    let mut note = |what: String, expected: &[f32], found: &[f32], tolerance: f32| {
        let found = deviation(expected, found, tolerance);
        let entry = worst.entry(what).or_default();
        entry.of_range = entry.of_range.max(found.of_range);
        entry.flipped += found.flipped;
    };
    for (level, map) in golden.embedding(&model, 0).maps().unwrap().iter().enumerate() {
        let name = format!("encoder/fpn{level}");
        let found = map.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        note(name.clone(), &golden.array(&name).numbers, &found, 1e-4);
    }
    let (height, width) = golden.size();
    for (case, direction) in golden.cases() {
        let prefix = format!("{case}/{}", name_of(direction));
        let frames = golden.array(&format!("{prefix}_frames_i64")).numbers;
        let all = golden.array(&format!("{prefix}_logits_f16")).numbers;
        for visited in golden.replay(&model, &case, direction) {
            let at = frames.iter().position(|it| *it == visited.slice as f32).unwrap();
            let logits = visited.mask.logits(height, width).unwrap();
            let logits = logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let expected = &all[at * height * width..(at + 1) * height * width];
            note(format!("{prefix} logits"), expected, &logits, 1e-3);
            for (name, expected, found) in golden.of_slice(&case, direction, &visited) {
                let (what, _slice) = name.rsplit_once('_').unwrap();
                note(what.to_owned(), &expected.numbers, &found, 1e-4);
            }
        }
    }
    println!("{:32} {:>12} {:>16}", "array", "of its range", "pixels flipped");
    for (what, deviation) in &worst {
        println!("{what:32} {:12.2e} {:16}", deviation.of_range, deviation.flipped);
    }
}
