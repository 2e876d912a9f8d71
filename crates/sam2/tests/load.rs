//! What does not fit is said at once: keys of the configuration, tensors of the checkpoint.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    unreachable_pub,
    dead_code,
    reason = "test code: a panic is the answer"
)]

mod support;

use candle_core::Device;
use sam2::checkpoint::Checkpoint;
use sam2::{Config, LoadError, Precision, Sam2};
use support::micro;

const YAML: &str = include_str!("../../../fixtures/medsam2-micro/config.yaml");

fn config_error(from: &str, to: &str) -> String {
    assert!(YAML.contains(from), "{from}");
    Config::from_yaml(&YAML.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn dimensions_come_from_the_file() {
    let config = Config::from_yaml(YAML).unwrap();
    assert_eq!(config.image_size, 128);
    assert_eq!(config.trunk.embed_dim, 16);
    assert_eq!(config.trunk.stages, [1, 2, 3, 1]);
    assert_eq!(config.trunk.window_spec, [8, 4, 14, 7]);
    assert_eq!(config.memory_attention.num_layers, 2);
    assert_eq!(config.memory_attention.cross_attention.kv_in_dim, 16);
    assert_eq!(config.memory_encoder.mask_downsampler, [3, 2, 1]);
    assert_eq!(config.sigmoid_bias_for_mem_enc, -10.0);
}

#[test]
fn configuration_errors_name_the_key() {
    for (from, to, key) in [
        ("embed_dim: 16", "embed_dim: many", "model.image_encoder.trunk.embed_dim"),
        ("embed_dim: 16", "embed_dims: 16", "embed_dims"),
        ("  num_maskmem: 7\n", "  num_maskmem: 7\n  max_frames: 3\n", "max_frames"),
        ("pos_enc_at_attn: false", "pos_enc_at_attn: true", "layer.pos_enc_at_attn"),
        ("scalp: 1", "scalp: 2", "model.image_encoder.scalp"),
        ("scale: null", "scale: 3", "position_encoding.scale"),
        ("hieradet.Hiera", "vitdet.ViT", "model.image_encoder.trunk._target_"),
        ("  image_size: 128\n", "", "image_size"),
        ("image_size: 128", "image_size: 120", "model.image_size"),
        ("num_pos_feats: 64", "num_pos_feats: 32", "position_encoding.num_pos_feats"),
        ("kv_in_dim: 16", "kv_in_dim: 32", "layer.cross_attention"),
        ("      - 128\n      - 64", "      - 128\n      - 96", "neck.backbone_channel_list"),
        (
            "embedding_dim: 64\n        num_heads: 1",
            "embedding_dim: 64\n        num_heads: 9223372036854775807",
            "layer.self_attention",
        ),
        ("activation: relu", "activation: gelu", "layer.activation"),
        ("kernel_size: 7", "kernel_size: 9", "fuser.layer.padding"),
    ] {
        let error = config_error(from, to);
        assert!(error.contains(key), "{from} -> {to}: {error}");
    }
    assert!(Config::from_yaml("model: [").unwrap_err().to_string().contains("YAML"));
    assert!(Config::from_yaml("a: 1").unwrap_err().to_string().contains("model"));
}

#[test]
fn aliases_that_would_fill_the_memory_are_refused() {
    use std::fmt::Write as _;

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    let said = Config::from_yaml(&bomb).unwrap_err().to_string();
    assert!(said.contains("YAML"), "{said}");
    // Deep rather than wide.
    let said = Config::from_yaml(&"[".repeat(200_000)).unwrap_err().to_string();
    assert!(said.contains("YAML"), "{said}");
}

#[test]
fn all_tensors_that_do_not_fit_are_listed_together() {
    let golden = micro();
    let mut config = golden.config();
    // One layer fewer, one block more, and a narrower hidden layer in those that stay.
    config.memory_attention.num_layers = 1;
    config.memory_attention.dim_feedforward = 96;
    config.memory_encoder.fuser_layers = 3;
    let error =
        Sam2::open(&golden.checkpoint(), &config, &Device::Cpu, Precision::F32).unwrap_err();
    let LoadError::Mismatch(mismatch) = &error else { panic!("{error}") };
    assert_eq!(mismatch.unused.len(), 26);
    assert!(mismatch.unused.iter().all(|it| it.starts_with("memory_attention.layers.1.")));
    assert_eq!(mismatch.missing.len(), 9);
    assert!(mismatch.missing.iter().all(|it| it.starts_with("memory_encoder.fuser.layers.2.")));
    let misshapen: Vec<_> = mismatch.misshapen.iter().map(|it| it.0.as_str()).collect();
    let first = "memory_attention.layers.0.linear1";
    assert_eq!(
        misshapen,
        [
            &format!("{first}.weight"),
            &format!("{first}.bias"),
            "memory_attention.layers.0.linear2.weight"
        ]
    );
    let text = error.to_string();
    for part in ["9 missing", "26 unused", "3 of another shape", "[128, 64], needs [96, 64]"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_long_file_or_word_makes_no_long_error() {
    let long = "x".repeat(100_000);
    let message = config_error("scalp", &long);
    assert!((1..1000).contains(&message.len()), "{message}");
    let message = Config::from_yaml(&long.repeat(3)).unwrap_err().to_string();
    assert!(message.contains("more than 262144 bytes"), "{message}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), long.repeat(3)).unwrap();
    assert_eq!(Config::open(file.path()).unwrap_err().to_string(), message);
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let golden = micro();
    let mut bytes = std::fs::read(golden.checkpoint()).unwrap();
    // The middle of the file lies in some tensor's numbers, which start at multiples of four.
    let middle = bytes.len() / 8 * 4;
    bytes[middle..middle + 8].copy_from_slice(&[f32::NAN; 2].map(f32::to_le_bytes).concat());
    let checkpoint = Checkpoint::new(std::io::Cursor::new(bytes)).unwrap();
    let error = Sam2::from_checkpoint(checkpoint, &golden.config(), &Device::Cpu, Precision::F32)
        .unwrap_err();
    let LoadError::Mismatch(mismatch) = &error else { panic!("{error}") };
    assert_eq!(mismatch.not_finite.len(), 1, "{error}");
    assert!(error.to_string().contains("not finite"), "{error}");
}
