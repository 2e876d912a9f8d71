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
    /// Nobody goes first any more.
    free: Condvar,
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
    /// Prompts and propagations that are computed now.
    n_first: usize,
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
            free: Condvar::new(),
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
        let pixels = grey::pixels(asked.greys, side, &self.device)?;
        let mut embedding = model.encode_with(&pixels, &mut || {
            if asked.urgency == Urgency::Background {
                self.let_others_go_first();
            }
        })?;
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

    /// From now on somebody waits for a prompt or a propagation: runs in the background pause until
    /// the returned value is dropped.
    pub(super) fn go_first(&self) -> GoingFirst<'_> {
        self.state().n_first += 1;
        GoingFirst(self)
    }

    /// Waits while anybody goes first.
    fn let_others_go_first(&self) {
        let mut state = self.state();
        while state.n_first > 0 {
            state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How often the encoder ran.
    pub(super) fn n_encoded(&self) -> u64 {
        self.state().n_encoded
    }

    /// Keeps none in memory for now; those on disk stay.
    pub(super) fn clear(&self) {
        self.state().by_key.clear();
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
            // Whoever waits for a run in the background lets it go on.
            let steps_back = usize::from(urgency == Urgency::Now).min(state.n_first);
            state.n_first -= steps_back;
            self.free.notify_all();
            let is_over = match run.patience(urgency, state.usual) {
                Some(Duration::ZERO) => true,
                Some(patience) => {
                    let waited = self.ended.wait_timeout(state, patience);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                    false
                }
                None => {
                    state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
                    false
                }
            };
            state.n_first += steps_back;
            if is_over {
                break;
            }
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

/// Runs in the background pause while it lives.
pub(super) struct GoingFirst<'a>(&'a Embeddings);

impl Drop for GoingFirst<'_> {
    fn drop(&mut self) {
        self.0.state().n_first -= 1;
        self.0.free.notify_all();
    }
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
mod tests;
