//! The model folder: a file per model, and beside it its configuration and a record of where it came
//! from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    catalogue::{Model, PUBLISHED_CONFIG, PUBLISHED_CONFIG_TEXT},
    digest,
    error::ModelError,
    record::{Configuration, Record, State, Verdict},
};

/// How names of files begin and end that are not whole yet.
const UNFINISHED: (&str, &str) = (".voxloop-", ".partial");

/// A folder of models.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    root: PathBuf,
}

/// Weights from a file.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The weights.
    pub weights: &'a Path,
    /// Their configuration; that of the published models where none is named.
    pub config: Option<&'a Path>,
}

impl ModelFolder {
    /// The models under `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where the model's file belongs.
    #[must_use]
    pub fn path(&self, model: &Model) -> PathBuf {
        self.root.join(model.file)
    }

    /// Whether the model is here, and what is known of it.
    ///
    /// # Errors
    /// If the folder or a record cannot be read.
    pub fn state(&self, model: &Model) -> Result<State, ModelError> {
        let path = self.path(model);
        match fs::metadata(&path) {
            Ok(it) => {
                let size = it.len();
                Ok(State::Present { size, record: self.record_of(model, size)? })
            }
            Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(State::Missing),
            Err(it) => Err(ModelError::disk(&path)(it)),
        }
    }

    /// Reads the file whole and compares it with its record. Writes nothing: whether the file can be
    /// used is known only once it was loaded.
    ///
    /// # Errors
    /// If the file or its record cannot be read.
    pub fn verify(&self, model: &Model) -> Result<Verdict, ModelError> {
        let (sha256, size) = digest::of_file(&self.path(model))?;
        match self.record(model)? {
            Some(record) if record.sha256 == sha256 => Ok(Verdict::Intact(record)),
            Some(record) if record.announced => Ok(Verdict::Changed { record, found: sha256 }),
            // Nobody says what it should be: whoever put another file there meant to.
            Some(_) | None => {
                let source = "placed by hand".to_owned();
                let (commit, config) = (None, None);
                let record = Record { sha256, size, announced: false, source, commit, config };
                Ok(Verdict::Unrecorded(record))
            }
        }
    }

    /// Puts what [`ModelFolder::verify`] found on record.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn put_on_record(&self, model: &Model, record: &Record) -> Result<(), ModelError> {
        self.write_record(model, record)
    }

    /// The configuration that belongs to the model's file.
    ///
    /// # Errors
    /// If it or the model's record cannot be read.
    pub fn configuration(&self, model: &Model) -> Result<Configuration, ModelError> {
        let record = match self.state(model)? {
            State::Present { record, .. } => record,
            State::Missing => self.record(model)?,
        };
        self.configuration_of(model, record.as_ref())
    }

    /// The configuration that belongs to the model's file where this is its record.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn configuration_of(
        &self,
        model: &Model,
        record: Option<&Record>,
    ) -> Result<Configuration, ModelError> {
        let came_with_it = record.and_then(|it| it.config.as_deref());
        let path = self.config_path(model);
        match (fs::read(&path), came_with_it) {
            (Ok(text), Some(sha256)) if digest::of_bytes(&text) != sha256 => {
                Ok(Configuration::Changed(path))
            }
            (Ok(_), _) => Ok(Configuration::File(path)),
            (Err(it), Some(sha256)) if it.kind() == io::ErrorKind::NotFound => {
                // The published one is in the binary, too.
                let is_published = sha256 == digest::of_bytes(PUBLISHED_CONFIG_TEXT.as_bytes());
                let gone = self.root.join(model.own_config());
                Ok(if is_published { Configuration::BuiltIn } else { Configuration::Gone(gone) })
            }
            (Err(it), None) if it.kind() == io::ErrorKind::NotFound => Ok(Configuration::BuiltIn),
            (Err(it), _) => Err(ModelError::disk(&path)(it)),
        }
    }

    /// Copies weights into the folder as this model. `check` looks inside and says why they cannot be
    /// used; a file that was there stays until the new one is whole.
    ///
    /// # Errors
    /// If a file cannot be read, is not usable, or the folder not written.
    pub fn import(
        &self,
        model: &Model,
        import: Import<'_>,
        check: impl FnOnce(&Path, &Path) -> Result<(), String>,
    ) -> Result<Record, ModelError> {
        let Import { weights, config } = import;
        fs::create_dir_all(&self.root).map_err(ModelError::disk(&self.root))?;
        let text = match config {
            Some(path) => fs::read(path).map_err(ModelError::disk(path))?,
            None => PUBLISHED_CONFIG_TEXT.as_bytes().to_vec(),
        };
        let config = self.unnamed(|file| io::Write::write_all(file, &text))?;
        let mut source = fs::File::open(weights).map_err(ModelError::disk(weights))?;
        let copy = self.unnamed(|file| io::copy(&mut source, file).map(drop))?;
        check(copy.path(), config.path())
            .map_err(|problem| ModelError::NotAModel { path: weights.to_owned(), problem })?;
        let (sha256, size) = digest::of_file(copy.path())?;
        let record = Record {
            sha256,
            size,
            announced: false,
            source: "import".to_owned(),
            commit: None,
            config: Some(digest::of_bytes(&text)),
        };
        self.put(model, copy.path(), &record, &text)?;
        Ok(record)
    }

    /// Removes what interrupted calls left half written, unless somebody is at it. What cannot be
    /// removed takes room and does no harm: whoever cannot write the folder learns it when he must.
    pub fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for path in entries.flatten().map(|it| it.path()) {
            let name = path.file_name().and_then(|it| it.to_str());
            let is_unfinished =
                name.is_some_and(|it| it.starts_with(UNFINISHED.0) && it.ends_with(UNFINISHED.1));
            let is_free = || fs::File::open(&path).is_ok_and(|it| it.try_lock().is_ok());
            if is_unfinished && is_free() {
                fs::remove_file(&path).ok();
            }
        }
    }

    /// Gives a whole file its place, its record and its configuration. The record is written first
    /// and names the digests: a crash in between is seen as a changed file, never as an intact one.
    pub(crate) fn put(
        &self,
        model: &Model,
        whole: &Path,
        record: &Record,
        config: &[u8],
    ) -> Result<(), ModelError> {
        let path = self.path(model);
        fs::File::open(whole).and_then(|it| it.sync_all()).map_err(ModelError::disk(whole))?;
        self.write_record(model, record)?;
        self.put_config(model, config)?;
        fs::rename(whole, &path).map_err(ModelError::disk(&path))
    }

    /// The file is what the hub announces, wherever it came from.
    pub(crate) fn pin(&self, model: &Model, record: &Record) -> Result<(), ModelError> {
        self.write_record(model, record)?;
        self.put_config(model, PUBLISHED_CONFIG_TEXT.as_bytes())
    }

    /// Where a download is kept until it is whole. Its name holds what identifies the remote file,
    /// so that bytes of two versions are never put together.
    pub(crate) fn part(&self, model: &Model, identity: &str) -> Result<PathBuf, ModelError> {
        let folder = self.root.join(".part");
        fs::create_dir_all(&folder).map_err(ModelError::disk(&folder))?;
        Ok(folder.join(format!("{}.{identity}", model.file)))
    }

    /// Removes what is left of downloads of other versions of a model, unless somebody is at it.
    pub(crate) fn remove_other_parts(&self, model: &Model, part: &Path) -> Result<(), ModelError> {
        let folder = self.root.join(".part");
        let remove = || -> io::Result<()> {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_of_it = name.strip_prefix(model.file).is_some_and(|it| it.starts_with('.'));
                if is_of_it && path != part && fs::File::open(&path)?.try_lock().is_ok() {
                    fs::remove_file(&path)?;
                }
            }
            Ok(())
        };
        remove().map_err(ModelError::disk(&folder))
    }

    /// Where the model's configuration is read from: a file of its own, else the published one.
    fn config_path(&self, model: &Model) -> PathBuf {
        let own = self.root.join(model.own_config());
        if own.exists() { own } else { self.root.join(PUBLISHED_CONFIG) }
    }

    /// Puts a configuration where the model's is read from. The published one keeps its name, unless
    /// somebody has another file under it.
    fn put_config(&self, model: &Model, text: &[u8]) -> Result<(), ModelError> {
        let own = self.root.join(model.own_config());
        let shared = self.root.join(PUBLISHED_CONFIG);
        let there = match fs::read(&shared) {
            Ok(it) => Some(it),
            Err(it) if it.kind() == io::ErrorKind::NotFound => None,
            Err(it) => return Err(ModelError::disk(&shared)(it)),
        };
        let is_published = text == PUBLISHED_CONFIG_TEXT.as_bytes();
        let place = if is_published && there.as_deref().is_none_or(|it| it == text) {
            &shared
        } else {
            &own
        };
        let file = self.unnamed(|file| io::Write::write_all(file, text))?;
        persist(file, place)?;
        if place == &own {
            return Ok(());
        }
        match fs::remove_file(&own) {
            Err(it) if it.kind() != io::ErrorKind::NotFound => Err(ModelError::disk(&own)(it)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn record_path(&self, model: &Model) -> PathBuf {
        self.root.join(format!("{}.json", model.file))
    }

    fn record(&self, model: &Model) -> Result<Option<Record>, ModelError> {
        let path = self.record_path(model);
        let text = match fs::read(&path) {
            Ok(it) => it,
            Err(it) if it.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(it) => return Err(ModelError::disk(&path)(it)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|it| ModelError::NotAModel {
            path,
            problem: format!("not the record of a model: {it}; remove it and verify again"),
        })
    }

    /// The record, where it is about a file of this size. One that a hub announced stays: the file is
    /// not what it should be.
    fn record_of(&self, model: &Model, size: u64) -> Result<Option<Record>, ModelError> {
        Ok(self.record(model)?.filter(|it| it.announced || it.size == size))
    }

    fn write_record(&self, model: &Model, record: &Record) -> Result<(), ModelError> {
        let file = self
            .unnamed(|file| serde_json::to_writer_pretty(file, record).map_err(io::Error::from))?;
        persist(file, &self.record_path(model))
    }

    /// A file in the folder that has no name yet, and what `fill` writes into it.
    fn unnamed(
        &self,
        fill: impl FnOnce(&mut fs::File) -> io::Result<()>,
    ) -> Result<tempfile::NamedTempFile, ModelError> {
        let write = || -> io::Result<tempfile::NamedTempFile> {
            let mut file = readable().tempfile_in(&self.root)?;
            // Says that somebody is at it, for as long as it is open. On a disk that knows no locks
            // nobody gets one, and nothing is removed.
            file.as_file().lock().ok();
            fill(file.as_file_mut())?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        write().map_err(ModelError::disk(&self.root))
    }
}

/// Temporary files that become lasting ones: readable by whom every new file is.
fn readable() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED.0).suffix(UNFINISHED.1);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

fn persist(file: tempfile::NamedTempFile, place: &Path) -> Result<(), ModelError> {
    file.persist(place).map(drop).map_err(|it| ModelError::disk(place)(it.error))
}
