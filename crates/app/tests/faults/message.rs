//! HTTP/1.1 messages as bytes: where they end, what they ask, what they answer.

use tokio::{io::AsyncReadExt, net::TcpStream};

/// A request with all of its body; none where the sender hangs up before.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(bytes)
}

/// Where the head ends, the empty line included.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|it| it == b"\r\n\r\n").map(|it| it + 4)
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = end_of_head(bytes) else { return false };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    if head.contains("transfer-encoding: chunked") {
        // No body of these tests holds these bytes.
        return bytes.ends_with(b"\r\n0\r\n\r\n");
    }
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
    bytes.len() >= end + length.map_or(0, |it| it.trim().parse::<usize>().unwrap())
}

/// `METHOD /path` of a request, without its query.
pub(crate) fn asked(request: &[u8]) -> String {
    let line = request.split(|it| *it == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let target = line.rsplit_once(' ').map_or(&*line, |(it, _)| it);
    target.split('?').next().unwrap_or_default().to_owned()
}

/// The same request, after which the server hangs up.
pub(crate) fn the_only_one(mut request: Vec<u8>) -> Vec<u8> {
    let end = request.iter().position(|it| *it == b'\n').map_or(0, |it| it + 1);
    request.splice(end..end, *b"connection: close\r\n");
    request
}

/// The status of an answer; none where not even that arrived.
pub(crate) fn status(answer: &[u8]) -> Option<u16> {
    let end = end_of_head(answer)?;
    String::from_utf8_lossy(&answer[..end]).split(' ').nth(1)?.parse().ok()
}

#[test]
fn a_request_ends_where_its_head_says() {
    let head = b"PUT /a/b?fence=3 HTTP/1.1\r\nContent-Length: 4\r\n\r\n".to_vec();
    assert!(!is_whole(&head[..20]) && !is_whole(&head) && !is_whole(&[&head[..], b"abc"].concat()));
    assert!(is_whole(&[&head[..], b"abcd"].concat()));
    assert!(is_whole(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    let chunked = b"PATCH / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc".to_vec();
    assert!(!is_whole(&chunked));
    assert!(is_whole(&[&chunked[..], b"\r\n0\r\n\r\n"].concat()));
    assert_eq!(asked(&head), "PUT /a/b");
    assert_eq!(status(b"HTTP/1.1 409 Conflict\r\n\r\n"), Some(409));
    assert_eq!(status(b"HTTP/1.1 409 Conf"), None);
}
