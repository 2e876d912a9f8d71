//! Which agents ask for work and when each was last heard of. Kept in memory: after a restart it
//! fills again as they ask.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::{
    id::AgentId,
    lease::ClaimRequest,
    task::{EngineName, TaskKind},
};

/// An agent is forgotten after this long a silence.
const FORGET_MS: i64 = 24 * 60 * 60 * 1_000;

/// An agent as it last presented itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) kinds: Vec<TaskKind>,
    pub(crate) engines: Vec<EngineName>,
    /// Milliseconds since 1970.
    pub(crate) last_ms: i64,
}

/// The agents of the last day.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    agents: Mutex<BTreeMap<AgentId, Seen>>,
}

impl Roster {
    fn agents(&self) -> MutexGuard<'_, BTreeMap<AgentId, Seen>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent asked for work.
    pub(crate) fn saw(&self, request: &ClaimRequest, now_ms: i64) {
        let seen = Seen {
            name: request.name.clone(),
            kinds: request.kinds.clone(),
            engines: request.engines.clone(),
            last_ms: now_ms,
        };
        let mut agents = self.agents();
        agents.retain(|_, it| now_ms - it.last_ms < FORGET_MS);
        agents.insert(request.agent_id, seen);
    }

    /// An agent said that it works.
    pub(crate) fn heard(&self, agent_id: AgentId, now_ms: i64) {
        if let Some(it) = self.agents().get_mut(&agent_id) {
            it.last_ms = now_ms;
        }
    }

    /// The agents, the one heard of last first.
    pub(crate) fn list(&self) -> Vec<Seen> {
        let mut agents: Vec<Seen> = self.agents().values().cloned().collect();
        agents.sort_by_key(|it| std::cmp::Reverse(it.last_ms));
        agents
    }
}
