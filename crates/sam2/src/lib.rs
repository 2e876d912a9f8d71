//! MedSAM2 on candle: an object's mask on one slice from prompts, and on the next from memory.
//!
//! The network is SAM 2.1 with the Hiera trunk as published for 512×512 slices. It loads the
//! published checkpoints unchanged ([`checkpoint`]) with dimensions from their configuration
//! ([`config`]). Knows tensors and pixels of the resized slice only: no volumes, no windows.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pixels = candle_core::Tensor::zeros((1, 3, 512, 512), candle_core::DType::F32, &candle_core::Device::Cpu)?;
//! use sam2::{Config, Device, Origin, Point, PointLabel, Precision, Sam2};
//!
//! let config = Config::sam2_1_hiera_t512();
//! let model = Sam2::open("MedSAM2_latest.pt".as_ref(), &config, &Device::Cpu, Precision::F32)?;
//! let embedding = model.encode(&pixels)?;
//! let corners = [
//!     Point { x: 100.0, y: 120.0, label: PointLabel::BoxTopLeft },
//!     Point { x: 180.0, y: 200.0, label: PointLabel::BoxBottomRight },
//! ];
//! let found = model.prompt(&embedding, &corners, None)?;
//! let memory = model.remember(&embedding, &found, Origin::Prompt)?;
//! # Ok(())
//! # }
//! ```

pub mod checkpoint;
pub mod config;

mod embedding;
mod load;
mod network;
mod weights;

pub use candle_core::{Device, Tensor};
pub use config::Config;
pub use kernels::{Path, Precision};
/// Whether this build computes on NVIDIA GPUs.
#[must_use]
pub fn has_cuda() -> bool {
    candle_core::utils::cuda_is_available()
}

pub use load::{LoadError, Trainable};
pub use network::sam2::{NO_OBJECT_LOGIT, Origin, Sam2, SliceEmbedding, SliceMask, SliceMemory};
pub use network::tracker::{Direction, Tracker};
pub use network::{Point, PointLabel};
pub use weights::Mismatch;
