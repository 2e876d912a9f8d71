//! How a slice's features take in what memories say about the object.

use candle_core::{Result, Tensor};

use super::attention::{Attention, Tokens};
use super::layers::{Activation, LayerNorm, Linear, Mlp};
use super::loader::Loader;
use crate::config::Config;

const NORM_EPS: f64 = 1e-5;
/// Share of the position encoding that is added to the slice's features.
const POSITION_SHARE: f64 = 0.1;

/// The tokens of all memories, and where they stand in space and time.
#[derive(Clone, Debug)]
pub(crate) struct MemoryTokens {
    /// (1, m, c)
    pub(crate) memory: Tensor,
    /// (1, m, c)
    pub(crate) memory_pos: Tensor,
    /// How many at the end come from object pointers, which have no place on the slice.
    pub(crate) num_obj_ptr_tokens: usize,
}

#[derive(Clone, Debug)]
struct MemoryAttentionLayer {
    self_attn: Attention,
    cross_attn_image: Attention,
    mlp: Mlp,
    norm1: LayerNorm,
    norm2: LayerNorm,
    norm3: LayerNorm,
}

impl MemoryAttentionLayer {
    fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let channels = config.neck.d_model;
        let hidden = config.memory_attention.dim_feedforward;
        let size = config.embedding_size();
        Ok(Self {
            self_attn: Attention::load_rotary(
                channels,
                &config.memory_attention.self_attention,
                size,
                &loader.pp("self_attn"),
            )?,
            cross_attn_image: Attention::load_rotary(
                channels,
                &config.memory_attention.cross_attention,
                size,
                &loader.pp("cross_attn_image"),
            )?,
            mlp: Mlp::of(
                [
                    Linear::load(channels, hidden, &loader.pp("linear1"))?,
                    Linear::load(hidden, channels, &loader.pp("linear2"))?,
                ],
                Activation::Relu,
            ),
            norm1: LayerNorm::load(channels, NORM_EPS, &loader.pp("norm1"))?,
            norm2: LayerNorm::load(channels, NORM_EPS, &loader.pp("norm2"))?,
            norm3: LayerNorm::load(channels, NORM_EPS, &loader.pp("norm3"))?,
        })
    }

    fn forward(&self, x: &Tensor, keys: &Tensor, memory: &MemoryTokens) -> Result<Tensor> {
        let normed = self.norm1.forward(x)?;
        let own = Tokens { q: &normed, k: &normed, v: &normed };
        let x = self.self_attn.forward_add(own, 0, x)?;

        let normed = self.norm2.forward(&x)?;
        let remembered = Tokens { q: &normed, k: keys, v: &memory.memory };
        let n_unplaced = memory.num_obj_ptr_tokens;
        let x = self.cross_attn_image.forward_add(remembered, n_unplaced, &x)?;

        self.mlp.forward_with(&x, Some(&self.norm3), Some(&x))
    }
}

/// Layers of attention to the slice itself and to memories.
///
/// # Source
/// `sam2/modeling/memory_attention.py`, `MemoryAttention`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct MemoryAttention {
    layers: Vec<MemoryAttentionLayer>,
    norm: LayerNorm,
}

impl MemoryAttention {
    pub(crate) fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let layers = (0..config.memory_attention.num_layers)
            .map(|i| MemoryAttentionLayer::load(config, &loader.pp("layers").pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self {
            layers,
            norm: LayerNorm::load(config.neck.d_model, NORM_EPS, &loader.pp("norm"))?,
        })
    }

    /// Conditions the slice's features on memories.
    ///
    /// # Shapes
    /// `features` and `position` (1, n, c): (1, n, c)
    pub(crate) fn forward(
        &self,
        features: &Tensor,
        position: &Tensor,
        memory: &MemoryTokens,
    ) -> Result<Tensor> {
        let mut x = (features + (position * POSITION_SHARE)?)?;
        let keys = (&memory.memory + &memory.memory_pos)?;
        for layer in &self.layers {
            x = layer.forward(&x, &keys, memory)?;
        }
        self.norm.forward(&x)
    }
}
