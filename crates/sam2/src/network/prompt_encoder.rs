//! Prompts as tokens: points and box corners are sparse, a mask is dense.

use candle_core::{Result, Tensor};

use super::layers::{LayerNorm, Linear};
use super::loader::Loader;
use super::ops;
use super::position_encoding::PositionEmbeddingRandom;
use crate::config::Config;

const NORM_EPS: f64 = 1e-6;
/// Channels inside the mask's convolutions.
const MASK_CHANNELS: usize = 16;

/// What a point says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointLabel {
    /// The object is not here.
    Negative,
    /// The object is here.
    Positive,
    /// The box's corner with the smaller coordinates.
    BoxTopLeft,
    /// The box's corner with the larger coordinates.
    BoxBottomRight,
}

/// A point on the resized slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Pixels to the right of the resized slice's left edge.
    pub x: f32,
    /// Pixels below the resized slice's upper edge.
    pub y: f32,
    /// What the point says.
    pub label: PointLabel,
}

/// Encodes prompts for the mask decoder.
///
/// # Source
/// `sam2/modeling/sam/prompt_encoder.py`, `PromptEncoder`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct PromptEncoder {
    image_size: usize,
    pe_layer: PositionEmbeddingRandom,
    /// One row per [`PointLabel`], (1, c) each.
    point_embeddings: [Tensor; 4],
    not_a_point_embed: Tensor,
    mask_downscaling: [(Linear, LayerNorm); 2],
    mask_projection: Linear,
    no_mask_embed: Tensor,
    /// Where each token of the slice stands, (1, n, c).
    dense_pe: Tensor,
}

impl PromptEncoder {
    pub(crate) fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let channels = config.neck.d_model;
        let embed = |loader: Loader<'_>| loader.get((1, channels), "weight");
        let point = |i: usize| embed(loader.pp("point_embeddings").pp(i));
        let mask = loader.pp("mask_downscaling");
        let step = |inputs: usize, outputs: usize, index: usize| -> Result<_> {
            let conv = Linear::load_conv(inputs, outputs, 2, &mask.pp(index))?;
            Ok((conv, LayerNorm::load(outputs, NORM_EPS, &mask.pp(index + 1))?))
        };
        let pe_layer = PositionEmbeddingRandom::load(channels, &loader.pp("pe_layer"))?;
        Ok(Self {
            image_size: config.image_size,
            dense_pe: pe_layer.grid(config.embedding_size())?,
            pe_layer,
            point_embeddings: [point(0)?, point(1)?, point(2)?, point(3)?],
            not_a_point_embed: embed(loader.pp("not_a_point_embed"))?,
            mask_downscaling: [
                step(1, MASK_CHANNELS / 4, 0)?,
                step(MASK_CHANNELS / 4, MASK_CHANNELS, 3)?,
            ],
            mask_projection: Linear::load_conv(MASK_CHANNELS, channels, 1, &mask.pp(6))?,
            no_mask_embed: embed(loader.pp("no_mask_embed"))?,
        })
    }

    /// Where each token of the slice stands, (1, n, c).
    pub(crate) fn dense_pe(&self) -> &Tensor {
        &self.dense_pe
    }

    /// Encodes points; without any, one token says so, and one more always ends the list.
    ///
    /// # Shapes
    /// returns (1, points + 1, c), or (1, 2, c) without points
    pub(crate) fn points(&self, points: &[Point]) -> Result<Tensor> {
        let size = self.image_size_f32();
        let mut tokens = Vec::with_capacity(points.len() + 2);
        if !points.is_empty() {
            let places: Vec<_> =
                points.iter().map(|it| [(it.x + 0.5) / size, (it.y + 0.5) / size]).collect();
            let kinds: Vec<_> =
                points.iter().map(|it| self.point_embeddings[it.label as usize].clone()).collect();
            tokens.push((self.pe_layer.encode(&places)? + Tensor::cat(&kinds, 0)?.unsqueeze(0)?)?);
        }
        let not_a_point = self.not_a_point_embed.unsqueeze(0)?;
        if points.is_empty() {
            tokens.push(not_a_point.clone());
        }
        tokens.push(not_a_point);
        Tensor::cat(&tokens, 1)
    }

    /// Encodes a mask's logits, or that there is none.
    ///
    /// # Shapes
    /// `logits` (1, 4h, 4w, 1): (1, h·w, c), or (1, 1, c) without a mask
    pub(crate) fn mask(&self, logits: Option<&Tensor>) -> Result<Tensor> {
        let Some(logits) = logits else { return self.no_mask_embed.unsqueeze(0) };
        let mut x = logits.clone();
        for (conv, norm) in &self.mask_downscaling {
            x = ops::gelu(&norm.forward(&conv.forward(&ops::space_to_depth(&x, 2)?)?)?)?;
        }
        self.mask_projection.forward(&x)?.flatten(1, 2)
    }

    #[expect(clippy::cast_precision_loss, reason = "sides of slices are small")]
    fn image_size_f32(&self) -> f32 {
        self.image_size as f32
    }
}
