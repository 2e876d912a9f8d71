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

use sam2::{Direction, Origin, Precision, Tracker};
use support::Golden;

const REPEATS: usize = 5;

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).expect("give the folder").into();
    let precision = match std::env::args().nth(2).as_deref() {
        None | Some("f32") => Precision::F32,
        Some("bf16") => Precision::Bf16,
        Some(other) => panic!("{other} is neither f32 nor bf16"),
    };
    let golden = Golden::open(&folder);
    let load_ms = measure(|| drop(golden.model_in(precision)));
    let model = golden.model_in(precision);
    let pixels = golden.pixels(0);
    let encode_ms = measure(|| drop(model.encode(&pixels).unwrap()));

    let first = golden.prompted_slice();
    let embedding = golden.embedding(&model, first);
    let corners = golden.corners();
    let found = model.prompt(&embedding, &corners, None).unwrap();
    let decode_ms = measure(|| drop(model.prompt(&embedding, &corners, None).unwrap()));
    let remember_ms =
        measure(|| drop(model.remember(&embedding, &found, Origin::Tracking).unwrap()));

    // A full memory: all slices up to the last.
    let memory = model.remember(&embedding, &found, Origin::Prompt).unwrap();
    let conditioning = std::iter::once((first, memory)).collect();
    let mut tracker = Tracker::new(&model, golden.n_slices(), Direction::Forward, conditioning);
    let last = golden.n_slices() - 1;
    for slice in first + 1..last {
        tracker.step(slice, &golden.embedding(&model, slice)).unwrap();
    }
    let embedding = golden.embedding(&model, last);
    let step_ms = measure(|| drop(tracker.step(last, &embedding).unwrap()));

    let again = Golden::open(&folder);
    again.pixels(0);
    let (started, cpu_before) = (Instant::now(), cpu_ms());
    for direction in [Direction::Forward, Direction::Reverse] {
        again.replay(&model, "box", direction);
    }
    let whole_ms = (1e3 * started.elapsed().as_secs_f64(), cpu_ms() - cpu_before);
    let attend_ms =
        (step_ms.0 - decode_ms.0 - remember_ms.0, step_ms.1 - decode_ms.1 - remember_ms.1);

    for (name, ms) in [
        ("load".to_owned(), load_ms),
        ("encoder".to_owned(), encode_ms),
        ("memory attention".to_owned(), attend_ms),
        ("prompt and mask decoder".to_owned(), decode_ms),
        ("memory encoder".to_owned(), remember_ms),
        (format!("{} slices, both directions", golden.n_slices()), whole_ms),
    ] {
        println!("{name:32} {:9.1} ms {:9.1} ms of processor time", ms.0, ms.1);
    }
}

/// Wall time, the median of some runs, and processor time of all threads, their mean; in ms.
///
/// On a busy machine the second is the one to compare.
fn measure(mut work: impl FnMut()) -> (f64, f64) {
    work();
    let cpu_before = cpu_ms();
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let started = Instant::now();
            work();
            1e3 * started.elapsed().as_secs_f64()
        })
        .collect();
    let cpu = (cpu_ms() - cpu_before) / REPEATS as f64;
    times.sort_by(f64::total_cmp);
    (times[REPEATS / 2], cpu)
}

/// Processor time of this process so far, in steps of 10 ms; 0 where the system does not say.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    fields.skip(11).take(2).map(|ticks| 10.0 * ticks.parse::<f64>().unwrap()).sum()
}
