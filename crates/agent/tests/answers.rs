//! Answers that are the server's own, and those of proxies on the way to it.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use agent::{
    cache::Cache,
    connection::{Connection, ConnectionError},
    http::Http,
    reach::Reach,
};
use protocol::lease::FailRequest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Agents whose server is something that gives `answer` to whatever it is asked.
async fn agent(answer: &str, folder: &tempfile::TempDir) -> Http {
    rustls::crypto::ring::default_provider().install_default().ok();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut asked, mut part) = (Vec::new(), [0; 1 << 10]);
            while !asked.ends_with(b"}") && !asked.ends_with(b"\r\n\r\n") {
                let n_bytes = stream.read(&mut part).await.unwrap();
                asked.extend_from_slice(&part[..n_bytes]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let cache = Cache::new(folder.path(), 1).unwrap();
    Http::new(Reach { server, ..Reach::default() }, cache, None).unwrap()
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// The server's own answer.
fn own(status: &str, code: &str) -> String {
    answer(status, &format!(r#"{{"error":{{"code":"{code}","message":"because"}}}}"#))
}

#[derive(Debug, PartialEq)]
enum Kind {
    Stale,
    Refused,
    Unreachable,
}

fn kind(error: &ConnectionError) -> Kind {
    match error {
        ConnectionError::Stale => Kind::Stale,
        ConnectionError::Refused(_) => Kind::Refused,
        ConnectionError::Unreachable(_) => Kind::Unreachable,
        ConnectionError::Local(_) => panic!("{error}"),
    }
}

#[tokio::test]
async fn only_the_servers_own_refusals_are_final() {
    let folder = tempfile::tempdir().unwrap();
    for (answer, expected, is_turned_away) in [
        (answer("401 Unauthorized", "<html>sign in</html>"), Kind::Unreachable, false),
        (answer("403 Forbidden", "<html>blocked</html>"), Kind::Unreachable, false),
        (answer("404 Not Found", "<html>no such host</html>"), Kind::Unreachable, false),
        (answer("409 Conflict", ""), Kind::Unreachable, false),
        (answer("302 Found", ""), Kind::Unreachable, false),
        (answer("413 Payload Too Large", "<html>1 MB</html>"), Kind::Refused, false),
        (own("401 Unauthorized", "unauthorized"), Kind::Refused, true),
        (own("403 Forbidden", "forbidden"), Kind::Refused, false),
        (own("404 Not Found", "not_found"), Kind::Stale, false),
        (own("409 Conflict", "stale_fence"), Kind::Stale, false),
        (own("503 Service Unavailable", "internal"), Kind::Unreachable, false),
    ] {
        let agent = agent(&answer, &folder).await;
        let task_id = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let request = FailRequest { fence: 1, failure: None };
        let error = agent.fail(task_id, &request).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{answer}");
        assert_eq!(agent.turned_away().borrow().is_some(), is_turned_away, "{answer}");
    }
}

#[tokio::test]
async fn a_proxys_answer_to_head_loses_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let marked = |status: &str, code: &str| {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\nvoxloop-error: {code}\r\n\r\n")
    };
    for (answer, expected) in [
        (answer("404 Not Found", ""), Kind::Unreachable),
        (answer("409 Conflict", ""), Kind::Unreachable),
        (marked("409 Conflict", "stale_fence"), Kind::Stale),
        (marked("404 Not Found", "not_found"), Kind::Stale),
        (marked("403 Forbidden", "forbidden"), Kind::Refused),
        (marked("500 Internal Server Error", "internal"), Kind::Unreachable),
    ] {
        let agent = agent(&answer, &folder).await;
        let task_id = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        // More than is sent without asking first.
        let bytes = vec![0; (1 << 20) + 1];
        let error = agent.deliver(task_id, 1, bytes.into()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{answer}");
    }
}
