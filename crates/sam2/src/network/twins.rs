//! The kernels against their plain twins: tensors that gradients flow to take the plain path.

use std::collections::HashMap;

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::VarBuilder;
use kernels::{Precision, Windows};

use super::attention::{Attention, Tokens};
use super::layers::{Activation, Around, Conv2d, ConvShape, DepthwiseConv, LayerNorm, Linear, Mlp};
use super::loader::Loader;
use super::ops;
use crate::config::AttentionConfig;

fn random(shape: impl Into<Shape>, scale: f32) -> Tensor {
    Tensor::randn(0_f32, scale, shape, &Device::Cpu).unwrap()
}

/// The same numbers as a variable, which the plain path takes.
fn tracked(x: &Tensor) -> Tensor {
    Var::from_tensor(x).unwrap().as_tensor().clone()
}

/// Weights by name, once for the kernels and once as variables.
fn loaders(weights: &[(&str, Tensor)], precision: Precision) -> [Loader<'static>; 2] {
    [false, true].map(|is_tracked| {
        let named = weights.iter().map(|(name, it)| {
            ((*name).to_owned(), if is_tracked { tracked(it) } else { it.clone() })
        });
        let named: HashMap<String, Tensor> = named.collect();
        Loader::new(VarBuilder::from_tensors(named, DType::F32, &Device::Cpu), precision)
    })
}

/// Largest distance as a share of the plain numbers' largest.
fn distance(fused: &Tensor, plain: &Tensor) -> f32 {
    assert!(plain.track_op() && !fused.track_op(), "both ran on the same path");
    assert_eq!(plain.dims(), fused.dims());
    let largest = |x: Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    largest((fused - plain).unwrap()) / largest(plain.clone()).max(1.0)
}

/// float32 is equal up to rounding; bfloat16 has eight bits behind the point.
const PRECISIONS: [(Precision, f32); 2] = [(Precision::F32, 2e-5), (Precision::Bf16, 1.5e-2)];

fn check_twins(fused: &Tensor, plain: &Tensor, tolerance: f32) {
    let distance = distance(fused, plain);
    assert!(distance <= tolerance, "{distance} is above {tolerance}");
}

fn layer(inputs: usize, outputs: usize) -> [(&'static str, Tensor); 2] {
    [("weight", random((outputs, inputs), 0.2)), ("bias", random(outputs, 1.0))]
}

#[test]
fn layer_norm_equals_its_plain_twin() {
    for (rows, width) in [(1, 5), (3, 16), (70, 17), (400, 96), (33, 256)] {
        let x = (random((rows, width), 3.0) + 2.0).unwrap();
        let weights = [("weight", random(width, 1.0)), ("bias", random(width, 1.0))];
        let [fused, plain] = loaders(&weights, Precision::F32)
            .map(|it| LayerNorm::load(width, 1e-6, &it).unwrap().forward(&x).unwrap());
        check_twins(&fused, &plain, 2e-5);
    }
}

#[test]
fn gelu_equals_its_plain_twin_from_end_to_end() {
    let x = Tensor::arange(-20_f32, 20.0, &Device::Cpu).unwrap();
    let x = x.broadcast_add(&random((700, 1), 1.0)).unwrap();
    let fused = ops::gelu(&x).unwrap();
    let plain = ops::gelu(&tracked(&x)).unwrap();
    check_twins(&fused, &plain, 2e-7);
}

#[test]
fn linear_layers_with_what_stands_around_them_equal_their_plain_twins() {
    for ((precision, tolerance), (rows, inputs, outputs)) in PRECISIONS.into_iter().flat_map(|it| {
        [(1, 1, 1), (7, 40, 33), (25, 131, 64), (700, 33, 96)].map(|dims| (it, dims))
    }) {
        let (x, add) = (random((rows, inputs), 1.0), random((rows, outputs), 1.0));
        let norm = [("weight", random(inputs, 1.0)), ("bias", random(inputs, 1.0))];
        for activation in [None, Some(Activation::Relu), Some(Activation::Gelu)] {
            let both = loaders(&layer(inputs, outputs), precision);
            let norms = loaders(&norm, precision);
            let [fused, plain] = [0, 1].map(|i| {
                let norm = LayerNorm::load(inputs, 1e-5, &norms[i]).unwrap();
                let layer = Linear::load(inputs, outputs, &both[i]).unwrap();
                let alone = layer.forward(&x).unwrap();
                let around = Around { norm: Some(&norm), activation, add: Some(&add) };
                (alone + layer.forward_with(&x, around).unwrap()).unwrap()
            });
            check_twins(&fused, &plain, tolerance);
        }
    }
}

#[test]
fn two_layers_in_one_pass_equal_their_plain_twins() {
    for ((precision, tolerance), rows) in
        PRECISIONS.into_iter().flat_map(|it| [1, 13, 300].map(|rows| (it, rows)))
    {
        let x = random((rows, 48), 1.0);
        let weights = [
            ("layers.0.weight", random((200, 48), 0.2)),
            ("layers.0.bias", random(200, 1.0)),
            ("layers.1.weight", random((48, 200), 0.1)),
            ("layers.1.bias", random(48, 1.0)),
            ("norm.weight", random(48, 1.0)),
            ("norm.bias", random(48, 1.0)),
        ];
        let [fused, plain] = loaders(&weights, precision).map(|it| {
            let norm = LayerNorm::load(48, 1e-6, &it.pp("norm")).unwrap();
            let mlp = Mlp::load(&[48, 200, 48], Activation::Gelu, &it).unwrap();
            mlp.forward_with(&x, Some(&norm), Some(&x)).unwrap()
        });
        check_twins(&fused, &plain, tolerance);
    }
}

#[test]
fn merged_layers_are_one_after_the_other() {
    let x = random((50, 24), 1.0);
    let [(_, w1), (_, b1)] = layer(24, 80);
    let [(_, w2), (_, b2)] = layer(80, 20);
    let apart = ops::linear(&ops::linear(&tracked(&x), &w1, &b1).unwrap(), &w2, &b2).unwrap();
    let merged = Linear::merged(&[w1, b1], &[w2, b2], Precision::F32).unwrap();
    check_twins(&merged.forward(&x).unwrap(), &apart, 2e-5);
}

#[test]
fn attention_equals_its_plain_twin() {
    for (precision, tolerance) in PRECISIONS {
        for (n, m, c, d, scale) in [
            (1, 1, 16, 16, 1.0),
            (7, 33, 16, 5, 1.0),
            (64, 130, 13, 40, 8.0),
            (50, 700, 96, 96, 1.0),
        ] {
            let q = random((2, 3, n, c), scale);
            let (k, v) = (random((2, 3, m, c), 1.0), random((2, 3, m, d), 1.0));
            let fused = ops::attention(&q, &k, &v, precision).unwrap();
            let plain = ops::attention(&tracked(&q), &k, &v, precision).unwrap();
            // Large scores are rounded by more than small ones.
            check_twins(&fused, &plain, tolerance * scale);
        }
    }
}

#[test]
fn window_attention_equals_its_plain_twin() {
    for (precision, tolerance) in PRECISIONS {
        for (side, size, q_pool) in [
            (8, 4, false),
            (8, 4, true),
            (10, 4, true),
            (9, 7, false),
            (6, 14, true),
            (6, 0, false),
        ] {
            let qkv = random((1, side, side, 3 * 32), 1.0);
            let bias = random(3 * 32, 1.0);
            let windows = Windows { size, num_heads: 2, q_pool };
            let fused = ops::window_attention(&qkv, &bias, windows, precision).unwrap();
            let plain = ops::window_attention(&tracked(&qkv), &bias, windows, precision).unwrap();
            check_twins(&fused, &plain, tolerance);
        }
    }
}

#[test]
fn attention_with_rotary_positions_equals_its_plain_twin() {
    let weights: Vec<(String, Tensor)> = ["q_proj", "k_proj", "v_proj", "out_proj"]
        .into_iter()
        .flat_map(|name| {
            let [(_, weight), (_, bias)] =
                layer(if name == "k_proj" || name == "v_proj" { 16 } else { 32 }, 32);
            [(format!("{name}.weight"), weight), (format!("{name}.bias"), bias)]
        })
        .collect();
    let weights: Vec<(&str, Tensor)> =
        weights.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
    let config =
        AttentionConfig { num_heads: 1, downsample_rate: 1, kv_in_dim: 16, rope_theta: 10_000.0 };
    let (q, k, add) =
        (random((1, 25, 32), 1.0), random((1, 54, 16), 1.0), random((1, 25, 32), 1.0));
    let [fused, plain] = loaders(&weights, Precision::F32).map(|it| {
        let attention = Attention::load_rotary(32, &config, 5, &it).unwrap();
        attention.forward_add(Tokens { q: &q, k: &k, v: &k }, 4, &add).unwrap()
    });
    check_twins(&fused, &plain, 2e-5);
}

#[test]
fn convolutions_equal_their_plain_twins() {
    for ((precision, tolerance), (h, w, inputs, outputs, shape)) in
        PRECISIONS.into_iter().flat_map(|it| {
            [
                (12, 12, 3, 8, ConvShape { kernel: 7, stride: 4, padding: 3 }),
                (9, 5, 4, 33, ConvShape { kernel: 3, stride: 2, padding: 1 }),
                (1, 1, 2, 3, ConvShape { kernel: 3, stride: 2, padding: 1 }),
                (64, 40, 1, 4, ConvShape { kernel: 3, stride: 1, padding: 0 }),
            ]
            .map(|dims| (it, dims))
            .into_iter()
            .filter(|(_, (h, _, _, _, shape))| h + 2 * shape.padding >= shape.kernel)
        })
    {
        let x = random((1, h, w, inputs), 1.0);
        let weight = random((outputs, inputs, shape.kernel, shape.kernel), 0.3);
        let weights = [("weight", weight), ("bias", random(outputs, 1.0))];
        let [fused, plain] = loaders(&weights, precision)
            .map(|it| Conv2d::load(inputs, outputs, shape, &it).unwrap().forward(&x).unwrap());
        check_twins(&fused, &plain, tolerance);
    }
}

#[test]
fn depthwise_convolution_equals_its_plain_twin() {
    for (height, width, channels, kernel) in [(1, 1, 3, 7), (9, 5, 20, 7), (32, 32, 64, 3)] {
        let x = random((1, height, width, channels), 1.0);
        let weights = [
            ("weight", random((channels, 1, kernel, kernel), 0.3)),
            ("bias", random(channels, 1.0)),
        ];
        let [fused, plain] = loaders(&weights, Precision::F32)
            .map(|it| DepthwiseConv::load(channels, kernel, &it).unwrap().forward(&x).unwrap());
        check_twins(&fused, &plain, 2e-5);
    }
}

#[test]
fn gradients_are_not_dropped_without_a_word() {
    let weights = [("weight", random((8, 8), 1.0)), ("bias", random(8, 1.0))];
    let [frozen, _] = loaders(&weights, Precision::F32);
    let layer = Linear::load(8, 8, &frozen).unwrap();
    let error = layer.forward(&tracked(&random((2, 8), 1.0))).unwrap_err().to_string();
    assert!(error.contains("gradients"), "{error}");
}

#[test]
fn what_is_no_number_stays_none() {
    let x = Tensor::from_vec(vec![f32::NAN, 1.0, -1.0, 2.0], (1, 4), &Device::Cpu).unwrap();
    let [fused, _] = loaders(&layer(4, 4), Precision::F32);
    let relu = Linear::load(4, 4, &fused).unwrap().forward_then(&x, Activation::Relu).unwrap();
    assert!(relu.to_vec2::<f32>().unwrap()[0].iter().all(|it| it.is_nan()));
    let x = x.reshape((1, 1, 4, 1)).unwrap();
    let attended = ops::attention(&x, &x, &x, Precision::F32).unwrap();
    assert!(attended.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|it| it.is_nan()));
}
