//! Opens the engine's files, and says which of them is missing where.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use protocol::{
    id,
    sentence::{self, Line},
    task::ModelIdentity,
};
use sam2::{Config, Device, LoadError, Sam2, config::ConfigError};
use sha2::{Digest as _, Sha256};

use super::{
    Medsam2, Network,
    device::{DeviceChoice, Twin, is_out_of_memory},
};

/// The published checkpoint's name.
pub const CHECKPOINT: &str = "MedSAM2_latest.pt";
/// The name of the configuration that is published beside it; without the file the preset holds.
pub const CONFIG: &str = "sam2.1_hiera_t512.yaml";
/// What the card of the published weights says.
pub const LICENCE: &str = "CC-BY-SA-4.0; research and education only";

/// Numbers that the network computes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrecisionChoice {
    /// bfloat16 where the processor multiplies it faster than float32, else float32.
    #[default]
    Auto,
    /// float32.
    F32,
    /// bfloat16.
    Bf16,
}

impl PrecisionChoice {
    /// What the network computes in on this processor.
    fn chosen(self) -> sam2::Precision {
        match self {
            Self::F32 => sam2::Precision::F32,
            Self::Bf16 => sam2::Precision::Bf16,
            Self::Auto if sam2::Path::best().has_bf16() => sam2::Precision::Bf16,
            Self::Auto => sam2::Precision::F32,
        }
    }
}

impl FromStr for PrecisionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(format!("`{text}` is no precision: expected auto, f32 or bf16")),
        }
    }
}

/// Why the engine cannot be opened. The messages say the cause, so none is a `source` that whoever
/// prints a chain of errors would say again.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no weights.
    #[error("{}", absent(.0))]
    Missing(PathBuf),
    /// What should be the weights is a folder.
    #[error(
        "{} is a folder: expected is a file of weights, such as {}",
        .0.display(),
        .0.join(CHECKPOINT).display()
    )]
    Folder(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The configuration cannot be used.
    #[error("{}: {cause}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: ConfigError,
    },
    /// This build computes on the CPU only.
    #[error(
        "--device {0} (DEVICE): this build has no CUDA: use auto or cpu, or a build with \
         --features cuda"
    )]
    NoCuda(DeviceChoice),
    /// There is no such device.
    #[error("--device {device} (DEVICE) cannot be used: {reason}")]
    Device {
        /// What was asked for.
        device: DeviceChoice,
        /// Why.
        reason: String,
    },
    /// The weights cannot be used.
    #[error("{}: {cause}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: LoadError,
    },
}

/// Where the weights belong, and how they come there.
#[must_use]
pub fn absent(path: &Path) -> Line {
    sentence::weights_absent(path.display().to_string(), CHECKPOINT, CONFIG)
}

/// How and where a network is to compute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compute {
    /// In which numbers, on the CPU.
    pub precision: PrecisionChoice,
    /// Where.
    pub device: DeviceChoice,
    /// Part of a GPU's memory that may be in use, 0 to 1.
    pub gpu_memory_limit: f64,
}

impl Default for Compute {
    fn default() -> Self {
        let (precision, device) = (PrecisionChoice::Auto, DeviceChoice::Auto);
        Self { precision, device, gpu_memory_limit: 0.8 }
    }
}

impl From<PrecisionChoice> for Compute {
    fn from(precision: PrecisionChoice) -> Self {
        Self { precision, ..Self::default() }
    }
}

impl Medsam2 {
    /// Opens a checkpoint. Without a configuration the one [beside it](config_beside) counts; where
    /// there is none, the published dimensions hold.
    ///
    /// # Errors
    /// [`OpenError`], naming the file or the setting.
    pub fn open(
        checkpoint: &Path,
        config: Option<&Path>,
        compute: impl Into<Compute>,
    ) -> Result<Self, OpenError> {
        let compute = compute.into();
        if checkpoint.is_dir() {
            return Err(OpenError::Folder(checkpoint.to_owned()));
        }
        if !checkpoint.is_file() {
            return Err(OpenError::Missing(checkpoint.to_owned()));
        }
        let dimensions = match config.map(Path::to_owned).or_else(|| config_beside(checkpoint)) {
            Some(path) => Config::open(&path).map_err(|cause| OpenError::Config { path, cause })?,
            None => Config::sam2_1_hiera_t512(),
        };
        let sha256 = digest(checkpoint)
            .map_err(|cause| OpenError::Unreadable { path: checkpoint.to_owned(), cause })?;
        let (device, remark) = compute.device.open(compute.gpu_memory_limit)?;
        let weights = Weights { path: checkpoint.to_owned(), dimensions, sha256, compute };
        if device.is_cpu() {
            return Ok(Self { remark, ..Self::of(weights.read(Device::Cpu)?) });
        }
        match weights.read(device) {
            Ok(network) => {
                let twin = Twin::new(Box::new(move || weights.read(Device::Cpu)));
                Ok(Self { twin: Some(Arc::new(twin)), ..Self::of(network) })
            }
            Err(OpenError::Weights { cause: LoadError::Build(error), .. })
                if is_out_of_memory(&error) =>
            {
                let remark = "computed on the CPU: the weights have no room on the GPU".to_owned();
                Ok(Self { remark: Some(remark), ..Self::of(weights.read(Device::Cpu)?) })
            }
            Err(error) => Err(error),
        }
    }

    /// Opens the published files in a folder.
    ///
    /// # Errors
    /// [`OpenError`], naming the file or the setting.
    pub fn open_folder(folder: &Path, compute: Compute) -> Result<Self, OpenError> {
        Self::open(&folder.join(CHECKPOINT), None, compute)
    }
}

/// A file of weights and how it is to be used.
struct Weights {
    path: PathBuf,
    dimensions: Config,
    sha256: id::Sha256,
    compute: Compute,
}

impl Weights {
    fn read(&self, device: Device) -> Result<Arc<Network>, OpenError> {
        // GPUs compute in the weights' own numbers.
        let precision = match device.is_cpu() {
            true => self.compute.precision.chosen(),
            false => sam2::Precision::F32,
        };
        let model = Sam2::open(&self.path, &self.dimensions, &device, precision)
            .map_err(|cause| OpenError::Weights { path: self.path.clone(), cause })?;
        let name = self.path.file_name().map_or_else(String::new, |it| it.to_string_lossy().into());
        let identity = ModelIdentity {
            name,
            sha256: self.sha256.clone(),
            licence: LICENCE.to_owned(),
            precision: precision.to_string(),
            device: match self.compute.device {
                _ if device.is_cpu() => "cpu".to_owned(),
                DeviceChoice::Auto | DeviceChoice::Cpu => "cuda:0".to_owned(),
                it @ DeviceChoice::Cuda(_) => it.to_string(),
            },
            window: None,
            remark: None,
        };
        Ok(Arc::new(Network::new(model, identity, device)))
    }
}

/// The configuration that lies beside a checkpoint: of the same name with the ending `.yaml`, else
/// [`CONFIG`].
#[must_use]
pub fn config_beside(checkpoint: &Path) -> Option<PathBuf> {
    let places = [checkpoint.with_extension("yaml"), checkpoint.with_file_name(CONFIG)];
    places.into_iter().find(|it| it.is_file())
}

fn digest(path: &Path) -> io::Result<id::Sha256> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut part = vec![0; 1 << 20];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(id::Sha256::from_digest(digest.finalize().into())),
            n => digest.update(&part[..n]),
        }
    }
}
