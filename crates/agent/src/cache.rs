//! Inputs on this machine's disk: kept for the next task on the same image, shared by every agent that
//! is given the same folder.
//!
//! An entry lies under its SHA-256, a download under that name with `.part`; one that is made beside
//! another agent's has a few letters of its own in between. Locks say who uses what:
//! whoever reads an entry has it shared, whoever downloads has the part for itself, and whoever locks,
//! renames or removes anything has the folder's `lock` meanwhile. The system gives locks back when a
//! process dies, so a killed agent leaves nothing behind but a part, which the next one goes on with.

use std::{
    collections::HashMap,
    fs::{File, FileTimes, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use protocol::id::Sha256;
use sha2::Digest;
use tempfile::TempPath;

/// The file whose lock is held by whoever changes what lies in the folder.
const LOCK: &str = "lock";

/// Ends the name of a download.
const PART: &str = "part";

/// How long a download that nobody goes on with is kept.
const PART_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that are read and hashed at once.
const READ_BYTES: usize = 1 << 20;

/// Size and time of a file whose bytes were found to be good.
type Stamp = (u64, SystemTime);

/// A folder of inputs under their digests.
#[derive(Debug, Clone)]
pub struct Cache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limit_bytes: u64,
    /// Entries that this process has hashed.
    good: Mutex<HashMap<Sha256, Stamp>>,
}

/// An entry that is read: it is not removed as long as this lives.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    file: Option<File>,
    cache: Cache,
}

impl Held {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.file = None;
        // It may be what does not fit.
        if let Err(error) = self.cache.make_room(self.cache.shared.limit_bytes) {
            tracing::warn!(%error, "keeping the cache within its limit");
        }
    }
}

/// A download of this agent's own.
#[derive(Debug)]
pub struct Part {
    sha256: Sha256,
    path: PathBuf,
    file: File,
    /// Removes it where nobody else could go on with it.
    _apart: Option<TempPath>,
}

impl Part {
    /// Bytes that are there.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Begins anew.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn empty(&self) -> io::Result<()> {
        self.file.set_len(0)
    }

    /// The file to write behind what is there.
    ///
    /// # Errors
    /// If the system has no room for another handle.
    pub fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// What there is of an input.
#[derive(Debug)]
pub enum Start {
    /// All of it, and its bytes are those its name says.
    Whole(Held),
    /// Nothing or a part, for this agent to go on with.
    Mine(Part),
    /// Another agent fetches it, and has so many bytes.
    Theirs(u64),
}

impl Cache {
    /// A cache in `folder` of at most `limit_bytes`, but for what is in use.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(folder: &Path, limit_bytes: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.to_owned();
        let cache =
            Self { shared: Arc::new(Shared { folder, limit_bytes, good: Mutex::default() }) };
        cache.make_room(limit_bytes)?;
        Ok(cache)
    }

    /// An input, as far as it is here. One that is damaged is removed and fetched anew.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn start(&self, sha256: &Sha256) -> io::Result<Start> {
        loop {
            let turn = self.turn()?;
            let path = self.shared.folder.join(sha256.as_str());
            let found = match OpenOptions::new().read(true).write(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                other => Some(other?),
            };
            let Some(file) = found else { return self.begin(sha256) };
            file.lock_shared()?;
            file.set_times(FileTimes::new().set_accessed(SystemTime::now()))?;
            drop(turn);
            if self.is_good(sha256, &file)? {
                return Ok(Start::Whole(Held { path, file: Some(file), cache: self.clone() }));
            }
            tracing::warn!(%sha256, "a damaged file of the cache is fetched anew");
            let _turn = self.turn()?;
            remove(&path)?;
        }
    }

    /// Takes a download for this agent; the folder's lock is held.
    fn begin(&self, sha256: &Sha256) -> io::Result<Start> {
        let path = self.shared.folder.join(format!("{sha256}.{PART}"));
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Start::Mine(Part { sha256: sha256.clone(), path, file, _apart: None })),
            Err(TryLockError::WouldBlock) => Ok(Start::Theirs(file.metadata()?.len())),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// A download beside that of another agent, which has stopped: it goes when it is dropped, and
    /// whichever is finished first makes the entry.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn start_apart(&self, sha256: &Sha256) -> io::Result<Part> {
        let _turn = self.turn()?;
        let (before, after) = (format!("{sha256}."), format!(".{PART}"));
        let options = OpenOptions::new().create_new(true).read(true).append(true).to_owned();
        let named = tempfile::Builder::new()
            .prefix(&before)
            .suffix(&after)
            .make_in(&self.shared.folder, |path| options.open(path))?;
        let (file, apart) = named.into_parts();
        file.try_lock().map_err(io::Error::from)?;
        let (sha256, path) = (sha256.clone(), apart.to_path_buf());
        Ok(Part { sha256, path, file, _apart: Some(apart) })
    }

    /// Makes an entry of a download; none where its bytes are not those of its name: then it is
    /// empty again.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn finish(&self, part: &Part) -> io::Result<Option<Held>> {
        // On the disk before it has its name: a power cut leaves no entry that was never written.
        part.file.sync_all()?;
        if digest_of_file(&part.path)?.0 != part.sha256 {
            part.empty()?;
            return Ok(None);
        }
        let path = self.shared.folder.join(part.sha256.as_str());
        let file = part.file.try_clone()?;
        let turn = self.turn()?;
        std::fs::rename(&part.path, &path)?;
        file.unlock()?;
        file.lock_shared()?;
        drop(turn);
        let metadata = file.metadata()?;
        self.good().insert(part.sha256.clone(), (metadata.len(), metadata.modified()?));
        self.make_room(self.shared.limit_bytes)?;
        Ok(Some(Held { path, file: Some(file), cache: self.clone() }))
    }

    /// Removes what nobody uses, the longest unused first, until at most `limit_bytes` are left.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn make_room(&self, limit_bytes: u64) -> io::Result<()> {
        let _turn = self.turn()?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.shared.folder)? {
            let path = entry?.path();
            if is_ours(&path) {
                let metadata = path.metadata()?;
                let used = metadata.accessed().or_else(|_unknown| metadata.modified())?;
                files.push((used, metadata.len(), path));
            }
        }
        files.sort();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (used, bytes, path) in files {
            let is_left = path.extension().is_some_and(|it| it == PART)
                && used.elapsed().unwrap_or_default() > PART_KEPT;
            if (total > limit_bytes || is_left) && is_unused(&path)? {
                remove(&path)?;
                total -= bytes;
            }
        }
        Ok(())
    }

    /// Holds the folder's lock.
    fn turn(&self) -> io::Result<File> {
        let options = OpenOptions::new().create(true).write(true).truncate(false).to_owned();
        let lock = options.open(self.shared.folder.join(LOCK))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Whether an entry's bytes are those of its name: hashed once, and again when the file changed.
    fn is_good(&self, sha256: &Sha256, file: &File) -> io::Result<bool> {
        let metadata = file.metadata()?;
        let stamp = (metadata.len(), metadata.modified()?);
        if self.good().get(sha256) == Some(&stamp) {
            return Ok(true);
        }
        let is_good = digest_of(file.try_clone()?)?.0 == *sha256;
        if is_good {
            self.good().insert(sha256.clone(), stamp);
        }
        Ok(is_good)
    }

    fn good(&self) -> MutexGuard<'_, HashMap<Sha256, Stamp>> {
        self.shared.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the cache made a file: it is not to remove what somebody else put there.
fn is_ours(path: &Path) -> bool {
    let is_part = path.extension().is_none_or(|it| it == PART);
    let stem = path.file_stem().and_then(|it| it.to_str());
    let name = stem.map(|it| it.split_once('.').map_or(it, |(name, _letters)| name));
    is_part && name.is_some_and(|it| it.parse::<Sha256>().is_ok()) && path.is_file()
}

/// Whether nobody reads or writes a file; the folder's lock is held.
fn is_unused(path: &Path) -> io::Result<bool> {
    match File::open(path)?.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Digest and size of a file.
///
/// # Errors
/// If it cannot be read.
pub fn digest_of_file(path: &Path) -> io::Result<(Sha256, u64)> {
    digest_of(File::open(path)?)
}

fn digest_of(mut file: File) -> io::Result<(Sha256, u64)> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut n_bytes: u64 = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((Sha256::from_digest(hasher.finalize().into()), n_bytes)),
            n => {
                hasher.update(&buffer[..n]);
                n_bytes += n as u64;
            }
        }
    }
}
