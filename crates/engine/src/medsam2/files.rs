//! Embeddings on disk, within a limit: what was encoded once need not be encoded again, even after a
//! restart.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use half::f16;
use protocol::id;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

/// Begins every file; the last byte counts the changes of the format.
const MAGIC: [u8; 8] = *b"VXLEMB\0\x01";
const DIGEST_BYTES: usize = 32;
/// So much of the limit is left once files had to go: the next ones need not look through the folder.
const KEPT_PART: f64 = 0.9;

/// What names a slice and the weights that encoded it.
pub(super) type Key = [u8; DIGEST_BYTES];

/// How the numbers of an embedding are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// As they are.
    F32,
    /// Half as many bytes: for a network that computes in bfloat16, which is coarser still.
    F16,
}

/// A folder of embeddings, one folder per image in it. Processes may share it. A file that is not
/// whole is no embedding: it is removed and the slice encoded anew.
#[derive(Debug)]
pub struct EmbeddingFiles {
    folder: PathBuf,
    limit_bytes: u64,
    /// Bytes of all files; unknown until they were looked through.
    used_bytes: Mutex<Option<u64>>,
}

impl EmbeddingFiles {
    /// Keeps embeddings below `folder`, which is made with the first one. Those that were not asked
    /// for longest go when there are more than `limit_bytes`.
    #[must_use]
    pub fn new(folder: PathBuf, limit_bytes: u64) -> Self {
        Self { folder, limit_bytes, used_bytes: Mutex::default() }
    }

    /// Removes what was kept of an image.
    pub fn forget(&self, image: &id::Sha256) {
        let removed = fs::remove_dir_all(self.folder.join(image.as_str()));
        if let Err(error) = removed.or_else(unless_missing) {
            tracing::warn!(%error, %image, "embeddings of a deleted image stay on disk");
        }
        *self.used_bytes.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The numbers that were kept under a key, where they are whole.
    pub(super) fn read(&self, image: &id::Sha256, key: &Key, n_numbers: usize) -> Option<Vec<f32>> {
        let path = self.path(image, key);
        let bytes = fs::read(&path).ok()?;
        let Some(numbers) = decoded(&bytes, key, n_numbers) else {
            tracing::warn!(path = %path.display(), "a damaged embedding is removed");
            fs::remove_file(&path).ok();
            return None;
        };
        // The time of the last use decides who goes first; where it cannot be set, that of writing.
        let touched = File::options().append(true).open(&path);
        touched.and_then(|it| it.set_modified(SystemTime::now())).ok();
        Some(numbers)
    }

    /// Keeps numbers under a key. That this failed is told to the log: the next run encodes again.
    pub(super) fn write(&self, image: &id::Sha256, key: &Key, numbers: &[f32], width: Width) {
        let path = self.path(image, key);
        let bytes = encoded(numbers, key, width);
        if let Err(error) = write_whole(&path, &bytes) {
            tracing::warn!(%error, path = %path.display(), "an embedding is not kept on disk");
            return;
        }
        let mut used = self.used_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = used.map(|it| it + bytes.len() as u64);
        *used = match now {
            Some(now) if now <= self.limit_bytes => Some(now),
            Some(_) | None => Some(self.make_room()),
        };
    }

    fn path(&self, image: &id::Sha256, key: &Key) -> PathBuf {
        let name = id::Sha256::from_digest(*key);
        self.folder.join(image.as_str()).join(name.as_str()).with_extension("embedding")
    }

    /// Removes what was not asked for longest where there is too much; returns the bytes that stay.
    fn make_room(&self) -> u64 {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = WalkDir::new(&self.folder)
            .into_iter()
            .filter_map(|it| {
                let it = it.ok().filter(|it| it.file_type().is_file())?;
                let facts = it.metadata().ok()?;
                Some((facts.modified().ok()?, facts.len(), it.into_path()))
            })
            .collect();
        let mut used: u64 = files.iter().map(|it| it.1).sum();
        if used <= self.limit_bytes {
            return used;
        }
        files.sort();
        for (_, bytes, path) in files {
            if used as f64 <= self.limit_bytes as f64 * KEPT_PART {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                used -= bytes;
                // Goes only if nothing is left in it.
                path.parent().map(fs::remove_dir);
            }
        }
        used
    }
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Whoever reads a file at this path sees all of it or none.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// Magic, key, numbers, digest of all of it.
fn encoded(numbers: &[f32], key: &Key, width: Width) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAGIC.len() + 2 * DIGEST_BYTES + 4 * numbers.len());
    bytes.extend(MAGIC);
    bytes.extend(key);
    match width {
        Width::F32 => bytes.extend(numbers.iter().flat_map(|it| it.to_le_bytes())),
        Width::F16 => bytes.extend(numbers.iter().flat_map(|it| f16::from_f32(*it).to_le_bytes())),
    }
    let digest: Key = Sha256::digest(&bytes).into();
    bytes.extend(digest);
    bytes
}

/// The numbers of a file that is whole and belongs to the key.
fn decoded(bytes: &[u8], key: &Key, n_numbers: usize) -> Option<Vec<f32>> {
    let (said, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
    let numbers = said.strip_prefix(&MAGIC)?.strip_prefix(key)?;
    if <[u8; DIGEST_BYTES]>::from(Sha256::digest(said)) != digest {
        return None;
    }
    if numbers.len() == 4 * n_numbers {
        let (parts, _) = numbers.as_chunks();
        return Some(parts.iter().map(|it| f32::from_le_bytes(*it)).collect());
    }
    let (parts, rest) = numbers.as_chunks();
    let is_half = rest.is_empty() && parts.len() == n_numbers;
    is_half.then(|| parts.iter().map(|it| f16::from_le_bytes(*it).to_f32()).collect())
}

/// Numbers as a file of this width holds them, so that what was kept and what was not are the same.
pub(super) fn rounded(mut numbers: Vec<f32>, width: Width) -> Vec<f32> {
    if width == Width::F16 {
        for it in &mut numbers {
            // What is beyond float16 stays its largest number rather than become infinite.
            *it = f16::from_f32(it.clamp(f16::MIN.to_f32(), f16::MAX.to_f32())).to_f32();
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const KEYS: [Key; 3] = [[1; 32], [2; 32], [3; 32]];

    fn image(n: u8) -> id::Sha256 {
        id::Sha256::from_digest([n; 32])
    }

    fn numbers() -> Vec<f32> {
        (0..1000_u16).map(|it| (f32::from(it) - 500.0) / 7.0).collect()
    }

    fn files(folder: &Path, limit_bytes: u64) -> EmbeddingFiles {
        EmbeddingFiles::new(folder.join("embeddings"), limit_bytes)
    }

    #[test]
    fn numbers_come_back_as_they_were_or_rounded_to_half_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 1 << 20);
        for (n, width) in [Width::F32, Width::F16].into_iter().enumerate() {
            files.write(&image(1), &KEYS[n], &numbers(), width);
            let kept = files.read(&image(1), &KEYS[n], 1000).unwrap();
            assert_eq!(kept, rounded(numbers(), width));
            let bytes = fs::metadata(files.path(&image(1), &KEYS[n])).unwrap().len();
            assert_eq!(bytes, 72 + [4000, 2000][n]);
        }
        assert_ne!(rounded(numbers(), Width::F16), numbers());
        assert_eq!(files.read(&image(1), &KEYS[2], 1000), None);
        assert_eq!(files.read(&image(2), &KEYS[0], 1000), None);
    }

    #[test]
    fn a_file_that_is_not_whole_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 1 << 20);
        let path = files.path(&image(1), &KEYS[0]);
        files.write(&image(1), &KEYS[0], &numbers(), Width::F32);
        let whole = fs::read(&path).unwrap();
        let cut = whole[..whole.len() - 1].to_vec();
        let longer = [whole.clone(), vec![0]].concat();
        let changed = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        let other_key = encoded(&numbers(), &KEYS[1], Width::F32);
        let fewer = encoded(&numbers()[1..], &KEYS[0], Width::F32);
        let damaged = [cut, longer, changed(3), changed(20), changed(2000), other_key, fewer];
        for (n, bytes) in damaged.into_iter().chain([Vec::new(), vec![0; 40]]).enumerate() {
            fs::write(&path, bytes).unwrap();
            assert_eq!(files.read(&image(1), &KEYS[0], 1000), None, "damage {n}");
            assert!(!path.exists(), "damage {n}");
        }
        fs::write(&path, whole).unwrap();
        assert_eq!(files.read(&image(1), &KEYS[0], 1000), Some(numbers()));
    }

    #[test]
    fn those_not_asked_for_longest_go_first_and_an_images_own_when_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 2 * 4072 + 100);
        let age = |n: usize, secs: u64| {
            let path = files.path(&image(1), &KEYS[n]);
            let time = SystemTime::now() - Duration::from_secs(secs);
            File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        files.write(&image(1), &KEYS[0], &numbers(), Width::F32);
        files.write(&image(1), &KEYS[1], &numbers(), Width::F32);
        age(0, 500);
        age(1, 100);
        assert!(files.read(&image(1), &KEYS[0], 1000).is_some(), "used just now");
        files.write(&image(1), &KEYS[2], &numbers(), Width::F32);
        let is_kept = |n: usize| files.path(&image(1), &KEYS[n]).exists();
        assert!(!is_kept(1), "the limit holds two");
        assert!(is_kept(2), "the newest stays");

        files.write(&image(2), &KEYS[0], &numbers(), Width::F32);
        files.forget(&image(1));
        assert!(!is_kept(0) && !is_kept(2));
        assert!(files.read(&image(2), &KEYS[0], 1000).is_some());
        files.forget(&image(9));
    }
}
