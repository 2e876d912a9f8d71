//! Why a task waits.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::Sha256,
    task::{EngineName, TaskKind},
};

/// One reason why a queued task has no agent yet, as a key the page translates, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum WaitReason {
    /// An attempt failed; the next one begins later.
    BackOff {
        /// When, milliseconds since 1970.
        until_ms: i64,
        /// Attempts so far.
        attempt: u32,
    },
    /// No agent asks for work.
    NoAgent,
    /// Agents ask for work, and none can run it.
    NoAgentFor {
        /// How many there are.
        n_agents: u32,
        /// What the one that comes closest lacks.
        lacks: Vec<Lack>,
    },
    /// Every agent that can run it has as many tasks as it runs at once.
    AllBusy {
        /// How many can run it.
        n_agents: u32,
        /// Tasks that go before it.
        ahead: u32,
    },
    /// An agent that can run it is free: it is granted at that agent's next question.
    Next {
        /// Tasks that go before it.
        ahead: u32,
    },
}

/// What an agent lacks to run a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "lack", rename_all = "snake_case")]
pub enum Lack {
    /// It does not run tasks of this kind.
    Kind {
        /// The kind.
        kind: TaskKind,
    },
    /// It has not this engine, or not its weights.
    Engine {
        /// The engine.
        engine: EngineName,
    },
    /// It has other weights.
    Model {
        /// The weights that are needed.
        sha256: Sha256,
    },
    /// It has no GPU with so much memory.
    GpuMemory {
        /// What is needed.
        bytes: u64,
    },
    /// It is too old.
    Protocol {
        /// The oldest version that will do.
        version: u32,
    },
    /// It has not this program.
    Program {
        /// Its name.
        program: String,
    },
}
