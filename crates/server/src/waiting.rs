//! Why a task waits: what stands between it and an agent.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    id::{AgentId, TaskId},
    task::{Task, TaskState},
    waiting::{Lack, WaitReason},
};

use crate::{
    error::ApiError,
    queue::{TaskRecord, order::Place},
    roster::{Profile, Seen},
    state::Server,
};

/// Who could take a task.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    /// Those that live, each on each of its devices.
    pub(crate) living: Vec<Seen>,
    /// Tasks that each runs there.
    pub(crate) running: BTreeMap<(AgentId, String), u32>,
}

impl Agents {
    /// Those that live, and what they run of `leased`. Who let a lease lapse, and was not heard of
    /// since, does not.
    pub(crate) fn new(mut living: Vec<Seen>, leased: &[TaskRecord], now_ms: i64) -> Self {
        for lapsed in leased.iter().filter(|it| it.lease_until_ms < now_ms) {
            let is_gone = |it: &Seen| {
                lapsed.task.agent_id == Some(it.agent_id) && it.last_ms <= lapsed.lease_until_ms
            };
            living.retain(|it| !is_gone(it));
        }
        let mut running = BTreeMap::new();
        for it in leased.iter().filter(|it| it.lease_until_ms >= now_ms) {
            let Some(agent_id) = it.task.agent_id else { continue };
            let device = it.task.device.clone().unwrap_or_default();
            *running.entry((agent_id, device)).or_default() += 1;
        }
        Self { living, running }
    }

    /// Those that can run a task.
    fn able(&self, record: &TaskRecord) -> Vec<&Seen> {
        self.living.iter().filter(|it| lacks(record, &it.profile).is_empty()).collect()
    }

    /// How many tasks these could take now.
    fn n_free(&self, able: &[&Seen]) -> u32 {
        let free = able.iter().map(|it| {
            let running = self.running.get(&(it.agent_id, it.device.clone()));
            it.profile.slots.max(1).saturating_sub(running.copied().unwrap_or(0))
        });
        free.sum()
    }
}

/// Why a task waits that so many others go before.
pub(crate) fn reasons(
    record: &TaskRecord,
    ahead: u32,
    agents: &Agents,
    now_ms: i64,
) -> Vec<WaitReason> {
    let mut reasons = Vec::new();
    if record.run_after_ms > now_ms {
        let attempt = record.task.attempt;
        reasons.push(WaitReason::BackOff { until_ms: record.run_after_ms, attempt });
    }
    let able = agents.able(record);
    if agents.living.is_empty() {
        reasons.push(WaitReason::NoAgent);
    } else if able.is_empty() {
        let all = agents.living.iter().map(|it| lacks(record, &it.profile));
        let n_agents = n_distinct(agents.living.iter());
        let lacks = all.min_by_key(|it| (it.len(), it.clone())).unwrap_or_default();
        reasons.push(WaitReason::NoAgentFor { n_agents, lacks });
    } else if agents.n_free(&able) > ahead {
        // Its pause is what it waits for.
        if reasons.is_empty() {
            reasons.push(WaitReason::Next { ahead });
        }
    } else {
        reasons.push(WaitReason::AllBusy { n_agents: n_distinct(able.into_iter()), ahead });
    }
    reasons
}

/// Why each of these waits; they are in the order in which they will be granted.
pub(crate) fn reasons_of_all(
    queued: &[(TaskRecord, Place)],
    agents: &Agents,
    now_ms: i64,
) -> BTreeMap<TaskId, Vec<WaitReason>> {
    let mut ahead = 0;
    let mut all = BTreeMap::new();
    for (record, _) in queued {
        all.insert(record.task.task_id, reasons(record, ahead, agents, now_ms));
        // What nobody can take now stands in nobody's way.
        if record.run_after_ms <= now_ms && !agents.able(record).is_empty() {
            ahead += 1;
        }
    }
    all
}

/// What an agent lacks to run a task: the rule of `store::claims`, clause by clause.
fn lacks(record: &TaskRecord, profile: &Profile) -> Vec<Lack> {
    let needs = &record.needs;
    let mut lacks = Vec::new();
    let kind = record.task.kind;
    if !profile.kinds.contains(&kind) {
        lacks.push(Lack::Kind { kind });
    }
    if let Some(engine) = record.task.engine
        && !profile.engines.contains(&engine)
    {
        lacks.push(Lack::Engine { engine });
    }
    if let Some(sha256) = &needs.model
        && !profile.models.contains(sha256)
    {
        lacks.push(Lack::Model { sha256: sha256.clone() });
    }
    if let Some(bytes) = needs.gpu_memory_bytes
        && profile.gpu_memory_bytes.is_none_or(|it| it < bytes)
    {
        lacks.push(Lack::GpuMemory { bytes });
    }
    if profile.protocol < needs.min_protocol {
        lacks.push(Lack::Protocol { version: needs.min_protocol });
    }
    if let Some(program) = &needs.program
        && !profile.programs.contains(program)
    {
        lacks.push(Lack::Program { program: program.clone() });
    }
    lacks
}

fn n_distinct<'a>(agents: impl Iterator<Item = &'a Seen>) -> u32 {
    let ids: BTreeSet<AgentId> = agents.map(|it| it.agent_id).collect();
    u32::try_from(ids.len()).unwrap_or(u32::MAX)
}

impl Server {
    /// The agents that live, with what they run.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn agents(&self) -> Result<Agents, ApiError> {
        let leased = self.store.leased().await?;
        Ok(Agents::new(self.living_agents().await?, &leased, self.now_ms()))
    }

    /// Why each of these tasks waits, those that do.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn why_waiting(
        &self,
        tasks: &[Task],
    ) -> Result<BTreeMap<TaskId, Vec<WaitReason>>, ApiError> {
        // Whose agent is gone waits as well, and is leased as before.
        if tasks.iter().all(|it| !matches!(it.state, TaskState::Queued | TaskState::Leased)) {
            return Ok(BTreeMap::new());
        }
        let (agents, now_ms) = (self.agents().await?, self.now_ms());
        let mut all = reasons_of_all(&self.store.waiting(now_ms).await?, &agents, now_ms);
        all.retain(|id, _| tasks.iter().any(|it| it.task_id == *id));
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
