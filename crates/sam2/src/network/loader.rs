//! Where layers get their weights, and what they are to compute with.

use candle_core::{Device, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use kernels::Precision;

/// A place in the tree of weights.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    weights: VarBuilder<'a>,
    precision: Precision,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(weights: VarBuilder<'a>, precision: Precision) -> Self {
        Self { weights, precision }
    }

    /// A place below.
    pub(crate) fn pp(&self, name: impl ToString) -> Self {
        Self { weights: self.weights.pp(name), precision: self.precision }
    }

    /// The same place, for layers whose rounding would show in every mask and that cost little.
    pub(crate) fn in_f32(&self) -> Self {
        Self { weights: self.weights.clone(), precision: Precision::F32 }
    }

    pub(crate) fn get(&self, shape: impl Into<Shape>, name: &str) -> Result<Tensor> {
        self.weights.get(shape.into(), name)
    }

    pub(crate) fn device(&self) -> &Device {
        self.weights.device()
    }

    /// What the processor's kernels multiply in.
    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }
}
