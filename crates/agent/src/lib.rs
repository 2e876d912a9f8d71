//! The agent: claims tasks from a server, runs them, says that it lives, delivers.
//!
//! It holds no state that matters: kill it at any moment and nothing is lost but time. What a task
//! does is none of its business: a [`runner::Runner`] is passed in. How the server is reached is
//! none of its business either: a [`connection::Connection`] is passed in, over HTTPS
//! ([`http::Http`]) or within the server's own process.

mod attempt;
pub mod cache;
pub mod connection;
mod delivery;
mod fetch;
pub mod http;
pub mod monitor;
mod output_log;
pub mod program;
mod pull;
pub mod reach;
pub mod runner;
mod upload;

pub use pull::{Agent, Device, Profile};
