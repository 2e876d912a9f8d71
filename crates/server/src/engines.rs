//! Which engines there are, as the server asks for them.

use protocol::system::EngineStatus;

/// Tells which engines there are and whether they can run. A function that lists them is enough.
pub trait Engines: Send + Sync {
    /// The engines, the one that is to run unless another is named first.
    fn list(&self) -> Vec<EngineStatus>;

    /// Reads the engines' files anew, then lists them. May take seconds.
    fn reload(&self) -> Vec<EngineStatus> {
        self.list()
    }
}

impl<F: Fn() -> Vec<EngineStatus> + Send + Sync> Engines for F {
    fn list(&self) -> Vec<EngineStatus> {
        self()
    }
}
