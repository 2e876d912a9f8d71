//! What a task does: a volume and a person's prompts in, an object's mask on the volume's own
//! grid out, with how sure it is.
//!
//! [`segment_slice`] and [`propagate`] check what they are given (an error names the field and its
//! bounds) and hand it to an [`Engine`]. Coordinates are voxels of the stored
//! image, as in [`protocol::prompt`].

mod engine;
mod propagation;
mod segmentation;

mod check;
mod error;
mod graphcut_engine;
mod largest;
pub mod medsam2;
mod watch;

pub use engine::Engine;
pub use error::EngineError;
pub use medsam2::Medsam2;
pub use propagation::{Propagation, PropagationRequest, SliceLogits, Uncertainty, propagate};
pub use segmentation::{SliceSegmentation, segment_slice};
pub use watch::{Control, SoFar, Stage, Unwatched};
