//! How a long solve is watched and stopped.

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Cutting the volume.
    Solving,
    /// Solving again under changed assumptions, to see what changes.
    Uncertainty,
}

/// Watches a solve and may stop it.
pub trait Control: Sync {
    /// Steps done of all steps of a stage.
    fn progress(&self, stage: Stage, done: u32, total: u32);
    /// Whether to stop at the next opportunity.
    fn is_cancelled(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Control for Unwatched {
    fn progress(&self, _: Stage, _: u32, _: u32) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
