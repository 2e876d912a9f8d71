//! Single requests to the server that is measured, each on a connection of its own.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use anyhow::{Context, bail};

/// What separates the parts of a form.
const BOUNDARY: &str = "voxloop-bench-part";

/// `GET` of a path.
///
/// # Errors
/// If the server does not answer, or with another status than 200.
pub(super) fn get(address: &str, path: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).context("connecting")?;
    let head = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).context("asking")?;
    answered(&mut stream, "200")
}

/// Sends a file of `n_bytes`, which `write` writes, as a new job.
///
/// # Errors
/// If the server does not take it.
pub(super) fn upload(
    address: &str,
    n_bytes: u64,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let start = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"bench.nii\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let length = n_bytes + (start.len() + end.len()) as u64;
    let mut stream = TcpStream::connect(address).context("connecting")?;
    let head = format!(
        "POST /api/v1/jobs HTTP/1.0\r\nhost: {address}\r\ncontent-length: {length}\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n{start}"
    );
    stream.write_all(head.as_bytes()).context("asking")?;
    write(&mut stream).context("uploading")?;
    stream.write_all(end.as_bytes()).context("uploading")?;
    answered(&mut stream, "201")
}

fn answered(stream: &mut TcpStream, expected: &str) -> anyhow::Result<()> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("reading the answer")?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.split(' ').nth(1) != Some(expected) {
        bail!("expected status {expected}, got: {answer}");
    }
    Ok(())
}
