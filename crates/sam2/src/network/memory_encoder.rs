//! How a slice's features and its mask become a memory for the slices after it.

use candle_core::{Result, Tensor};

use super::layers::{Activation, Around, Conv2d, ConvShape, DepthwiseConv, LayerNorm, Linear, Mlp};
use super::loader::Loader;
use super::ops;
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
    fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let [kernel, stride, padding] = config.memory_encoder.mask_downsampler;
        let encoder = loader.pp("encoder");
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
    dwconv: DepthwiseConv,
    norm: LayerNorm,
    pwconv: Mlp,
    gamma: Tensor,
}

impl CxBlock {
    fn load(channels: usize, kernel: usize, loader: &Loader<'_>) -> Result<Self> {
        Ok(Self {
            dwconv: DepthwiseConv::load(channels, kernel, &loader.pp("dwconv"))?,
            norm: LayerNorm::load(channels, NORM_EPS, &loader.pp("norm"))?,
            pwconv: Mlp::of(
                [
                    Linear::load(channels, 4 * channels, &loader.pp("pwconv1"))?,
                    Linear::load(4 * channels, channels, &loader.pp("pwconv2"))?,
                ],
                Activation::Gelu,
            ),
            gamma: loader.get(channels, "gamma")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.dwconv.forward(x)?;
        let y = self.pwconv.forward_with(&y, Some(&self.norm), None)?;
        x + y.broadcast_mul(&self.gamma)?
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
    pub(crate) fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let channels = config.neck.d_model;
        let memory = &config.memory_encoder;
        let layers = loader.pp("fuser").pp("layers");
        let fuser = (0..memory.fuser_layers)
            .map(|i| CxBlock::load(channels, memory.fuser_kernel_size, &layers.pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self {
            mask_downsampler: MaskDownSampler::load(config, &loader.pp("mask_downsampler"))?,
            pix_feat_proj: Linear::load_conv(channels, channels, 1, &loader.pp("pix_feat_proj"))?,
            fuser,
            out_proj: Linear::load_conv(channels, memory.out_dim, 1, &loader.pp("out_proj"))?,
        })
    }

    /// Encodes a mask, already scaled, with the slice's features.
    ///
    /// # Shapes
    /// `features` (b, h, w, c), `mask` (b, 16h, 16w, 1): (b, h, w, memory channels)
    pub(crate) fn forward(&self, features: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let mask = self.mask_downsampler.forward(mask)?;
        let add_mask = Around { add: Some(&mask), ..Around::default() };
        let mut x = self.pix_feat_proj.forward_with(features, add_mask)?;
        for block in &self.fuser {
            x = block.forward(&x)?;
        }
        self.out_proj.forward(&x)
    }
}
