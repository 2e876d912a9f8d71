//! From prompts and features to masks, with a score for each and one for the object being there.

use candle_core::{IndexOp, Result, Tensor};

use super::layers::{Activation, LayerNorm, Linear, Mlp};
use super::loader::Loader;
use super::ops;
use super::two_way_transformer::TwoWayTransformer;

const NORM_EPS: f64 = 1e-6;
/// One mask for clear prompts, three candidates for others.
const NUM_MASK_TOKENS: usize = 4;
const IOU_HEAD_HIDDEN_DIM: usize = 256;
/// A single mask is kept if its area at these distances above and below the threshold…
const STABILITY_DELTA: f32 = 0.05;
/// … has at least this ratio; otherwise the best candidate is taken.
const STABILITY_THRESHOLD: f32 = 0.98;

/// What a mask is predicted from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecoderInput<'a> {
    /// The slice's features, with memory, (1, n, c).
    pub(crate) image: &'a Tensor,
    /// Where they stand, (1, n, c).
    pub(crate) image_pe: &'a Tensor,
    /// Maps of four and two times the features' resolution.
    pub(crate) high_res: &'a [Tensor; 2],
    /// Prompt tokens, (1, p, c).
    pub(crate) sparse: &'a Tensor,
    /// The mask prompt, (1, n or 1, c).
    pub(crate) dense: &'a Tensor,
}

/// All that the decoder predicts, before a mask is chosen.
#[derive(Clone, Debug)]
pub(crate) struct Prediction {
    /// Logits of four masks, (4, 4h, 4w).
    pub(crate) masks: Tensor,
    /// Predicted overlap of each with the object, (4).
    pub(crate) ious: Tensor,
    /// The token of each mask, (4, c).
    pub(crate) tokens: Tensor,
    /// Logit of the object being on the slice, (1).
    pub(crate) object_score: Tensor,
}

/// One mask of a [`Prediction`].
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// (4h, 4w)
    pub(crate) mask: Tensor,
    /// (1, c)
    pub(crate) token: Tensor,
    /// Predicted overlap with the object, 0 to 1.
    pub(crate) iou: f32,
}

/// The decoder.
///
/// # Source
/// `sam2/modeling/sam/mask_decoder.py`, `MaskDecoder`, bowang-lab/MedSAM2 at `332f30d`.
#[derive(Clone, Debug)]
pub(crate) struct MaskDecoder {
    transformer: TwoWayTransformer,
    iou_token: Tensor,
    mask_tokens: Tensor,
    obj_score_token: Tensor,
    upscale1: Linear,
    upscale1_norm: LayerNorm,
    upscale2: Linear,
    output_hypernetworks_mlps: Vec<Mlp>,
    iou_prediction_head: Mlp,
    pred_obj_score_head: Mlp,
}

impl MaskDecoder {
    pub(crate) fn load(channels: usize, loader: &Loader<'_>) -> Result<Self> {
        let upscaling = loader.pp("output_upscaling");
        let (quarter, eighth) = (channels / 4, channels / 8);
        let mlp =
            |widths: &[usize], loader: Loader<'_>| Mlp::load(widths, Activation::Relu, &loader);
        let hypernetworks = loader.pp("output_hypernetworks_mlps");
        Ok(Self {
            transformer: TwoWayTransformer::load(channels, &loader.pp("transformer"))?,
            iou_token: loader.pp("iou_token").get((1, channels), "weight")?,
            mask_tokens: loader.pp("mask_tokens").get((NUM_MASK_TOKENS, channels), "weight")?,
            obj_score_token: loader.pp("obj_score_token").get((1, channels), "weight")?,
            upscale1: Linear::load_conv_transpose(channels, quarter, 2, &upscaling.pp(0))?,
            upscale1_norm: LayerNorm::load(quarter, NORM_EPS, &upscaling.pp(1))?,
            upscale2: Linear::load_conv_transpose(quarter, eighth, 2, &upscaling.pp(3))?,
            output_hypernetworks_mlps: (0..NUM_MASK_TOKENS)
                .map(|i| mlp(&[channels, channels, channels, eighth], hypernetworks.pp(i)))
                .collect::<Result<_>>()?,
            iou_prediction_head: mlp(
                &[channels, IOU_HEAD_HIDDEN_DIM, IOU_HEAD_HIDDEN_DIM, NUM_MASK_TOKENS],
                loader.pp("iou_prediction_head"),
            )?,
            pred_obj_score_head: mlp(
                &[channels, channels, channels, 1],
                loader.pp("pred_obj_score_head"),
            )?,
        })
    }

    /// Predicts four masks.
    pub(crate) fn predict_masks(&self, input: DecoderInput<'_>) -> Result<Prediction> {
        let own = [&self.obj_score_token, &self.iou_token, &self.mask_tokens];
        let own = Tensor::cat(&own, 0)?.unsqueeze(0)?;
        let tokens = Tensor::cat(&[&own, input.sparse], 1)?;
        let image = input.image.broadcast_add(input.dense)?;
        let (tokens, image) = self.transformer.forward(&image, input.image_pe, &tokens)?;

        let [feat_s0, feat_s1] = input.high_res;
        let (_, h, w, _) = feat_s1.dims4()?;
        let (_, n, c) = image.dims3()?;
        let x = image.reshape((1, h / 2, w / 2, c))?;
        debug_assert_eq!(n, (h / 2) * (w / 2), "features and finer maps differ in size");
        let x = (ops::depth_to_space(&self.upscale1.forward(&x)?, 2)? + feat_s1)?;
        let x = ops::gelu(&self.upscale1_norm.forward(&x)?)?;
        let x = ops::gelu(&(ops::depth_to_space(&self.upscale2.forward(&x)?, 2)? + feat_s0)?)?;

        let tokens = tokens.squeeze(0)?;
        let mask_tokens = tokens.narrow(0, 2, NUM_MASK_TOKENS)?;
        let weights = self
            .output_hypernetworks_mlps
            .iter()
            .enumerate()
            .map(|(i, mlp)| mlp.forward(&mask_tokens.narrow(0, i, 1)?))
            .collect::<Result<Vec<_>>>()?;
        let pixels = x.reshape((4 * h * w, ()))?;
        let masks = Tensor::cat(&weights, 0)?.matmul(&pixels.t()?)?;
        let ious = ops::sigmoid(&self.iou_prediction_head.forward(&tokens.narrow(0, 1, 1)?)?)?;
        Ok(Prediction {
            masks: masks.reshape((NUM_MASK_TOKENS, 2 * h, 2 * w))?,
            ious: ious.squeeze(0)?,
            tokens: mask_tokens,
            object_score: self.pred_obj_score_head.forward(&tokens.narrow(0, 0, 1)?)?.squeeze(0)?,
        })
    }
}

impl Prediction {
    /// The best of the three candidates: for prompts that could mean several things.
    pub(crate) fn best_candidate(&self) -> Result<Choice> {
        let ious = self.ious.to_vec1::<f32>()?;
        let best = (1..ious.len()).fold(1, |best, i| if ious[i] > ious[best] { i } else { best });
        self.choice(best, best)
    }

    /// The single mask if it is stable, else the best candidate; the token is the single mask's.
    pub(crate) fn stable_mask(&self) -> Result<Choice> {
        let logits = self.masks.i(0)?.flatten_all()?.to_vec1::<f32>()?;
        let above = |threshold: f32| logits.iter().filter(|it| **it > threshold).count();
        let (inner, outer) = (above(STABILITY_DELTA), above(-STABILITY_DELTA));
        let stability = if outer == 0 { 1.0 } else { ratio(inner, outer) };
        if stability >= STABILITY_THRESHOLD {
            return self.choice(0, 0);
        }
        let best = self.best_candidate()?;
        Ok(Choice { token: self.tokens.narrow(0, 0, 1)?, ..best })
    }

    fn choice(&self, mask: usize, token: usize) -> Result<Choice> {
        Ok(Choice {
            mask: self.masks.i(mask)?,
            token: self.tokens.narrow(0, token, 1)?,
            iou: self.ious.i(mask)?.to_scalar::<f32>()?,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels are few")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}
