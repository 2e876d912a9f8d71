//! The API as a client sees it: every endpoint, every refusal, over a server in memory.

mod support;

mod errors;
mod jobs;
mod masks;
mod origins;
mod tasks;
