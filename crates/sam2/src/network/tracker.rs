//! Follows an object from slice to slice, in one direction.

use std::collections::BTreeMap;

use candle_core::{DType, Result, Tensor};

use super::memory_attention::MemoryTokens;
use super::position_encoding::time_encoding;
use super::sam2::{Origin, Sam2, SliceEmbedding, SliceMask, SliceMemory};

/// Where the object is followed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To rising slice indices.
    Forward,
    /// To falling slice indices.
    Reverse,
}

/// Follows one object through a volume.
///
/// # Source
/// `sam2/modeling/sam2_base.py`, `_prepare_memory_conditioned_features`, and
/// `sam2/sam2_video_predictor_npz.py`, `propagate_in_video`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub struct Tracker<'a> {
    model: &'a Sam2,
    n_slices: usize,
    direction: Direction,
    /// Memories of the slices with prompts; attended to from everywhere.
    conditioning: BTreeMap<usize, SliceMemory>,
    /// Memories of the slices visited last.
    recent: BTreeMap<usize, SliceMemory>,
}

impl<'a> Tracker<'a> {
    /// Starts from the slices with prompts, by index; they serve both directions.
    #[must_use]
    pub fn new(
        model: &'a Sam2,
        n_slices: usize,
        direction: Direction,
        conditioning: BTreeMap<usize, SliceMemory>,
    ) -> Self {
        Self { model, n_slices, direction, conditioning, recent: BTreeMap::new() }
    }

    /// Finds the object on the next slice, which has no prompt, and remembers it.
    ///
    /// # Errors
    /// If no slice has a prompt, or the computation fails.
    pub fn step(&mut self, slice: usize, embedding: &SliceEmbedding) -> Result<SliceMask> {
        let tokens = self.memory_tokens(slice)?;
        let found = self.model.recall(embedding, &tokens)?;
        let memory = self.model.remember(embedding, &found, Origin::Tracking)?;
        self.resume(slice, memory);
        Ok(found)
    }

    /// Takes a slice as visited, with the memory that it left: to go on where another tracker stopped.
    pub fn resume(&mut self, slice: usize, memory: SliceMemory) {
        self.recent.insert(slice, memory);
        let config = &self.model.config;
        let reach = config.num_maskmem.max(config.max_obj_ptrs_in_encoder);
        self.recent.retain(|at, _| at.abs_diff(slice) < reach);
    }

    /// What a slice visited lately left behind.
    #[must_use]
    pub fn memory(&self, slice: usize) -> Option<&SliceMemory> {
        self.recent.get(&slice)
    }

    /// What `slice` attends to.
    fn memory_tokens(&self, slice: usize) -> Result<MemoryTokens> {
        let mut memory = Vec::new();
        let mut memory_pos = Vec::new();
        for (n_before, remembered) in self.memories(slice) {
            memory.push(remembered.features.to_dtype(DType::F32)?);
            let when = self.model.maskmem_tpos_enc.narrow(0, n_before - 1, 1)?;
            memory_pos.push(self.model.memory_pos.broadcast_add(&when)?);
        }
        if memory.is_empty() {
            candle_core::bail!("slice {slice} is tracked without any slice that has a prompt");
        }
        let pointers = self.pointers(slice);
        let mut num_obj_ptr_tokens = 0;
        if !pointers.is_empty() {
            let (tokens, places) = self.pointer_tokens(&pointers)?;
            num_obj_ptr_tokens = tokens.dim(1)?;
            memory.push(tokens);
            memory_pos.push(places);
        }
        Ok(MemoryTokens {
            memory: Tensor::cat(&memory, 1)?,
            memory_pos: Tensor::cat(&memory_pos, 1)?,
            num_obj_ptr_tokens,
        })
    }

    /// Memories with the row of the time encoding they have, counted from 1: slices before.
    fn memories(&self, slice: usize) -> impl Iterator<Item = (usize, &SliceMemory)> {
        let last = self.model.config.num_maskmem;
        let conditioning = self.conditioning.values().map(move |it| (last, it));
        let recent = (1..last).rev().filter_map(move |n_before| {
            Some((n_before, self.recent.get(&self.before(slice, n_before)?)?))
        });
        conditioning.chain(recent)
    }

    /// Pointers with how many slices lie between theirs and `slice`; only those behind it.
    fn pointers(&self, slice: usize) -> Vec<(usize, &Tensor)> {
        let conditioning = self.conditioning.iter().filter(|(at, _)| match self.direction {
            Direction::Forward => **at <= slice,
            Direction::Reverse => **at >= slice,
        });
        let conditioning = conditioning.map(|(at, it)| (at.abs_diff(slice), &it.obj_ptr));
        let recent = (1..self.max_pointers()).filter_map(|n_before| {
            Some((n_before, &self.recent.get(&self.before(slice, n_before)?)?.obj_ptr))
        });
        conditioning.chain(recent).collect()
    }

    fn max_pointers(&self) -> usize {
        self.n_slices.min(self.model.config.max_obj_ptrs_in_encoder)
    }

    /// The slice visited `n_before` slices before `slice`.
    fn before(&self, slice: usize, n_before: usize) -> Option<usize> {
        match self.direction {
            Direction::Forward => slice.checked_sub(n_before),
            Direction::Reverse => slice.checked_add(n_before),
        }
    }

    /// Splits pointers into tokens as wide as a memory's.
    ///
    /// # Shapes
    /// returns (1, tokens, memory channels) twice
    #[expect(clippy::cast_precision_loss, reason = "slices are few")]
    fn pointer_tokens(&self, pointers: &[(usize, &Tensor)]) -> Result<(Tensor, Tensor)> {
        let channels = self.model.config.neck.d_model;
        let memory_channels = self.model.config.memory_encoder.out_dim;
        let n_parts = channels / memory_channels;
        let n_tokens = pointers.len() * n_parts;

        let farthest = self.max_pointers().saturating_sub(1).max(1) as f32;
        let distances: Vec<f32> =
            pointers.iter().map(|(n_before, _)| *n_before as f32 / farthest).collect();
        let tensors: Vec<&Tensor> = pointers.iter().map(|(_, it)| *it).collect();
        let tokens = Tensor::cat(&tensors, 0)?.reshape((1, n_tokens, memory_channels))?;

        let places = time_encoding(&distances, channels, tokens.device())?;
        let places = self.model.obj_ptr_tpos_proj.forward(&places)?.unsqueeze(1)?;
        let places = places.broadcast_as((pointers.len(), n_parts, memory_channels))?.reshape((
            1,
            n_tokens,
            memory_channels,
        ))?;
        Ok((tokens, places))
    }
}
