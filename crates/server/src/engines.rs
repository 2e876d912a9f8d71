//! Which engines there are, as the server asks for them.

use std::sync::Arc;

use protocol::{
    id::Sha256,
    job::Preparation,
    prompt::SliceRef,
    system::EngineStatus,
    task::{EngineName, ImageRef},
};
use volume::Volume;

/// A slice that somebody looks at.
#[derive(Debug, Clone)]
pub struct Viewed {
    /// The engine that a prompt on it would run.
    pub engine: EngineName,
    /// The image.
    pub image: ImageRef,
    /// Its voxels.
    pub volume: Arc<Volume>,
    /// The slice.
    pub slice: SliceRef,
}

/// Tells which engines there are and whether they can run. A function that lists them is enough.
pub trait Engines: Send + Sync {
    /// The engines, the one that is to run unless another is named first.
    fn list(&self) -> Vec<EngineStatus>;

    /// Reads the engines' files anew, then lists them. May take seconds.
    fn reload(&self) -> Vec<EngineStatus> {
        self.list()
    }

    /// Whether slices are prepared for an engine.
    fn preparation(&self, _engine: EngineName) -> Preparation {
        Preparation::NotNeeded
    }

    /// Does what can be done about a slice before anybody prompts on it. May take seconds; prompts
    /// go first.
    ///
    /// # Errors
    /// Why it could not be done.
    fn prepare(&self, _viewed: &Viewed) -> Result<(), String> {
        Ok(())
    }

    /// Removes what was kept of an image.
    fn forget(&self, _image: &Sha256) {}
}

impl<F: Fn() -> Vec<EngineStatus> + Send + Sync> Engines for F {
    fn list(&self) -> Vec<EngineStatus> {
        self()
    }
}
