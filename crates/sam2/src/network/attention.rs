//! Attention between two sets of tokens, with and without rotary positions.

use candle_core::{Result, Tensor};

use kernels::Precision;

use super::layers::{Around, Linear};
use super::loader::Loader;
use super::ops;
use super::position_encoding::AxialRotation;
use crate::config::AttentionConfig;

/// Queries attend to keys and take a weighted mean of values.
///
/// # Source
/// `sam2/modeling/sam/transformer.py`, `Attention` and `RoPEAttention`, bowang-lab/MedSAM2 at
/// `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    num_heads: usize,
    rotation: Option<AxialRotation>,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    precision: Precision,
}

/// What an attention attends from and to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a> {
    /// (b, n, c)
    pub(crate) q: &'a Tensor,
    /// (b, m, c)
    pub(crate) k: &'a Tensor,
    /// (b, m, c)
    pub(crate) v: &'a Tensor,
}

impl Attention {
    /// An attention inside the mask decoder, without rotary positions.
    pub(crate) fn load(
        channels: usize,
        num_heads: usize,
        downsample_rate: usize,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let inner = channels / downsample_rate;
        Ok(Self {
            num_heads,
            rotation: None,
            q_proj: Linear::load(channels, inner, &loader.pp("q_proj"))?,
            k_proj: Linear::load(channels, inner, &loader.pp("k_proj"))?,
            v_proj: Linear::load(channels, inner, &loader.pp("v_proj"))?,
            out_proj: Linear::load(inner, channels, &loader.pp("out_proj"))?,
            precision: loader.precision(),
        })
    }

    /// An attention of a slice's `size` × `size` tokens with rotary positions.
    pub(crate) fn load_rotary(
        channels: usize,
        config: &AttentionConfig,
        size: usize,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let inner = channels / config.downsample_rate;
        let per_head = inner / config.num_heads;
        Ok(Self {
            num_heads: config.num_heads,
            rotation: Some(AxialRotation::new(size, per_head, config.rope_theta, loader.device())?),
            q_proj: Linear::load(channels, inner, &loader.pp("q_proj"))?,
            k_proj: Linear::load(config.kv_in_dim, inner, &loader.pp("k_proj"))?,
            v_proj: Linear::load(config.kv_in_dim, inner, &loader.pp("v_proj"))?,
            out_proj: Linear::load(inner, channels, &loader.pp("out_proj"))?,
            precision: loader.precision(),
        })
    }

    /// Attends; the last `n_unplaced` keys have no place on the slice and are not rotated.
    ///
    /// # Shapes
    /// returns (b, n, c)
    pub(crate) fn forward(&self, tokens: Tokens<'_>, n_unplaced: usize) -> Result<Tensor> {
        self.attend(tokens, n_unplaced, Around::default())
    }

    /// As [`Attention::forward`], and adds the result to `x`.
    pub(crate) fn forward_add(
        &self,
        tokens: Tokens<'_>,
        n_unplaced: usize,
        x: &Tensor,
    ) -> Result<Tensor> {
        self.attend(tokens, n_unplaced, Around { add: Some(x), ..Around::default() })
    }

    fn attend(&self, tokens: Tokens<'_>, n_unplaced: usize, around: Around<'_>) -> Result<Tensor> {
        let mut q = self.separate_heads(&self.q_proj.forward(tokens.q)?)?;
        let mut k = self.separate_heads(&self.k_proj.forward(tokens.k)?)?;
        if let Some(rotation) = &self.rotation {
            let (n, m) = (q.dim(2)?, k.dim(2)? - n_unplaced);
            q = rotation.apply(q, n)?;
            k = rotation.apply(k, m)?;
        }
        let attended = if self.num_heads == 1 && tokens.v.dim(2)? < q.dim(3)? {
            // With one head the projection can follow the mean, over fewer tokens and channels:
            // weights that sum to 1 leave the bias as it is.
            let mean = ops::attention(&q, &k, &tokens.v.unsqueeze(1)?, self.precision)?;
            self.v_proj.forward(&mean)?
        } else {
            let v = self.separate_heads(&self.v_proj.forward(tokens.v)?)?;
            ops::attention(&q, &k, &v, self.precision)?
        };
        let (b, heads, n, c) = attended.dims4()?;
        let attended = attended.transpose(1, 2)?.reshape((b, n, heads * c))?;
        self.out_proj.forward_with(&attended, around)
    }

    /// (b, n, heads · c) -> (b, heads, n, c)
    fn separate_heads(&self, x: &Tensor) -> Result<Tensor> {
        let (b, n, c) = x.dims3()?;
        let x = x.reshape((b, n, self.num_heads, c / self.num_heads))?;
        // One head needs no copy.
        if self.num_heads == 1 { x.reshape((b, 1, n, c)) } else { x.transpose(1, 2)?.contiguous() }
    }
}
