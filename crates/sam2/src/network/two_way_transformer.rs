//! Attention between prompt tokens and the slice's tokens, in both directions.

use candle_core::{Result, Tensor};

use super::attention::{Attention, Tokens};
use super::layers::{Activation, LayerNorm, Mlp};
use super::loader::Loader;

const NORM_EPS: f64 = 1e-5;
const NUM_HEADS: usize = 8;
const DEPTH: usize = 2;
const MLP_DIM: usize = 2048;
/// Divisor of the channels where prompts and slice attend to each other.
const DOWNSAMPLE_RATE: usize = 2;

#[derive(Clone, Debug)]
struct TwoWayAttentionBlock {
    /// The first block's queries are their own position.
    skip_first_layer_pe: bool,
    self_attn: Attention,
    norm1: LayerNorm,
    cross_attn_token_to_image: Attention,
    norm2: LayerNorm,
    mlp: Mlp,
    norm3: LayerNorm,
    norm4: LayerNorm,
    cross_attn_image_to_token: Attention,
}

impl TwoWayAttentionBlock {
    fn load(channels: usize, is_first: bool, loader: &Loader<'_>) -> Result<Self> {
        let norm = |name: &str| LayerNorm::load(channels, NORM_EPS, &loader.pp(name));
        let cross =
            |name: &str| Attention::load(channels, NUM_HEADS, DOWNSAMPLE_RATE, &loader.pp(name));
        Ok(Self {
            skip_first_layer_pe: is_first,
            self_attn: Attention::load(channels, NUM_HEADS, 1, &loader.pp("self_attn"))?,
            norm1: norm("norm1")?,
            cross_attn_token_to_image: cross("cross_attn_token_to_image")?,
            norm2: norm("norm2")?,
            mlp: Mlp::load(&[channels, MLP_DIM, channels], Activation::Relu, &loader.pp("mlp"))?,
            norm3: norm("norm3")?,
            norm4: norm("norm4")?,
            cross_attn_image_to_token: cross("cross_attn_image_to_token")?,
        })
    }

    fn forward(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        query_pe: &Tensor,
        key_pe: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let queries = if self.skip_first_layer_pe {
            self.self_attn.forward(Tokens { q: queries, k: queries, v: queries }, 0)?
        } else {
            let q = (queries + query_pe)?;
            (queries + self.self_attn.forward(Tokens { q: &q, k: &q, v: queries }, 0)?)?
        };
        let queries = self.norm1.forward(&queries)?;

        let q = (&queries + query_pe)?;
        let k = (keys + key_pe)?;
        let seen = self.cross_attn_token_to_image.forward(Tokens { q: &q, k: &k, v: keys }, 0)?;
        let queries = self.norm2.forward(&(queries + seen)?)?;
        let queries = self.norm3.forward(&(&queries + self.mlp.forward(&queries)?)?)?;

        let q = (&queries + query_pe)?;
        let told = Tokens { q: &k, k: &q, v: &queries };
        let keys = (keys + self.cross_attn_image_to_token.forward(told, 0)?)?;
        Ok((queries, self.norm4.forward(&keys)?))
    }
}

/// The transformer inside the mask decoder.
///
/// # Source
/// `sam2/modeling/sam/transformer.py`, `TwoWayTransformer`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct TwoWayTransformer {
    layers: Vec<TwoWayAttentionBlock>,
    final_attn_token_to_image: Attention,
    norm_final_attn: LayerNorm,
}

impl TwoWayTransformer {
    pub(crate) fn load(channels: usize, loader: &Loader<'_>) -> Result<Self> {
        let layers = (0..DEPTH)
            .map(|i| TwoWayAttentionBlock::load(channels, i == 0, &loader.pp("layers").pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self {
            layers,
            final_attn_token_to_image: Attention::load(
                channels,
                NUM_HEADS,
                DOWNSAMPLE_RATE,
                &loader.pp("final_attn_token_to_image"),
            )?,
            norm_final_attn: LayerNorm::load(channels, NORM_EPS, &loader.pp("norm_final_attn"))?,
        })
    }

    /// Returns the tokens and the slice after both have seen each other.
    ///
    /// # Shapes
    /// `image` and `image_pe` (1, n, c), `tokens` (1, t, c): (1, t, c) and (1, n, c)
    pub(crate) fn forward(
        &self,
        image: &Tensor,
        image_pe: &Tensor,
        tokens: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let mut queries = tokens.clone();
        let mut keys = image.clone();
        for layer in &self.layers {
            (queries, keys) = layer.forward(&queries, &keys, tokens, image_pe)?;
        }
        let q = (&queries + tokens)?;
        let k = (&keys + image_pe)?;
        let seen = self.final_attn_token_to_image.forward(Tokens { q: &q, k: &k, v: &keys }, 0)?;
        let queries = self.norm_final_attn.forward(&(queries + seen)?)?;
        Ok((queries, keys))
    }
}
