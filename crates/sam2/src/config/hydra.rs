//! The Hydra file as published: every key that changes a mask is known, any other is an error.
//!
//! Keys that may have one value only (a switch that the published networks all set the same way)
//! are read as [`Only`], so that another value is refused where it stands. A key that the file may
//! leave out has the default of the published constructor.

#![expect(dead_code, reason = "some fields exist to check their keys")]

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::only::{
    BlockTarget, DownSamplerTarget, EncoderTarget, FuserTarget, HieraTarget, Is, LayerTarget,
    MemoryAttentionTarget, MemoryEncoderTarget, Nearest, NeckTarget, Null, Only, Relu, RopeTarget,
    Sam2Target, SineTarget,
};
use super::{
    AttentionConfig, Config, ConfigError, MemoryAttentionConfig, MemoryEncoderConfig, NeckConfig,
    TrunkConfig, shortened,
};

pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    let tree: serde_json::Value = serde_saphyr::from_str(text)
        .map_err(|error| ConfigError::Yaml(shortened(&error.to_string())))?;
    let File { model } = typed(tree)?;
    model.check_widths()?;
    Ok(model.into())
}

fn typed<T: DeserializeOwned>(tree: serde_json::Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(tree).map_err(|error| ConfigError::Key {
        key: shortened(&error.path().to_string()),
        what: shortened(&error.inner().to_string()),
    })
}

/// Declares structs of the file, in its own order; fields that only check their key end in `_`.
macro_rules! sections {
    ($($(#[$attribute:meta])* struct $name:ident { $($body:tt)* })+) => {$(
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        $(#[$attribute])*
        struct $name { $($body)* }
    )+};
}

#[derive(Deserialize)]
struct File {
    model: Model,
}

sections! {
    struct Model {
        _target_: Sam2Target,
        image_encoder: ImageEncoder,
        memory_attention: MemoryAttention,
        memory_encoder: MemoryEncoder,
        #[serde(default = "seven")]
        num_maskmem: usize,
        image_size: usize,
        #[serde(default = "sixteen")]
        max_obj_ptrs_in_encoder: usize,
        #[serde(default = "unchanged")]
        sigmoid_scale_for_mem_enc: f64,
        #[serde(default)]
        sigmoid_bias_for_mem_enc: f64,
        #[serde(default = "one")]
        multimask_min_pt_num: usize,
        #[serde(default = "one")]
        multimask_max_pt_num: usize,
        #[serde(default)]
        backbone_stride: Is<16>,
        #[serde(default)]
        memory_temporal_stride_for_eval: Is<1>,
        #[serde(default)]
        max_cond_frames_in_attn: Is<{ -1 }>,
        use_mask_input_as_output_without_sam: Only<true>,
        directly_add_no_mem_embed: Only<true>,
        use_high_res_features_in_sam: Only<true>,
        multimask_output_in_sam: Only<true>,
        multimask_output_for_tracking: Only<true>,
        use_multimask_token_for_obj_ptr: Only<true>,
        iou_prediction_use_sigmoid: Only<true>,
        use_obj_ptrs_in_encoder: Only<true>,
        #[serde(default)]
        add_tpos_enc_to_obj_ptrs: Only<true>,
        proj_tpos_enc_in_obj_ptrs: Only<true>,
        use_signed_tpos_enc_to_obj_ptrs: Only<true>,
        only_obj_ptrs_in_the_past_for_eval: Only<true>,
        pred_obj_scores: Only<true>,
        pred_obj_scores_mlp: Only<true>,
        fixed_no_obj_ptr: Only<true>,
        #[serde(default)]
        soft_no_obj_ptr: Only<false>,
        use_mlp_for_obj_ptr_proj: Only<true>,
        no_obj_embed_spatial: Only<true>,
        #[serde(default)]
        non_overlap_masks_for_mem_enc: Only<false>,
        // How the published code is compiled; masks do not depend on it.
        #[serde(default)]
        compile_image_encoder: bool,
    }

    struct ImageEncoder {
        _target_: EncoderTarget,
        scalp: Is<1>,
        trunk: Trunk,
        neck: Neck,
    }

    struct Trunk {
        _target_: HieraTarget,
        embed_dim: usize,
        num_heads: usize,
        // Stochastic depth acts in training only.
        #[serde(default)]
        drop_path_rate: f64,
        #[serde(default)]
        q_pool: Is<3>,
        #[serde(default)]
        q_stride: [Is<2>; 2],
        stages: Vec<usize>,
        #[serde(default)]
        dim_mul: Is<2>,
        #[serde(default)]
        head_mul: Is<2>,
        window_pos_embed_bkg_spatial_size: [usize; 2],
        #[serde(default = "window_spec")]
        window_spec: Vec<usize>,
        global_att_blocks: Vec<usize>,
        #[serde(default)]
        return_interm_layers: Only<true>,
    }

    struct Neck {
        _target_: NeckTarget,
        position_encoding: SinePosition,
        d_model: usize,
        backbone_channel_list: Vec<usize>,
        #[serde(default)]
        kernel_size: Is<1>,
        #[serde(default)]
        stride: Is<1>,
        #[serde(default)]
        padding: Is<0>,
        fpn_interp_model: Nearest,
        fpn_top_down_levels: Vec<usize>,
    }

    struct SinePosition {
        _target_: SineTarget,
        num_pos_feats: usize,
        #[serde(default)]
        normalize: Only<true>,
        #[serde(default)]
        scale: Null,
        #[serde(default)]
        temperature: Is<10_000>,
    }

    struct MemoryAttention {
        _target_: MemoryAttentionTarget,
        d_model: usize,
        pos_enc_at_input: Only<true>,
        layer: MemoryLayer,
        num_layers: usize,
        #[serde(default)]
        batch_first: Only<true>,
    }

    struct MemoryLayer {
        _target_: LayerTarget,
        activation: Relu,
        dim_feedforward: usize,
        // Dropout acts in training only.
        dropout: f64,
        pos_enc_at_attn: Only<false>,
        self_attention: Rope,
        d_model: usize,
        pos_enc_at_cross_attn_keys: Only<true>,
        pos_enc_at_cross_attn_queries: Only<false>,
        cross_attention: Rope,
    }

    struct Rope {
        _target_: RopeTarget,
        #[serde(default = "ten_thousand")]
        rope_theta: f32,
        // Sizes of a table that is made for the slice at hand.
        #[serde(default)]
        feat_sizes: Vec<usize>,
        #[serde(default)]
        rope_k_repeat: bool,
        embedding_dim: usize,
        num_heads: usize,
        #[serde(default = "one")]
        downsample_rate: usize,
        #[serde(default)]
        dropout: f64,
        kv_in_dim: Option<usize>,
    }

    struct MemoryEncoder {
        _target_: MemoryEncoderTarget,
        in_dim: Option<usize>,
        out_dim: usize,
        position_encoding: SinePosition,
        mask_downsampler: DownSampler,
        fuser: Fuser,
    }

    struct DownSampler {
        _target_: DownSamplerTarget,
        embed_dim: Option<usize>,
        #[serde(default = "four")]
        kernel_size: usize,
        #[serde(default = "four")]
        stride: usize,
        #[serde(default)]
        padding: usize,
        #[serde(default)]
        total_stride: Is<16>,
    }

    struct Fuser {
        _target_: FuserTarget,
        layer: FuserLayer,
        num_layers: usize,
        #[serde(default)]
        input_projection: Only<false>,
    }

    struct FuserLayer {
        _target_: BlockTarget,
        dim: usize,
        #[serde(default = "seven")]
        kernel_size: usize,
        #[serde(default = "three")]
        padding: usize,
        // The value that training starts with; the checkpoint has the trained one.
        #[serde(default = "layer_scale")]
        layer_scale_init_value: f64,
        #[serde(default)]
        use_dwconv: Only<true>,
    }
}

// Defaults of the published constructors.

fn seven() -> usize {
    7
}

fn sixteen() -> usize {
    16
}

fn one() -> usize {
    1
}

fn four() -> usize {
    4
}

fn three() -> usize {
    3
}

fn unchanged() -> f64 {
    1.0
}

fn ten_thousand() -> f32 {
    10_000.0
}

fn layer_scale() -> f64 {
    1e-6
}

fn window_spec() -> Vec<usize> {
    vec![8, 4, 14, 7]
}

impl Model {
    /// Widths that the file states in several places must agree.
    fn check_widths(&self) -> Result<(), ConfigError> {
        let d_model = self.image_encoder.neck.d_model;
        let layer = &self.memory_attention.layer;
        let encoder = &self.memory_encoder;
        let stated = [
            (
                "model.image_encoder.neck.position_encoding.num_pos_feats",
                self.image_encoder.neck.position_encoding.num_pos_feats,
                d_model,
            ),
            ("model.memory_attention.d_model", self.memory_attention.d_model, d_model),
            ("model.memory_attention.layer.d_model", layer.d_model, d_model),
            (
                "model.memory_attention.layer.self_attention.embedding_dim",
                layer.self_attention.embedding_dim,
                d_model,
            ),
            (
                "model.memory_attention.layer.cross_attention.embedding_dim",
                layer.cross_attention.embedding_dim,
                d_model,
            ),
            // 256 is the published constructors' default for both.
            ("model.memory_encoder.in_dim", encoder.in_dim.unwrap_or(256), d_model),
            (
                "model.memory_encoder.mask_downsampler.embed_dim",
                encoder.mask_downsampler.embed_dim.unwrap_or(256),
                d_model,
            ),
            ("model.memory_encoder.fuser.layer.dim", encoder.fuser.layer.dim, d_model),
            (
                "model.memory_encoder.fuser.layer.padding",
                encoder.fuser.layer.padding,
                encoder.fuser.layer.kernel_size / 2,
            ),
            (
                "model.memory_encoder.position_encoding.num_pos_feats",
                encoder.position_encoding.num_pos_feats,
                encoder.out_dim,
            ),
        ];
        for (key, found, expected) in stated {
            if found != expected {
                let what = format!("is {found} where the rest of the file needs {expected}");
                return Err(ConfigError::Contradiction { key, what });
            }
        }
        if !layer.cross_attention.rope_k_repeat {
            return Err(ConfigError::Contradiction {
                key: "model.memory_attention.layer.cross_attention.rope_k_repeat",
                what: "must be true: memories hold several slices".to_owned(),
            });
        }
        Ok(())
    }
}

impl From<Model> for Config {
    fn from(model: Model) -> Self {
        let Model { image_encoder, memory_attention, memory_encoder, .. } = model;
        let trunk = image_encoder.trunk;
        let neck = image_encoder.neck;
        let downsampler = memory_encoder.mask_downsampler;
        Self {
            image_size: model.image_size,
            trunk: TrunkConfig {
                embed_dim: trunk.embed_dim,
                num_heads: trunk.num_heads,
                stages: trunk.stages,
                global_att_blocks: trunk.global_att_blocks,
                window_pos_embed_bkg_spatial_size: trunk.window_pos_embed_bkg_spatial_size,
                window_spec: trunk.window_spec,
            },
            memory_attention: MemoryAttentionConfig {
                num_layers: memory_attention.num_layers,
                dim_feedforward: memory_attention.layer.dim_feedforward,
                self_attention: attention(&memory_attention.layer.self_attention),
                cross_attention: attention(&memory_attention.layer.cross_attention),
            },
            memory_encoder: MemoryEncoderConfig {
                out_dim: memory_encoder.out_dim,
                mask_downsampler: [
                    downsampler.kernel_size,
                    downsampler.stride,
                    downsampler.padding,
                ],
                fuser_layers: memory_encoder.fuser.num_layers,
                fuser_kernel_size: memory_encoder.fuser.layer.kernel_size,
            },
            neck: NeckConfig {
                d_model: neck.d_model,
                backbone_channel_list: neck.backbone_channel_list,
                fpn_top_down_levels: neck.fpn_top_down_levels,
            },
            num_maskmem: model.num_maskmem,
            max_obj_ptrs_in_encoder: model.max_obj_ptrs_in_encoder,
            sigmoid_scale_for_mem_enc: model.sigmoid_scale_for_mem_enc,
            sigmoid_bias_for_mem_enc: model.sigmoid_bias_for_mem_enc,
            multimask_min_pt_num: model.multimask_min_pt_num,
            multimask_max_pt_num: model.multimask_max_pt_num,
        }
    }
}

fn attention(rope: &Rope) -> AttentionConfig {
    AttentionConfig {
        num_heads: rope.num_heads,
        downsample_rate: rope.downsample_rate,
        kv_in_dim: rope.kv_in_dim.unwrap_or(rope.embedding_dim),
        rope_theta: rope.rope_theta,
    }
}
