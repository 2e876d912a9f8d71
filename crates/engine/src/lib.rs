//! What a task does: a volume and a person's prompts in, an object's mask on the volume's own
//! grid out, with how sure it is.
//!
//! [`segment_slice`] and [`propagate`] check what they are given (an error names the field and its
//! bounds) and hand it to the engine that the task names. Coordinates are voxels of the stored
//! image, as in [`protocol::prompt`].

mod propagation;
mod segmentation;

mod check;
mod error;
mod graphcut_engine;
mod watch;

pub use error::EngineError;
pub use propagation::{Propagation, PropagationRequest, Uncertainty, propagate};
pub use segmentation::{SliceSegmentation, segment_slice};
pub use watch::{Control, Stage, Unwatched};

use protocol::task::{EngineIdentity, EngineName};

/// Every engine that this build holds.
#[must_use]
pub fn engines() -> Vec<EngineName> {
    vec![EngineName::Graphcut]
}

/// The engine's name and version, as a mask's history records them.
#[must_use]
pub fn identity(engine: EngineName) -> EngineIdentity {
    match engine {
        EngineName::Graphcut => {
            EngineIdentity { name: engine, version: env!("CARGO_PKG_VERSION").to_owned() }
        }
    }
}
