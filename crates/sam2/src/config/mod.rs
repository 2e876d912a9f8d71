//! What a checkpoint's configuration says: the dimensions of every part.

mod hydra;
mod only;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration: {0}")]
    Io(#[from] std::io::Error),
    /// The file is much longer than a configuration.
    #[error("the configuration has more than {MAX_BYTES} bytes; is it another file?")]
    TooLong,
    /// The file is no YAML.
    #[error("the configuration is no YAML: {0}")]
    Yaml(String),
    /// A key is missing, unknown, of another type, or has a value that the network does not know.
    #[error("configuration, {key}: {what}")]
    Key {
        /// Where: `model.image_encoder.trunk.stages`.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// Two values contradict each other.
    #[error("configuration, {key}: {what}")]
    Contradiction {
        /// The key to change.
        key: &'static str,
        /// What does not fit.
        what: String,
    },
}

/// Dimensions of the whole network.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Side of the square slice that the encoder takes, in pixels.
    pub image_size: usize,
    /// The image encoder's trunk.
    pub trunk: TrunkConfig,
    /// The pyramid on top of the trunk.
    pub neck: NeckConfig,
    /// How a slice attends to memories.
    pub memory_attention: MemoryAttentionConfig,
    /// How a mask becomes a memory.
    pub memory_encoder: MemoryEncoderConfig,
    /// Memories that a slice attends to, beside further conditioning ones.
    pub num_maskmem: usize,
    /// Object pointers that a slice attends to.
    pub max_obj_ptrs_in_encoder: usize,
    /// Factor of mask probabilities before they are encoded.
    pub sigmoid_scale_for_mem_enc: f64,
    /// Summand of mask probabilities before they are encoded.
    pub sigmoid_bias_for_mem_enc: f64,
    /// Fewest prompt points for which three candidate masks are predicted.
    pub multimask_min_pt_num: usize,
    /// Most prompt points for which three candidate masks are predicted.
    pub multimask_max_pt_num: usize,
}

/// Dimensions of the Hiera trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkConfig {
    /// Channels of the first stage.
    pub embed_dim: usize,
    /// Attention heads of the first stage.
    pub num_heads: usize,
    /// Blocks of each stage.
    pub stages: Vec<usize>,
    /// Blocks that attend to the whole slice.
    pub global_att_blocks: Vec<usize>,
    /// Rows and columns of the learned position background.
    pub window_pos_embed_bkg_spatial_size: [usize; 2],
    /// Side of the attention windows of each stage, in tokens.
    pub window_spec: Vec<usize>,
}

/// Dimensions of the pyramid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeckConfig {
    /// Channels of every level.
    pub d_model: usize,
    /// Channels of the trunk's stages, last stage first.
    pub backbone_channel_list: Vec<usize>,
    /// Levels that take in the level above.
    pub fpn_top_down_levels: Vec<usize>,
}

/// Dimensions of the attention to memories.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryAttentionConfig {
    /// Number of layers.
    pub num_layers: usize,
    /// Hidden channels of a layer's two-step network.
    pub dim_feedforward: usize,
    /// Attention among the slice's own tokens.
    pub self_attention: AttentionConfig,
    /// Attention to the memories' tokens.
    pub cross_attention: AttentionConfig,
}

/// Dimensions of an attention with rotary positions.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionConfig {
    /// Number of heads.
    pub num_heads: usize,
    /// Divisor of the channels inside.
    pub downsample_rate: usize,
    /// Channels of keys and values.
    pub kv_in_dim: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
}

/// Dimensions of the memory encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryEncoderConfig {
    /// Channels of a memory.
    pub out_dim: usize,
    /// Kernel side, stride and padding of the mask's convolutions.
    pub mask_downsampler: [usize; 3],
    /// Blocks of the fuser.
    pub fuser_layers: usize,
    /// Side of the fuser's depth-wise kernels.
    pub fuser_kernel_size: usize,
}

/// Pixels per token of the coarsest level that is used: the published networks all have 16.
pub(crate) const BACKBONE_STRIDE: usize = 16;

/// Letters of an error that a file's own words may take.
const MAX_SAID: usize = 300;

/// Longest file; the published one has 4 kB.
const MAX_BYTES: u64 = 256 << 10;

/// Limits on what a file may ask for; beyond them lies no published network.
const MAX_CHANNELS: usize = 4096;
const MAX_IMAGE_SIZE: usize = 2048;
const MAX_BLOCKS: usize = 96;

impl Config {
    /// The dimensions of `sam2.1_hiera_t512.yaml`, which belongs to `MedSAM2_latest.pt`.
    #[must_use]
    pub fn sam2_1_hiera_t512() -> Self {
        let attention = AttentionConfig {
            num_heads: 1,
            downsample_rate: 1,
            kv_in_dim: 256,
            rope_theta: 10_000.0,
        };
        Self {
            image_size: 512,
            trunk: TrunkConfig {
                embed_dim: 96,
                num_heads: 1,
                stages: vec![1, 2, 7, 2],
                global_att_blocks: vec![5, 7, 9],
                window_pos_embed_bkg_spatial_size: [7, 7],
                window_spec: vec![8, 4, 14, 7],
            },
            neck: NeckConfig {
                d_model: 256,
                backbone_channel_list: vec![768, 384, 192, 96],
                fpn_top_down_levels: vec![2, 3],
            },
            memory_attention: MemoryAttentionConfig {
                num_layers: 4,
                dim_feedforward: 2048,
                cross_attention: AttentionConfig { kv_in_dim: 64, ..attention.clone() },
                self_attention: attention,
            },
            memory_encoder: MemoryEncoderConfig {
                out_dim: 64,
                mask_downsampler: [3, 2, 1],
                fuser_layers: 2,
                fuser_kernel_size: 7,
            },
            num_maskmem: 7,
            max_obj_ptrs_in_encoder: 16,
            sigmoid_scale_for_mem_enc: 20.0,
            sigmoid_bias_for_mem_enc: -10.0,
            multimask_min_pt_num: 0,
            multimask_max_pt_num: 1,
        }
    }

    /// Reads a Hydra file as it is published beside a checkpoint.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let mut text = String::new();
        File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        Self::from_yaml(&text)
    }

    /// As [`Config::open`], from the file's text.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        if text.len() as u64 > MAX_BYTES {
            return Err(ConfigError::TooLong);
        }
        let config = hydra::parse(text)?;
        config.check()?;
        Ok(config)
    }

    /// Tokens along one side of the coarsest level that is used.
    pub(crate) fn embedding_size(&self) -> usize {
        self.image_size / BACKBONE_STRIDE
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_that(
            self.image_size.is_multiple_of(2 * BACKBONE_STRIDE)
                && (1..=MAX_IMAGE_SIZE).contains(&self.image_size),
            "model.image_size",
            "must be a multiple of 32, at most 2048",
        )?;
        check_that(
            (1..=16).contains(&self.num_maskmem) && self.max_obj_ptrs_in_encoder <= 64,
            "model.num_maskmem",
            "must be 1 to 16, with at most 64 object pointers",
        )?;
        self.check_encoder()?;
        self.check_memory()
    }

    fn check_encoder(&self) -> Result<(), ConfigError> {
        let trunk = &self.trunk;
        check_that(
            trunk.stages.len() == 4
                && trunk.stages.iter().all(|it| *it > 0)
                && trunk
                    .stages
                    .iter()
                    .try_fold(0_usize, |n, it| n.checked_add(*it))
                    .is_some_and(|n_blocks| n_blocks <= MAX_BLOCKS),
            "model.image_encoder.trunk.stages",
            "must be four numbers of blocks",
        )?;
        check_that(
            trunk.window_spec.len() == 4
                && trunk.window_spec.iter().all(|it| (2..=64).contains(it))
                && (self.image_size / 4).is_multiple_of(trunk.window_spec[0])
                && trunk.window_spec[..3].iter().all(|it| it.is_multiple_of(2)),
            "model.image_encoder.trunk.window_spec",
            "must be four window sides; the first divides a quarter of the image size, and those \
             that are pooled are even",
        )?;
        check_that(
            trunk.window_pos_embed_bkg_spatial_size.iter().all(|it| (1..=64).contains(it)),
            "model.image_encoder.trunk.window_pos_embed_bkg_spatial_size",
            "must be two numbers from 1 to 64",
        )?;
        let channels: Option<Vec<_>> =
            (0..4).rev().map(|stage| trunk.embed_dim.checked_mul(1 << stage)).collect();
        check_that(
            trunk.embed_dim <= MAX_CHANNELS / 8
                && trunk.num_heads > 0
                && trunk.embed_dim > 0
                && trunk.embed_dim.is_multiple_of(trunk.num_heads),
            "model.image_encoder.trunk.embed_dim",
            "must be a multiple of num_heads, at most 512",
        )?;
        check_that(
            channels.is_some_and(|it| it == self.neck.backbone_channel_list),
            "model.image_encoder.neck.backbone_channel_list",
            "must be the trunk's channels, which double with every stage, last stage first",
        )?;
        check_that(
            self.neck.d_model.is_multiple_of(8) && (8..=MAX_CHANNELS).contains(&self.neck.d_model),
            "model.image_encoder.neck.d_model",
            "must be a multiple of 8, at most 4096",
        )
    }

    fn check_memory(&self) -> Result<(), ConfigError> {
        let d_model = self.neck.d_model;
        let attention = &self.memory_attention;
        check_that(
            (1..=MAX_BLOCKS).contains(&attention.num_layers)
                && (1..=4 * MAX_CHANNELS).contains(&attention.dim_feedforward),
            "model.memory_attention.num_layers",
            "must be 1 to 96, with dim_feedforward at most 16384",
        )?;
        let fits = |it: &AttentionConfig, kv_in_dim: usize| {
            it.downsample_rate > 0
                && (1..=d_model).contains(&it.num_heads)
                && d_model.is_multiple_of(it.downsample_rate)
                && (d_model / it.downsample_rate).is_multiple_of(4 * it.num_heads)
                && it.kv_in_dim == kv_in_dim
        };
        check_that(
            fits(&attention.self_attention, d_model),
            "model.memory_attention.layer.self_attention",
            "channels per head must be a multiple of 4, keys as wide as the model",
        )?;
        check_that(
            fits(&attention.cross_attention, self.memory_encoder.out_dim),
            "model.memory_attention.layer.cross_attention",
            "channels per head must be a multiple of 4, kv_in_dim the memory encoder's out_dim",
        )?;
        let memory = &self.memory_encoder;
        check_that(
            memory.out_dim.is_multiple_of(4)
                && (4..d_model).contains(&memory.out_dim)
                && d_model.is_multiple_of(memory.out_dim),
            "model.memory_encoder.out_dim",
            "must be a multiple of 4 that divides d_model and is smaller",
        )?;
        let [kernel, stride, padding] = memory.mask_downsampler;
        check_that(
            matches!(stride, 2 | 4)
                && kernel <= 15
                && padding <= 7
                && 2 * padding < kernel
                && kernel <= stride + 2 * padding,
            "model.memory_encoder.mask_downsampler",
            "must have stride 2 or 4 and a padded kernel that shrinks a mask by the stride exactly",
        )?;
        check_that(
            memory.fuser_kernel_size % 2 == 1
                && memory.fuser_kernel_size <= 31
                && memory.fuser_layers <= MAX_BLOCKS,
            "model.memory_encoder.fuser",
            "must have an odd kernel of at most 31 and at most 96 layers",
        )
    }
}

fn check_that(holds: bool, key: &'static str, what: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Contradiction { key, what: what.to_owned() }) }
}

/// What libraries say of a file repeats its words, however long they are.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SAID) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
