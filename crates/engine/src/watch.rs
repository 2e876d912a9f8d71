//! How a long task is watched and stopped.

use protocol::task::{EngineIdentity, SliceConfidence};
use volume::Labelmap;

pub use graphcut::control::{Stage, Unwatched};

/// A propagation under way.
#[derive(Debug, Clone, Copy)]
pub struct SoFar<'a> {
    /// The object's mask so far, values 0 and 1.
    pub mask: &'a Labelmap,
    /// The slices that were solved, ascending. The graph cut names none: it solves all slices at
    /// once, and how sure they are is measured afterwards, by solving them again.
    pub slices: &'a [SliceConfidence],
    /// Doubt about those slices, 0 (sure) to 1; none where there are none.
    pub doubt: Option<f32>,
    /// Which code makes it.
    pub engine: &'a EngineIdentity,
}

/// Watches a task and may stop it.
pub trait Control: Sync {
    /// Steps done of all steps of a stage.
    fn progress(&self, stage: Stage, done: u32, total: u32);

    /// What is there so far.
    fn partial(&self, so_far: SoFar<'_>);

    /// Whether to stop at the next opportunity.
    fn is_cancelled(&self) -> bool;
}

impl Control for Unwatched {
    fn progress(&self, _: Stage, _: u32, _: u32) {}

    fn partial(&self, _: SoFar<'_>) {}

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
