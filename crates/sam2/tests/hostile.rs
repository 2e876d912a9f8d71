//! Checkpoints that were cut short, flipped, or written to do harm: a clear error, little memory.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::io::{Cursor, Write as _};
use std::path::Path;

use proptest::prelude::*;
use sam2::checkpoint::{Checkpoint, CheckpointError};

fn micro() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro");
    std::fs::read(folder.join("checkpoint.pt")).unwrap()
}

/// Opens a checkpoint and reads all that it names.
fn read_all(bytes: &[u8]) -> Result<usize, CheckpointError> {
    let mut checkpoint = Checkpoint::new(Cursor::new(bytes))?;
    let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
    let mut count = 0;
    for name in names {
        count += checkpoint.read(&name)?.unwrap().len();
    }
    Ok(count)
}

/// A checkpoint with the given list of tensors and one storage of 16 bytes.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in
        [("a/data.pkl", pickle), ("a/byteorder", b"little"), ("a/data/0", &[0; 16])]
    {
        archive.start_file(name, stored).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn message(pickle: &[u8]) -> String {
    read_all(&with_pickle(pickle)).unwrap_err().to_string()
}

/// A tensor `w` of the given shape and strides, as protocol 2 writes it.
fn one_tensor(shape: [i32; 2], strides: [i32; 2]) -> Vec<u8> {
    let mut pickle =
        b"\x80\x02}X\x05\0\0\0model}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n".to_vec();
    pickle.extend(
        b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0\x30X\x03\0\0\0cpuK\x04tQK\0",
    );
    for pair in [shape, strides] {
        for number in pair {
            pickle.push(b'J');
            pickle.extend(number.to_le_bytes());
        }
        pickle.push(0x86);
    }
    pickle.extend(b"\x89}tRss.");
    pickle
}

#[test]
fn the_micro_checkpoint_is_read_whole() {
    let count = read_all(&micro()).unwrap();
    assert!((1_400_000..1_700_000).contains(&count), "{count} numbers");
}

#[test]
fn strided_tensors_are_put_into_row_order() {
    let mut bytes = with_pickle(&one_tensor([2, 2], [1, 2]));
    let numbers: Vec<u8> = [1_f32, 2.0, 3.0, 4.0].into_iter().flat_map(f32::to_le_bytes).collect();
    let start = Checkpoint::new(Cursor::new(&bytes)).unwrap();
    assert_eq!(start.shape("w"), Some(&[2, 2][..]));
    let header = b"a/data/0";
    let at = bytes.windows(header.len()).position(|it| it == header).unwrap() + header.len();
    bytes[at..at + 16].copy_from_slice(&numbers);
    let read = Checkpoint::new(Cursor::new(&bytes)).unwrap().read("w").unwrap().unwrap();
    assert_eq!(read, [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn tensors_beyond_their_storage_are_refused() {
    for (shape, strides) in [
        ([i32::MAX, i32::MAX], [0, 0]),
        ([5, 1], [1, 1]),
        ([2, 2], [i32::MAX, 1]),
        ([1 << 20, 1 << 20], [0, 0]),
        ([4, 1], [2, 1]),
    ] {
        let error = message(&one_tensor(shape, strides));
        assert!(error.contains("w lies outside its storage"), "{shape:?}: {error}");
    }
    assert!(message(&one_tensor([-1, 4], [1, 1])).contains("negative"));
}

#[test]
fn names_that_would_run_code_are_refused() {
    let error = message(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.");
    assert!(error.contains("os.system"), "{error}");
    let error = message(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
    assert!(error.contains("builtins.eval"), "{error}");
    // Instructions that make objects of any class.
    for code in [b'i', b'o', 0x81, 0x92, 0x82] {
        assert!(message(&[0x80, 2, code]).contains("is none that weights need"));
    }
}

#[test]
fn nonsense_is_an_error_that_says_where() {
    for (pickle, what) in [
        (&b""[..], "ends too early"),
        (b".", "stack is empty"),
        (b"K\x01.", "no dictionary"),
        (b"}.", "under \"model\""),
        (b"t", "no mark"),
        (b"h\x07", "kept as 7"),
        (b"K\x01K\x02K\x03s", "something else than a dictionary"),
        (b"(K\x01\x86", "stack is empty"),
        (b"X\xff\xff\xff\xff", "ends too early"),
        (b"\x8a\xff\x00", "ends too early"),
        (b"(K\x01tQ", "too few items"),
        (b"K\x01K\x02R", "without a known name"),
    ] {
        let error = message(pickle);
        assert!(error.contains(what), "{pickle:?}: {error}");
    }
}

#[test]
fn repeated_names_and_long_nesting_stay_small() {
    // One long name, used for one tensor after the other.
    let mut repeated = b"\x80\x02}X\x05\0\0\0model}X\0\0\x01\0".to_vec();
    repeated.extend([b'n'; 1 << 16]);
    repeated.extend(b"q\x010(h\x01}sh\x01");
    repeated.extend(b"h\x01h\x01".repeat(100_000));
    repeated.extend(b"us.");
    assert!(!message(&repeated).is_empty());
    // A tuple in a tuple in a tuple …
    let mut nested = b"\x80\x02K\x01".to_vec();
    nested.extend([0x85; 500_000]);
    nested.push(b'.');
    assert!(message(&nested).contains("no dictionary"));
    let too_long = vec![b'('; (1 << 20) + 1];
    assert!(message(&too_long).contains("more than any network's"));
}

#[test]
fn an_axis_without_length_makes_the_others_harmless() {
    // Four axes of 2⁶² and one of 0, in both orders: no product of them is asked for.
    let endless = [&b"\x8a\x08"[..], &(1_i64 << 62).to_le_bytes()].concat();
    let endless = endless.repeat(4);
    for shape in [[&endless[..], b"K\0"].concat(), [b"K\0", &endless[..]].concat()] {
        let mut pickle = one_tensor([2, 2], [1, 2]);
        // The tail that `one_tensor` writes: shape, strides, and the end.
        pickle.truncate(pickle.len() - 29);
        for _ in 0..2 {
            pickle.push(b'(');
            pickle.extend(&shape);
            pickle.push(b't');
        }
        pickle.extend(b"\x89}tRss.");
        assert_eq!(read_all(&with_pickle(&pickle)).unwrap(), 0);
    }
}

#[test]
fn long_names_make_no_long_errors() {
    let long = |n: usize| -> Vec<u8> {
        let length = u32::try_from(n).unwrap().to_le_bytes();
        [&b"X"[..], &length, &vec![b'n'; n]].concat()
    };
    let named = [&b"\x80\x02}X\x05\0\0\0model}"[..], &long(300), b"Nss."].concat();
    assert!(message(&named).contains("long name"));
    let asked = [&b"c"[..], &[b'm'; 5000], b"\n", &[b'n'; 5000], b"\n."].concat();
    assert!(message(&asked).len() < 500);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("n".repeat(400), zip::write::SimpleFileOptions::default()).unwrap();
    let file = archive.finish().unwrap().into_inner();
    assert!(read_all(&file).unwrap_err().to_string().contains("an entry has a long name"));
}

#[test]
fn other_files_are_named_as_such() {
    for bytes in [&b""[..], b"PK", b"\x80\x02}q\x00.", &[0; 4096]] {
        assert!(matches!(read_all(bytes), Err(CheckpointError::NotAnArchive)));
    }
    let whole = micro();
    assert!(matches!(read_all(&whole[..whole.len() / 2]), Err(CheckpointError::NotAnArchive)));
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("a/data.pkl", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&[0; 999]).unwrap();
    let packed = archive.finish().unwrap().into_inner();
    assert!(read_all(&packed).unwrap_err().to_string().contains("compressed"));
}

/// Largest resident memory of this process so far, in bytes; 0 where the system does not say.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    line.map_or(0, |it| it.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn mutated_checkpoints_never_panic_and_stay_small(
        changes in prop::collection::vec((0_u8..4, any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = micro();
        let length = bytes.len();
        let pickle = bytes.windows(8).position(|it| it == b"data.pkl").unwrap();
        for (place, index, value) in changes {
            let (start, span) = match place {
                0 => (0, 1024),
                1 => (length - 1024, 1024),
                2 => (length - 40_000, 40_000),
                _ => (pickle, 68_000),
            };
            bytes[start + index.index(span)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(length - cut.index(4096));
        }
        if let Err(error) = read_all(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
        prop_assert!(peak_bytes() < 400 << 20, "{} bytes", peak_bytes());
    }

    #[test]
    fn made_up_pickles_never_panic(
        pickle in prop::collection::vec(
            prop::sample::select(&b"\x80\x02}]()tqhrjXKMJNQRbsuae0.\x85\x86\x87\x88\x8a\x8c\x93\x94\0\x01\x02"[..]),
            0..64,
        ),
    ) {
        prop_assert!(read_all(&with_pickle(&pickle)).is_err());
    }
}
