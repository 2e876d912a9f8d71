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

/// More agents than this are no laboratory's: those longest silent are forgotten.
const MAX_AGENTS: usize = 1_000;

/// Characters of a name that are kept.
pub(crate) const MAX_NAME_CHARS: usize = 100;

/// An agent as it last presented itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) kinds: Vec<TaskKind>,
    pub(crate) engines: Vec<EngineName>,
    /// It is the server's own.
    pub(crate) is_here: bool,
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
    pub(crate) fn saw(&self, request: &ClaimRequest, is_here: bool, now_ms: i64) {
        let seen = Seen {
            name: request.name.chars().take(MAX_NAME_CHARS).collect(),
            kinds: request.kinds.clone(),
            engines: request.engines.clone(),
            is_here,
            last_ms: now_ms,
        };
        let mut agents = self.agents();
        agents.retain(|_, it| now_ms - it.last_ms < FORGET_MS);
        agents.insert(request.agent_id, seen);
        if agents.len() > MAX_AGENTS {
            let silent = agents.iter().min_by_key(|(_, it)| it.last_ms).map(|(id, _)| *id);
            silent.and_then(|it| agents.remove(&it));
        }
    }

    /// An agent said that it works.
    pub(crate) fn heard(&self, agent_id: AgentId, now_ms: i64) {
        if let Some(it) = self.agents().get_mut(&agent_id) {
            it.last_ms = now_ms;
        }
    }

    /// The agents, the one heard of last first.
    pub(crate) fn list(&self) -> Vec<(AgentId, Seen)> {
        let mut agents: Vec<_> = self.agents().iter().map(|(id, it)| (*id, it.clone())).collect();
        agents.sort_by_key(|(_, it)| std::cmp::Reverse(it.last_ms));
        agents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_many_agents_nor_long_names_fill_the_memory() {
        let roster = Roster::default();
        for now_ms in 0..i64::try_from(MAX_AGENTS).unwrap() + 5 {
            let request = ClaimRequest {
                protocol: protocol::lease::PROTOCOL_VERSION,
                agent_id: AgentId::fresh(),
                name: "n".repeat(10_000),
                kinds: Vec::new(),
                engines: Vec::new(),
                wait_secs: 0,
            };
            roster.saw(&request, false, now_ms);
        }
        let agents = roster.list();
        assert_eq!(agents.len(), MAX_AGENTS);
        assert!(agents.iter().all(|(_, it)| it.last_ms >= 5 && it.name.len() == MAX_NAME_CHARS));
    }
}
