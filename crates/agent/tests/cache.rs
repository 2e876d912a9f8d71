//! The agent's cache: what is kept, what goes, and what several agents on one machine make of it.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::{
    fs,
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use agent::cache::{Cache, Held, Part, Start, digest_of_file};
use proptest::prelude::*;
use protocol::id::Sha256;
use sha2::Digest;

fn sha(bytes: &[u8]) -> Sha256 {
    Sha256::from_digest(sha2::Sha256::digest(bytes).into())
}

#[track_caller]
fn mine(cache: &Cache, sha256: &Sha256) -> Part {
    match cache.start(sha256).unwrap() {
        Start::Mine(part) => part,
        other @ (Start::Whole(_) | Start::Theirs(_)) => panic!("expected a part, got {other:?}"),
    }
}

#[track_caller]
fn whole(cache: &Cache, sha256: &Sha256) -> Held {
    match cache.start(sha256).unwrap() {
        Start::Whole(held) => held,
        other @ (Start::Mine(_) | Start::Theirs(_)) => panic!("expected an entry, got {other:?}"),
    }
}

fn put(cache: &Cache, bytes: &[u8]) -> Held {
    let part = mine(cache, &sha(bytes));
    part.writer().unwrap().write_all(bytes).unwrap();
    cache.finish(&part).unwrap().unwrap()
}

/// What lies in the folder besides the lock, with sizes.
fn files(folder: &Path) -> Vec<(String, u64)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .map(|it| (it.file_name().into_string().unwrap(), it.metadata().unwrap().len()))
        .filter(|(name, _)| name != "lock")
        .collect();
    found.sort();
    found
}

#[test]
fn a_download_that_stopped_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (stopped, cache) =
        (Cache::new(folder.path(), 1_000).unwrap(), Cache::new(folder.path(), 1_000).unwrap());
    let name = sha(b"volume");
    let theirs = mine(&stopped, &name);
    theirs.writer().unwrap().write_all(b"vol").unwrap();
    assert!(matches!(cache.start(&name).unwrap(), Start::Theirs(3)));
    drop(cache.start_apart(&name).unwrap());
    assert_eq!(files(folder.path()), [(format!("{name}.part"), 3)], "what is given up goes");
    let apart = cache.start_apart(&name).unwrap();
    apart.writer().unwrap().write_all(b"volume").unwrap();
    cache.make_room(0).unwrap();
    let held = cache.finish(&apart).unwrap().unwrap();
    drop(apart);
    assert_eq!(fs::read(held.path()).unwrap(), b"volume");
    // The other one wakes up and gets on.
    theirs.writer().unwrap().write_all(b"ume").unwrap();
    let awake = stopped.finish(&theirs).unwrap().unwrap();
    assert_eq!(fs::read(awake.path()).unwrap(), b"volume");
    assert_eq!(files(folder.path()), [(name.to_string(), 6)]);
}

#[test]
fn an_input_is_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), 1_000).unwrap();
    let path = put(&cache, b"volume").path().to_owned();
    let held = whole(&cache, &sha(b"volume"));
    assert_eq!((held.path(), fs::read(held.path()).unwrap()), (&*path, b"volume".to_vec()));
    // Another agent with the same folder, and the same one started again.
    let other = Cache::new(folder.path(), 1_000).unwrap();
    assert_eq!(whole(&other, &sha(b"volume")).path(), path);
}

#[test]
fn what_is_longest_unused_goes_first_and_what_is_in_use_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), 10).unwrap();
    let first = put(&cache, b"1111");
    drop(put(&cache, b"2222"));
    drop(put(&cache, b"3333"));
    let names = |list: &[&[u8]]| {
        let mut names: Vec<_> = list.iter().map(|it| (sha(it).to_string(), 4)).collect();
        names.sort();
        names
    };
    assert_eq!(files(folder.path()), names(&[b"1111", b"3333"]));
    drop(first);
    drop(whole(&cache, &sha(b"1111")));
    drop(put(&cache, b"4444"));
    assert_eq!(files(folder.path()), names(&[b"1111", b"4444"]));
}

#[test]
fn a_limit_of_nothing_keeps_nothing_that_is_not_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), 0).unwrap();
    let held = put(&cache, b"volume");
    assert_eq!(fs::read(held.path()).unwrap(), b"volume");
    drop(held);
    assert_eq!(files(folder.path()), []);
}

#[test]
fn a_damaged_entry_is_found_and_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let name = sha(b"volume");
    let path = put(&Cache::new(folder.path(), 1_000).unwrap(), b"volume").path().to_owned();
    for damage in [b"volumf".as_slice(), b"vol", b""] {
        fs::write(&path, damage).unwrap();
        let cache = Cache::new(folder.path(), 1_000).unwrap();
        let part = mine(&cache, &name);
        assert_eq!(part.length().unwrap(), 0);
        part.writer().unwrap().write_all(b"volume").unwrap();
        drop(cache.finish(&part).unwrap().unwrap());
    }
    // Damaged while this very agent runs, which knew it as good.
    let cache = Cache::new(folder.path(), 1_000).unwrap();
    drop(whole(&cache, &name));
    fs::write(&path, b"volum").unwrap();
    mine(&cache, &name);
}

#[test]
fn bytes_that_are_not_those_of_the_name_make_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), 1_000).unwrap();
    let part = mine(&cache, &sha(b"volume"));
    part.writer().unwrap().write_all(b"something else").unwrap();
    assert!(cache.finish(&part).unwrap().is_none());
    assert_eq!(part.length().unwrap(), 0);
}

#[test]
fn what_a_dead_agent_left_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let name = sha(b"volume");
    let dead = Cache::new(folder.path(), 1_000).unwrap();
    let part = mine(&dead, &name);
    part.writer().unwrap().write_all(b"vol").unwrap();
    let cache = Cache::new(folder.path(), 1_000).unwrap();
    assert!(matches!(cache.start(&name).unwrap(), Start::Theirs(_)), "it still lives");
    drop(part);
    let part = mine(&cache, &name);
    assert_eq!(part.length().unwrap(), 3);
    part.writer().unwrap().write_all(b"ume").unwrap();
    assert_eq!(fs::read(cache.finish(&part).unwrap().unwrap().path()).unwrap(), b"volume");
}

#[test]
fn only_files_of_the_cache_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["notes.txt", "part", "x.part"] {
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    drop(put(&Cache::new(folder.path(), 0).unwrap(), b"volume"));
    assert_eq!(files(folder.path()).len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Agents that ask for the same few inputs at once all read the right bytes, whatever the limit;
    /// afterwards the folder is within it.
    #[test]
    fn many_agents_share_a_folder(
        wishes in prop::collection::vec(prop::collection::vec(0u8..5, 1..8), 2..5),
        limit in prop_oneof![Just(0u64), 1u64..6_000, Just(1 << 20)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let inputs: Vec<Vec<u8>> = (0..5u8).map(|it| vec![it; 1_000 + usize::from(it)]).collect();
        let n_fetched = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for wishes in &wishes {
                let (inputs, n_fetched, folder) = (&inputs, &n_fetched, folder.path());
                scope.spawn(move || {
                    let cache = Cache::new(folder, limit).unwrap();
                    for wish in wishes {
                        read(&cache, &inputs[usize::from(*wish)], n_fetched);
                    }
                });
            }
        });
        let total: u64 = files(folder.path()).iter().map(|(_, bytes)| bytes).sum();
        prop_assert!(total <= limit, "{total} of {limit}");
        let n_wishes: usize = wishes.iter().map(Vec::len).sum();
        prop_assert!(n_fetched.load(Ordering::SeqCst) <= n_wishes);
    }
}

/// Reads an input as an agent does, and fetches it where nobody has it.
fn read(cache: &Cache, bytes: &[u8], n_fetched: &AtomicUsize) {
    let name = sha(bytes);
    loop {
        let held = match cache.start(&name).unwrap() {
            Start::Whole(held) => held,
            Start::Theirs(_) => {
                std::thread::yield_now();
                continue;
            }
            Start::Mine(part) => {
                n_fetched.fetch_add(1, Ordering::SeqCst);
                let have = usize::try_from(part.length().unwrap()).unwrap();
                part.writer().unwrap().write_all(&bytes[have..]).unwrap();
                cache.finish(&part).unwrap().unwrap()
            }
        };
        assert_eq!(digest_of_file(held.path()).unwrap(), (name, bytes.len() as u64));
        return;
    }
}
