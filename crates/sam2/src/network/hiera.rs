//! The image encoder's trunk: four stages of attention within windows, halving the map in between.

use candle_core::{Result, Tensor};

use kernels::{Precision, Windows};

use super::layers::{Activation, Around, Conv2d, ConvShape, LayerNorm, Linear, Mlp};
use super::loader::Loader;
use super::ops;
use super::resize::{Filter, resize};
use crate::config::TrunkConfig;

const NORM_EPS: f64 = 1e-6;
const MLP_RATIO: usize = 4;
const PATCH: ConvShape = ConvShape { kernel: 7, stride: 4, padding: 3 };

#[derive(Clone, Debug)]
struct MultiScaleAttention {
    windows: Windows,
    qkv: Linear,
    /// What zeros become.
    qkv_bias: Tensor,
    proj: Linear,
    precision: Precision,
}

#[derive(Clone, Debug)]
struct MultiScaleBlock {
    norm1: LayerNorm,
    /// Widens the residual where a stage begins, which also halves the map.
    proj: Option<Linear>,
    attn: MultiScaleAttention,
    norm2: LayerNorm,
    mlp: Mlp,
}

impl MultiScaleBlock {
    /// (1, h, w, c) -> (1, h', w', c')
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let after_norm = Around { norm: Some(&self.norm1), ..Around::default() };
        let shortcut = match &self.proj {
            None => x.clone(),
            Some(proj) => ops::max_pool2(&proj.forward_with(x, after_norm)?)?,
        };
        let MultiScaleAttention { windows, qkv, qkv_bias, proj, precision } = &self.attn;
        // The published code pads with zeros before the projection: they become its bias.
        let qkv = qkv.forward_with(x, after_norm)?;
        let attended = ops::window_attention(&qkv, qkv_bias, *windows, *precision)?;
        let x =
            proj.forward_with(&attended, Around { add: Some(&shortcut), ..Around::default() })?;
        self.mlp.forward_with(&x, Some(&self.norm2), Some(&x))
    }
}

/// The trunk.
///
/// # Source
/// `sam2/modeling/backbones/hieradet.py`, `Hiera`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct Hiera {
    patch_embed: Conv2d,
    pos_embed: Tensor,
    pos_embed_window: Tensor,
    blocks: Vec<MultiScaleBlock>,
    /// The last block of each stage.
    stage_ends: Vec<usize>,
}

impl Hiera {
    pub(crate) fn load(config: &TrunkConfig, loader: &Loader<'_>) -> Result<Self> {
        let [rows, columns] = config.window_pos_embed_bkg_spatial_size;
        let window = config.window_spec[0];
        let mut blocks = Vec::new();
        let mut stage_ends = Vec::new();
        let mut channels = config.embed_dim;
        let mut num_heads = config.num_heads;
        for (stage, n_blocks) in config.stages.iter().enumerate() {
            for i in 0..*n_blocks {
                let is_first = stage > 0 && i == 0;
                let inputs = channels;
                if is_first {
                    channels *= 2;
                    num_heads *= 2;
                }
                let index = blocks.len();
                // The first block of a stage still works on the map of the stage before.
                let spec = config.window_spec[if is_first { stage - 1 } else { stage }];
                let is_global = config.global_att_blocks.contains(&index);
                let widths = BlockWidths { inputs, outputs: channels, num_heads };
                let window_size = if is_global { 0 } else { spec };
                blocks.push(widths.block(window_size, &loader.pp("blocks").pp(index))?);
            }
            stage_ends.push(blocks.len() - 1);
        }
        let embed = config.embed_dim;
        Ok(Self {
            patch_embed: Conv2d::load(3, embed, PATCH, &loader.pp("patch_embed").pp("proj"))?,
            pos_embed: loader.get((1, embed, rows, columns), "pos_embed")?,
            pos_embed_window: loader.get((1, embed, window, window), "pos_embed_window")?,
            blocks,
            stage_ends,
        })
    }

    /// Returns the map at the end of each stage; calls `between_blocks` before every block.
    ///
    /// # Shapes
    /// `x` (1, h, w, 3): (1, h/4, w/4, c), (1, h/8, w/8, 2c) …
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        between_blocks: &mut dyn FnMut(),
    ) -> Result<Vec<Tensor>> {
        let x = self.patch_embed.forward(x)?;
        let (_, h, w, _) = x.dims4()?;
        let mut x = (x + self.position(h, w)?)?;
        let mut outputs = Vec::with_capacity(self.stage_ends.len());
        for (i, block) in self.blocks.iter().enumerate() {
            between_blocks();
            x = block.forward(&x)?;
            if self.stage_ends.contains(&i) {
                outputs.push(x.clone());
            }
        }
        Ok(outputs)
    }

    /// The learned background, stretched over the map, plus the learned window, repeated over it.
    ///
    /// # Shapes
    /// returns (1, h, w, c)
    fn position(&self, h: usize, w: usize) -> Result<Tensor> {
        let background = resize(&self.pos_embed.squeeze(0)?, h, w, Filter::Bicubic)?;
        let (_, _, rows, columns) = self.pos_embed_window.dims4()?;
        let window = self.pos_embed_window.squeeze(0)?.repeat((1, h / rows, w / columns))?;
        (background + window)?.permute((1, 2, 0))?.contiguous()?.unsqueeze(0)
    }
}

/// Channels and heads of one block.
struct BlockWidths {
    inputs: usize,
    outputs: usize,
    num_heads: usize,
}

impl BlockWidths {
    fn block(&self, window_size: usize, loader: &Loader<'_>) -> Result<MultiScaleBlock> {
        let Self { inputs, outputs, num_heads } = *self;
        let widens = inputs != outputs;
        let attn = loader.pp("attn");
        let qkv = Linear::load(inputs, 3 * outputs, &attn.pp("qkv"))?;
        Ok(MultiScaleBlock {
            norm1: LayerNorm::load(inputs, NORM_EPS, &loader.pp("norm1"))?,
            proj: widens.then(|| Linear::load(inputs, outputs, &loader.pp("proj"))).transpose()?,
            attn: MultiScaleAttention {
                windows: Windows { size: window_size, num_heads, q_pool: widens },
                qkv_bias: qkv.bias()?,
                qkv,
                proj: Linear::load(outputs, outputs, &attn.pp("proj"))?,
                precision: loader.precision(),
            },
            norm2: LayerNorm::load(outputs, NORM_EPS, &loader.pp("norm2"))?,
            mlp: Mlp::load(
                &[outputs, MLP_RATIO * outputs, outputs],
                Activation::Gelu,
                &loader.pp("mlp"),
            )?,
        })
    }
}
