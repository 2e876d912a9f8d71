//! Fetching a large file over a network that breaks: in one part file, resumed, hashed at the end.

use std::{
    fs::{self, File, TryLockError},
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::Duration,
};

use futures::StreamExt;
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_RANGE, RANGE},
};

use crate::{
    catalogue::{Model, PUBLISHED_CONFIG_TEXT},
    digest,
    error::ModelError,
    folder::ModelFolder,
    hub::{self, Remote},
    record::Record,
};

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// A connection that says nothing for so long is dead.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// Attempts in a row that bring nothing before it is given up.
const FRUITLESS: u32 = 5;

/// Hears how far a download is.
pub trait Progress: Send + Sync {
    /// `have` of `size` bytes are on the disk.
    fn at(&self, have: u64, size: u64);
    /// The connection was cut; another attempt follows after a pause.
    fn cut(&self, cause: &str);
    /// The pause before the `n`th attempt in a row that may bring nothing.
    fn pause(&self, n: u32) -> Duration {
        Duration::from_millis(500) * 2_u32.pow(n.min(6))
    }
}

/// Fetches what `remote` describes and gives it its place.
pub(crate) async fn fetch(
    client: &Client,
    remote: &Remote,
    model: &Model,
    folder: &ModelFolder,
    progress: &dyn Progress,
) -> Result<Record, ModelError> {
    let path = folder.part(model, &remote.identity)?;
    let mut part = Part::open(&path)?;
    folder.remove_other_parts(model, &path)?;
    // Bytes of an earlier attempt may have gone bad on the disk: then once more from the beginning.
    let resumed = part.have > 0;
    let mut found = complete(client, remote, &mut part, progress).await?;
    if resumed && !is_expected(remote, &found) {
        part.empty()?;
        found = complete(client, remote, &mut part, progress).await?;
    }
    if !is_expected(remote, &found) {
        fs::remove_file(&path).map_err(ModelError::disk(&path))?;
        return Err(ModelError::Corrupt {
            url: remote.url.clone(),
            expected: remote.sha256.clone().unwrap_or_default(),
            found,
        });
    }
    let record = remote.record(found);
    folder.put(model, &path, &record, PUBLISHED_CONFIG_TEXT.as_bytes())?;
    Ok(record)
}

fn is_expected(remote: &Remote, found: &str) -> bool {
    remote.sha256.as_deref().is_none_or(|it| it == found)
}

/// Fetches what is missing of the part; its SHA-256 comes back.
async fn complete(
    client: &Client,
    remote: &Remote,
    part: &mut Part,
    progress: &dyn Progress,
) -> Result<String, ModelError> {
    let mut n_fruitless = 0;
    while part.have < remote.size {
        let before = part.have;
        progress.at(part.have, remote.size);
        let Err(cause) = fetch_rest(client, remote, part, progress).await? else { continue };
        n_fruitless = if part.have > before { 1 } else { n_fruitless + 1 };
        if n_fruitless > FRUITLESS {
            let (url, have, size) = (remote.url.clone(), part.have, remote.size);
            return Err(ModelError::CutOff { url, have, size, cause });
        }
        progress.cut(&cause);
        tokio::time::sleep(progress.pause(n_fruitless)).await;
    }
    progress.at(part.have, remote.size);
    part.file.sync_all().map_err(ModelError::disk(&part.path))?;
    hash(&part.path, &remote.url).await
}

/// The SHA-256 of the file at `path`, which is or becomes the one at `url`.
pub(crate) async fn hash(path: &Path, url: &str) -> Result<String, ModelError> {
    let path = path.to_owned();
    let hashing = tokio::task::spawn_blocking(move || digest::of_file(&path)).await;
    let (sha256, _) = hashing
        .map_err(|it| ModelError::BadAnswer { url: url.to_owned(), problem: it.to_string() })??;
    Ok(sha256)
}

/// One request for the rest. The inner error is one after which another attempt may help.
async fn fetch_rest(
    client: &Client,
    remote: &Remote,
    part: &mut Part,
    progress: &dyn Progress,
) -> Result<Result<(), String>, ModelError> {
    let mut request = client.get(&remote.url);
    if part.have > 0 {
        request = request.header(RANGE, format!("bytes={}-", part.have));
    }
    let answer = match request.send().await {
        Ok(it) => it,
        Err(it) => return Ok(Err(hub::cause(&it))),
    };
    let status = answer.status();
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        part.empty()?;
        return Ok(Err("the storage does not go on from there".to_owned()));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Ok(Err(format!("it answered {status}")));
    }
    if !status.is_success() {
        return Err(hub::refused(&remote.url, status));
    }
    // A storage that knows no ranges begins anew; so does one that continues elsewhere.
    if part.have > 0 && !goes_on_from(&answer, part.have) {
        part.empty()?;
        if status == StatusCode::PARTIAL_CONTENT {
            return Ok(Err("the storage went on from another place".to_owned()));
        }
    }
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(it) => part.append(&it, remote)?,
            Err(it) => return Ok(Err(hub::cause(&it))),
        }
        progress.at(part.have, remote.size);
    }
    let is_whole = part.have == remote.size;
    Ok(if is_whole { Ok(()) } else { Err("the connection ended early".to_owned()) })
}

/// Whether the answer is a part of the file that begins at `start`.
fn goes_on_from(answer: &Response, start: u64) -> bool {
    answer.status() == StatusCode::PARTIAL_CONTENT
        && answer
            .headers()
            .get(CONTENT_RANGE)
            .and_then(|it| it.to_str().ok())
            .and_then(|it| it.strip_prefix("bytes "))
            .and_then(|it| it.split('-').next())
            .and_then(|it| it.parse().ok())
            == Some(start)
}

/// What is here of a download; locked while it is open.
struct Part {
    path: std::path::PathBuf,
    file: File,
    have: u64,
}

impl Part {
    fn open(path: &Path) -> Result<Self, ModelError> {
        let open = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open.map_err(ModelError::disk(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ModelError::Busy(path.to_owned())),
            Err(TryLockError::Error(it)) => return Err(ModelError::disk(path)(it)),
        }
        let have = file.seek(SeekFrom::End(0)).map_err(ModelError::disk(path))?;
        Ok(Self { path: path.to_owned(), file, have })
    }

    fn append(&mut self, piece: &[u8], remote: &Remote) -> Result<(), ModelError> {
        if self.have + piece.len() as u64 > remote.size {
            self.empty()?;
            return Err(ModelError::BadAnswer {
                url: remote.url.clone(),
                problem: format!("more bytes came than the {} that were announced", remote.size),
            });
        }
        self.file.write_all(piece).map_err(ModelError::disk(&self.path))?;
        self.have += piece.len() as u64;
        Ok(())
    }

    fn empty(&mut self) -> Result<(), ModelError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(ModelError::disk(&self.path))?;
        self.have = 0;
        Ok(())
    }
}
