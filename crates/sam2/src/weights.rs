//! Weights from a checkpoint for `VarBuilder`; every missing, misshapen or unused one is remembered.
//!
//! A missing weight does not stop the building of the network: it stands in as zeros without memory,
//! and [`Weights::check`] then names all that is wrong in one error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::io::{Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Error, Result, Shape, Tensor, Var};
use candle_nn::Init;
use candle_nn::var_builder::SimpleBackend;
use kernels::Precision;

use crate::checkpoint::Checkpoint;

/// How checkpoint and network differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors that the network needs and the checkpoint lacks.
    pub missing: Vec<String>,
    /// Tensors of the checkpoint that the network does not know.
    pub unused: Vec<String>,
    /// Tensors of another shape: name, shape needed, shape found.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// Tensors with a number that is none, or infinite.
    pub not_finite: Vec<String>,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the checkpoint does not belong to this configuration")?;
        let shapes: Vec<_> = self
            .misshapen
            .iter()
            .map(|(name, needed, found)| format!("{name} {found:?}, needs {needed:?}"))
            .collect();
        for (what, names) in [
            ("missing", &self.missing),
            ("unused", &self.unused),
            ("of another shape", &shapes),
            ("with numbers that are not finite", &self.not_finite),
        ] {
            if !names.is_empty() {
                write!(f, "; {} {what}: {}", names.len(), names.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Whether weights can be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Weights stay as they are; products are computed in this precision on the CPU.
    Inference(Precision),
    /// Weights are variables that gradients flow to.
    Training,
}

/// A checkpoint whose tensors are handed out by name.
pub(crate) struct Weights<R> {
    checkpoint: Mutex<Checkpoint<R>>,
    purpose: Use,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    names: BTreeSet<String>,
    mismatch: Mismatch,
    variables: BTreeMap<String, Var>,
}

impl<R: Read + Seek> Weights<R> {
    pub(crate) fn new(checkpoint: Checkpoint<R>, purpose: Use) -> Self {
        Self { checkpoint: Mutex::new(checkpoint), purpose, asked: Mutex::default() }
    }

    /// What the network and the checkpoint disagree on, once the network has asked for everything.
    pub(crate) fn check(&self) -> std::result::Result<(), Mismatch> {
        let checkpoint = self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = checkpoint.names().filter(|it| !asked.names.contains(*it));
        let mismatch =
            Mismatch { unused: unused.map(str::to_owned).collect(), ..asked.mismatch.clone() };
        if mismatch == Mismatch::default() { Ok(()) } else { Err(mismatch) }
    }

    /// The variables that were handed out for training, by name.
    pub(crate) fn variables(&self) -> BTreeMap<String, Var> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).variables.clone()
    }

    fn tensor(&self, shape: &Shape, name: &str, device: &Device) -> Result<Tensor> {
        let mut checkpoint = self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.names.insert(name.to_owned());
        // Zeros of one element, seen at every index.
        let stand_in = || Tensor::zeros((), DType::F32, device)?.broadcast_as(shape.clone());
        match checkpoint.shape(name).map(<[usize]>::to_vec) {
            None => {
                asked.mismatch.missing.push(name.to_owned());
                return stand_in();
            }
            Some(found) if found != shape.dims() => {
                asked.mismatch.misshapen.push((name.to_owned(), shape.dims().to_vec(), found));
                return stand_in();
            }
            Some(_) => {}
        }
        let numbers = checkpoint.read(name).map_err(Error::wrap)?.unwrap_or_default();
        if !numbers.iter().all(|it| it.is_finite()) {
            asked.mismatch.not_finite.push(name.to_owned());
        }
        let tensor = Tensor::from_vec(numbers, shape.clone(), device)?;
        if self.purpose != Use::Training {
            return Ok(tensor);
        }
        let variable = Var::from_tensor(&tensor)?;
        let tensor = variable.as_tensor().clone();
        asked.variables.insert(name.to_owned(), variable);
        Ok(tensor)
    }
}

/// The form in which `VarBuilder` takes a source of tensors, while the loader keeps the source.
pub(crate) struct Source<R>(pub(crate) Arc<Weights<R>>);

impl<R: Read + Seek + Send> SimpleBackend for Source<R> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        self.0.tensor(&shape, name, device)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, _dtype: DType, _device: &Device) -> Result<Tensor> {
        Err(Error::Msg(format!("{name} is asked for without a shape")))
    }

    fn contains_tensor(&self, name: &str) -> bool {
        let checkpoint = self.checkpoint();
        checkpoint.lock().unwrap_or_else(PoisonError::into_inner).shape(name).is_some()
    }
}

impl<R> Source<R> {
    fn checkpoint(&self) -> &Mutex<Checkpoint<R>> {
        &self.0.checkpoint
    }
}
