//! `kill -9` of the server and of agents elsewhere, at seeded messages between them: before the server
//! has one, while it does what was asked, and before the agent hears the answer.

use crate::{
    end::check_disk,
    fleet::{COPY, Fleet},
    line::PHASES,
    random::{Random, n_points},
};

const SEED: u64 = 20_261_121;

const N_AGENTS: usize = 3;

/// Most messages that pass before the next kill.
const MAX_MESSAGES: u64 = 24;

/// A run takes about so many messages: there is always work to interrupt.
const MESSAGES_OF_A_RUN: u64 = 6;

#[test]
fn every_task_ends_once_whoever_is_killed() {
    let mut random = Random(SEED);
    let mut fleet = Fleet::new(COPY);
    fleet.open_job();
    for n in 0..N_AGENTS {
        fleet.start_agent(n);
    }
    for point in 0..n_points() {
        let (phase, skip) = (random.one_of(&PHASES), random.below(MAX_MESSAGES));
        // The server as often as the agents together.
        let victim = usize::try_from(random.below(2 * N_AGENTS as u64)).unwrap();
        eprintln!("seed {SEED}, point {point}: {phase:?}, after {skip}, victim {victim}");
        for _ in 0..=skip / MESSAGES_OF_A_RUN {
            fleet.ask_for_a_run(&random.bytes(10_000));
        }
        fleet.ask_for_a_slice(random.below(12));
        let held = fleet.line.trap(phase, "", skip).wait();
        if victim < N_AGENTS {
            fleet.kill_agent(victim);
            drop(held);
            fleet.start_agent(victim);
        } else {
            fleet.kill_server();
            drop(held);
            check_disk(fleet.folder.path());
            fleet.start_server();
        }
    }
    let ends = fleet.check_end();
    assert!(ends.n_succeeded > ends.n_others, "most tasks survive the kills: {ends:?}");
}
