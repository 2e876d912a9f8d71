//! How a slice's features take in what memories say about the object.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::attention::{Attention, Tokens};
use super::layers::{LayerNorm, Linear};
use super::ops::Activation;
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
    linear1: Linear,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    norm3: LayerNorm,
}

impl MemoryAttentionLayer {
    fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let channels = config.neck.d_model;
        let hidden = config.memory_attention.dim_feedforward;
        let size = config.embedding_size();
        Ok(Self {
            self_attn: Attention::load_rotary(
                channels,
                &config.memory_attention.self_attention,
                size,
                &vb.pp("self_attn"),
            )?,
            cross_attn_image: Attention::load_rotary(
                channels,
                &config.memory_attention.cross_attention,
                size,
                &vb.pp("cross_attn_image"),
            )?,
            linear1: Linear::load(channels, hidden, &vb.pp("linear1"))?,
            linear2: Linear::load(hidden, channels, &vb.pp("linear2"))?,
            norm1: LayerNorm::load(channels, NORM_EPS, &vb.pp("norm1"))?,
            norm2: LayerNorm::load(channels, NORM_EPS, &vb.pp("norm2"))?,
            norm3: LayerNorm::load(channels, NORM_EPS, &vb.pp("norm3"))?,
        })
    }

    fn forward(&self, x: &Tensor, keys: &Tensor, memory: &MemoryTokens) -> Result<Tensor> {
        let normed = self.norm1.forward(x)?;
        let own = Tokens { q: &normed, k: &normed, v: &normed };
        let x = (x + self.self_attn.forward(own, 0)?)?;

        let normed = self.norm2.forward(&x)?;
        let remembered = Tokens { q: &normed, k: keys, v: &memory.memory };
        let x = (&x + self.cross_attn_image.forward(remembered, memory.num_obj_ptr_tokens)?)?;

        let hidden = self.linear1.forward_then(&self.norm3.forward(&x)?, Activation::Relu)?;
        &x + self.linear2.forward(&hidden)?
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
    pub(crate) fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let layers = (0..config.memory_attention.num_layers)
            .map(|i| MemoryAttentionLayer::load(config, &vb.pp("layers").pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self { layers, norm: LayerNorm::load(config.neck.d_model, NORM_EPS, &vb.pp("norm"))? })
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
