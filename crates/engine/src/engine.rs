//! The engines of this build.

use protocol::task::{EngineIdentity, EngineName};

use crate::Medsam2;

/// Code that turns image and prompts into a mask, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Engine {
    /// The embedded engine: graph cut with a shape prior, no weights.
    Graphcut,
    /// The MedSAM2 network with its weights.
    Medsam2(Medsam2),
}

impl Engine {
    /// The engine's name.
    #[must_use]
    pub fn name(&self) -> EngineName {
        match self {
            Self::Graphcut => EngineName::Graphcut,
            Self::Medsam2(_) => EngineName::Medsam2,
        }
    }

    /// Which code and which weights it is, before it has seen an image.
    #[must_use]
    pub fn identity(&self) -> EngineIdentity {
        match self {
            Self::Graphcut => EngineIdentity {
                name: EngineName::Graphcut,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                model: None,
            },
            Self::Medsam2(engine) => engine.identity(None),
        }
    }
}
