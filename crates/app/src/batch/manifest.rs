//! A list of what was done, one JSON object a line, only ever appended to. Each line is one write
//! and is on the disk before the next step, so a run may be killed at any moment: at worst the last
//! line is torn, and the next run cuts it off. A line that does not fit on the disk is taken back.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use serde::{Serialize, de::DeserializeOwned};

use super::Misuse;

/// An open manifest; no other process writes to it meanwhile.
pub(crate) struct Manifest {
    path: PathBuf,
    lines: Mutex<Lines<File>>,
}

impl Manifest {
    /// Opens or creates a manifest and gives what it says so far.
    ///
    /// # Errors
    /// If another run holds it, it cannot be read or written, or a whole line is no entry.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path) -> anyhow::Result<(Self, Vec<T>)> {
        let cannot = || format!("cannot open {}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another run is writing to it", path.display());
                return Err(Misuse(message).into());
            }
            // Some network file systems have no locks; whoever starts two runs there is not told.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(cannot)?;
        let whole = bytes.iter().rposition(|&it| it == b'\n').map_or(0, |it| it + 1);
        let entries = entries(&bytes[..whole]).map_err(|(line, error)| {
            let path = path.display();
            Misuse(format!("{path}, line {line} is no entry ({error}); mend or remove it"))
        })?;
        if whole < bytes.len() {
            if !is_torn::<T>(&bytes[whole..]) {
                let message =
                    format!("{}: its last line is no entry; is it this file?", path.display());
                return Err(Misuse(message).into());
            }
            file.set_len(u64::try_from(whole)?).with_context(cannot)?;
        }
        let n_bytes = file.seek(SeekFrom::End(0)).with_context(cannot)?;
        let lines = Lines { file, n_bytes, is_torn: false };
        Ok((Self { path: path.to_owned(), lines: Mutex::new(lines) }, entries))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// If it cannot be written; nothing of it is left in the file then, or no further entry is
    /// taken.
    pub(crate) fn append(&self, entry: &impl Serialize) -> anyhow::Result<()> {
        let line = format!("{}\n", serde_json::to_string(entry)?);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .append(line.as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Drop for Manifest {
    /// Lets the next run in at once: under load a lock was seen to outlive the closed file, and even
    /// the process, for a moment.
    fn drop(&mut self) {
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Where it fails, closing the file does it.
        lines.file.unlock().ok();
    }
}

/// What a manifest needs of its file.
trait Storage: Write {
    /// Waits until what was written is on the disk.
    fn keep(&mut self) -> io::Result<()>;

    /// Ends the file after so many bytes; what is written next stands there.
    fn cut(&mut self, n_bytes: u64) -> io::Result<()>;
}

impl Storage for File {
    fn keep(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, n_bytes: u64) -> io::Result<()> {
        self.set_len(n_bytes)?;
        self.seek(SeekFrom::Start(n_bytes))?;
        Ok(())
    }
}

/// A file of whole lines.
struct Lines<F> {
    file: F,
    /// Where the last whole line ends.
    n_bytes: u64,
    /// Part of a line may stand behind it; a line behind that would be no line.
    is_torn: bool,
}

impl<F: Storage> Lines<F> {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            let message = "half a line before could not be removed; make room and run it again";
            return Err(io::Error::other(message));
        }
        let n_bytes = u64::try_from(line.len()).map_err(io::Error::other)?;
        match self.file.write_all(line).and_then(|()| self.file.keep()) {
            Ok(()) => self.n_bytes += n_bytes,
            Err(error) => {
                self.is_torn = self.file.cut(self.n_bytes).is_err();
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Whether this is the beginning of an entry, as a write that was cut off leaves it, rather than the
/// end of some other file.
fn is_torn<T: DeserializeOwned>(tail: &[u8]) -> bool {
    // What did not reach the disk may be zeros.
    let n_zeros = tail.iter().rev().take_while(|it| **it == 0).count();
    let written = &tail[..tail.len() - n_zeros];
    serde_json::from_slice::<T>(written).map_or_else(|error| error.is_eof(), |_| true)
}

fn entries<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, (usize, serde_json::Error)> {
    bytes
        .split(|&it| it == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(n, line)| serde_json::from_slice(line).map_err(|error| (n + 1, error)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_run_is_refused_while_the_first_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.jsonl");
        let (_held, _) = Manifest::open::<u32>(&path).unwrap();
        let refused = Manifest::open::<u32>(&path).err().unwrap();
        assert!(refused.is::<Misuse>());
        assert!(refused.to_string().contains("another run"));
    }

    #[test]
    fn a_whole_line_that_is_no_entry_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.jsonl");
        std::fs::write(&path, "1\nno number\n3\n").unwrap();
        let error = Manifest::open::<u32>(&path).err().unwrap();
        assert!(error.to_string().contains("line 2"));
    }

    #[test]
    fn a_file_that_is_no_manifest_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.json");
        for text in [r#"{"image": "ct.nii.gz"}"#, "[1, 2]", "no JSON"] {
            std::fs::write(&path, text).unwrap();
            let refused = Manifest::open::<u32>(&path).err().unwrap();
            assert!(refused.is::<Misuse>() && refused.to_string().contains("case.json"));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert!(is_torn::<(String, u32)>(b"[\"a\xc3"));
        assert!(is_torn::<u32>(&[0; 9]));
    }

    /// A disk that fills up and is cleared again.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
        may_cut: bool,
    }

    impl Write for Disk {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            let n_bytes = part.len().min(self.room - self.bytes.len());
            if n_bytes == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&part[..n_bytes]);
            Ok(n_bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Storage for Disk {
        fn keep(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn cut(&mut self, n_bytes: u64) -> io::Result<()> {
            if !self.may_cut {
                return Err(ErrorKind::Other.into());
            }
            self.bytes.truncate(usize::try_from(n_bytes).unwrap());
            Ok(())
        }
    }

    /// Three lines, the second when the disk is full; gives what is written then.
    fn written_around_a_full_disk(may_cut: bool) -> (bool, String) {
        let disk = Disk { bytes: Vec::new(), room: 6, may_cut };
        let mut lines = Lines { file: disk, n_bytes: 0, is_torn: false };
        lines.append(b"111\n").unwrap();
        assert_eq!(lines.append(b"222\n").unwrap_err().kind(), ErrorKind::StorageFull);
        lines.file.room = 99;
        let is_taken = lines.append(b"333\n").is_ok();
        (is_taken, String::from_utf8(lines.file.bytes).unwrap())
    }

    #[test]
    fn a_full_disk_leaves_no_half_line_before_a_whole_one() {
        assert_eq!(written_around_a_full_disk(true), (true, "111\n333\n".to_owned()));
        // The half line stays the last: the next run cuts it off.
        assert_eq!(written_around_a_full_disk(false), (false, "111\n22".to_owned()));
    }

    #[test]
    fn a_file_is_written_on_where_it_was_cut() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"111\n22").unwrap();
        Storage::cut(&mut file, 4).unwrap();
        file.write_all(b"333\n").unwrap();
        file.rewind().unwrap();
        assert_eq!(io::read_to_string(&file).unwrap(), "111\n333\n");
    }

    proptest! {
        #[test]
        fn wherever_the_file_is_torn_the_whole_lines_before_are_kept(
            entries in prop::collection::vec(any::<u32>(), 0..6),
            share in 0.0..=1.0_f64,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("manifest.jsonl");
            let (manifest, _) = Manifest::open::<u32>(&path).unwrap();
            for it in &entries {
                manifest.append(it).unwrap();
            }
            drop(manifest);
            let text = std::fs::read_to_string(&path).unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
            let kept = &text[..(share * text.len() as f64) as usize];
            std::fs::write(&path, kept).unwrap();

            let (manifest, found) = Manifest::open::<u32>(&path).unwrap();
            prop_assert_eq!(&found, &entries[..kept.matches('\n').count()]);
            manifest.append(&7_u32).unwrap();
            drop(manifest);
            let (_, again) = Manifest::open::<u32>(&path).unwrap();
            prop_assert_eq!(again, [found, vec![7]].concat());
        }
    }
}
