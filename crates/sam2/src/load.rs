//! From a checkpoint and a configuration to a network, with one error for all that does not fit.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Var};
use candle_nn::VarBuilder;
use kernels::Precision;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::config::Config;
use crate::network::loader::Loader;
use crate::network::sam2::Sam2;
use crate::weights::{Mismatch, Source, Use, Weights};

/// Why a network cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint holds another network than the configuration describes.
    #[error("{0}")]
    Mismatch(Mismatch),
    /// A tensor could not be made or read.
    #[error("cannot build the network: {0}")]
    Build(#[from] candle_core::Error),
}

/// The weights of a network as variables.
#[derive(Clone, Debug)]
pub struct Trainable {
    config: Config,
    device: Device,
    /// The weights by name.
    pub variables: BTreeMap<String, Var>,
}

impl Trainable {
    /// The network with the variables' present values; gradients flow to them. Layers derive tensors
    /// of their own from their weights, so after every change of a variable it is made anew.
    ///
    /// # Errors
    /// If the derived tensors cannot be computed, which is a lack of memory.
    pub fn model(&self) -> Result<Sam2, LoadError> {
        let variables = self.variables.iter();
        let tensors = variables.map(|(name, it)| (name.clone(), it.as_tensor().clone())).collect();
        let tensors = VarBuilder::from_tensors(tensors, DType::F32, &self.device);
        Ok(Sam2::load(&self.config, &Loader::new(tensors, Precision::F32))?)
    }
}

impl Sam2 {
    /// Loads a checkpoint; `precision` is what products are computed in on the CPU.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn open(
        path: &Path,
        config: &Config,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, LoadError> {
        Self::from_checkpoint(Checkpoint::<File>::open(path)?, config, device, precision)
    }

    /// As [`Sam2::open`], from a checkpoint that is open already.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_checkpoint<R: Read + Seek + Send + 'static>(
        checkpoint: Checkpoint<R>,
        config: &Config,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, LoadError> {
        build(checkpoint, config, device, Use::Inference(precision)).map(|(model, _)| model)
    }

    /// Loads a checkpoint so that gradients flow to its weights.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn open_trainable(
        path: &Path,
        config: &Config,
        device: &Device,
    ) -> Result<Trainable, LoadError> {
        let (_, variables) = build(Checkpoint::open(path)?, config, device, Use::Training)?;
        Ok(Trainable { config: config.clone(), device: device.clone(), variables })
    }
}

fn build<R: Read + Seek + Send + 'static>(
    checkpoint: Checkpoint<R>,
    config: &Config,
    device: &Device,
    purpose: Use,
) -> Result<(Sam2, BTreeMap<String, Var>), LoadError> {
    let weights = Arc::new(Weights::new(checkpoint, purpose));
    let source = Box::new(Source(Arc::clone(&weights)));
    let tensors = VarBuilder::from_backend(source, DType::F32, device.clone());
    let precision = match purpose {
        Use::Inference(precision) => precision,
        Use::Training => Precision::F32,
    };
    let model = Sam2::load(config, &Loader::new(tensors, precision))?;
    weights.check().map_err(LoadError::Mismatch)?;
    Ok((model, weights.variables()))
}
