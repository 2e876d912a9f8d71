//! Twenty agents, and a server that dies and comes back.

use std::time::Instant;

use serde_json::Value;

use crate::{
    fleet::{COPY, Fleet, PATIENCE, signal},
    line::Seen,
};

const N_AGENTS: usize = 20;

const N_RUNS: usize = 60;

fn is_done(seen: &Seen) -> bool {
    seen.asked.ends_with("/complete") && seen.status == Some(200)
}

#[test]
fn twenty_agents_go_on_after_their_server_died_and_after_it_was_stopped() {
    let mut fleet = Fleet::new(COPY);
    for n in 0..N_AGENTS {
        fleet.start_agent(n);
    }
    for n in 0..N_RUNS {
        fleet.ask_for_a_run(&[u8::try_from(n).unwrap(); 1_000]);
    }
    fleet.line.until(N_RUNS / 4, is_done);
    fleet.kill_server();
    fleet.start_server();
    let n_done = fleet.line.count(is_done);
    for n in 0..N_RUNS / 4 {
        fleet.ask_for_a_run(&[u8::try_from(n).unwrap(); 2_000]);
    }
    fleet.line.until(n_done + N_RUNS / 8, is_done);
    let mut server = fleet.server.take().unwrap();
    signal(server.child.id(), "TERM");
    assert!(server.child.wait().unwrap().success());
    fleet.start_server();
    for id in fleet.tasks.lock().unwrap().clone() {
        fleet.end_of_run(&id);
    }
    let all: Vec<_> = (0..N_AGENTS).collect();
    assert_eq!(fleet.running(), all, "an agent gave up");
    let offered = || {
        let programs = fleet.ask("GET /api/v1/programs", &Value::Null);
        programs["programs"][0]["agents"].as_array().map_or(0, Vec::len)
    };
    let patience = Instant::now() + PATIENCE;
    while offered() < N_AGENTS {
        assert!(Instant::now() < patience, "{} agents ask for work", offered());
        std::thread::yield_now();
    }
    let ends = fleet.check_end();
    assert!(ends.n_succeeded > ends.n_others, "{ends:?}");
}
