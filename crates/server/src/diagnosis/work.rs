//! Agents, engines, and the tasks that wait for them.

use std::collections::BTreeSet;

use protocol::{
    id::TaskId,
    sentence::{self, Line},
    system::EngineStatus,
    waiting::{Lack, WaitReason},
};

use super::{
    Subject,
    finding::{Finding, duration, size},
};
use crate::{
    queue::{TaskRecord, order::Place},
    store::{Store, StoreError, row::to_text},
    waiting::{Agents, reasons_of_all},
};

/// A task that waits longer although an agent is there has something in its way.
const LONG_WAIT_MS: i64 = 10 * 60 * 1_000;

const START_AGENT: &str = "voxloop agent --server URL";

pub(super) async fn agents(subject: &Subject) -> Finding {
    if subject.server.is_none() {
        return Finding::skipped("only a running server knows its agents");
    }
    let Ok(store) = &subject.database else {
        return Finding::skipped(sentence::agents_unknown());
    };
    let seen = match store.agents().await {
        Ok(it) => it,
        Err(error) => return super::of_database(&error),
    };
    let lines = seen.iter().map(|it| {
        let mut runs = it.profile.engines.iter().map(to_text).collect::<Vec<_>>();
        runs.extend(it.profile.programs.iter().cloned());
        let device = if it.device.is_empty() { "" } else { " – " };
        let agent = format!("{}{device}{}", it.name, it.device);
        sentence::agent_heard_of(agent, duration(subject.now_ms - it.last_ms), runs.join(", "))
    });
    let lines = lines.collect();
    let living = seen.iter().filter(|it| it.lives(&subject.settings, subject.now_ms));
    let n_living = living.map(|it| it.agent_id).collect::<BTreeSet<_>>().len();
    if n_living == 0 {
        return Finding::warning(sentence::no_agent())
            .remedy(sentence::start_agent())
            .command(START_AGENT)
            .details(lines);
    }
    Finding::ok(sentence::agents_here(n_living)).details(lines)
}

/// What waits, and what runs.
struct Work {
    queued: Vec<(TaskRecord, Place)>,
    n_running: usize,
    agents: Agents,
}

async fn look(subject: &Subject, store: &Store) -> Result<Work, StoreError> {
    let now_ms = subject.now_ms;
    let leased = store.leased().await?;
    let mut living = store.agents().await?;
    living.retain(|it| it.lives(&subject.settings, now_ms));
    Ok(Work {
        queued: store.waiting(now_ms).await?,
        n_running: leased.iter().filter(|it| it.lease_until_ms >= now_ms).count(),
        agents: Agents::new(living, &leased, now_ms),
    })
}

pub(super) async fn queue(subject: &Subject) -> Finding {
    let Ok(store) = &subject.database else {
        return Finding::skipped("the database cannot be looked at: see above");
    };
    if subject.server.is_none() {
        return resting(store).await;
    }
    let looked = look(subject, store).await;
    let Work { queued, n_running, agents } = match looked {
        Ok(it) => it,
        Err(error) => return super::of_database(&error),
    };
    let found = sentence::queue_length(queued.len(), n_running);
    let oldest = queued.iter().map(|(it, _)| it.task.created_ms.max(it.run_after_ms)).min();
    let Some(oldest_ms) = oldest else { return Finding::ok(found) };
    let reasons = reasons_of_all(&queued, &agents, subject.now_ms);
    let line = |(id, why): (&TaskId, &Vec<WaitReason>)| {
        let why = why.iter().map(|it| words(it, subject.now_ms)).reduce(sentence::and_why);
        sentence::why_it_waits(id.to_string(), why.unwrap_or_else(sentence::next_turn))
    };
    let lines = reasons.iter().map(line).collect();
    let is_stuck =
        |it: &WaitReason| matches!(it, WaitReason::NoAgent | WaitReason::NoAgentFor { .. });
    if reasons.values().flatten().any(is_stuck) {
        return Finding::error(sentence::queue_stuck(found))
            .remedy(sentence::start_their_agent())
            .command(START_AGENT)
            .details(lines);
    }
    let waits_ms = subject.now_ms - oldest_ms;
    if waits_ms > LONG_WAIT_MS {
        return Finding::warning(sentence::queue_slow(found, duration(waits_ms)))
            .remedy(sentence::more_at_once())
            .command(START_AGENT)
            .details(lines);
    }
    Finding::ok(found).details(lines)
}

/// The queue of a server that does not run; its schema may be an older one.
async fn resting(store: &Store) -> Finding {
    let counts = match store.count_tasks(None).await {
        Ok(it) => it,
        Err(error) => return super::of_database(&error),
    };
    let n_unfinished = usize::try_from(counts.queued + counts.leased).unwrap_or(usize::MAX);
    let found = sentence::queue_length(n_unfinished, 0_usize);
    match n_unfinished {
        0 => Finding::ok(found),
        _ => Finding::note(format!("{found}; they go on when the server runs")),
    }
}

/// A reason in words.
fn words(reason: &WaitReason, now_ms: i64) -> Line {
    match reason {
        WaitReason::BackOff { until_ms, attempt } => {
            sentence::attempt_failed(*attempt, duration(until_ms - now_ms))
        }
        WaitReason::NoAgent => sentence::no_agent_asks(),
        WaitReason::NoAgentFor { lacks, .. } => {
            let lacks = lacks.iter().map(lack_in_words).reduce(sentence::and_also);
            sentence::no_agent_that(lacks.unwrap_or_else(sentence::runs_it))
        }
        WaitReason::AllBusy { ahead, .. } => sentence::waits_for_agent(*ahead),
        WaitReason::Next { .. } => sentence::next_turn(),
    }
}

fn lack_in_words(lack: &Lack) -> Line {
    match lack {
        Lack::Kind { kind } => sentence::runs_kind(to_text(kind)),
        Lack::Engine { engine } => sentence::runs_engine(to_text(engine)),
        Lack::Model { sha256 } => sentence::has_weights(sha256.as_str()),
        Lack::GpuMemory { bytes } => sentence::has_gpu(size(*bytes)),
        Lack::Protocol { version } => sentence::speaks_protocol(*version),
        Lack::Program { program } => sentence::runs_program(program.as_str()),
    }
}

/// Which of these engines can run.
#[must_use]
pub fn engines(engines: &[EngineStatus]) -> Finding {
    let lines = engines.iter().map(|it| {
        let (name, version) = (to_text(&it.name), &*it.version);
        match &it.missing {
            Some(_) if !it.agents.is_empty() => {
                sentence::engine_elsewhere(name, version, it.agents.join(", "))
            }
            Some(missing) => {
                let missing = Line::from_parts(missing.clone(), it.missing_said.clone());
                sentence::engine_lacks(name, version, missing)
            }
            None => sentence::engine_ready(name, version),
        }
    });
    let lines = lines.collect();
    let n_ready = engines.iter().filter(|it| it.ready).count();
    if n_ready == 0 {
        return Finding::error(sentence::no_engine_runs())
            .remedy(sentence::see_missing())
            .command("--model-dir DIR (MODEL_ROOT)")
            .details(lines);
    }
    Finding::ok(sentence::engines_ready(n_ready, engines.len())).details(lines)
}
