//! Shared vocabulary and wire types: what the page, the server, the agents and the engines say to
//! each other.
//!
//! One definition per wire type. Nothing here does any work: it is names, serde and schema only.

pub mod diagnosis;
pub mod event;
pub mod id;
pub mod job;
pub mod lease;
pub mod measure;
pub mod prompt;
pub mod system;
pub mod task;
