//! A line that loses, delays, repeats and cuts a tenth of all messages.

use crate::{
    fleet::{COPY, Fleet},
    random::Random,
};

const SEED: u64 = 20_261_122;

const N_AGENTS: usize = 3;

const N_RUNS: u64 = 48;

/// More than what is sent at once: it goes over the line piece by piece.
const LARGE: usize = 3 << 19;

#[test]
fn every_task_ends_once_over_a_line_that_loses_and_repeats() {
    eprintln!("seed {SEED}");
    let mut random = Random(SEED);
    let mut fleet = Fleet::new(COPY);
    fleet.open_job();
    fleet.line.be_bad(SEED);
    for n in 0..N_AGENTS {
        fleet.start_agent(n);
    }
    for n in 0..N_RUNS {
        let size = if n % 4 == 0 { LARGE } else { 5_000 };
        fleet.ask_for_a_run(&random.bytes(size));
        if n % 3 == 0 {
            fleet.ask_for_a_slice(n / 3 % 12);
        }
    }
    for id in fleet.tasks.lock().unwrap().clone() {
        fleet.until(&id, |it| it["finished_ms"].is_i64());
    }
    let n_faults = fleet.line.n_faults();
    assert!(n_faults > 20, "the line was good: {n_faults}");
    let ends = fleet.check_end();
    assert!(ends.n_succeeded > ends.n_others, "most messages get through in the end: {ends:?}");
}
