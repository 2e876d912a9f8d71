//! Shared vocabulary and wire types: what the page, the server, the agents and the engines say to
//! each other.
//!
//! One definition per wire type. Nothing here does any work but to put values into a sentence: it is names, serde and schema.

pub mod access;
pub mod audit;
pub mod device;
pub mod diagnosis;
mod english;
pub mod event;
pub mod external;
pub mod id;
pub mod job;
pub mod label;
pub mod lease;
mod mask_spec;
pub mod measure;
pub mod needs;
pub mod operation;
pub mod output_log;
pub mod prompt;
pub mod rating;
pub mod review;
pub mod sentence;
pub mod system;
pub mod task;
pub mod task_log;
mod task_output;
pub mod waiting;
