//! What is known of agents: they say it with each claim, and that they live with each heartbeat.
//! It is kept in the database, so that every server on it knows every agent; here is only when it
//! was last written there, so that it is not written anew with every breath.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{
    id::{AgentId, Sha256},
    lease::ClaimRequest,
    task::{EngineName, TaskKind},
};
use serde::{Deserialize, Serialize};

use crate::{error::ApiError, settings::Settings, state::Server};

/// Characters of a name that are kept.
pub(crate) const MAX_NAME_CHARS: usize = 100;

/// Weights and programs of an agent that are kept.
const MAX_LISTED: usize = 100;

/// What an agent says is written again after this long even where nothing changed.
const WRITE_AGAIN_MS: i64 = 5_000;

/// Agents without work ask for it every 25 seconds at least; some more is the way.
const ASKS_EVERY: Duration = Duration::from_secs(30);

/// So many times in a row nothing was heard of an agent that is gone.
const MISSED: u32 = 3;

/// One that hung up without an answer is gone if it does not ask again within this time, as it does
/// where only the line was cut.
const ASKS_AGAIN_MS: i64 = 5_000;

/// More agents than this are not remembered at once.
const MAX_AGENTS: usize = 1_000;

/// What an agent can run on one of its devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    pub(crate) kinds: Vec<TaskKind>,
    pub(crate) engines: Vec<EngineName>,
    pub(crate) models: Vec<Sha256>,
    pub(crate) gpu_memory_bytes: Option<u64>,
    pub(crate) protocol: u32,
    pub(crate) programs: Vec<String>,
    /// Tasks at once; 0 where it did not say.
    pub(crate) slots: u32,
}

/// An agent, on one of its devices, as it last presented itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) agent_id: AgentId,
    /// Empty where it does not say.
    pub(crate) device: String,
    pub(crate) name: String,
    /// It is a server's own.
    pub(crate) is_here: bool,
    pub(crate) profile: Profile,
    /// Milliseconds since 1970.
    pub(crate) last_ms: i64,
    /// It hung up, and is gone from then on.
    pub(crate) gone_ms: Option<i64>,
}

impl Seen {
    /// What a claim says of who asks.
    pub(crate) fn of(request: &ClaimRequest, is_here: bool, now_ms: i64) -> Self {
        Self {
            agent_id: request.agent_id,
            device: cut(&request.device),
            name: cut(&request.name),
            is_here,
            profile: Profile {
                kinds: request.kinds.clone(),
                engines: request.engines.clone(),
                models: request.models.iter().take(MAX_LISTED).cloned().collect(),
                gpu_memory_bytes: request.gpu_memory_bytes,
                protocol: request.protocol,
                programs: request.programs.iter().take(MAX_LISTED).map(|it| cut(it)).collect(),
                slots: request.slots,
            },
            last_ms: now_ms,
            gone_ms: None,
        }
    }

    /// Whether it is there. Those that work say so with every heartbeat.
    pub(crate) fn lives(&self, settings: &Settings, now_ms: i64) -> bool {
        let silence = settings.heartbeat.max(ASKS_EVERY) * MISSED;
        let silent_ms = i64::try_from(silence.as_millis()).unwrap_or(i64::MAX);
        now_ms - self.last_ms < silent_ms && self.gone_ms.is_none_or(|it| now_ms < it)
    }
}

/// When what of agents was last written.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    written: Mutex<BTreeMap<(AgentId, String), Seen>>,
}

impl Roster {
    fn written(&self) -> MutexGuard<'_, BTreeMap<(AgentId, String), Seen>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is to be written; then it is taken for written.
    fn is_news(&self, seen: &Seen) -> bool {
        let mut written = self.written();
        let key = (seen.agent_id, seen.device.clone());
        let is_known = written.get(&key).is_some_and(|it| {
            let same = Seen { last_ms: it.last_ms, ..seen.clone() };
            *it == same && is_fresh(it.last_ms, seen.last_ms)
        });
        if is_known {
            return false;
        }
        if written.len() >= MAX_AGENTS {
            let silent = written.iter().min_by_key(|(_, it)| it.last_ms);
            let silent = silent.map(|(key, _)| key.clone());
            silent.and_then(|it| written.remove(&it));
        }
        written.insert(key, seen.clone());
        true
    }

    /// Whether it is to be written that this agent lives; then it is taken for written.
    fn is_heard_anew(&self, agent_id: AgentId, now_ms: i64) -> bool {
        let mut written = self.written();
        let mut of_agent: Vec<_> =
            written.iter_mut().filter(|((id, _), _)| *id == agent_id).map(|(_, it)| it).collect();
        if of_agent.iter().any(|it| is_fresh(it.last_ms, now_ms)) {
            return false;
        }
        for it in &mut of_agent {
            it.last_ms = now_ms;
        }
        true
    }

    /// Forgets that an agent was written: what it says next will be.
    pub(crate) fn forget(&self, agent_id: AgentId) {
        self.written().retain(|(id, _), _| *id != agent_id);
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}

/// Whether what was written at `last_ms` need not be written again.
fn is_fresh(last_ms: i64, now_ms: i64) -> bool {
    (0..WRITE_AGAIN_MS).contains(&(now_ms - last_ms))
}

/// An agent's question for work. Dropped before it was answered, it tells that the agent hung up.
pub(crate) struct Question {
    server: Server,
    agent_id: AgentId,
    device: String,
    is_answered: bool,
}

impl Question {
    /// It got an answer, if only that there is no work.
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (server, agent_id, now_ms) = (self.server.clone(), self.agent_id, self.server.now_ms());
        let device = std::mem::take(&mut self.device);
        // At once, so that its next question is written.
        server.roster.forget(agent_id);
        runtime.spawn(async move { server.hung_up(agent_id, &device, now_ms).await });
    }
}

impl Server {
    /// An agent asks for work.
    pub(crate) fn question(&self, request: &ClaimRequest) -> Question {
        let device = cut(&request.device);
        Question { server: self.clone(), agent_id: request.agent_id, device, is_answered: false }
    }

    /// An agent hung up, or said that it stops, at `now_ms`.
    pub(crate) async fn hung_up(&self, agent_id: AgentId, device: &str, now_ms: i64) {
        let gone_ms = now_ms + ASKS_AGAIN_MS;
        if let Err(error) = self.store.agent_hung_up(agent_id, device, now_ms, gone_ms).await {
            tracing::debug!(%agent_id, %error, "its hanging up is not noted");
        }
    }

    /// The agents that are there, the one heard of last first.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn living_agents(&self) -> Result<Vec<Seen>, ApiError> {
        let (mut agents, now_ms) = (self.store.agents().await?, self.now_ms());
        agents.retain(|it| it.lives(&self.settings, now_ms));
        Ok(agents)
    }

    /// An agent asked for work.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn saw(&self, request: &ClaimRequest, is_here: bool) -> Result<(), ApiError> {
        let seen = Seen::of(request, is_here, self.now_ms());
        if self.roster.is_news(&seen)
            && let Err(error) = self.store.put_agent(&seen).await
        {
            self.roster.forget(seen.agent_id);
            return Err(error.into());
        }
        Ok(())
    }

    /// An agent said that it works.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn heard(&self, agent_id: AgentId) -> Result<(), ApiError> {
        let now_ms = self.now_ms();
        if self.roster.is_heard_anew(agent_id, now_ms) {
            self.store.touch_agent(agent_id, now_ms).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str) -> ClaimRequest {
        ClaimRequest {
            protocol: protocol::lease::PROTOCOL_VERSION,
            agent_id: AgentId::fresh(),
            name: name.to_owned(),
            kinds: Vec::new(),
            engines: Vec::new(),
            wait_secs: 0,
            claim_id: None,
            device: "cpu".to_owned(),
            slots: 1,
            models: Vec::new(),
            gpu_memory_bytes: None,
            programs: vec!["p".repeat(10_000); 200],
        }
    }

    #[test]
    fn an_agent_may_be_silent_for_three_heartbeats_however_long_they_are() {
        for (secs, silent_ms) in [(15, 90_000), (120, 360_000)] {
            let settings = Settings { heartbeat: Duration::from_secs(secs), ..Settings::default() };
            let seen = Seen::of(&request("a"), false, 1_000);
            assert!(seen.lives(&settings, 1_000 + silent_ms - 1));
            assert!(!seen.lives(&settings, 1_000 + silent_ms));
            let hung_up = Seen { gone_ms: Some(6_000), ..seen };
            assert!(hung_up.lives(&settings, 5_999) && !hung_up.lives(&settings, 6_000));
        }
    }

    #[test]
    fn what_did_not_change_is_written_every_five_seconds() {
        let roster = Roster::default();
        let agent = request("a");
        let is_news =
            |request: &ClaimRequest, now_ms| roster.is_news(&Seen::of(request, false, now_ms));
        assert!(is_news(&agent, 0));
        assert!(!is_news(&agent, 4_999));
        assert!(is_news(&agent, 5_000));
        let with_weights = ClaimRequest { slots: 2, ..agent.clone() };
        assert!(is_news(&with_weights, 5_001), "at once where something changed");
        assert!(!roster.is_heard_anew(agent.agent_id, 5_002));
        assert!(roster.is_heard_anew(agent.agent_id, 10_002));
        assert!(roster.is_heard_anew(AgentId::fresh(), 10_002), "nothing is known of it here");
    }

    #[test]
    fn who_works_without_pause_is_written_as_often_as_anybody() {
        let roster = Roster::default();
        let agent = request("a");
        assert!(roster.is_news(&Seen::of(&agent, false, 0)));
        let heard = (1..=20).map(|it| it * 1_000);
        let written = heard.filter(|now_ms| roster.is_heard_anew(agent.agent_id, *now_ms));
        assert_eq!(written.collect::<Vec<_>>(), [5_000, 10_000, 15_000, 20_000]);
    }

    #[test]
    fn neither_many_agents_nor_long_names_fill_the_memory() {
        let roster = Roster::default();
        for now_ms in 0..i64::try_from(MAX_AGENTS).unwrap() + 5 {
            let seen = Seen::of(&request(&"n".repeat(10_000)), false, now_ms);
            assert!(roster.is_news(&seen));
        }
        let written = roster.written();
        assert_eq!(written.len(), MAX_AGENTS);
        assert!(written.values().all(|it| {
            let programs = &it.profile.programs;
            it.last_ms >= 5
                && it.name.len() == MAX_NAME_CHARS
                && programs.len() == MAX_LISTED
                && programs.iter().all(|it| it.len() == MAX_NAME_CHARS)
        }));
    }
}
