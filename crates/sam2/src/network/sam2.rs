//! The whole network: encode a slice, find the object from prompts or memory, remember it.

use candle_core::{DType, Result, Tensor};

use super::image_encoder::ImageEncoder;
use super::layers::{Activation, Linear, Mlp};
use super::loader::Loader;
use super::mask_decoder::{DecoderInput, MaskDecoder};
use super::memory_attention::MemoryAttention;
use super::memory_encoder::MemoryEncoder;
use super::position_encoding::sine_encoding;
use super::prompt_encoder::{Point, PromptEncoder};
use super::resize::{Filter, resize};
use super::{memory_attention::MemoryTokens, ops};
use crate::config::Config;

/// Logits of a slice without the object.
pub const NO_OBJECT_LOGIT: f64 = -1024.0;
/// Logits that stand for a mask given by hand: 10 inside, −10 outside.
const MASK_SCALE: f64 = 20.0;
const MASK_BIAS: f64 = -10.0;
/// Logits of an earlier answer are clamped to this before they become a prompt.
const PREVIOUS_LIMIT: f32 = 32.0;
/// Side of the network's own masks: a quarter of the slice's.
const LOW_RES: usize = 4;

/// A slice as the encoder sees it; prompts, objects and directions share it.
#[derive(Clone, Debug)]
pub struct SliceEmbedding {
    /// (1, n, c)
    pub(crate) features: Tensor,
    /// (1, 4√n, 4√n, c/8) and (1, 2√n, 2√n, c/4)
    pub(crate) high_res: [Tensor; 2],
}

impl SliceEmbedding {
    /// The feature maps as the published code lays them out, from fine to coarse.
    ///
    /// # Shapes
    /// returns (c/8, s/4, s/4), (c/4, s/8, s/8), (c, s/16, s/16)
    ///
    /// # Errors
    /// If the computation fails, which is a lack of memory.
    pub fn maps(&self) -> Result<[Tensor; 3]> {
        let [fine, middle] = &self.high_res;
        let channels_first = |it: &Tensor| it.squeeze(0)?.permute((2, 0, 1))?.contiguous();
        let (_, h, w, _) = middle.dims4()?;
        let coarse = self.features.reshape((1, h / 2, w / 2, ()))?;
        Ok([channels_first(fine)?, channels_first(middle)?, channels_first(&coarse)?])
    }
}

/// The object on one slice.
#[derive(Clone, Debug)]
pub struct SliceMask {
    /// Logits at a quarter of the network's resolution, (s/4, s/4); above 0 is the object.
    pub low_res: Tensor,
    /// What later slices are told of the object, (1, c).
    pub obj_ptr: Tensor,
    /// Logit of the object being on the slice; it is there if above 0.
    pub object_score: f32,
    /// Predicted overlap of the mask with the object, 0 to 1.
    pub iou: f32,
}

impl SliceMask {
    /// The logits at the size of the slice before it was resized.
    ///
    /// # Shapes
    /// returns (`height`, `width`)
    ///
    /// # Errors
    /// If the computation fails, which is a lack of memory.
    pub fn logits(&self, height: usize, width: usize) -> Result<Tensor> {
        resize(&self.low_res.unsqueeze(0)?, height, width, Filter::Bilinear)?.squeeze(0)
    }
}

/// What a slice leaves behind for those after it.
#[derive(Clone, Debug)]
pub struct SliceMemory {
    /// (1, n, memory channels), rounded to bfloat16 as the published code stores it
    pub(crate) features: Tensor,
    /// (1, c)
    pub(crate) obj_ptr: Tensor,
}

impl SliceMemory {
    /// A memory from numbers that were kept elsewhere.
    ///
    /// # Shapes
    /// `features` (memory channels, s/16, s/16) as [`SliceMemory::features`] gives them, `obj_ptr` (1, c)
    ///
    /// # Errors
    /// If `features` has another number of axes.
    pub fn new(features: &Tensor, obj_ptr: &Tensor) -> Result<Self> {
        let (c, h, w) = features.dims3()?;
        let features = features.reshape((c, h * w))?.t()?.contiguous()?.unsqueeze(0)?;
        Ok(Self { features: features.to_dtype(DType::BF16)?, obj_ptr: obj_ptr.clone() })
    }

    /// The memory as the published code lays it out.
    ///
    /// # Shapes
    /// returns (memory channels, s/16, s/16)
    ///
    /// # Errors
    /// If the computation fails, which is a lack of memory.
    pub fn features(&self) -> Result<Tensor> {
        let (_, n, c) = self.features.dims3()?;
        let size = n.isqrt();
        let features = self.features.to_dtype(DType::F32)?.squeeze(0)?;
        features.t()?.contiguous()?.reshape((c, size, size))
    }
}

/// Where a mask comes from: what a person said is remembered with hard edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From prompts on the slice.
    Prompt,
    /// From memory.
    Tracking,
}

/// The network with its weights.
///
/// # Source
/// `sam2/modeling/sam2_base.py`, `SAM2Base`, and `sam2/sam2_video_predictor_npz.py`,
/// bowang-lab/MedSAM2 at `332f30d`; with the overrides that its `build_sam.py` sets for inference.
#[derive(Clone, Debug)]
pub struct Sam2 {
    pub(super) config: Config,
    image_encoder: ImageEncoder,
    memory_attention: MemoryAttention,
    memory_encoder: MemoryEncoder,
    prompt_encoder: PromptEncoder,
    mask_decoder: MaskDecoder,
    mask_downsample: Linear,
    no_mem_embed: Tensor,
    no_obj_ptr: Tensor,
    no_obj_embed_spatial: Tensor,
    obj_ptr_proj: Mlp,
    /// (`num_maskmem`, memory channels)
    pub(super) maskmem_tpos_enc: Tensor,
    pub(super) obj_ptr_tpos_proj: Linear,
    /// Where the slice's tokens stand, (1, n, c).
    features_pos: Tensor,
    /// Where a memory's tokens stand, (1, n, memory channels).
    pub(super) memory_pos: Tensor,
}

impl Sam2 {
    pub(crate) fn load(config: &Config, loader: &Loader<'_>) -> Result<Self> {
        let channels = config.neck.d_model;
        let memory_channels = config.memory_encoder.out_dim;
        let tpos = loader.get((config.num_maskmem, 1, 1, memory_channels), "maskmem_tpos_enc")?;
        // Part of every checkpoint; used only where a first slice attends to an empty memory.
        loader.get((1, 1, channels), "no_mem_pos_enc")?;
        let size = config.embedding_size();
        let exact = loader.in_f32();
        Ok(Self {
            image_encoder: ImageEncoder::load(config, loader)?,
            memory_attention: MemoryAttention::load(config, &loader.pp("memory_attention"))?,
            memory_encoder: MemoryEncoder::load(config, &exact.pp("memory_encoder"))?,
            prompt_encoder: PromptEncoder::load(config, &exact.pp("sam_prompt_encoder"))?,
            mask_decoder: MaskDecoder::load(channels, &exact.pp("sam_mask_decoder"))?,
            mask_downsample: Linear::load_conv(1, 1, LOW_RES, &exact.pp("mask_downsample"))?,
            no_mem_embed: loader.get((1, 1, channels), "no_mem_embed")?,
            no_obj_ptr: loader.get((1, channels), "no_obj_ptr")?,
            no_obj_embed_spatial: loader.get((1, memory_channels), "no_obj_embed_spatial")?,
            obj_ptr_proj: Mlp::load(&[channels; 4], Activation::Relu, &exact.pp("obj_ptr_proj"))?,
            maskmem_tpos_enc: tpos.reshape((config.num_maskmem, memory_channels))?,
            obj_ptr_tpos_proj: Linear::load(
                channels,
                memory_channels,
                &exact.pp("obj_ptr_tpos_proj"),
            )?,
            features_pos: sine_encoding(size, size, channels, loader.device())?,
            memory_pos: sine_encoding(size, size, memory_channels, loader.device())?,
            config: config.clone(),
        })
    }

    /// The network's dimensions.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Encodes a slice.
    ///
    /// # Shapes
    /// `pixels` (1, 3, s, s) with s = [`Config::image_size`]
    ///
    /// # Units
    /// Grey levels 0 to 1 in three equal channels, minus the mean (0.485, 0.456, 0.406), divided by
    /// the deviation (0.229, 0.224, 0.225).
    ///
    /// # Errors
    /// If `pixels` has another shape, or the computation fails.
    pub fn encode(&self, pixels: &Tensor) -> Result<SliceEmbedding> {
        self.encode_with(pixels, &mut || {})
    }

    /// As [`Sam2::encode`]; calls `between_blocks` some ten times on the way, where it can be made to
    /// wait.
    ///
    /// # Errors
    /// As [`Sam2::encode`].
    pub fn encode_with(
        &self,
        pixels: &Tensor,
        between_blocks: &mut dyn FnMut(),
    ) -> Result<SliceEmbedding> {
        let s = self.config.image_size;
        if pixels.dims() != [1, 3, s, s] {
            candle_core::bail!("a slice of shape {:?}, not [1, 3, {s}, {s}]", pixels.dims());
        }
        let pixels = pixels.permute((0, 2, 3, 1))?;
        let [fine, middle, coarse] = self.image_encoder.forward(&pixels, between_blocks)?;
        Ok(SliceEmbedding { high_res: [fine, middle], features: coarse.flatten(1, 2)? })
    }

    /// Finds the object from points and box corners; `previous` is the answer to earlier ones.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn prompt(
        &self,
        embedding: &SliceEmbedding,
        points: &[Point],
        previous: Option<&SliceMask>,
    ) -> Result<SliceMask> {
        let image = embedding.features.broadcast_add(&self.no_mem_embed)?;
        let mask = match previous {
            None => None,
            Some(previous) => {
                let limited = previous.low_res.clamp(-PREVIOUS_LIMIT, PREVIOUS_LIMIT)?;
                Some(limited.unsqueeze(0)?.unsqueeze(3)?)
            }
        };
        self.decode(embedding, &image, points, mask.as_ref())
    }

    /// Takes a mask as it is: the object is where `mask` is 1.
    ///
    /// # Shapes
    /// `mask` (height, width) of the slice before it was resized, 0 or 1
    ///
    /// # Errors
    /// If the computation fails.
    pub fn prompt_mask(&self, embedding: &SliceEmbedding, mask: &Tensor) -> Result<SliceMask> {
        let s = self.config.image_size;
        let mask = resize(&mask.unsqueeze(0)?, s, s, Filter::BilinearAntialias)?;
        let mask = mask.ge(0.5)?.to_dtype(DType::F32)?;
        let is_empty = mask.max_all()?.to_scalar::<f32>()? <= 0.0;
        let logits = ((&mask * MASK_SCALE)? + MASK_BIAS)?;
        let low_res = resize(&logits, s / LOW_RES, s / LOW_RES, Filter::BilinearAntialias)?;

        let prompt = ops::space_to_depth(&mask.unsqueeze(3)?, LOW_RES)?;
        let prompt = self.mask_downsample.forward(&prompt)?;
        let told = self.decode(embedding, &embedding.features, &[], Some(&prompt))?;
        Ok(SliceMask {
            low_res: low_res.squeeze(0)?,
            obj_ptr: if is_empty { self.no_obj_ptr.clone() } else { told.obj_ptr },
            object_score: if is_empty { -10.0 } else { 10.0 },
            iou: 1.0,
        })
    }

    /// Finds the object on a slice from what is remembered of others.
    pub(super) fn recall(
        &self,
        embedding: &SliceEmbedding,
        memory: &MemoryTokens,
    ) -> Result<SliceMask> {
        let image =
            self.memory_attention.forward(&embedding.features, &self.features_pos, memory)?;
        self.decode(embedding, &image, &[], None)
    }

    /// Encodes what was found for the slices after it.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn remember(
        &self,
        embedding: &SliceEmbedding,
        found: &SliceMask,
        origin: Origin,
    ) -> Result<SliceMemory> {
        let s = self.config.image_size;
        let logits = found.logits(s, s)?;
        let mask = match origin {
            Origin::Prompt => logits.gt(0.0)?.to_dtype(DType::F32)?,
            Origin::Tracking => ops::sigmoid(&logits)?,
        };
        let scale = self.config.sigmoid_scale_for_mem_enc;
        let mask = ((mask * scale)? + self.config.sigmoid_bias_for_mem_enc)?;
        let (_, n, c) = embedding.features.dims3()?;
        let size = self.config.embedding_size();
        let features = embedding.features.reshape((1, size, size, c))?;
        let memory = self.memory_encoder.forward(&features, &mask.reshape((1, s, s, 1))?)?;
        let mut memory = memory.reshape((1, n, ()))?;
        if found.object_score <= 0.0 {
            memory = memory.broadcast_add(&self.no_obj_embed_spatial)?;
        }
        Ok(SliceMemory { features: memory.to_dtype(DType::BF16)?, obj_ptr: found.obj_ptr.clone() })
    }

    /// Predicts a mask from features and prompts; few prompts leave a choice of three.
    fn decode(
        &self,
        embedding: &SliceEmbedding,
        image: &Tensor,
        points: &[Point],
        mask: Option<&Tensor>,
    ) -> Result<SliceMask> {
        let prediction = self.mask_decoder.predict_masks(DecoderInput {
            image,
            image_pe: self.prompt_encoder.dense_pe(),
            high_res: &embedding.high_res,
            sparse: &self.prompt_encoder.points(points)?,
            dense: &self.prompt_encoder.mask(mask)?,
        })?;
        // A mask given by hand leaves no choice, and neither do many points.
        let few = self.config.multimask_min_pt_num..=self.config.multimask_max_pt_num;
        let is_ambiguous = few.contains(&points.len());
        let choice = if is_ambiguous && !(points.is_empty() && mask.is_some()) {
            prediction.best_candidate()?
        } else {
            prediction.stable_mask()?
        };
        let object_score = prediction.object_score.squeeze(0)?.to_scalar::<f32>()?;
        let sum = choice.mask.sum_all()?.to_scalar::<f32>()?;
        if !(object_score.is_finite() && sum.is_finite()) {
            candle_core::bail!("the network's answer is no number: these weights cannot be used");
        }
        let is_there = object_score > 0.0;
        Ok(SliceMask {
            low_res: if is_there {
                choice.mask
            } else {
                (choice.mask.zeros_like()? + NO_OBJECT_LOGIT)?
            },
            obj_ptr: if is_there {
                self.obj_ptr_proj.forward(&choice.token)?
            } else {
                self.no_obj_ptr.clone()
            },
            object_score,
            iou: choice.iou,
        })
    }
}
