//! The model folder: a file per model, and beside it a record of where it came from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{catalogue::Model, digest, error::ModelError};

/// What is known of a file of weights; `FILE.json` beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Whether the hub announced this very SHA-256. Otherwise it was computed here, and says only
    /// that the file has not changed since.
    pub announced: bool,
    /// Where it came from: an address, or `import`.
    pub source: String,
    /// Commit of the hub's repository, where one was announced.
    pub commit: Option<String>,
}

/// A model and whether it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no such file.
    Missing,
    /// The file is here.
    Present {
        /// Bytes of the file.
        size: u64,
        /// What is known of it; nothing of a file that was placed by hand.
        record: Option<Record>,
    },
}

/// What verifying a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The file is what its record says.
    Intact(Record),
    /// It is another file than its record says.
    Changed {
        /// The record.
        record: Record,
        /// The file's SHA-256.
        found: String,
    },
    /// It was placed by hand; its SHA-256 is now on record.
    Recorded(Record),
}

/// A folder of models.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    root: PathBuf,
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
            Ok(it) => Ok(State::Present { size: it.len(), record: self.record(model)? }),
            Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(State::Missing),
            Err(it) => Err(ModelError::disk(&path)(it)),
        }
    }

    /// Reads the file whole and compares it with its record; makes one where there is none.
    ///
    /// # Errors
    /// If the file or its record cannot be read, or the record not written.
    pub fn verify(&self, model: &Model) -> Result<Verdict, ModelError> {
        let (sha256, size) = digest::of_file(&self.path(model))?;
        match self.record(model)? {
            Some(record) if record.sha256 == sha256 => Ok(Verdict::Intact(record)),
            Some(record) => Ok(Verdict::Changed { record, found: sha256 }),
            None => {
                let source = "placed by hand".to_owned();
                let record = Record { sha256, size, announced: false, source, commit: None };
                self.write_record(model, &record)?;
                Ok(Verdict::Recorded(record))
            }
        }
    }

    /// Copies a file into the folder as this model. `check` looks inside and says why it cannot be
    /// used; a file that was there stays until the new one is whole.
    ///
    /// # Errors
    /// If the file cannot be read, is not usable, or the folder not written.
    pub fn import(
        &self,
        model: &Model,
        file: &Path,
        check: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<Record, ModelError> {
        fs::create_dir_all(&self.root).map_err(ModelError::disk(&self.root))?;
        let mut source = fs::File::open(file).map_err(ModelError::disk(file))?;
        let mut copy =
            tempfile::NamedTempFile::new_in(&self.root).map_err(ModelError::disk(&self.root))?;
        io::copy(&mut source, copy.as_file_mut()).map_err(ModelError::disk(file))?;
        check(copy.path())
            .map_err(|problem| ModelError::NotAModel { path: file.to_owned(), problem })?;
        let (sha256, size) = digest::of_file(copy.path())?;
        let record =
            Record { sha256, size, announced: false, source: "import".to_owned(), commit: None };
        self.put(model, &copy.into_temp_path(), &record)?;
        Ok(record)
    }

    /// Gives a whole file its place, and its record. The record is written first and names the
    /// file's digest: a crash between the two is seen as a changed file, never as an intact one.
    pub(crate) fn put(
        &self,
        model: &Model,
        whole: &Path,
        record: &Record,
    ) -> Result<(), ModelError> {
        let path = self.path(model);
        fs::File::open(whole).and_then(|it| it.sync_all()).map_err(ModelError::disk(whole))?;
        self.write_record(model, record)?;
        fs::rename(whole, &path).map_err(ModelError::disk(&path))
    }

    /// Where a download is kept until it is whole. Its name holds what identifies the remote file,
    /// so that bytes of two versions are never put together.
    pub(crate) fn part(&self, model: &Model, identity: &str) -> Result<PathBuf, ModelError> {
        let folder = self.root.join(".part");
        fs::create_dir_all(&folder).map_err(ModelError::disk(&folder))?;
        Ok(folder.join(format!("{}.{identity}", model.file)))
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

    fn write_record(&self, model: &Model, record: &Record) -> Result<(), ModelError> {
        let path = self.record_path(model);
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.root)?;
            serde_json::to_writer_pretty(&mut file, record)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(ModelError::disk(&path))
    }
}
