//! What `segment` and `eval` share when they are given many files: finding them, running several at
//! once within a share of the memory, saying how far it is, stopping cleanly, and a list of what was
//! done, so that a second run goes on where the first ended.

pub(crate) mod digest;
pub(crate) mod inputs;
pub(crate) mod interrupt;
pub(crate) mod manifest;
pub(crate) mod pool;
pub(crate) mod print;
pub(crate) mod progress;

mod misuse;

pub(crate) use misuse::Misuse;
