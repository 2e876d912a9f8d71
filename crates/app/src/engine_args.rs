//! Which engine a command runs, with which weights, and how.

use std::path::PathBuf;

use anyhow::Context;
use engine::{
    Engine, Medsam2,
    medsam2::{CHECKPOINT, Compute, DeviceChoice, Medsam2Options, PrecisionChoice, WindowChoice},
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
    #[arg(long, value_name = "YAML", help_heading = "MedSAM2")]
    config: Option<PathBuf>,
    /// Intensities that medsam2 sees as black and white: abdomen, lung, bone, brain, liver, two
    /// numbers, or none where they are grey levels (0 to 255) already. By default abdomen for CT, the
    /// 0.5 and 99.5 percentiles of what is above 0 for anything else.
    #[arg(
        long,
        value_name = "none|LOW,HIGH|PRESET",
        allow_hyphen_values = true,
        value_parser = parse_window,
        help_heading = "MedSAM2"
    )]
    window: Option<WindowChoice>,
    /// Numbers that medsam2 computes in; auto is the best that there is.
    #[arg(long, value_name = "auto|f32|bf16", help_heading = "MedSAM2")]
    precision: Option<PrecisionChoice>,
    /// Where medsam2 computes; auto is a GPU where the build has CUDA and the machine one.
    #[arg(long, value_name = "auto|cpu|cuda|cuda:N", help_heading = "MedSAM2")]
    device: Option<DeviceChoice>,
    /// Follow the object to the ends of the image or of --range, wherever it seems to end.
    #[arg(long, help_heading = "MedSAM2")]
    no_stop: bool,
}

impl EngineArgs {
    /// Files that the engine reads.
    pub(crate) fn files(&self) -> Vec<Named<'_>> {
        apart::named([("--model", self.model.as_deref()), ("--config", self.config.as_deref())])
    }

    /// Refuses flags that do not go together, before any file is read. `more` are further ones that
    /// only medsam2 has, and whether they are given.
    ///
    /// # Errors
    /// [`Misuse`], naming the flag.
    pub(crate) fn check(&self, more: &[(&str, bool)]) -> Result<(), Misuse> {
        match self.engine {
            EngineArg::Medsam2 if self.model.is_none() => {
                Err(Misuse(format!("--engine medsam2 needs its weights: --model {CHECKPOINT}")))
            }
            EngineArg::Medsam2 => Ok(()),
            EngineArg::Graphcut => {
                let own = [
                    ("--model", self.model.is_some()),
                    ("--config", self.config.is_some()),
                    ("--window", self.window.is_some()),
                    ("--precision", self.precision.is_some()),
                    ("--device", self.device.is_some()),
                    ("--no-stop", self.no_stop),
                ];
                match own.iter().chain(more).find(|it| it.1) {
                    Some((flag, _)) => Err(Misuse(format!("{flag} is for --engine medsam2"))),
                    None => Ok(()),
                }
            }
        }
    }

    /// Makes the engine ready.
    ///
    /// # Errors
    /// [`Misuse`] if the arguments do not go together; if the weights cannot be used.
    pub(crate) fn open(&self) -> anyhow::Result<Engine> {
        self.check(&[])?;
        let Some(model) = &self.model else { return Ok(Engine::Graphcut) };
        let (precision, device) =
            (self.precision.unwrap_or_default(), self.device.unwrap_or_default());
        let compute = Compute { precision, device, ..Compute::default() };
        let network =
            Medsam2::open(model, self.config.as_deref(), compute).context("--engine medsam2")?;
        Ok(Engine::Medsam2(network.with(Medsam2Options {
            window: self.window.unwrap_or_default(),
            stops: !self.no_stop,
        })))
    }
}

/// A window whose intensities are some in the network's numbers, too.
fn parse_window(text: &str) -> Result<WindowChoice, String> {
    let choice = text.parse()?;
    match choice {
        WindowChoice::Between(window)
            if window.low.abs().max(window.high.abs()) > f64::from(f32::MAX) / 2.0 =>
        {
            Err(format!("`{text}`: LOW and HIGH must be from -1.7e38 to 1.7e38"))
        }
        WindowChoice::Auto | WindowChoice::None | WindowChoice::Between(_) => Ok(choice),
    }
}
