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
pub mod demand;
mod devices;
pub mod diagnosis;
mod drain;
mod edits;
pub mod engines;
mod exports;
mod gpu;
mod grants;
mod holder;
mod host;
pub mod images;
pub mod interpolate;
pub mod jobs;
mod kept;
mod label_rules;
mod masks;
mod measures;
mod merged;
mod operations;
mod output_log;
mod pathology;
pub mod people;
pub mod person;
mod preparations;
mod prompt_merge;
mod prompts;
mod rates;
mod requests;
mod results;
pub mod review;
mod roster;
mod sample;
mod sign_in;
mod surfaces;
mod task_log;
mod tasks;
mod thumbnails;
pub mod uploads;
mod waiting;
mod work;

pub mod access;
mod body;
pub mod error;
mod form;
mod forwarded;
mod guard;
pub mod routes;
pub mod tls;
