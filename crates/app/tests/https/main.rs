//! HTTPS through the binary: a server with a certificate, and agents that reach it directly and by
//! proxies.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod proxies;
mod serving;
mod support;
