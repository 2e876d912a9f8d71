//! The image encoder: the trunk, and the pyramid of maps that the decoder and the memories work on.

use candle_core::{Result, Tensor};
use kernels::Precision;

use super::hiera::Hiera;
use super::layers::Linear;
use super::loader::Loader;
use super::ops;
use crate::config::Config;

/// One level of the pyramid on top of the trunk, and what the mask decoder makes of it.
#[derive(Clone, Debug)]
enum Level {
    /// A map of the trunk's, brought to the pyramid's channels.
    Lateral {
        conv: Linear,
        /// Whether the level above is added, at twice its size.
        adds_above: bool,
        /// The decoder's convolution of a finer map.
        narrow: Option<Linear>,
    },
    /// Both convolutions of a finer map as one.
    Merged(Linear),
}

/// Trunk and pyramid.
///
/// # Source
/// `sam2/modeling/backbones/image_encoder.py`, `ImageEncoder` and `FpnNeck`, bowang-lab/MedSAM2 at
/// `332f30d`, and `conv_s0`, `conv_s1` of its mask decoder, which run once per slice. Position
/// encodings depend on sizes only and are made where they are used.
#[derive(Clone, Debug)]
pub(crate) struct ImageEncoder {
    trunk: Hiera,
    /// From fine to coarse.
    levels: Vec<Level>,
}

impl ImageEncoder {
    pub(crate) fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let encoder = loader.pp("image_encoder");
        let n_levels = config.neck.backbone_channel_list.len();
        let levels = (0..n_levels).map(|level| load_level(level, config, loader));
        let levels = levels.collect::<Result<_>>()?;
        Ok(Self { trunk: Hiera::load(&config.trunk, &encoder.pp("trunk"))?, levels })
    }

    /// Encodes a slice; the coarsest map serves its neighbour only and is dropped.
    ///
    /// # Shapes
    /// `pixels` (1, s, s, 3): (1, s/4, s/4, c/8), (1, s/8, s/8, c/4), (1, s/16, s/16, c)
    pub(crate) fn forward(
        &self,
        pixels: &Tensor,
        between_blocks: &mut dyn FnMut(),
    ) -> Result<[Tensor; 3]> {
        let maps = self.trunk.forward(pixels, between_blocks)?;
        let mut above: Option<Tensor> = None;
        let mut pyramid = Vec::with_capacity(maps.len());
        for (level, map) in self.levels.iter().zip(&maps).rev() {
            pyramid.push(match level {
                Level::Merged(conv) => conv.forward(map)?,
                Level::Lateral { conv, adds_above, narrow } => {
                    let lateral = conv.forward(map)?;
                    let lateral = match &above {
                        Some(above) if *adds_above => (lateral + ops::upsample_nearest2(above)?)?,
                        _ => lateral,
                    };
                    above = Some(lateral.clone());
                    narrow.as_ref().map_or(Ok(lateral.clone()), |it| it.forward(&lateral))?
                }
            });
        }
        match <[Tensor; 4]>::try_from(pyramid) {
            Ok([_, coarse, middle, fine]) => Ok([fine, middle, coarse]),
            Err(other) => candle_core::bail!("the pyramid has {} levels, not four", other.len()),
        }
    }
}

/// Level 0 is the finest.
fn load_level(level: usize, config: &Config, loader: &Loader<'_>) -> Result<Level> {
    let neck = &config.neck;
    let channels = neck.d_model;
    // The published list runs from coarse to fine.
    let index = neck.backbone_channel_list.len() - 1 - level;
    let lateral = loader.pp("image_encoder").pp("neck").pp("convs").pp(index).pp("conv");
    let lateral = pointwise(neck.backbone_channel_list[index], channels, &lateral)?;
    let decoder = loader.pp("sam_mask_decoder");
    let narrow = match level {
        0 => Some(pointwise(channels, channels / 8, &decoder.pp("conv_s0"))?),
        1 => Some(pointwise(channels, channels / 4, &decoder.pp("conv_s1"))?),
        _ => None,
    };
    let precision = loader.precision();
    let adds = |level: usize| neck.fpn_top_down_levels.contains(&level);
    // float32 keeps the published order of products; what gradients flow to stays as it is.
    let may_merge = precision == Precision::Bf16 && !lateral[0].track_op();
    if let Some(narrow) = &narrow
        && may_merge
        && !(0..=level).any(adds)
    {
        return Ok(Level::Merged(Linear::merged(&lateral, narrow, precision)?));
    }
    let layer = |[weight, bias]: [Tensor; 2]| Linear::new(weight, bias, precision);
    Ok(Level::Lateral {
        conv: layer(lateral)?,
        adds_above: adds(level),
        narrow: narrow.map(layer).transpose()?,
    })
}

/// Weight and bias of a convolution over one pixel, (o, i) and (o).
fn pointwise(inputs: usize, outputs: usize, loader: &Loader<'_>) -> Result<[Tensor; 2]> {
    let weight = loader.get((outputs, inputs, 1, 1), "weight")?.reshape((outputs, inputs))?;
    Ok([weight, loader.get(outputs, "bias")?])
}
