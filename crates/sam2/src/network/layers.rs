//! Layers with weights, named as in the published modules.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::ops::{self, Activation};

/// A matrix product with bias; also a convolution over one pixel, or over blocks that do not overlap.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub(crate) fn load(inputs: usize, outputs: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self { weight: vb.get((outputs, inputs), "weight")?, bias: vb.get(outputs, "bias")? })
    }

    /// A convolution with stride `k` = kernel side, for use after [`ops::space_to_depth`].
    pub(crate) fn load_conv(
        inputs: usize,
        outputs: usize,
        k: usize,
        vb: &VarBuilder<'_>,
    ) -> Result<Self> {
        let weight = vb.get((outputs, inputs, k, k), "weight")?;
        // (o, i, k, k) -> (o, k, k, i)
        let weight = weight.permute((0, 2, 3, 1))?.reshape((outputs, k * k * inputs))?;
        Ok(Self { weight, bias: vb.get(outputs, "bias")? })
    }

    /// A transposed convolution with stride `k` = kernel side, for use before [`ops::depth_to_space`].
    pub(crate) fn load_conv_transpose(
        inputs: usize,
        outputs: usize,
        k: usize,
        vb: &VarBuilder<'_>,
    ) -> Result<Self> {
        let weight = vb.get((inputs, outputs, k, k), "weight")?;
        // (i, o, k, k) -> (k, k, o, i)
        let weight = weight.permute((2, 3, 1, 0))?.reshape((k * k * outputs, inputs))?;
        let bias = vb.get(outputs, "bias")?;
        Ok(Self { weight, bias: bias.repeat(k * k)? })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::linear(x, &self.weight, &self.bias, None)
    }

    /// As [`Linear::forward`], with an activation after it.
    pub(crate) fn forward_then(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        ops::linear(x, &self.weight, &self.bias, Some(activation))
    }

    /// What zeros become.
    pub(crate) fn bias(&self) -> &Tensor {
        &self.bias
    }
}

/// A convolution with padding on maps with channels last.
#[derive(Clone, Debug)]
pub(crate) struct Conv2d {
    weight: Tensor,
    bias: Tensor,
    padding: usize,
    stride: usize,
}

/// Kernel side, stride and padding of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvShape {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Conv2d {
    pub(crate) fn load(
        inputs: usize,
        outputs: usize,
        shape: ConvShape,
        vb: &VarBuilder<'_>,
    ) -> Result<Self> {
        let ConvShape { kernel, stride, padding } = shape;
        let weight = vb.get((outputs, inputs, kernel, kernel), "weight")?;
        Ok(Self { weight, bias: vb.get(outputs, "bias")?, padding, stride })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::conv2d(x, &self.weight, &self.bias, self.padding, self.stride)
    }
}

/// Normalisation over channels.
#[derive(Clone, Debug)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    pub(crate) fn load(channels: usize, eps: f64, vb: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self { weight: vb.get(channels, "weight")?, bias: vb.get(channels, "bias")?, eps })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}

/// Linear layers with an activation between them.
#[derive(Clone, Debug)]
pub(crate) struct Mlp {
    layers: Vec<Linear>,
    activation: Activation,
}

impl Mlp {
    /// `widths` are the channels before, between and after the layers.
    pub(crate) fn load(
        widths: &[usize],
        activation: Activation,
        vb: &VarBuilder<'_>,
    ) -> Result<Self> {
        let layers = widths
            .windows(2)
            .enumerate()
            .map(|(i, pair)| Linear::load(pair[0], pair[1], &vb.pp("layers").pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self { layers, activation })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Some((last, hidden)) = self.layers.split_last() else { return Ok(x.clone()) };
        let mut x = x.clone();
        for layer in hidden {
            x = layer.forward_then(&x, self.activation)?;
        }
        last.forward(&x)
    }
}
