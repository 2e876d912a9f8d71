//! The zip layer of a checkpoint: where each stored entry's bytes lie. Nothing is decompressed.
//!
//! `torch.save` stores every entry uncompressed so that tensors can be read in place; an archive
//! that does anything else is refused. Every offset and length is checked against the file before it is used,
//! and the directory itself is limited, so a hostile file costs no more than its own size.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use super::CheckpointError;

/// Longest directory that is read, in bytes; a real checkpoint of 400 tensors needs 40 kB.
const MAX_DIRECTORY: u64 = 16 << 20;

/// Longest name of an entry: that of a file, a folder and a number. Names stand in errors.
const MAX_NAME: usize = 300;

/// Where an entry's bytes lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// First byte of the entry's content.
    pub(super) start: u64,
    /// Length of the content in bytes.
    pub(super) bytes: u64,
}

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

const END_BYTES: u64 = 22;
const LOCATOR_64_BYTES: u64 = 20;
const END_64_BYTES: u64 = 56;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
const MAX_COMMENT: u64 = 0xffff;

/// Lists the entries of a zip archive by name.
///
/// # Errors
/// [`CheckpointError::NotAnArchive`] without a zip's end record, [`CheckpointError::Damaged`] where a
/// record contradicts the file, [`CheckpointError::Unsupported`] for compressed or encrypted entries.
pub(super) fn entries(
    file: &mut (impl Read + Seek),
) -> Result<BTreeMap<String, Entry>, CheckpointError> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let (directory_start, directory_bytes, n_entries) = directory(file, file_bytes)?;
    let directory = read_at(file, directory_start, directory_bytes)?;
    let mut entries = BTreeMap::new();
    let mut rest = directory.as_slice();
    for _ in 0..n_entries {
        let (name, header, after) = central_record(rest)?;
        rest = after;
        let entry = locate(file, header, &name, directory_start)?;
        if entries.insert(name.clone(), entry).is_some() {
            return Err(CheckpointError::Damaged(format!("two entries are named {name:?}")));
        }
    }
    Ok(entries)
}

/// Finds the directory: its offset, its length, how many entries it has.
fn directory(
    file: &mut (impl Read + Seek),
    file_bytes: u64,
) -> Result<(u64, u64, u64), CheckpointError> {
    let tail_bytes = file_bytes.min(END_BYTES + MAX_COMMENT);
    let tail = read_at(file, file_bytes - tail_bytes, tail_bytes)?;
    let at = tail
        .windows(END.len())
        .rposition(|it| it == END)
        .filter(|at| tail.len() - at >= 22)
        .ok_or(CheckpointError::NotAnArchive)?;
    let end = &tail[at..];
    let end_start = file_bytes - tail_bytes + at as u64;
    let mut n_entries = u64::from(u16_at(end, 10));
    let mut bytes = u64::from(u32_at(end, 12));
    let mut start = u64::from(u32_at(end, 16));
    let needs_64 =
        n_entries == 0xffff || bytes == u64::from(u32::MAX) || start == u64::from(u32::MAX);
    if needs_64 && let Some(record) = end_64(file, end_start)? {
        n_entries = u64_at(&record, 32);
        bytes = u64_at(&record, 40);
        start = u64_at(&record, 48);
    }
    let inside = start.checked_add(bytes).is_some_and(|end| end <= end_start);
    if !inside || bytes > MAX_DIRECTORY {
        return Err(CheckpointError::Damaged(
            "the directory does not fit into the file".to_owned(),
        ));
    }
    if n_entries > bytes / CENTRAL_BYTES as u64 {
        return Err(CheckpointError::Damaged("the directory is too short".to_owned()));
    }
    Ok((start, bytes, n_entries))
}

/// The 64-bit end record, if the locator before the end record points to one.
fn end_64(
    file: &mut (impl Read + Seek),
    end_start: u64,
) -> Result<Option<Vec<u8>>, CheckpointError> {
    let Some(locator_start) = end_start.checked_sub(LOCATOR_64_BYTES) else { return Ok(None) };
    let locator = read_at(file, locator_start, LOCATOR_64_BYTES)?;
    if locator[..4] != LOCATOR_64 {
        return Ok(None);
    }
    let start = u64_at(&locator, 8);
    if start.checked_add(END_64_BYTES).is_none_or(|end| end > locator_start) {
        return Err(CheckpointError::Damaged(
            "the directory does not fit into the file".to_owned(),
        ));
    }
    let record = read_at(file, start, END_64_BYTES)?;
    Ok((record[..4] == END_64).then_some(record))
}

/// What the directory says about one entry.
#[derive(Clone, Copy)]
struct Central {
    bytes: u64,
    local_start: u64,
}

/// Parses the first record of `directory`; returns its name, its facts and what follows.
fn central_record(directory: &[u8]) -> Result<(String, Central, &[u8]), CheckpointError> {
    let short = || CheckpointError::Damaged("the directory is too short".to_owned());
    if directory.len() < CENTRAL_BYTES || directory[..4] != CENTRAL {
        return Err(short());
    }
    let name_bytes = usize::from(u16_at(directory, 28));
    let extra_bytes = usize::from(u16_at(directory, 30));
    let comment_bytes = usize::from(u16_at(directory, 32));
    if name_bytes > MAX_NAME {
        return Err(CheckpointError::Damaged("an entry has a long name".to_owned()));
    }
    let rest = &directory[CENTRAL_BYTES..];
    if rest.len() < name_bytes + extra_bytes + comment_bytes {
        return Err(short());
    }
    let (name, rest) = rest.split_at(name_bytes);
    let (extra, rest) = rest.split_at(extra_bytes);
    let name = String::from_utf8_lossy(name).into_owned();

    let encrypted = u16_at(directory, 8) & 1 != 0;
    let stored = u16_at(directory, 10) == 0;
    if encrypted || !stored {
        return Err(CheckpointError::Unsupported(format!(
            "entry {name:?} is compressed or encrypted; torch.save stores entries as they are"
        )));
    }
    let packed = u32_at(directory, 20);
    let plain = u32_at(directory, 24);
    let local = u32_at(directory, 42);
    let mut wide = wide_fields(extra);
    let mut field = |narrow: u32| -> Result<u64, CheckpointError> {
        if narrow == u32::MAX { wide.next().ok_or_else(short) } else { Ok(u64::from(narrow)) }
    };
    // The order in the extra field: uncompressed size, compressed size, offset.
    let bytes = field(plain)?;
    let packed = field(packed)?;
    let local_start = field(local)?;
    if packed != bytes {
        return Err(CheckpointError::Damaged(format!("entry {name:?} has two lengths")));
    }
    Ok((name, Central { bytes, local_start }, &rest[comment_bytes..]))
}

/// The 64-bit numbers of a record's extra fields.
fn wide_fields(extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut rest = extra;
    let mut found: &[u8] = &[];
    while rest.len() >= 4 {
        let bytes = usize::from(u16_at(rest, 2)).min(rest.len() - 4);
        if u16_at(rest, 0) == 1 {
            found = &rest[4..4 + bytes];
        }
        rest = &rest[4 + bytes..];
    }
    found.chunks_exact(8).map(|it| u64_at(it, 0))
}

/// Reads an entry's own header to find where its content begins.
fn locate(
    file: &mut (impl Read + Seek),
    central: Central,
    name: &str,
    directory_start: u64,
) -> Result<Entry, CheckpointError> {
    let outside = || CheckpointError::Damaged(format!("entry {name:?} lies outside the file"));
    let after_header =
        central.local_start.checked_add(LOCAL_BYTES as u64).filter(|it| *it <= directory_start);
    let after_header = after_header.ok_or_else(outside)?;
    let header = read_at(file, central.local_start, LOCAL_BYTES as u64)?;
    if header[..4] != LOCAL {
        return Err(CheckpointError::Damaged(format!("entry {name:?} has no header")));
    }
    let start = after_header + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
    let end = start.checked_add(central.bytes).filter(|it| *it <= directory_start);
    end.ok_or_else(outside)?;
    Ok(Entry { start, bytes: central.bytes })
}

/// Reads `bytes` bytes at `start`; the caller has checked that they lie in the file.
pub(super) fn read_at(
    file: &mut (impl Read + Seek),
    start: u64,
    bytes: u64,
) -> Result<Vec<u8>, CheckpointError> {
    let length = usize::try_from(bytes)
        .map_err(|_too_long| CheckpointError::Damaged("an entry is too long".to_owned()))?;
    let mut content = vec![0; length];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut content)?;
    Ok(content)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
