//! What a request says of its task beside what is to be done: whether somebody waits for it, and
//! which agents may have it.

use protocol::{
    id::Sha256,
    task::{EngineName, Needs, TaskClass},
};

use crate::error::ApiError;

/// Who waits, and what an agent must have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// Who waits for it.
    pub class: TaskClass,
    /// What an agent must have to run it.
    pub needs: Needs,
}

impl Demand {
    /// The demand of a request that may leave everything out.
    pub(crate) fn new(
        class: Option<TaskClass>,
        model: Option<Sha256>,
        gpu_memory_bytes: Option<u64>,
    ) -> Self {
        let needs = Needs { model, gpu_memory_bytes, ..Needs::default() };
        Self { class: class.unwrap_or_default(), needs }
    }

    /// Whether an agent with this engine can have what is demanded.
    ///
    /// # Errors
    /// If weights are demanded of an engine that has none.
    pub(crate) fn check(&self, engine: EngineName) -> Result<(), ApiError> {
        if self.needs.model.is_some() && engine == EngineName::Graphcut {
            return Err(ApiError::invalid(
                "model",
                "the engine graphcut has no weights: leave model out, or name the engine medsam2",
            ));
        }
        Ok(())
    }
}
