//! Shared vocabulary and wire types: what the page, the server, the agents and the engines say to
//! each other.
//!
//! One definition per wire type. Nothing here does any work: it is names, serde and schema only.

pub mod audit;
pub mod diagnosis;
pub mod event;
pub mod id;
pub mod job;
pub mod label;
pub mod lease;
pub mod measure;
pub mod operation;
pub mod prompt;
pub mod rating;
pub mod review;
pub mod system;
pub mod task;
pub mod task_log;
