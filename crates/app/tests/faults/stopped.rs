//! An agent that is stopped beyond its lease and goes on: what it says late is refused, and what the
//! other agent made stands.

use std::fs;

use crate::{
    fleet::{COPY, Fleet, signal},
    line::Phase,
};

/// Works until it is told to end, by a file in its agent's folder.
const WAIT: &str = r#"
cd "$VOXLOOP_FOLDER"
echo "voxloop: 1/2 waiting"
while [ ! -e ../../../end ]; do sleep 0.1; done
cp task.json out/result.json
"#;

/// Stops the agent when it is about to say this, lets another one do the task, and then lets the
/// server hear it.
fn stop_before(path: &'static str) {
    let mut fleet = Fleet::new(COPY);
    fleet.start_agent(0);
    let held = fleet.line.trap(Phase::Asked, path, 0);
    let id = fleet.ask_for_a_run(b"something to work on");
    let held = held.wait();
    signal(fleet.pid(0), "STOP");
    fleet.start_agent(1);
    let done = fleet.end_of_run(&id);
    assert_eq!((&done["status"], &done["agent"]), (&"succeeded".into(), &"agent-1".into()));
    // The one that was stopped still waits for an answer, so that what it says arrives.
    drop(held);
    fleet.line.until(1, |it| it.asked.contains(path) && it.status == Some(409));
    assert_eq!(fleet.end_of_run(&id), done, "the late word changed what was there");

    // It finds out that the task is not its own any more, and takes the next.
    fleet.dismiss(1);
    signal(fleet.pid(0), "CONT");
    let next = fleet.ask_for_a_run(b"something else");
    let next = fleet.end_of_run(&next);
    assert_eq!((&next["status"], &next["agent"]), (&"succeeded".into(), &"agent-0".into()));
    assert_eq!(fleet.check_end().n_succeeded, 2);
}

#[test]
fn a_late_result_is_refused() {
    stop_before("/complete");
}

#[test]
fn a_late_output_is_refused() {
    stop_before("/outputs/");
}

#[test]
fn an_agent_that_was_stopped_at_work_ends_its_program_and_takes_the_next() {
    let mut fleet = Fleet::new(WAIT);
    fleet.start_agent(0);
    let id = fleet.ask_for_a_run(b"something to work on");
    fleet.until(&id, |it| it["progress"]["done"] == 1);
    signal(fleet.pid(0), "STOP");
    fleet.start_agent(1);
    fs::write(fleet.home(1).join("end"), "").unwrap();
    let done = fleet.end_of_run(&id);
    assert_eq!((&done["status"], &done["agent"]), (&"succeeded".into(), &"agent-1".into()));
    fleet.dismiss(1);
    signal(fleet.pid(0), "CONT");
    fleet.line.until(1, |it| it.asked.contains("/heartbeat") && it.status == Some(409));
    // Its program goes on until it is ended from outside: only then there is a place for this.
    let next = fleet.ask_for_a_run(b"something else");
    fleet.until(&next, |it| it["progress"]["done"] == 1);
    fs::write(fleet.home(0).join("end"), "").unwrap();
    let next = fleet.end_of_run(&next);
    assert_eq!((&next["status"], &next["agent"]), (&"succeeded".into(), &"agent-0".into()));
    assert_eq!(fleet.check_end().n_succeeded, 2);
}

#[test]
fn a_result_that_comes_while_another_agent_works_is_refused() {
    let mut fleet = Fleet::new(COPY);
    fleet.start_agent(0);
    let late = fleet.line.trap(Phase::Asked, "/complete", 0);
    let id = fleet.ask_for_a_run(b"something to work on");
    let late = late.wait();
    signal(fleet.pid(0), "STOP");
    let other = fleet.line.trap(Phase::Asked, "/complete", 0);
    fleet.start_agent(1);
    let other = other.wait();
    drop(late);
    fleet.line.until(1, |it| it.asked.contains("/complete") && it.status == Some(409));
    assert_eq!(fleet.until(&id, |_| true)["state"], "leased", "the other agent still has it");
    drop(other);
    let done = fleet.end_of_run(&id);
    assert_eq!((&done["status"], &done["agent"]), (&"succeeded".into(), &"agent-1".into()));
    signal(fleet.pid(0), "CONT");
    assert_eq!(fleet.check_end().n_succeeded, 1);
}
