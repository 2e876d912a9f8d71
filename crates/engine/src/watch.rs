//! How a long task is watched and stopped.

use volume::Labelmap;

pub use graphcut::control::Stage;

/// Watches a task and may stop it.
pub trait Control: Sync {
    /// Steps done of all steps of a stage.
    fn progress(&self, stage: Stage, done: u32, total: u32);

    /// The object's mask so far, values 0 and 1.
    fn partial(&self, mask: &Labelmap);

    /// Whether to stop at the next opportunity.
    fn is_cancelled(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Control for Unwatched {
    fn progress(&self, _: Stage, _: u32, _: u32) {}

    fn partial(&self, _: &Labelmap) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Lends a task's watcher to the engine.
pub(crate) struct Lent<'a>(pub(crate) &'a dyn Control);

impl graphcut::control::Control for Lent<'_> {
    fn progress(&self, stage: Stage, done: u32, total: u32) {
        self.0.progress(stage, done, total);
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
