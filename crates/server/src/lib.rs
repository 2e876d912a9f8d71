//! The server: jobs, the queue, the blobs, the events, and the page, behind one port.
//!
//! Entry points: [`state::Server`] holds the parts, [`routes::router`] makes a service of them,
//! [`queue::next`] decides what follows a task's state.

pub mod clock;
pub mod settings;
pub mod state;

pub mod blobs;
pub mod incoming;
pub mod queue;
pub mod store;

mod case;
mod cleanup;
pub mod diagnosis;
mod edits;
pub mod engines;
mod exports;
mod gpu;
mod host;
pub mod images;
pub mod interpolate;
pub mod jobs;
mod kept;
mod label_rules;
mod masks;
mod measures;
mod operations;
pub mod person;
mod preparations;
mod prompt_merge;
mod prompts;
mod rates;
mod results;
pub mod review;
mod roster;
mod sample;
mod surfaces;
mod task_log;
mod tasks;
mod thumbnails;
mod work;

pub mod access;
mod body;
pub mod error;
mod form;
mod guard;
pub mod routes;
