//! The engines of this process: which are ready, and the weights in memory.

use std::{
    collections::BTreeMap,
    path::{self, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use engine::{
    Engine, Medsam2,
    medsam2::{
        CHECKPOINT, Compute, DeviceChoice, EmbeddingFiles, LICENCE, Medsam2Options, OpenError,
        WindowChoice, absent,
    },
};
use models::{catalogue::MODELS, folder::ModelFolder, record::State};
use protocol::{
    id::Sha256,
    job::Preparation,
    sentence::{self, Line},
    system::{EngineStatus, ModelFile},
    task::{EngineName, ImageRef},
};
use server::engines::{Engines, Viewed};
use volume::{Volume, window::Window};

/// Letters of a reason why weights cannot be used.
const MAX_REASON: usize = 400;

/// Folder of embeddings, below that of files which need not survive.
pub(crate) const EMBEDDINGS: &str = "embeddings";

/// Images whose windows are remembered.
const MAX_WINDOWS: usize = 256;

/// Engines whose files lie in a folder. Weights are read when they are first needed.
#[derive(Debug)]
pub(crate) struct Models {
    folder: PathBuf,
    medsam2: Mutex<Weights>,
    /// Held while they are read.
    reading: Mutex<()>,
    embeddings: Option<Arc<EmbeddingFiles>>,
    runs_here: bool,
    compute: Compute,
    windows: Mutex<BTreeMap<ImageRef, Window>>,
}

/// Weights that are read once.
#[derive(Debug, Default)]
enum Weights {
    #[default]
    Unread,
    Read(Medsam2),
    /// They are there and cannot be used.
    Unusable(String),
}

impl Models {
    /// Engines with the files in `folder`.
    #[must_use]
    pub(crate) fn new(folder: PathBuf) -> Self {
        // People read it in messages, and know nothing of the folder that the server was started in.
        let folder = path::absolute(&folder).unwrap_or(folder);
        Self {
            folder,
            medsam2: Mutex::default(),
            reading: Mutex::default(),
            embeddings: None,
            runs_here: true,
            compute: Compute::default(),
            windows: Mutex::default(),
        }
    }

    /// Engines that keep embeddings in a folder of their own, up to so many bytes; 0 keeps none.
    #[must_use]
    pub(crate) fn keeping_embeddings(self, folder: PathBuf, limit_bytes: u64) -> Self {
        let files = (limit_bytes > 0).then(|| Arc::new(EmbeddingFiles::new(folder, limit_bytes)));
        Self { embeddings: files, ..self }
    }

    /// Engines that compute so.
    #[must_use]
    pub(crate) fn computing(self, compute: Compute) -> Self {
        Self { compute, ..self }
    }

    /// The same files, read anew for another device.
    #[must_use]
    pub(crate) fn on(&self, device: DeviceChoice) -> Self {
        let embeddings = self.embeddings.clone();
        let models = Self::new(self.folder.clone());
        Self { embeddings, compute: Compute { device, ..self.compute }, ..models }
    }

    /// The digest of the weights, where they are there and it is known.
    pub(crate) fn digest(&self) -> Option<Sha256> {
        self.missing().is_none().then(|| self.model().sha256).flatten()
    }

    /// Engines of a server that leaves the work to agents on other machines.
    #[must_use]
    pub(crate) fn run_elsewhere(self) -> Self {
        Self { runs_here: false, ..self }
    }

    /// The engine for an image, which sees through this window if it sees through any. Which window suits the image is looked up once: it takes a look at
    /// every voxel.
    ///
    /// # Errors
    /// What is missing where, or what is wrong with a file.
    pub(crate) fn for_image(
        &self,
        name: EngineName,
        image: &ImageRef,
        volume: &Volume,
        asked: Option<[f64; 2]>,
    ) -> Result<Engine, String> {
        let engine = self.engine(name)?;
        let Engine::Medsam2(network) = &engine else {
            return Ok(engine);
        };
        let window = match asked {
            Some([low, high]) => Window { low, high },
            None => self.window(network, image, volume),
        };
        let window = WindowChoice::Between(window);
        let network = network.with(Medsam2Options { window, ..network.options() });
        Ok(Engine::Medsam2(network.of_image(&image.sha256)))
    }

    fn window(&self, network: &Medsam2, image: &ImageRef, volume: &Volume) -> Window {
        let known = self.windows().get(image).copied();
        let window = known.unwrap_or_else(|| network.window_for(image.modality, volume));
        let mut windows = self.windows();
        if windows.len() >= MAX_WINDOWS {
            windows.clear();
        }
        windows.insert(image.clone(), window);
        window
    }

    fn windows(&self) -> MutexGuard<'_, BTreeMap<ImageRef, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An engine, ready to run; reads its files where that has not been done.
    ///
    /// # Errors
    /// What is missing where, or what is wrong with a file.
    pub(crate) fn engine(&self, name: EngineName) -> Result<Engine, String> {
        match name {
            EngineName::Graphcut => Ok(Engine::Graphcut),
            EngineName::Medsam2 => self.medsam2().map(Engine::Medsam2),
        }
    }

    /// The engines that can run now.
    pub(crate) fn ready(&self) -> Vec<EngineName> {
        self.list().into_iter().filter(|it| it.ready).map(|it| it.name).collect()
    }

    fn medsam2(&self) -> Result<Medsam2, String> {
        // Who only asks whether it is ready does not wait until the weights are read.
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        match &*self.weights() {
            Weights::Read(engine) => return Ok(engine.clone()),
            Weights::Unusable(reason) => return Err(reason.clone()),
            Weights::Unread => {}
        }
        match Medsam2::open_folder(&self.folder, self.compute) {
            Ok(engine) => {
                let engine = match &self.embeddings {
                    Some(files) => engine.keeping_embeddings(Arc::clone(files)),
                    None => engine,
                };
                *self.weights() = Weights::Read(engine.clone());
                Ok(engine)
            }
            // Somebody may put it there at any moment.
            Err(error @ (OpenError::Missing(_) | OpenError::Folder(_))) => Err(error.to_string()),
            Err(error) => {
                tracing::error!(%error, "medsam2 cannot be used");
                let reason = shortened(&error.to_string());
                *self.weights() = Weights::Unusable(reason.clone());
                Err(reason)
            }
        }
    }

    fn weights(&self) -> MutexGuard<'_, Weights> {
        self.medsam2.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The weights, with their digest where they were read or are on record.
    fn model(&self) -> ModelFile {
        let read = match &*self.weights() {
            Weights::Read(engine) => engine.identity(None).model.map(|it| it.sha256),
            Weights::Unread | Weights::Unusable(_) => None,
        };
        let sha256 = read.or_else(|| {
            let published = MODELS.iter().find(|it| it.file == CHECKPOINT)?;
            let state = ModelFolder::new(&self.folder).state(published).ok()?;
            match &state {
                State::Present { record: Some(it), .. } if !state.has_other_size() => {
                    it.sha256.parse().ok()
                }
                State::Present { .. } | State::Missing => None,
            }
        });
        ModelFile { name: CHECKPOINT.to_owned(), sha256 }
    }

    /// Why the network cannot run, as far as can be told without reading it.
    fn missing(&self) -> Option<Line> {
        if !self.runs_here {
            return Some(sentence::weights_elsewhere());
        }
        match &*self.weights() {
            Weights::Read(_) => None,
            Weights::Unusable(reason) => Some(reason.clone().into()),
            Weights::Unread => {
                let path = self.folder.join(CHECKPOINT);
                (!path.is_file()).then(|| absent(&path))
            }
        }
    }
}

impl Engines for Models {
    fn list(&self) -> Vec<EngineStatus> {
        let missing = self.missing();
        let model = missing.is_none().then(|| self.model());
        let status = |name, licence: &str, missing: Option<Line>| {
            let (missing, missing_said) = missing.map(Line::into_parts).unzip();
            EngineStatus {
                name,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ready: missing.is_none(),
                licence: licence.to_owned(),
                missing,
                missing_said: missing_said.flatten(),
                model: None,
                agents: Vec::new(),
            }
        };
        vec![
            EngineStatus { model, ..status(EngineName::Medsam2, LICENCE, missing) },
            status(EngineName::Graphcut, env!("CARGO_PKG_LICENSE"), None),
        ]
    }

    fn reload(&self) -> Vec<EngineStatus> {
        *self.weights() = Weights::Unread;
        if let Err(reason) = self.medsam2() {
            tracing::info!(reason, "medsam2 is not ready");
        }
        self.list()
    }

    fn preparation(&self, engine: EngineName) -> Preparation {
        match engine {
            EngineName::Graphcut => Preparation::NotNeeded,
            EngineName::Medsam2 if self.missing().is_none() => Preparation::Begun,
            EngineName::Medsam2 => Preparation::Elsewhere,
        }
    }

    fn prepare(&self, viewed: &Viewed) -> Result<(), String> {
        match self.for_image(viewed.engine, &viewed.image, &viewed.volume, None)? {
            Engine::Graphcut => Ok(()),
            Engine::Medsam2(network) => {
                network.prepare(&viewed.volume, viewed.slice).map_err(|it| it.to_string())
            }
        }
    }

    fn forget(&self, image: &Sha256) {
        if let Some(files) = &self.embeddings {
            files.forget(image);
        }
    }
}

/// A list of hundreds of weights belongs in the log.
fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{} …", &reason[..end]),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    use engine::medsam2::CONFIG;
    use models::record::Verdict;

    fn place(name: &str, folder: &Path, target: &str) {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro");
        fs::copy(fixture.join(name), folder.join(target)).unwrap();
    }

    fn names(statuses: &[EngineStatus]) -> Vec<(EngineName, bool)> {
        statuses.iter().map(|it| (it.name, it.ready)).collect()
    }

    #[test]
    fn the_network_is_ready_once_its_weights_are_there() {
        use EngineName::{Graphcut, Medsam2};
        let folder = tempfile::tempdir().unwrap();
        let models = Models::new(folder.path().to_owned());
        let statuses = models.list();
        assert_eq!(names(&statuses), [(Medsam2, false), (Graphcut, true)]);
        let missing = statuses[0].missing.as_deref().unwrap();
        let path = folder.path().join(CHECKPOINT).display().to_string();
        assert!(missing.contains(&path) && missing.contains(CONFIG), "{missing}");
        assert_eq!(models.ready(), [Graphcut]);
        assert_eq!(models.engine(Medsam2), Err(missing.to_owned()));

        // No restart is needed once the files are there.
        place("checkpoint.pt", folder.path(), CHECKPOINT);
        place("config.yaml", folder.path(), CONFIG);
        assert_eq!(names(&models.list()), [(Medsam2, true), (Graphcut, true)]);
        assert_eq!(names(&models.reload()), [(Medsam2, true), (Graphcut, true)]);
        let engine = models.engine(Medsam2).unwrap();
        let identity = engine.identity().model.unwrap();
        assert_eq!(identity.name, CHECKPOINT);
        let known = models.list().remove(0).model.unwrap();
        assert_eq!((known.name.as_str(), known.sha256), (CHECKPOINT, Some(identity.sha256)));
    }

    #[test]
    fn weights_that_nobody_read_have_the_digest_of_their_record() {
        let folder = tempfile::tempdir().unwrap();
        place("checkpoint.pt", folder.path(), CHECKPOINT);
        let digest =
            || Models::new(folder.path().to_owned()).list().remove(0).model.unwrap().sha256;
        assert_eq!(digest(), None);
        let files = ModelFolder::new(folder.path());
        let Verdict::Unrecorded(record) = files.verify(&MODELS[0]).unwrap() else { panic!() };
        files.put_on_record(&MODELS[0], &record).unwrap();
        let expected = "ca5d49a44b5e47d7fce5f837ebbff20dfb29f9a8b73dd0c9738c59e52c2f6a98";
        assert_eq!(digest().unwrap().as_str(), expected);
        fs::write(folder.path().join(CHECKPOINT), "another file").unwrap();
        assert_eq!(digest(), None);
    }

    #[test]
    fn a_server_without_an_agent_runs_and_prepares_nothing() {
        let folder = tempfile::tempdir().unwrap();
        place("checkpoint.pt", folder.path(), CHECKPOINT);
        let models = Models::new(folder.path().to_owned());
        assert_eq!(models.preparation(EngineName::Medsam2), Preparation::Begun);
        assert_eq!(models.preparation(EngineName::Graphcut), Preparation::NotNeeded);
        let models = models.run_elsewhere();
        assert_eq!(models.preparation(EngineName::Medsam2), Preparation::Elsewhere);
        assert!(models.list()[0].missing.as_ref().unwrap().contains("--no-agent"));
    }

    #[test]
    fn weights_that_cannot_be_used_say_why_until_they_are_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let models = Models::new(folder.path().to_owned());
        fs::write(folder.path().join(CHECKPOINT), "no checkpoint").unwrap();
        let status = models.reload().remove(0);
        assert!(!status.ready && status.missing.unwrap().contains(CHECKPOINT));

        place("checkpoint.pt", folder.path(), CHECKPOINT);
        // Its dimensions are not those of the published network.
        let status = models.reload().remove(0);
        assert!(status.missing.is_some_and(|it| it.contains("does not belong") && it.len() < 800));
        place("config.yaml", folder.path(), CONFIG);
        assert!(models.reload()[0].ready);
    }
}
