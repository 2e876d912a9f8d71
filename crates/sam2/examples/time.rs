//! Measures the network part by part on a folder that `tools/sam2/published.py expect` made.
//!
//! Threads are rayon's: set `RAYON_NUM_THREADS=2` to set the figures beside `published.py time`.

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

use std::path::PathBuf;
use std::time::Instant;

use sam2::{Direction, Origin, Tracker};
use support::Golden;

const REPEATS: usize = 5;

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).expect("give the folder").into();
    let golden = Golden::open(&folder);
    let load_ms = median_ms(|| drop(golden.model()));
    let model = golden.model();
    let pixels = golden.pixels(0);
    let encode_ms = median_ms(|| drop(model.encode(&pixels).unwrap()));

    let first = golden.prompted_slice();
    let embedding = golden.embedding(&model, first);
    let corners = golden.corners();
    let found = model.prompt(&embedding, &corners, None).unwrap();
    let decode_ms = median_ms(|| drop(model.prompt(&embedding, &corners, None).unwrap()));
    let remember_ms =
        median_ms(|| drop(model.remember(&embedding, &found, Origin::Tracking).unwrap()));

    // A full memory: all slices up to the last.
    let memory = model.remember(&embedding, &found, Origin::Prompt).unwrap();
    let conditioning = std::iter::once((first, memory)).collect();
    let mut tracker = Tracker::new(&model, golden.n_slices(), Direction::Forward, conditioning);
    let last = golden.n_slices() - 1;
    for slice in first + 1..last {
        tracker.step(slice, &golden.embedding(&model, slice)).unwrap();
    }
    let embedding = golden.embedding(&model, last);
    let step_ms = median_ms(|| drop(tracker.step(last, &embedding).unwrap()));

    let again = Golden::open(&folder);
    again.pixels(0);
    let started = Instant::now();
    for direction in [Direction::Forward, Direction::Reverse] {
        again.replay(&model, "box", direction);
    }
    let whole_ms = 1e3 * started.elapsed().as_secs_f64();

    for (name, ms) in [
        ("load".to_owned(), load_ms),
        ("encoder".to_owned(), encode_ms),
        ("memory attention".to_owned(), step_ms - decode_ms - remember_ms),
        ("prompt and mask decoder".to_owned(), decode_ms),
        ("memory encoder".to_owned(), remember_ms),
        (format!("{} slices, both directions", golden.n_slices()), whole_ms),
    ] {
        println!("{name:32} {ms:9.1} ms");
    }
}

fn median_ms(mut work: impl FnMut()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let started = Instant::now();
            work();
            1e3 * started.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}
