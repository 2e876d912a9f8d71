//! Linear layers, with what stands before and after them in the same pass over the rows.

use half::bf16;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::math::gelu_of;
use crate::norm::LayerNorm;
use crate::panels::{Panels, PanelsView, Rows, multiply};
use crate::path::{Path, Precision};
use crate::rows::{FromRows, with_rows};
use crate::scratch::with_scratch;

/// Rows that one task takes at most: they stay in a core's cache from layer to layer.
const MOST_ROWS: usize = 96;
/// Numbers between two layers that one task holds at most.
const MOST_HIDDEN: usize = 1 << 17;
/// Products of a task at least; less is not worth a second core.
const GRAIN: usize = 1 << 18;

/// What follows a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The larger of x and 0.
    Relu,
    /// x · Φ(x) with the normal distribution Φ.
    Gelu,
}

/// What stands around a layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around<'a> {
    /// Before the layer.
    pub norm: Option<&'a LayerNorm>,
    /// After it.
    pub activation: Option<Activation>,
    /// Added at the end, (rows, outputs).
    pub add: Option<&'a [f32]>,
}

/// `x · weightᵀ + bias`.
#[derive(Clone, Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    weights: Weights,
    bias: Vec<f32>,
}

#[derive(Clone, Debug)]
enum Weights {
    F32(Panels<f32>),
    Bf16(Panels<bf16>),
}

impl Linear {
    /// # Shapes
    /// `weight` (outputs, inputs), `bias` (outputs)
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[must_use]
    pub fn new(weight: &[f32], bias: Vec<f32>, precision: Precision) -> Self {
        let outputs = bias.len();
        assert!(outputs > 0 && weight.len().is_multiple_of(outputs), "a row for each output");
        let inputs = weight.len() / outputs;
        assert!(inputs > 0, "a layer without inputs");
        let weights = match precision {
            Precision::F32 => Weights::F32(Panels::transposed(weight, inputs)),
            Precision::Bf16 => Weights::Bf16(Panels::transposed(weight, inputs)),
        };
        Self { inputs, outputs, weights, bias }
    }

    /// How many numbers a row has before and after.
    #[must_use]
    pub fn dims(&self) -> (usize, usize) {
        (self.inputs, self.outputs)
    }

    /// The bias: what zeros become.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// # Shapes
    /// `x` (rows, inputs): (rows, outputs)
    #[must_use]
    pub fn forward(&self, x: &[f32], around: Around<'_>) -> Vec<f32> {
        let n_rows = x.len() / self.inputs;
        let mut out = vec![0_f32; n_rows * self.outputs];
        let block = rows_per_task(n_rows, MOST_ROWS, self.inputs * self.outputs);
        let tasks = out.par_chunks_mut(block * self.outputs).enumerate();
        tasks.zip(x.par_chunks(block * self.inputs)).for_each(|((i, out), x)| {
            let first = i * block * self.outputs;
            let add = around.add.map(|it| &it[first..first + out.len()]);
            self.block(out, x, Around { add, ..around });
        });
        out
    }

    /// One task's rows.
    pub(crate) fn block(&self, out: &mut [f32], x: &[f32], around: Around<'_>) {
        match &self.weights {
            Weights::F32(panels) => self.product(out, x, around.norm, panels.view()),
            Weights::Bf16(panels) => self.product(out, x, around.norm, panels.view()),
        }
        let Around { activation, add, .. } = around;
        Arch::new().dispatch(FinishRows { x: out, bias: &self.bias, activation, add });
    }

    fn product<T: FromRows>(
        &self,
        out: &mut [f32],
        x: &[f32],
        norm: Option<&LayerNorm>,
        panels: PanelsView<'_, T>,
    ) {
        with_rows(x, self.inputs, panels.depth, norm, |numbers| {
            let rows = Rows { numbers, stride: panels.depth, count: x.len() / self.inputs };
            multiply(Path::best(), rows, panels, out, self.outputs, false);
        });
    }
}

/// Two layers with an activation between them; the numbers between them never leave a core's cache.
///
/// `around` stands before the first and after the second.
///
/// # Shapes
/// `x` (rows, inputs of the first): (rows, outputs of the second)
///
/// # Panics
/// If the layers do not fit together.
#[must_use]
pub fn feed_forward(
    x: &[f32],
    layers: [&Linear; 2],
    between: Activation,
    around: Around<'_>,
) -> Vec<f32> {
    let [first, second] = layers;
    assert_eq!(first.outputs, second.inputs, "layers that do not fit together");
    let n_rows = x.len() / first.inputs;
    let mut out = vec![0_f32; n_rows * second.outputs];
    let most = MOST_ROWS.min(MOST_HIDDEN / first.outputs).max(1);
    let work = first.inputs * first.outputs + second.inputs * second.outputs;
    let block = rows_per_task(n_rows, most, work);
    let tasks = out.par_chunks_mut(block * second.outputs).enumerate();
    tasks.zip(x.par_chunks(block * first.inputs)).for_each(|((i, out), x)| {
        let Around { norm, activation, add } = around;
        let from = i * block * second.outputs;
        let add = add.map(|it| &it[from..from + out.len()]);
        with_scratch(x.len() / first.inputs * first.outputs, |hidden: &mut [f32]| {
            first.block(hidden, x, Around { norm, activation: Some(between), add: None });
            second.block(out, hidden, Around { norm: None, activation, add });
        });
    });
    out
}

/// Rows per task, so that all cores end at nearly the same time.
pub(crate) fn rows_per_task(n_rows: usize, most: usize, work_per_row: usize) -> usize {
    let n_threads = rayon::current_num_threads();
    if n_rows * work_per_row < GRAIN {
        return n_rows.max(1);
    }
    let n_tasks = n_threads * n_rows.div_ceil(n_threads * most);
    n_rows.div_ceil(n_tasks).max(1)
}

struct FinishRows<'a> {
    x: &'a mut [f32],
    bias: &'a [f32],
    activation: Option<Activation>,
    add: Option<&'a [f32]>,
}

impl WithSimd for FinishRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for row in self.x.chunks_exact_mut(self.bias.len()) {
            for (it, bias) in row.iter_mut().zip(self.bias) {
                *it += bias;
            }
            match self.activation {
                None => {}
                Some(Activation::Gelu) => {
                    for it in row {
                        *it = gelu_of(*it);
                    }
                }
                Some(Activation::Relu) => {
                    for it in row {
                        // Not `max`, which would make 0 of what is no number.
                        *it = if *it < 0.0 { 0.0 } else { *it };
                    }
                }
            }
        }
        if let Some(add) = self.add {
            for (it, add) in self.x.iter_mut().zip(add) {
                *it += add;
            }
        }
    }
}
