//! A list of what was done, one JSON object a line, only ever appended to. Each line is one write
//! and is on the disk before the next step, so a run may be killed at any moment: at worst the last
//! line is torn, and the next run cuts it off.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use serde::{Serialize, de::DeserializeOwned};

use super::Misuse;

/// An open manifest; no other process writes to it meanwhile.
pub(crate) struct Manifest {
    path: PathBuf,
    file: Mutex<File>,
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
            file.set_len(u64::try_from(whole)?).with_context(cannot)?;
        }
        file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok((Self { path: path.to_owned(), file: Mutex::new(file) }, entries))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn append(&self, entry: &impl Serialize) -> anyhow::Result<()> {
        let line = format!("{}\n", serde_json::to_string(entry)?);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_data())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
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
