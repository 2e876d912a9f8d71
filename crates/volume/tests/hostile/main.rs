//! Whatever bytes come in, reading answers with a volume or an error: it never panics, and never
//! takes memory that the file cannot fill.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test")]

mod damage;
mod fields;
mod mutated;
mod support;
