//! Opens the engine's files, and says which of them is missing where.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use protocol::{id, task::ModelIdentity};
use sam2::{Config, Device, LoadError, Sam2, config::ConfigError};
use sha2::{Digest as _, Sha256};

use super::Medsam2;

/// The published checkpoint's name.
pub const CHECKPOINT: &str = "MedSAM2_latest.pt";
/// The name of the configuration that is published beside it; without the file the preset holds.
pub const CONFIG: &str = "sam2.1_hiera_t512.yaml";
/// What the card of the published weights says.
pub const LICENCE: &str = "CC-BY-SA-4.0; research and education only";

/// Numbers that the network computes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// bfloat16 where the processor multiplies it faster than float32, else float32.
    #[default]
    Auto,
    /// float32.
    F32,
    /// bfloat16.
    Bf16,
}

impl Precision {
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

impl FromStr for Precision {
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

/// Why the engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no weights.
    #[error(
        "{} is not there: put {CHECKPOINT} of the Hugging Face repository wanglab/MedSAM2 there, \
         and {CONFIG} beside it where its dimensions are others; `voxloop models download medsam2` \
         does it", .0.display()
    )]
    Missing(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration cannot be used.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConfigError,
    },
    /// The weights cannot be used.
    #[error("{}: {source}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LoadError,
    },
}

impl Medsam2 {
    /// Opens a checkpoint. Without a configuration the one [beside it](config_beside) counts; where
    /// there is none, the published dimensions hold.
    ///
    /// # Errors
    /// [`OpenError`], naming the file.
    pub fn open(
        checkpoint: &Path,
        config: Option<&Path>,
        precision: Precision,
    ) -> Result<Self, OpenError> {
        if !checkpoint.is_file() {
            return Err(OpenError::Missing(checkpoint.to_owned()));
        }
        let dimensions = match config.map(Path::to_owned).or_else(|| config_beside(checkpoint)) {
            Some(path) => {
                Config::open(&path).map_err(|source| OpenError::Config { path, source })?
            }
            None => Config::sam2_1_hiera_t512(),
        };
        let path = || checkpoint.to_owned();
        let sha256 =
            digest(checkpoint).map_err(|source| OpenError::Unreadable { path: path(), source })?;
        let precision = precision.chosen();
        let model = Sam2::open(checkpoint, &dimensions, &Device::Cpu, precision)
            .map_err(|source| OpenError::Weights { path: path(), source })?;
        let name =
            checkpoint.file_name().map_or_else(String::new, |it| it.to_string_lossy().into());
        let identity = ModelIdentity {
            name,
            sha256,
            licence: LICENCE.to_owned(),
            precision: precision.to_string(),
            device: "cpu".to_owned(),
            window: None,
        };
        Ok(Self::new(model, identity))
    }

    /// Opens the published files in a folder.
    ///
    /// # Errors
    /// [`OpenError`], naming the file.
    pub fn open_folder(folder: &Path) -> Result<Self, OpenError> {
        Self::open(&folder.join(CHECKPOINT), None, Precision::Auto)
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
