//! An agent whose clock is set: leases are counted by the server's clock, and pauses by one that
//! nobody sets.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    fleet::{Fleet, put, voxloop},
    line::Seen,
};

/// Works until it is told to end, and says which year it is.
const WAIT: &str = r#"
cd "$VOXLOOP_FOLDER"
echo "voxloop: 1/2 waiting"
while [ ! -e ../../../end ]; do sleep 0.1; done
echo "{\"task_id\": \"$(sed -n 's/.*"task_id": "\(.*\)".*/\1/p' task.json)\", \"year\": $(date +%Y)}" > out/result.json
"#;

/// Steps of the agent's clock, away from the right time.
const STEPS: [&str; 4] = ["+400d", "-3h", "-4000d", "+30000d"];

/// Of Debian's package `libfaketime`.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|it| it.unwrap().path());
    let mut found =
        folders.map(|it| it.join("faketime/libfaketimeMT.so.1")).filter(|it| it.exists());
    found.next().expect("libfaketime is needed: tools/install-test-needs installs it")
}

/// An agent whose clock is what the file `clock` in its folder says.
fn with_a_clock(home: &Path) -> Command {
    put(home, "clock", "+0\n");
    let mut command = voxloop();
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", home.join("clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

#[test]
fn a_task_survives_every_step_of_its_agents_clock() {
    let mut fleet = Fleet::new(WAIT);
    fleet.start_agent_as(0, &with_a_clock);
    let home = fleet.home(0);
    let id = fleet.ask_for_a_run(b"something to work on");
    fleet.until(&id, |it| it["progress"]["done"] == 1);
    let says_that_it_lives = || {
        // Those under way were said before.
        let n = fleet.line.count(Seen::is_beat);
        fleet.line.until(n + 2, Seen::is_beat);
    };
    for step in STEPS {
        put(&home, "clock", &format!("{step}\n"));
        says_that_it_lives();
    }
    fs::write(home.join("end"), "").unwrap();
    let done = fleet.end_of_run(&id);
    assert_eq!((&done["status"], &done["attempt"]), (&"succeeded".into(), &1.into()), "{done:#}");
    let years = done["output"]["result"]["year"].as_i64().unwrap();
    assert!(years > 2_100, "its clock was set: {years}");
    assert_eq!(fleet.check_end().n_succeeded, 1);
}
