//! Faults on real processes, with leases of 2 s: whatever is killed, stopped, cut off, without room or
//! wrong about the time, every task ends, with one result at most; no file is left that nothing
//! refers to, and no event is missing.
//!
//! Where something is killed at seeded moments there are 20 of them; `VOXLOOP_FAULT_POINTS=200`
//! (`make faults`) for more.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod alone;
mod bad_line;
#[cfg(target_os = "linux")]
mod clock;
mod end;
mod fleet;
mod full_disk;
mod killed;
mod line;
mod message;
#[path = "../process/mod.rs"]
mod process;
mod random;
mod small_disk;
mod stopped;
mod twenty;
