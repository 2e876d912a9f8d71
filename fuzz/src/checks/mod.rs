//! What must hold of every byte that comes in from outside, whatever it is. One module for each
//! kind of reader.
//!
//! `fuzz_targets` runs the checks under libFuzzer; `cargo test` replays the seeds and what was found.

pub mod checkpoint;
pub mod files;
pub mod headers;
pub mod masks;
pub mod model_config;
pub mod prompts;
pub mod requests;
pub mod seeds;
