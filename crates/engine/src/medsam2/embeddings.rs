//! Slices that were encoded lately: prompts, objects, directions and corrections share them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use candle_core::Result;
use sam2::{Sam2, SliceEmbedding};
use sha2::{Digest, Sha256};

use super::grey;

/// What names a slice: the digest of its grey levels at the network's size.
type Key = [u8; 32];

/// The encoder with a memory. A slice is known by what it looks like, so image, plane, index and
/// window need no names, and two ways to the same picture share one embedding.
pub(super) struct Embeddings {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_key: BTreeMap<Key, (u64, SliceEmbedding)>,
    n_uses: u64,
    n_encoded: u64,
}

impl Embeddings {
    /// Keeps as many embeddings of `model` as `limit_bytes` hold, at least one.
    pub(super) fn new(model: &Sam2, limit_bytes: usize) -> Self {
        Self { capacity: (limit_bytes / bytes_each(model)).max(1), kept: Mutex::default() }
    }

    /// The embedding of a slice of that many grey levels.
    pub(super) fn get(&self, model: &Sam2, greys: &[u8]) -> Result<SliceEmbedding> {
        let key: Key = Sha256::digest(greys).into();
        if let Some(known) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).find(&key) {
            return Ok(known);
        }
        let side = model.config().image_size;
        let embedding = model.encode(&grey::pixels(greys, side, &sam2::Device::Cpu)?)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.keep(key, embedding.clone(), self.capacity);
        Ok(embedding)
    }

    /// How often the encoder ran.
    pub(super) fn n_encoded(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).n_encoded
    }

    /// How many embeddings are in memory.
    #[cfg(test)]
    pub(super) fn n_kept(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).by_key.len()
    }
}

impl Kept {
    fn find(&mut self, key: &Key) -> Option<SliceEmbedding> {
        self.n_uses += 1;
        let (last_use, embedding) = self.by_key.get_mut(key)?;
        *last_use = self.n_uses;
        Some(embedding.clone())
    }

    /// Takes in an embedding; the one that was not asked for longest makes room.
    fn keep(&mut self, key: Key, embedding: SliceEmbedding, capacity: usize) {
        self.n_encoded += 1;
        while self.by_key.len() >= capacity {
            let oldest = self.by_key.iter().min_by_key(|it| it.1.0).map(|it| *it.0);
            let Some(oldest) = oldest else { break };
            self.by_key.remove(&oldest);
        }
        self.by_key.insert(key, (self.n_uses, embedding));
    }
}

/// Bytes of one embedding: maps of s/4, s/8 and s/16 squared with c/8, c/4 and c channels.
fn bytes_each(model: &Sam2) -> usize {
    let config = model.config();
    config.image_size.pow(2) * config.neck.d_model / 64 * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sam2::{Config, Device};

    use super::*;

    #[test]
    fn memory_is_bounded_and_the_slice_asked_for_last_stays() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro");
        let config = Config::open(&folder.join("config.yaml")).unwrap();
        let model = Sam2::open(&folder.join("checkpoint.pt"), &config, &Device::Cpu).unwrap();
        let embeddings = Embeddings::new(&model, 2 * bytes_each(&model));
        let side = config.image_size;
        let ask = |grey: u8, n_encoded: u64| {
            embeddings.get(&model, &vec![grey; side * side]).unwrap();
            assert_eq!(embeddings.n_encoded(), n_encoded);
        };
        ask(1, 1);
        ask(2, 2);
        ask(1, 2);
        ask(3, 3);
        ask(1, 3);
        ask(2, 4);
        assert_eq!(embeddings.n_kept(), 2);
        let maps = embeddings.get(&model, &vec![2; side * side]).unwrap().maps().unwrap();
        let n_numbers: usize = maps.iter().map(|it| it.elem_count()).sum();
        assert_eq!(bytes_each(&model), 4 * n_numbers);
    }
}
