//! MedSAM2 as an engine, on a network of small dimensions with random weights: what a person marks
//! reaches the network as the published code would have it, and what it answers comes back.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test code: a panic is the answer; the files hold small whole numbers"
)]

mod encoded_once;
mod published;
mod rules;
mod support;
