//! Slices that were encoded: prompts, objects, directions and corrections share them, and slices that
//! people look at are encoded before anybody asks.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use candle_core::Result;
use protocol::{id, task::ModelIdentity};
use rayon::ThreadPool;
use sam2::{Device, Sam2, SliceEmbedding};
use sha2::{Digest, Sha256};

use super::{
    files::{EmbeddingFiles, Key, Width, rounded},
    grey,
    idle::idle_threads,
};

/// Of a run in the background that somebody now waits for, before the encoder's time is known.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);

/// Who asks for an embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A person waits.
    Now,
    /// Nobody waits yet: whatever else runs goes first.
    Background,
}

/// The encoder with a memory. A slice is known by what it looks like, so image, plane, index and
/// window need no names, and two ways to the same picture share one embedding.
pub(super) struct Embeddings {
    capacity: usize,
    /// Digest of the weights and of how they are used, to be followed by the grey levels.
    weights: Sha256,
    width: Width,
    pub(super) device: Device,
    state: Mutex<State>,
    /// A run has ended.
    ended: Condvar,
    /// Threads that run when nothing else does.
    idle: OnceLock<Option<ThreadPool>>,
}

#[derive(Default)]
struct State {
    by_key: BTreeMap<Key, (u64, SliceEmbedding)>,
    running: BTreeMap<Key, Run>,
    n_uses: u64,
    n_runs: u64,
    n_encoded: u64,
    /// The encoder's own time: the shortest so far.
    usual: Option<Duration>,
}

/// Somebody encodes a slice.
#[derive(Clone, Copy)]
struct Run {
    number: u64,
    urgency: Urgency,
    since: Instant,
}

impl Run {
    /// How long to wait for this run rather than encode the slice once more; none: to its end.
    ///
    /// A run in the background that takes longer than the encoder usually does is held up by others.
    fn patience(&self, urgency: Urgency, usual: Option<Duration>) -> Option<Duration> {
        let is_behind = self.urgency == Urgency::Background && urgency == Urgency::Now;
        let enough = usual.map_or(FIRST_PATIENCE, |it| it * 3 / 2);
        is_behind.then(|| enough.saturating_sub(self.since.elapsed()))
    }
}

/// What is asked for.
pub(super) struct Asked<'a> {
    /// Grey levels at the network's size.
    pub(super) greys: &'a [u8],
    pub(super) urgency: Urgency,
    /// Where embeddings of this image are kept on disk.
    pub(super) kept: Option<(&'a EmbeddingFiles, &'a id::Sha256)>,
}

impl Embeddings {
    /// Keeps as many embeddings of `model` in memory as `limit_bytes` hold, at least one.
    pub(super) fn new(
        model: &Sam2,
        identity: &ModelIdentity,
        device: Device,
        limit_bytes: usize,
    ) -> Self {
        let mut weights = Sha256::new();
        for said in [identity.sha256.as_str(), &identity.precision, &identity.device] {
            weights.update(said);
            weights.update([0]);
        }
        let bytes_each = SliceEmbedding::n_numbers(model.config()) * size_of::<f32>();
        Self {
            capacity: (limit_bytes / bytes_each).max(1),
            weights,
            device,
            width: if identity.precision == "bf16" { Width::F16 } else { Width::F32 },
            state: Mutex::default(),
            ended: Condvar::new(),
            idle: OnceLock::new(),
        }
    }

    /// The embedding of a slice: from memory, from disk, from whoever encodes it already, or from the
    /// encoder.
    pub(super) fn get(&self, model: &Sam2, asked: &Asked<'_>) -> Result<SliceEmbedding> {
        let key: Key = self.weights.clone().chain_update(asked.greys).finalize().into();
        let _run = match self.find_or_begin(&key, asked.urgency) {
            Found::Known(embedding) => return Ok(*embedding),
            Found::Begun(number) => Running { embeddings: self, key, number },
        };
        let embedding = match (asked.urgency, self.idle.get_or_init(idle_threads)) {
            (Urgency::Background, Some(idle)) => idle.install(|| self.make(model, asked, &key)),
            (Urgency::Background, None) => candle_core::bail!("no threads for the background"),
            (Urgency::Now, _) => self.make(model, asked, &key),
        }?;
        self.state().keep(key, embedding.clone(), self.capacity);
        Ok(embedding)
    }

    /// The embedding from disk or from the encoder.
    fn make(&self, model: &Sam2, asked: &Asked<'_>, key: &Key) -> Result<SliceEmbedding> {
        let n_numbers = SliceEmbedding::n_numbers(model.config());
        let kept = asked.kept.and_then(|(files, image)| files.read(image, key, n_numbers));
        if let Some(numbers) = kept {
            return SliceEmbedding::from_numbers(model.config(), &numbers, &self.device);
        }
        let started = Instant::now();
        let side = model.config().image_size;
        let mut embedding = model.encode(&grey::pixels(asked.greys, side, &self.device)?)?;
        self.state().encoded(started.elapsed());
        if asked.kept.is_some() || self.width == Width::F16 {
            let numbers = rounded(embedding.numbers()?, self.width);
            if self.width == Width::F16 {
                embedding = SliceEmbedding::from_numbers(model.config(), &numbers, &self.device)?;
            }
            if let Some((files, image)) = asked.kept {
                files.write(image, key, &numbers, self.width);
            }
        }
        Ok(embedding)
    }

    /// How often the encoder ran.
    pub(super) fn n_encoded(&self) -> u64 {
        self.state().n_encoded
    }

    /// How many embeddings are in memory.
    #[cfg(test)]
    pub(super) fn n_kept(&self) -> usize {
        self.state().by_key.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The embedding, or the right to make it.
    fn find_or_begin(&self, key: &Key, urgency: Urgency) -> Found {
        let mut state = self.state();
        loop {
            if let Some(known) = state.find(key) {
                return Found::Known(Box::new(known));
            }
            let Some(run) = state.running.get(key).copied() else { break };
            state = match run.patience(urgency, state.usual) {
                Some(Duration::ZERO) => break,
                Some(patience) => {
                    let waited = self.ended.wait_timeout(state, patience);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.ended.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.n_runs += 1;
        let number = state.n_runs;
        state.running.insert(*key, Run { number, urgency, since: Instant::now() });
        Found::Begun(number)
    }
}

enum Found {
    Known(Box<SliceEmbedding>),
    Begun(u64),
}

/// Tells those who wait that a run has ended, however it did.
struct Running<'a> {
    embeddings: &'a Embeddings,
    key: Key,
    number: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let running = &mut self.embeddings.state().running;
        // Somebody who could not wait may have begun once more.
        if running.get(&self.key).is_some_and(|it| it.number == self.number) {
            running.remove(&self.key);
        }
        self.embeddings.ended.notify_all();
    }
}

impl State {
    fn find(&mut self, key: &Key) -> Option<SliceEmbedding> {
        self.n_uses += 1;
        let (last_use, embedding) = self.by_key.get_mut(key)?;
        *last_use = self.n_uses;
        Some(embedding.clone())
    }

    fn encoded(&mut self, took: Duration) {
        self.n_encoded += 1;
        self.usual = Some(self.usual.map_or(took, |it| it.min(took)));
    }

    /// Takes in an embedding; the one that was not asked for longest makes room.
    fn keep(&mut self, key: Key, embedding: SliceEmbedding, capacity: usize) {
        while self.by_key.len() >= capacity {
            let oldest = self.by_key.iter().min_by_key(|it| it.1.0).map(|it| *it.0);
            let Some(oldest) = oldest else { break };
            self.by_key.remove(&oldest);
        }
        self.by_key.insert(key, (self.n_uses, embedding));
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, thread};

    use super::*;
    use crate::Medsam2;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro")
    }

    fn micro() -> (Sam2, ModelIdentity) {
        let config = sam2::Config::open(&folder().join("config.yaml")).unwrap();
        let model = Sam2::open(
            &folder().join("checkpoint.pt"),
            &config,
            &Device::Cpu,
            sam2::Precision::F32,
        )
        .unwrap();
        let identity = ModelIdentity {
            name: "micro".to_owned(),
            sha256: id::Sha256::from_digest([7; 32]),
            licence: String::new(),
            precision: "f32".to_owned(),
            device: "cpu".to_owned(),
            window: None,
            remark: None,
        };
        (model, identity)
    }

    fn asked(greys: &[u8], urgency: Urgency) -> Asked<'_> {
        Asked { greys, urgency, kept: None }
    }

    #[test]
    fn memory_is_bounded_and_the_slice_asked_for_last_stays() {
        let (model, identity) = micro();
        let bytes_each = 4 * SliceEmbedding::n_numbers(model.config());
        let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 2 * bytes_each);
        let side = model.config().image_size;
        let ask = |grey: u8, n_encoded: u64| {
            let greys = vec![grey; side * side];
            embeddings.get(&model, &asked(&greys, Urgency::Now)).unwrap();
            assert_eq!(embeddings.n_encoded(), n_encoded);
        };
        ask(1, 1);
        ask(2, 2);
        ask(1, 2);
        ask(3, 3);
        ask(1, 3);
        ask(2, 4);
        assert_eq!(embeddings.n_kept(), 2);
    }

    #[test]
    fn many_who_ask_at_once_share_one_run() {
        let (model, identity) = micro();
        let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
        let greys = vec![9; model.config().image_size.pow(2)];
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| embeddings.get(&model, &asked(&greys, Urgency::Now)).unwrap());
            }
        });
        assert_eq!(embeddings.n_encoded(), 1);
    }

    #[test]
    fn a_person_waits_for_a_run_in_the_background_unless_it_is_held_up() {
        let run = |urgency, age: Duration| Run {
            number: 1,
            urgency,
            since: Instant::now().checked_sub(age).unwrap(),
        };
        let usual = Some(Duration::from_secs(60));
        let patience = |urgency, age, asking| run(urgency, age).patience(asking, usual);
        let (young, old) = (Duration::from_secs(30), Duration::from_secs(91));
        let left = patience(Urgency::Background, young, Urgency::Now).unwrap();
        assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60));
        assert_eq!(patience(Urgency::Background, old, Urgency::Now), Some(Duration::ZERO));
        assert_eq!(patience(Urgency::Background, old, Urgency::Background), None);
        assert_eq!(patience(Urgency::Now, old, Urgency::Now), None);
    }

    #[test]
    fn a_run_that_is_held_up_is_overtaken() {
        let (model, identity) = micro();
        let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
        let greys = vec![9; model.config().image_size.pow(2)];
        let key: Key = embeddings.weights.clone().chain_update(&greys).finalize().into();
        let Found::Begun(number) = embeddings.find_or_begin(&key, Urgency::Background) else {
            panic!("nothing is known yet");
        };
        let held_up = Running { embeddings: &embeddings, key, number };
        let since = Instant::now().checked_sub(2 * FIRST_PATIENCE).unwrap();
        embeddings.state().running.get_mut(&key).unwrap().since = since;
        embeddings.get(&model, &asked(&greys, Urgency::Now)).unwrap();
        assert_eq!(embeddings.n_encoded(), 1);
        drop(held_up);
        assert!(embeddings.state().running.is_empty());
    }

    #[test]
    fn narrow_numbers_are_the_same_whether_they_were_kept_or_not() {
        let (model, identity) = micro();
        let identity = ModelIdentity { precision: "bf16".to_owned(), ..identity };
        let kept = tempfile::tempdir().unwrap();
        let files = EmbeddingFiles::new(kept.path().to_owned(), 1 << 20);
        let image = id::Sha256::from_digest([1; 32]);
        let greys: Vec<u8> = (0..=255).cycle().take(model.config().image_size.pow(2)).collect();
        let ask = |n_encoded: u64| {
            let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
            let kept = Some((&files, &image));
            let asked = Asked { greys: &greys, urgency: Urgency::Now, kept };
            let numbers = embeddings.get(&model, &asked).unwrap().numbers().unwrap();
            assert_eq!(embeddings.n_encoded(), n_encoded);
            numbers
        };
        assert_eq!(ask(1), ask(0));
    }

    #[test]
    fn other_weights_share_nothing() {
        let open = |sha256: [u8; 32]| {
            let (model, identity) = micro();
            let sha256 = id::Sha256::from_digest(sha256);
            Medsam2::new(model, ModelIdentity { sha256, ..identity })
        };
        let key = |it: Medsam2| -> Key { it.network.embeddings.weights.clone().finalize().into() };
        assert_ne!(key(open([1; 32])), key(open([2; 32])));
        assert_eq!(key(open([1; 32])), key(open([1; 32])));
    }
}
