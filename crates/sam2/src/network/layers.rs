//! Layers with weights, named as in the published modules.
//!
//! Weights that no gradient flows to are laid out for the processor's kernels when they are loaded; all
//! others stay tensors. Both forms compute the same.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};
use kernels::Precision;

use super::fused;
use super::loader::Loader;
use super::ops;

pub(crate) use kernels::{Activation, ConvShape};

/// A matrix product with bias; also a convolution over one pixel, or over blocks that do not overlap.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// `weight` (o, i), `bias` (o)
    Plain { weight: Tensor, bias: Tensor },
    /// For the CPU.
    Packed(Arc<kernels::Linear>),
}

/// What stands around a layer, in one pass with it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around<'a> {
    pub(crate) norm: Option<&'a LayerNorm>,
    pub(crate) activation: Option<Activation>,
    /// Of the result's shape.
    pub(crate) add: Option<&'a Tensor>,
}

impl Linear {
    pub(crate) fn load(inputs: usize, outputs: usize, loader: &Loader<'_>) -> Result<Self> {
        let weight = loader.get((outputs, inputs), "weight")?;
        Self::new(weight, loader.get(outputs, "bias")?, loader.precision())
    }

    /// A convolution with stride `k` = kernel side, for use after [`ops::space_to_depth`].
    pub(crate) fn load_conv(
        inputs: usize,
        outputs: usize,
        k: usize,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let weight = loader.get((outputs, inputs, k, k), "weight")?;
        // (o, i, k, k) -> (o, k, k, i)
        let weight = weight.permute((0, 2, 3, 1))?.reshape((outputs, k * k * inputs))?;
        Self::new(weight, loader.get(outputs, "bias")?, loader.precision())
    }

    /// A transposed convolution with stride `k` = kernel side, for use before [`ops::depth_to_space`].
    pub(crate) fn load_conv_transpose(
        inputs: usize,
        outputs: usize,
        k: usize,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let weight = loader.get((inputs, outputs, k, k), "weight")?;
        // (i, o, k, k) -> (k, k, o, i)
        let weight = weight.permute((2, 3, 1, 0))?.reshape((k * k * outputs, inputs))?;
        let bias = loader.get(outputs, "bias")?;
        Self::new(weight, bias.repeat(k * k)?, loader.precision())
    }

    /// # Shapes
    /// `weight` (o, i), `bias` (o)
    pub(crate) fn new(weight: Tensor, bias: Tensor, precision: Precision) -> Result<Self> {
        let form = if fused::applies(&[&weight, &bias]) {
            let bias = bias.to_vec1::<f32>()?;
            Form::Packed(Arc::new(kernels::Linear::new(&fused::numbers(&weight)?, bias, precision)))
        } else {
            Form::Plain { weight, bias }
        };
        Ok(Self { form })
    }

    /// This layer and then another, as one: exact up to rounding.
    ///
    /// # Shapes
    /// `first` and `second`: weights (m, i) and biases (m), then (o, m) and (o)
    pub(crate) fn merged(
        [first_weight, first_bias]: &[Tensor; 2],
        [second_weight, second_bias]: &[Tensor; 2],
        precision: Precision,
    ) -> Result<Self> {
        let [w1, b1, w2, b2] = [first_weight, first_bias, second_weight, second_bias]
            .map(|it| it.to_dtype(DType::F64));
        let (w1, b1, w2, b2) = (w1?.contiguous()?, b1?, w2?.contiguous()?, b2?);
        let bias = (w2.matmul(&b1.unsqueeze(1)?)?.squeeze(1)? + b2)?;
        let weight = w2.matmul(&w1)?;
        Self::new(weight.to_dtype(DType::F32)?, bias.to_dtype(DType::F32)?, precision)
    }

    /// What zeros become, (o).
    pub(crate) fn bias(&self) -> Result<Tensor> {
        match &self.form {
            Form::Plain { bias, .. } => Ok(bias.clone()),
            Form::Packed(layer) => fused::tensor(layer.bias().to_vec(), layer.bias().len()),
        }
    }

    /// # Shapes
    /// `x` (…, i): (…, o)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_with(x, Around::default())
    }

    /// As [`Linear::forward`], with an activation after it.
    pub(crate) fn forward_then(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        self.forward_with(x, Around { activation: Some(activation), ..Around::default() })
    }

    /// As [`Linear::forward`], with what stands around it.
    pub(crate) fn forward_with(&self, x: &Tensor, around: Around<'_>) -> Result<Tensor> {
        let Around { norm, activation, add } = around;
        match &self.form {
            Form::Packed(layer) => {
                let x = without_gradients(x)?;
                let found = with_kernels(norm, activation, add, |around| {
                    Ok(layer.forward(&fused::numbers(&x)?, around))
                })?;
                fused::tensor(found, replace_last(&x, layer.dims().1))
            }
            Form::Plain { weight, bias } => {
                let normed = norm.map(|it| it.forward(x)).transpose()?;
                let x = normed.as_ref().unwrap_or(x);
                let y = ops::linear(x, weight, bias)?;
                let y = match activation {
                    None => y,
                    Some(Activation::Relu) => y.relu()?,
                    Some(Activation::Gelu) => y.gelu_erf()?,
                };
                add.map_or(Ok(y.clone()), |add| add + y)
            }
        }
    }
}

/// Hands `work` what stands around a layer as the kernels take it.
fn with_kernels<R>(
    norm: Option<&LayerNorm>,
    activation: Option<Activation>,
    add: Option<&Tensor>,
    work: impl FnOnce(kernels::Around<'_>) -> Result<R>,
) -> Result<R> {
    let norm = match norm.map(|it| it.kernel.as_deref()) {
        Some(None) => candle_core::bail!("a layer for the CPU after one that gradients flow to"),
        Some(Some(kernel)) => Some(kernel),
        None => None,
    };
    let add = add.map(Tensor::contiguous).transpose()?;
    let add = add.as_ref().map(fused::numbers).transpose()?;
    work(kernels::Around { norm, activation, add: add.as_deref() })
}

/// What a kernel can take: it would drop gradients without a word.
fn without_gradients(x: &Tensor) -> Result<Tensor> {
    if x.track_op() {
        candle_core::bail!("gradients cannot pass a layer that was loaded without a variable");
    }
    x.contiguous()
}

fn replace_last(x: &Tensor, outputs: usize) -> Vec<usize> {
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    shape
}

/// A convolution with padding on maps with channels last.
#[derive(Clone, Debug)]
pub(crate) struct Conv2d {
    form: ConvForm,
    shape: ConvShape,
}

#[derive(Clone, Debug)]
enum ConvForm {
    /// `weight` (o, i, k, k), `bias` (o)
    Plain { weight: Tensor, bias: Tensor },
    /// Of what the kernel sees, (k·k·i), for the CPU.
    Packed(Arc<kernels::Linear>),
}

impl Conv2d {
    pub(crate) fn load(
        inputs: usize,
        outputs: usize,
        shape: ConvShape,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let ConvShape { kernel, .. } = shape;
        let weight = loader.get((outputs, inputs, kernel, kernel), "weight")?;
        let bias = loader.get(outputs, "bias")?;
        let form = if fused::applies(&[&weight, &bias]) {
            let weight = weight.permute((0, 2, 3, 1))?.contiguous()?;
            let (weight, bias) = (fused::numbers(&weight)?, bias.to_vec1::<f32>()?);
            ConvForm::Packed(Arc::new(kernels::Linear::new(&weight, bias, loader.precision())))
        } else {
            ConvForm::Plain { weight, bias }
        };
        Ok(Self { form, shape })
    }

    /// # Shapes
    /// `x` (1, h, w, i): (1, h', w', o)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let ConvShape { stride, padding, .. } = self.shape;
        match &self.form {
            ConvForm::Plain { weight, bias } => ops::conv2d(x, weight, bias, padding, stride),
            ConvForm::Packed(layer) => {
                let x = without_gradients(x)?;
                let (_, h, w, _) = x.dims4()?;
                let (found, [h, w]) =
                    kernels::convolve(&fused::numbers(&x)?, [h, w], layer, self.shape);
                fused::tensor(found, (1, h, w, layer.dims().1))
            }
        }
    }
}

/// A convolution of each channel by itself, which keeps the map's size.
#[derive(Clone, Debug)]
pub(crate) struct DepthwiseConv {
    /// (k·k, c)
    taps: Tensor,
    /// (c)
    bias: Tensor,
}

impl DepthwiseConv {
    pub(crate) fn load(channels: usize, kernel: usize, loader: &Loader<'_>) -> Result<Self> {
        let weight = loader.get((channels, 1, kernel, kernel), "weight")?;
        let taps = weight.reshape((channels, kernel * kernel))?.t()?;
        // A stand-in for a missing weight has no memory, and gets none.
        let taps = if weight.is_contiguous() { taps.contiguous()? } else { taps };
        Ok(Self { taps, bias: loader.get(channels, "bias")? })
    }

    /// # Shapes
    /// `x` (1, h, w, c), as returned
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if fused::applies(&[x, &self.taps, &self.bias]) {
            let (_, h, w, _) = x.dims4()?;
            let [map, taps, bias] = [x, &self.taps, &self.bias].map(fused::numbers);
            return fused::tensor(kernels::depthwise(&map?, [h, w], &taps?, &bias?), x.shape());
        }
        ops::depthwise_conv2d(x, &self.taps, &self.bias)
    }
}

/// Normalisation over channels.
#[derive(Clone, Debug)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
    /// The same for the CPU.
    kernel: Option<Arc<kernels::LayerNorm>>,
}

impl LayerNorm {
    pub(crate) fn load(channels: usize, eps: f64, loader: &Loader<'_>) -> Result<Self> {
        let (weight, bias) = (loader.get(channels, "weight")?, loader.get(channels, "bias")?);
        let kernel = if fused::applies(&[&weight, &bias]) {
            let (weight, bias) = (weight.to_vec1()?, bias.to_vec1()?);
            #[expect(clippy::cast_possible_truncation, reason = "computed in f32")]
            let eps = eps as f32;
            Some(Arc::new(kernels::LayerNorm::new(weight, bias, eps)))
        } else {
            None
        };
        Ok(Self { weight, bias, eps, kernel })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.kernel {
            Some(kernel) if fused::applies(&[x]) => {
                fused::tensor(kernel.forward(&fused::numbers(x)?), x.shape())
            }
            _ => ops::layer_norm(x, &self.weight, &self.bias, self.eps),
        }
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
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let layers = widths
            .windows(2)
            .enumerate()
            .map(|(i, pair)| Linear::load(pair[0], pair[1], &loader.pp("layers").pp(i)))
            .collect::<Result<_>>()?;
        Ok(Self { layers, activation })
    }

    /// Layers that were loaded elsewhere.
    pub(crate) fn of(layers: [Linear; 2], activation: Activation) -> Self {
        Self { layers: layers.into(), activation }
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_with(x, None, None)
    }

    /// As [`Mlp::forward`], with a normalisation before it, and a tensor added to its end.
    pub(crate) fn forward_with(
        &self,
        x: &Tensor,
        norm: Option<&LayerNorm>,
        add: Option<&Tensor>,
    ) -> Result<Tensor> {
        if let [first, second] = &self.layers[..]
            && let (Form::Packed(first), Form::Packed(second)) = (&first.form, &second.form)
        {
            let x = without_gradients(x)?;
            let found = with_kernels(norm, None, add, |around| {
                let layers = [&**first, &**second];
                Ok(kernels::feed_forward(&fused::numbers(&x)?, layers, self.activation, around))
            })?;
            return fused::tensor(found, replace_last(&x, second.dims().1));
        }
        let Some((last, hidden)) = self.layers.split_last() else { return Ok(x.clone()) };
        let mut x = norm.map_or_else(|| Ok(x.clone()), |it| it.forward(x))?;
        for layer in hidden {
            x = layer.forward_then(&x, self.activation)?;
        }
        last.forward_with(&x, Around { add, ..Around::default() })
    }
}
