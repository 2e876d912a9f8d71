//! A `voxloop serve` process and a client for it, for the tests of the whole.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Lets the system choose a port.
pub(crate) const ANY_PORT: &str = "127.0.0.1:0";

/// `voxloop serve` in a folder of its own.
pub(crate) fn serve(folder: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    command
        .args(["serve", "--listen", listen])
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// One request on a connection of its own: `METHOD /path` and a body; status and body come back.
///
/// # Errors
/// If the server dies meanwhile.
pub(crate) fn exchange(
    address: &str,
    line: &str,
    content_type: &str,
    body: &[u8],
) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{line} HTTP/1.0\r\nhost: {address}\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the answer was cut off");
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).ok_or_else(cut)?;
    let length = head.lines().find_map(|it| {
        let (name, value) = it.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    let body = answer.split_off(end + 4);
    if length.is_some_and(|it| it != body.len()) {
        return Err(cut());
    }
    Ok((status, body))
}

/// A started server; killed with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Running {
    /// Starts this command and reads from its log where the server is.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        // The log is read on, so that the server never waits for a full pipe.
        std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        Self { child, address }
    }

    /// Sends `METHOD /path`, with a JSON body on a second line where there is one.
    pub(crate) fn send(&self, request: &str) -> String {
        let (line, body) = request.split_once('\n').unwrap_or((request, ""));
        let sent = exchange(&self.address, line, "application/json", body.as_bytes());
        let (status, answer) = sent.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!((200..300).contains(&status), "{status}: {answer}");
        answer
    }

    pub(crate) fn ask(&self, request: &str) -> Value {
        serde_json::from_str(&self.send(request)).unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone where the test killed it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
