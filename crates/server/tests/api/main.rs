//! The API as a client sees it: every endpoint, every refusal, over a server in memory.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod support;

mod accepted;
mod access;
mod callers;
mod damage;
mod demand;
mod devices;
mod errors;
mod exports;
mod history;
mod history_model;
mod hostile;
mod jobs;
mod keeping_time;
mod kept;
mod labels;
mod masks;
mod measures;
mod monitor;
mod older_agents;
mod operations;
mod origins;
mod output_log;
mod pathology;
mod people;
mod preparing;
mod prompts;
mod proxies;
mod rating;
mod requests;
mod review;
mod roles;
mod tasks;
mod transfers;
