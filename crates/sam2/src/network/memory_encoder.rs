//! How a slice's features and its mask become a memory for the slices after it.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::layers::{Conv2d, ConvShape, LayerNorm, Linear};
use super::ops::{self, Activation};
use crate::config::{BACKBONE_STRIDE, Config};

const NORM_EPS: f64 = 1e-6;

/// Brings a mask down to the features' size, with more channels at every step.
///
/// # Source
/// `sam2/modeling/memory_encoder.py`, `MaskDownSampler`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
struct MaskDownSampler {
    steps: Vec<(Conv2d, LayerNorm)>,
    last: Linear,
}

impl MaskDownSampler {
    fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let [kernel, stride, padding] = config.memory_encoder.mask_downsampler;
        let encoder = vb.pp("encoder");
        let mut steps = Vec::new();
        let (mut channels, mut shrunk) = (1, 1);
        while shrunk < BACKBONE_STRIDE {
            let inputs = channels;
            channels *= stride * stride;
            shrunk *= stride;
            // Convolution, normalisation and activation are counted as three modules.
            let index = 3 * steps.len();
            let shape = ConvShape { kernel, stride, padding };
            let conv = Conv2d::load(inputs, channels, shape, &encoder.pp(index))?;
            let norm = LayerNorm::load(channels, NORM_EPS, &encoder.pp(index + 1))?;
            steps.push((conv, norm));
        }
        let last = &encoder.pp(3 * steps.len());
        let last = Linear::load_conv(channels, config.neck.d_model, 1, last)?;
        Ok(Self { steps, last })
    }

    /// (b, s, s, 1) -> (b, s/16, s/16, c)
    fn forward(&self, mask: &Tensor) -> Result<Tensor> {
        let mut x = mask.clone();
        for (conv, norm) in &self.steps {
            x = ops::gelu(&norm.forward(&conv.forward(&x)?)?)?;
        }
        self.last.forward(&x)
    }
}

/// A block of the fuser: a convolution per channel, then a small network per pixel.
///
/// # Source
/// `sam2/modeling/memory_encoder.py`, `CXBlock`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
struct CxBlock {
    dwconv_weight: Tensor,
    dwconv_bias: Tensor,
    norm: LayerNorm,
    pwconv1: Linear,
    pwconv2: Linear,
    gamma: Tensor,
}

impl CxBlock {
    fn load(channels: usize, kernel: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let dwconv = vb.pp("dwconv");
        Ok(Self {
            dwconv_weight: dwconv.get((channels, 1, kernel, kernel), "weight")?,
            dwconv_bias: dwconv.get(channels, "bias")?,
            norm: LayerNorm::load(channels, NORM_EPS, &vb.pp("norm"))?,
            pwconv1: Linear::load(channels, 4 * channels, &vb.pp("pwconv1"))?,
            pwconv2: Linear::load(4 * channels, channels, &vb.pp("pwconv2"))?,
            gamma: vb.get(channels, "gamma")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = ops::depthwise_conv2d(x, &self.dwconv_weight, &self.dwconv_bias)?;
        let y = self.pwconv1.forward_then(&self.norm.forward(&y)?, Activation::Gelu)?;
        x + self.pwconv2.forward(&y)?.broadcast_mul(&self.gamma)?
    }
}

/// Adds the mask to the features, mixes, and narrows to a memory.
///
/// # Source
/// `sam2/modeling/memory_encoder.py`, `MemoryEncoder`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct MemoryEncoder {
    mask_downsampler: MaskDownSampler,
    pix_feat_proj: Linear,
    fuser: Vec<CxBlock>,
    out_proj: Linear,
}

impl MemoryEncoder {
    pub(crate) fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let channels = config.neck.d_model;
        let memory = &config.memory_encoder;
        let layers = vb.pp("fuser").pp("layers");
        let fuser = (0..memory.fuser_layers)
            .map(|i| CxBlock::load(channels, memory.fuser_kernel_size, &layers.pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self {
            mask_downsampler: MaskDownSampler::load(config, &vb.pp("mask_downsampler"))?,
            pix_feat_proj: Linear::load_conv(channels, channels, 1, &vb.pp("pix_feat_proj"))?,
            fuser,
            out_proj: Linear::load_conv(channels, memory.out_dim, 1, &vb.pp("out_proj"))?,
        })
    }

    /// Encodes a mask, already scaled, with the slice's features.
    ///
    /// # Shapes
    /// `features` (b, h, w, c), `mask` (b, 16h, 16w, 1): (b, h, w, memory channels)
    pub(crate) fn forward(&self, features: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let mask = self.mask_downsampler.forward(mask)?;
        let mut x = (self.pix_feat_proj.forward(features)? + mask)?;
        for block in &self.fuser {
            x = block.forward(&x)?;
        }
        self.out_proj.forward(&x)
    }
}
