//! Which engine a command runs, with which weights, and how.

use std::path::PathBuf;

use anyhow::Context;
use engine::{
    Engine, Medsam2,
    medsam2::{CHECKPOINT, Compute, DeviceChoice, Medsam2Options, Precision, WindowChoice},
};

use crate::{
    apart::{self, Named},
    batch::Misuse,
};

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EngineArg {
    /// The embedded engine: no weights, no graphics card.
    Graphcut,
    /// The MedSAM2 network; needs --model.
    Medsam2,
}

/// Arguments of every command that runs an engine.
#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// The engine.
    #[arg(long, value_enum, default_value_t = EngineArg::Graphcut)]
    engine: EngineArg,
    /// Weights of medsam2, such as `MedSAM2_latest.pt`.
    #[arg(long, value_name = "CKPT", help_heading = "MedSAM2")]
    model: Option<PathBuf>,
    /// Dimensions of the weights; by default those of the YAML beside them, of the same name or called
    /// `sam2.1_hiera_t512.yaml`, else the published ones.
    #[arg(long, value_name = "YAML", requires = "model", help_heading = "MedSAM2")]
    config: Option<PathBuf>,
    /// Intensities that medsam2 sees as black and white: abdomen, lung, bone, brain, liver, two
    /// numbers, or none where they are grey levels (0 to 255) already. By default abdomen for CT, the
    /// 0.5 and 99.5 percentiles of what is above 0 for anything else.
    #[arg(
        long,
        value_name = "none|LOW,HIGH|PRESET",
        requires = "model",
        allow_hyphen_values = true,
        help_heading = "MedSAM2"
    )]
    window: Option<WindowChoice>,
    /// Numbers that medsam2 computes in; auto is the best that there is.
    #[arg(long, value_name = "auto|f32|bf16", requires = "model", help_heading = "MedSAM2")]
    precision: Option<Precision>,
    /// Where medsam2 computes; auto is a GPU where the build has CUDA and the machine one.
    #[arg(long, value_name = "auto|cpu|cuda|cuda:N", requires = "model", help_heading = "MedSAM2")]
    device: Option<DeviceChoice>,
    /// Follow the object to the ends of the image or of --range, wherever it seems to end.
    #[arg(long, requires = "model", help_heading = "MedSAM2")]
    no_stop: bool,
}

impl EngineArgs {
    /// Files that the engine reads.
    pub(crate) fn files(&self) -> Vec<Named<'_>> {
        apart::named([("--model", self.model.as_deref()), ("--config", self.config.as_deref())])
    }

    /// Makes the engine ready.
    ///
    /// # Errors
    /// [`Misuse`] if the arguments do not go together; if the weights cannot be used.
    pub(crate) fn open(&self) -> anyhow::Result<Engine> {
        match (self.engine, &self.model) {
            (EngineArg::Graphcut, None) => Ok(Engine::Graphcut),
            (EngineArg::Graphcut, Some(_)) => {
                Err(Misuse("--model is for --engine medsam2".to_owned()).into())
            }
            (EngineArg::Medsam2, None) => {
                let message = format!("--engine medsam2 needs its weights: --model {CHECKPOINT}");
                Err(Misuse(message).into())
            }
            (EngineArg::Medsam2, Some(model)) => {
                let precision = self.precision.unwrap_or_default();
                let device = self.device.unwrap_or_default();
                let compute = Compute { precision, device, ..Compute::default() };
                let network = Medsam2::open(model, self.config.as_deref(), compute)
                    .context("--engine medsam2")?;
                Ok(Engine::Medsam2(network.with(Medsam2Options {
                    window: self.window.unwrap_or_default(),
                    stops: !self.no_stop,
                })))
            }
        }
    }
}
