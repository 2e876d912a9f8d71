//! No room, at the server and at an agent: what does not fit waits or is given up with the reason, and
//! what fits goes on.

use std::time::Instant;

use crate::{
    fleet::{COPY, Fleet, PATIENCE},
    line::{Phase, Seen},
    random::Random,
    small_disk::{SmallDisk, TOO_LARGE},
};

/// Writes more than there is room for on the server.
const LARGE: &str = r#"
cd "$VOXLOOP_FOLDER"
head -c 12582912 /dev/zero > out/large.bin
cp task.json out/result.json
"#;

#[test]
fn an_output_waits_for_room_on_the_server() {
    let disk = SmallDisk::new();
    let mut fleet = Fleet::on(disk.under("data"), LARGE);
    fleet.start_agent(0);
    let id = fleet.ask_for_a_run(b"something to work on");
    let is_refused = |it: &Seen| it.asked.contains("/outputs/") && it.status == Some(507);
    fleet.line.until(2, is_refused);
    // The agent goes on saying that it has the task.
    let n_beats = fleet.line.count(Seen::is_beat);
    fleet.line.until(n_beats + 3, Seen::is_beat);
    // Nothing of what did not fit is left: others find room as soon as nobody tries it again.
    fleet.kill_agent(0);
    let patience = Instant::now() + PATIENCE;
    while fleet.call("POST /api/v1/requests/inputs", &[7; 1 << 20]).0 != 201 {
        assert!(Instant::now() < patience, "the disk stays full");
    }
    fleet.start_agent(0);
    disk.make_room(fleet.server().child.id());
    let done = fleet.end_of_run(&id);
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert_eq!(done["output"]["files"][0]["size"], TOO_LARGE);
    assert_eq!(fleet.check_end().n_succeeded, 1);
}

#[test]
fn an_input_without_room_on_the_agent_is_tried_again_and_given_up_with_the_reason() {
    let disk = SmallDisk::new();
    let mut fleet = Fleet::new(COPY);
    fleet.start_agent_as(0, &disk.under("temp"));
    let mut large = Random(20_261_123).bytes(TOO_LARGE);
    let failed = fleet.ask_for_a_run(&large);
    let failed = fleet.end_of_run(&failed);
    assert_eq!((&failed["status"], &failed["attempt"]), (&"failed".into(), &3.into()));
    assert_eq!(failed["failure"]["code"], "input_unavailable");
    let reason = failed["failure"]["message"].as_str().unwrap();
    assert!(reason.contains("--temp-dir"), "{reason}");

    // Nothing of it is left in the way of others.
    let small = fleet.ask_for_a_run(b"");
    assert_eq!(fleet.end_of_run(&small)["status"], "succeeded");

    large[0] ^= 1;
    let failing = fleet.line.trap(Phase::Asked, "/fail", 0);
    let id = fleet.ask_for_a_run(&large);
    let failing = failing.wait();
    disk.make_room(fleet.pid(0));
    drop(failing);
    let done = fleet.end_of_run(&id);
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let ends = fleet.check_end();
    assert_eq!((ends.n_succeeded, ends.n_others), (2, 1));
}
