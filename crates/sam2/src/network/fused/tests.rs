//! Every kernel against its plain twin.

#![expect(clippy::cast_precision_loss, reason = "whole numbers below 2^24")]

use candle_core::{Device, Shape, Tensor, Var};

use super::super::ops::{self, Activation};
use super::{exp_nonpositive, windows};

fn random(shape: impl Into<Shape>, scale: f32) -> Tensor {
    Tensor::randn(0_f32, scale, shape, &Device::Cpu).unwrap()
}

/// The same numbers as a variable, which the plain path takes.
fn tracked(x: &Tensor) -> Tensor {
    Var::from_tensor(x).unwrap().as_tensor().clone()
}

fn check_twins(fused: &Tensor, plain: &Tensor, tolerance: f32) {
    assert!(plain.track_op() && !fused.track_op(), "both ran on the same path");
    let distance = (fused - plain).unwrap().abs().unwrap().max_all().unwrap();
    let distance = distance.to_scalar::<f32>().unwrap();
    assert!(distance <= tolerance, "{distance}");
}

#[test]
fn layer_norm_equals_its_plain_twin() {
    for (rows, width) in [(1, 5), (3, 16), (70, 17), (400, 96), (33, 256)] {
        let x = (random((rows, width), 3.0) + 2.0).unwrap();
        let (weight, bias) = (random(width, 1.0), random(width, 1.0));
        let fused = ops::layer_norm(&x, &weight, &bias, 1e-6).unwrap();
        let plain = ops::layer_norm(&tracked(&x), &weight, &bias, 1e-6).unwrap();
        check_twins(&fused, &plain, 2e-5);
    }
}

#[test]
fn gelu_equals_its_plain_twin_from_end_to_end() {
    let x = Tensor::arange(-20_f32, 20.0, &Device::Cpu).unwrap();
    let x = x.broadcast_add(&random((700, 1), 1.0)).unwrap();
    let fused = ops::gelu(&x).unwrap();
    let plain = ops::gelu(&tracked(&x)).unwrap();
    check_twins(&fused, &plain, 3e-6);
}

#[test]
fn attention_equals_its_plain_twin() {
    for (n, m, c, d, scale) in
        [(1, 1, 16, 16, 1.0), (7, 33, 16, 5, 1.0), (64, 130, 12, 40, 20.0), (50, 700, 96, 96, 1.0)]
    {
        let q = random((2, 3, n, c), scale);
        let (k, v) = (random((2, 3, m, c), 1.0), random((2, 3, m, d), 1.0));
        let fused = ops::attention(&q, &k, &v).unwrap();
        let plain = ops::attention(&tracked(&q), &k, &v).unwrap();
        check_twins(&fused, &plain, 2e-5);
    }
}

#[test]
fn window_attention_equals_its_plain_twin() {
    for (side, size, q_pool) in
        [(8, 4, false), (8, 4, true), (10, 4, true), (9, 7, false), (6, 14, true), (6, 0, false)]
    {
        let qkv = random((1, side, side, 3 * 32), 1.0);
        let bias = random(3 * 32, 1.0);
        let windows = windows::Windows { size, num_heads: 2, q_pool };
        let fused = ops::window_attention(&qkv, &bias, windows).unwrap();
        let plain = ops::window_attention(&tracked(&qkv), &bias, windows).unwrap();
        check_twins(&fused, &plain, 2e-5);
    }
}

#[test]
fn linear_layers_equal_their_plain_twins() {
    let (x, weight, bias) = (random((3, 7, 40), 1.0), random((33, 40), 1.0), random(33, 1.0));
    for activation in [None, Some(Activation::Relu), Some(Activation::Gelu)] {
        let fused = ops::linear(&x, &weight, &bias, activation).unwrap();
        let plain = ops::linear(&tracked(&x), &weight, &bias, activation).unwrap();
        check_twins(&fused, &plain, 3e-5);
    }
}

#[test]
fn depthwise_convolution_equals_its_plain_twin() {
    for (height, width, channels, kernel) in [(1, 1, 3, 7), (9, 5, 20, 7), (32, 32, 64, 3)] {
        let x = random((2, height, width, channels), 1.0);
        let weight = random((channels, 1, kernel, kernel), 0.3);
        let bias = random(channels, 1.0);
        let fused = ops::depthwise_conv2d(&x, &weight, &bias).unwrap();
        let plain = ops::depthwise_conv2d(&tracked(&x), &weight, &bias).unwrap();
        check_twins(&fused, &plain, 2e-5);
    }
}

#[test]
fn exponential_is_within_two_units_of_the_last_place() {
    for i in 0..80_000_u32 {
        let x = -(i as f32) * 1.05e-3;
        let exact = f64::from(x).exp();
        let error = (f64::from(exp_nonpositive(x)) - exact).abs() / exact;
        assert!(error < 2.4e-7, "e^{x} is off by {error}");
    }
}
