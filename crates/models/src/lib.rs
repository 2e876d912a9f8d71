//! Model weights: which there are, where they lie on this machine, how they are fetched from the
//! hub and checked.
//!
//! Entry points: [`catalogue::MODELS`], [`folder::ModelFolder`], [`hub::Hub`]. Nothing here knows
//! what is inside a file of weights; whoever loads it checks that.

pub mod catalogue;
mod digest;
pub mod download;
mod error;
pub mod folder;
pub mod hub;
pub mod record;

pub use error::ModelError;
