//! Training: gradients through the whole network, and what they are.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    unreachable_pub,
    dead_code,
    reason = "test code: a panic is the answer"
)]

mod support;

use candle_core::{DType, Device};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};
use sam2::{Point, PointLabel, Sam2, Tensor};
use support::micro;

#[test]
fn gradients_reach_the_decoder_and_training_lowers_the_loss() {
    let golden = micro();
    let trainable =
        Sam2::open_trainable(&golden.checkpoint(), &golden.config(), &Device::Cpu).unwrap();
    let decoder =
        trainable.variables.iter().filter(|(name, _)| name.starts_with("sam_mask_decoder"));
    let decoder = decoder.map(|(_, it)| it.clone()).collect();
    let settings = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(decoder, settings).unwrap();

    let model = trainable.model().unwrap();
    let embedding = golden.embedding(&model, golden.prompted_slice());
    let corners = [
        Point { x: 38.0, y: 36.0, label: PointLabel::BoxTopLeft },
        Point { x: 79.0, y: 80.0, label: PointLabel::BoxBottomRight },
    ];
    // The box itself, as logits of the network's own resolution.
    let inside =
        |i: usize, low: usize, high: usize| if (low..high).contains(&i) { 1.0 } else { 0.0 };
    let target: Vec<f32> =
        (0..32 * 32).map(|i| inside(i % 32, 10, 20) * inside(i / 32, 9, 20)).collect();
    let target = Tensor::from_vec(target, (32, 32), &Device::Cpu).unwrap();
    let mut losses = Vec::new();
    for _ in 0..6 {
        let model = trainable.model().unwrap();
        let found = model.prompt(&embedding, &corners, None).unwrap();
        let probability = ((found.low_res.neg().unwrap().exp().unwrap() + 1.0).unwrap()).recip();
        let loss = (probability.unwrap() - &target).unwrap().sqr().unwrap().mean_all().unwrap();
        losses.push(loss.to_dtype(DType::F32).unwrap().to_scalar::<f32>().unwrap());
        optimizer.backward_step(&loss).unwrap();
    }
    assert!(losses[5] < 0.7 * losses[0], "{losses:?}");
}

#[test]
fn gradients_reach_every_part_that_a_tracked_slice_uses() {
    let golden = micro();
    let trainable =
        Sam2::open_trainable(&golden.checkpoint(), &golden.config(), &Device::Cpu).unwrap();
    let model = trainable.model().unwrap();
    let prompted = golden.prompted(&model, "box");
    let conditioning = prompted.into_iter().map(|(slice, it)| (slice, it.memory)).collect();
    let mut tracker =
        sam2::Tracker::new(&model, golden.n_slices(), sam2::Direction::Forward, conditioning);
    let next = golden.embedding(&model, 9);
    let found = tracker.step(9, &next).unwrap();
    let gradients = found.low_res.sum_all().unwrap().backward().unwrap();
    for part in [
        "image_encoder.trunk.pos_embed",
        "image_encoder.trunk.blocks.0.attn.qkv.weight",
        "image_encoder.neck.convs.1.conv.weight",
        "memory_attention.layers.0.cross_attn_image.k_proj.weight",
        "memory_encoder.fuser.layers.0.dwconv.weight",
        "obj_ptr_proj.layers.0.weight",
        "maskmem_tpos_enc",
        "sam_mask_decoder.conv_s0.weight",
    ] {
        let gradient =
            gradients.get(&trainable.variables[part]).unwrap_or_else(|| panic!("{part}"));
        let size = gradient.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(size > 0.0, "{part} has no gradient");
    }
}

/// The step of a finite difference, as a part of the weights' length. A longer one changes which of
/// the decoder's candidate masks is chosen.
const STEP: f64 = 2e-5;

#[test]
fn gradients_are_those_of_finite_differences() {
    let golden = micro();
    let trainable =
        Sam2::open_trainable(&golden.checkpoint(), &golden.config(), &Device::Cpu).unwrap();
    let pixels = golden.pixels(golden.prompted_slice());
    let corners = golden.corners();
    // Smooth in the logits, and of another weight for every one of them.
    let weights: Vec<f32> = (0..32 * 32).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.4).collect();
    let weights = Tensor::from_vec(weights, (32, 32), &Device::Cpu).unwrap();
    let loss = || {
        let model = trainable.model().unwrap();
        let embedding = model.encode(&pixels).unwrap();
        let found = model.prompt(&embedding, &corners, None).unwrap();
        (found.low_res.tanh().unwrap() * &weights).unwrap().sum_all().unwrap()
    };
    let gradients = loss().backward().unwrap();
    let value = || f64::from(loss().to_scalar::<f32>().unwrap());
    for name in [
        "sam_mask_decoder.output_upscaling.0.weight",
        "sam_mask_decoder.transformer.layers.1.mlp.layers.0.weight",
        "sam_mask_decoder.transformer.layers.0.norm1.weight",
        "sam_mask_decoder.conv_s0.weight",
        "image_encoder.neck.convs.2.conv.weight",
        "image_encoder.trunk.blocks.2.attn.qkv.weight",
        "image_encoder.trunk.patch_embed.proj.weight",
    ] {
        let variable = &trainable.variables[name];
        let before = variable.as_tensor().copy().unwrap();
        let gradient = gradients.get(variable).unwrap();
        // Along the gradient's own direction, where rounding matters least.
        let length = norm(gradient);
        let step = STEP * norm(&before);
        let along = |step: f64| {
            let moved = (&before + (gradient * (step / length)).unwrap()).unwrap();
            variable.set(&moved).unwrap();
            value()
        };
        let difference = (along(step) - along(-step)) / (2.0 * step);
        variable.set(&before).unwrap();
        let off = (difference / length - 1.0).abs();
        assert!(off < 0.02, "{name}: {difference} by difference, {length} by gradient");
    }
}

fn norm(tensor: &Tensor) -> f64 {
    f64::from(tensor.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()).sqrt()
}
