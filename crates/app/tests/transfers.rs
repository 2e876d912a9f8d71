//! Inputs and outputs over connections that break: whatever is cut where, they arrive whole, and only
//! once.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

mod transfer;

use agent::connection::{Connection, ConnectionError};
use proptest::prelude::*;
use protocol::lease::FailRequest;
use tokio::runtime::Runtime;

use transfer::{Cut, Stage, noise};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_cut_off_is_no_refusal() {
    let stage = Stage::set(1_000).await;
    let stale = FailRequest { fence: stage.lease.fence - 1, failure: None };
    let whole = stage.agent().fail(stage.lease.task_id, &stale).await;
    assert!(matches!(whole, Err(ConnectionError::Stale)), "{whole:?}");
    stage.line.cut([Cut::Answer(stage.line.n_answered() - 3)]);
    let cut = stage.agent().fail(stage.lease.task_id, &stale).await;
    assert!(matches!(cut, Err(ConnectionError::Unreachable(_))), "{cut:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn an_input_arrives_whole_wherever_it_is_cut(
        cuts in prop::collection::vec(0usize..300_000, 0..6),
    ) {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let stage = Stage::set(200_000).await;
            stage.line.cut(cuts.iter().map(|it| Cut::Answer(*it)));
            let agent = stage.agent();
            let (lease, sha256) = (&stage.lease, &stage.image);
            let input = agent.fetch(lease.task_id, lease.fence, sha256).await.unwrap();
            assert_eq!(agent::cache::digest_of_file(&input.path).unwrap().0, *sha256);
            // Bytes that arrived are not sent again: beyond them there are only heads of messages.
            let n_bytes = stage.image_bytes + 2_000 * (cuts.len() + 1);
            assert!(stage.line.n_answered() <= n_bytes, "{} bytes", stage.line.n_answered());
        });
    }

    #[test]
    fn an_output_arrives_whole_wherever_it_is_cut(
        size in (1usize << 20)..(3 << 20),
        cuts in prop::collection::vec(0usize..(2 << 20), 0..6),
    ) {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let stage = Stage::set(1_000).await;
            stage.line.cut(cuts.iter().map(|it| Cut::Request(*it)));
            let agent = stage.agent();
            let (bytes, lease) = (noise(size), &stage.lease);
            let mut n_tries = 0;
            let sha256 = loop {
                match agent.deliver(lease.task_id, lease.fence, bytes.clone().into()).await {
                    Ok(it) => break it,
                    Err(ConnectionError::Unreachable(_)) => n_tries += 1,
                    Err(other) => panic!("{other}"),
                }
                assert!(n_tries <= 2 * cuts.len(), "it goes on for ever");
            };
            let stored = server::blobs::read(&*stage.server.blobs, &sha256).await.unwrap();
            assert!(stored == bytes, "other bytes were stored");
            assert_eq!(stage.unfinished(), 0);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_output_goes_on_where_the_server_has_it() {
    let stage = Stage::set(1_000).await;
    stage.line.cut([Cut::Never, Cut::Request(2 << 20)]);
    let (agent, lease, bytes) = (stage.agent(), &stage.lease, noise(3 << 20));
    let deliver = || agent.deliver(lease.task_id, lease.fence, bytes.clone().into());
    while deliver().await.is_err() {}
    // All of it once, and what was under way when the line was cut: far less than all of it again.
    assert!(stage.line.n_asked() < 5 << 20, "{} bytes", stage.line.n_asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_delivered_as_its_bytes_are() {
    let stage = Stage::set(1_000).await;
    let (agent, lease) = (stage.agent(), &stage.lease);
    let folder = tempfile::tempdir().unwrap();
    for size in [0, 10, (1 << 20) + 1] {
        let (path, bytes) = (folder.path().join("out"), noise(size));
        std::fs::write(&path, &bytes).unwrap();
        let sha256 = agent.deliver_file(lease.task_id, lease.fence, &path).await.unwrap();
        assert_eq!(server::blobs::read(&*stage.server.blobs, &sha256).await.unwrap(), bytes);
        // Once more: the answer was lost, say.
        assert_eq!(agent.deliver_file(lease.task_id, lease.fence, &path).await.unwrap(), sha256);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_stays_wrong_is_no_input() {
    let stage = Stage::set(1_000).await;
    let (agent, lease) = (stage.agent(), &stage.lease);
    let path = stage.server.blobs.open(&stage.image).await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = agent.fetch(lease.task_id, lease.fence, &stage.image).await.unwrap_err();
    assert!(refused.to_string().contains("damaged"), "{refused}");
}
