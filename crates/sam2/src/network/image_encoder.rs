//! The image encoder: the trunk's four maps brought to one width, coarse ones added to finer ones.

use candle_core::{Result, Tensor};

use super::hiera::Hiera;
use super::layers::Linear;
use super::loader::Loader;
use super::ops;
use crate::config::Config;

/// The pyramid on top of the trunk.
///
/// # Source
/// `sam2/modeling/backbones/image_encoder.py`, `FpnNeck`, bowang-lab/MedSAM2 at `332f30d`. Position
/// encodings depend on sizes only and are made where they are used.
#[derive(Clone, Debug)]
struct FpnNeck {
    /// For the coarsest map first.
    convs: Vec<Linear>,
    fpn_top_down_levels: Vec<usize>,
}

impl FpnNeck {
    fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let neck = &config.neck;
        let convs = neck
            .backbone_channel_list
            .iter()
            .enumerate()
            .map(|(i, channels)| {
                Linear::load_conv(*channels, neck.d_model, 1, &loader.pp("convs").pp(i).pp("conv"))
            })
            .collect::<Result<_>>()?;
        Ok(Self { convs, fpn_top_down_levels: neck.fpn_top_down_levels.clone() })
    }

    /// `maps` and the result run from fine to coarse.
    fn forward(&self, maps: &[Tensor]) -> Result<Vec<Tensor>> {
        let mut pyramid: Vec<Tensor> = Vec::with_capacity(maps.len());
        for (conv, (level, map)) in self.convs.iter().zip(maps.iter().enumerate().rev()) {
            let lateral = conv.forward(map)?;
            pyramid.push(match pyramid.last() {
                Some(above) if self.fpn_top_down_levels.contains(&level) => {
                    (lateral + ops::upsample_nearest2(above)?)?
                }
                _ => lateral,
            });
        }
        pyramid.reverse();
        Ok(pyramid)
    }
}

/// Trunk and pyramid.
#[derive(Clone, Debug)]
pub(crate) struct ImageEncoder {
    trunk: Hiera,
    neck: FpnNeck,
}

impl ImageEncoder {
    pub(crate) fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        Ok(Self {
            trunk: Hiera::load(&config.trunk, &loader.pp("trunk"))?,
            neck: FpnNeck::load(config, &loader.pp("neck"))?,
        })
    }

    /// Encodes a slice; the coarsest map serves its neighbour only and is dropped.
    ///
    /// # Shapes
    /// `pixels` (b, s, s, 3): (b, s/4, s/4, c), (b, s/8, s/8, c), (b, s/16, s/16, c)
    pub(crate) fn forward(&self, pixels: &Tensor) -> Result<[Tensor; 3]> {
        let pyramid = self.neck.forward(&self.trunk.forward(pixels)?)?;
        match <[Tensor; 4]>::try_from(pyramid) {
            Ok([fine, middle, coarse, _]) => Ok([fine, middle, coarse]),
            Err(other) => candle_core::bail!("the pyramid has {} levels, not four", other.len()),
        }
    }
}
