//! Agents, engines, and the tasks that wait for them.

use std::{collections::BTreeSet, time::Duration};

use protocol::{
    id::TaskId,
    system::EngineStatus,
    waiting::{Lack, WaitReason},
};

use super::{
    Subject,
    finding::{Finding, count, duration},
};
use crate::{
    queue::{TaskRecord, order::Place},
    settings::Settings,
    store::{Store, StoreError, row},
    waiting::{Agents, reasons_of_all},
};

/// Agents without work ask for it every 25 seconds at least; some more is the way.
const ASKS_EVERY: Duration = Duration::from_secs(30);

/// So many times in a row nothing was heard of an agent that is gone.
const MISSED: u32 = 3;

/// A task that waits longer although an agent is there has something in its way.
const LONG_WAIT_MS: i64 = 10 * 60 * 1_000;

const START_AGENT: &str = "voxloop agent --server URL";

/// How long an agent that lives may be silent, in milliseconds: those that work say so with every
/// heartbeat.
pub(crate) fn silent_ms(settings: &Settings) -> i64 {
    let silence = settings.heartbeat.max(ASKS_EVERY) * MISSED;
    i64::try_from(silence.as_millis()).unwrap_or(i64::MAX)
}

pub(super) async fn agents(subject: &Subject) -> Finding {
    if subject.server.is_none() {
        return Finding::skipped("only a running server knows its agents");
    }
    let Ok(store) = &subject.database else {
        return Finding::skipped("the database cannot say which agents there are: see above");
    };
    let seen = match store.agents(0).await {
        Ok(it) => it,
        Err(error) => return super::of_database(&error),
    };
    let lines = seen.iter().map(|it| {
        let ago = duration(subject.now_ms - it.last_ms);
        let mut runs = it.profile.engines.iter().map(row::to_text).collect::<Vec<_>>();
        runs.extend(it.profile.programs.iter().cloned());
        let device = if it.device.is_empty() { "" } else { " on " };
        let (name, runs) = (&it.name, runs.join(", "));
        format!("{name}{device}{}: last heard of {ago} ago, runs {runs}", it.device)
    });
    let lines = lines.collect();
    let silent_ms = silent_ms(&subject.settings);
    let living = seen.iter().filter(|it| subject.now_ms - it.last_ms < silent_ms);
    let n_living = living.map(|it| it.agent_id).collect::<BTreeSet<_>>().len();
    if n_living == 0 {
        return Finding::warning("no agent asks for work: tasks will wait")
            .remedy("start the server without --no-agent, or an agent on this or another machine")
            .command(START_AGENT)
            .details(lines);
    }
    Finding::ok(format!("{} here", count(n_living, "agent is", "agents are"))).details(lines)
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
    let living = store.agents(now_ms - silent_ms(&subject.settings)).await?;
    Ok(Work {
        queued: store.queued(now_ms).await?,
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
    let found = format!("{} waiting, {n_running} running", count(queued.len(), "task", "tasks"));
    let oldest = queued.iter().map(|(it, _)| it.task.created_ms.max(it.run_after_ms)).min();
    let Some(oldest_ms) = oldest else { return Finding::ok(found) };
    let reasons = reasons_of_all(&queued, &agents, subject.now_ms);
    let line = |(id, why): (&TaskId, &Vec<WaitReason>)| {
        let why: Vec<_> = why.iter().map(|it| words(it, subject.now_ms)).collect();
        format!("task {id}: {}", why.join("; "))
    };
    let lines = reasons.iter().map(line).collect();
    let is_stuck =
        |it: &WaitReason| matches!(it, WaitReason::NoAgent | WaitReason::NoAgentFor { .. });
    if reasons.values().flatten().any(is_stuck) {
        return Finding::error(format!("{found}; no agent can run some of them"))
            .remedy("start an agent that can: the lines below say what is needed")
            .command(START_AGENT)
            .details(lines);
    }
    let waits_ms = subject.now_ms - oldest_ms;
    if waits_ms > LONG_WAIT_MS {
        return Finding::warning(format!("{found}; the oldest waits since {}", duration(waits_ms)))
            .remedy("let more tasks run at once, or start another agent")
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
    let found = format!("{} waiting, 0 running", count(n_unfinished, "task", "tasks"));
    match n_unfinished {
        0 => Finding::ok(found),
        _ => Finding::note(format!("{found}; they go on when the server runs")),
    }
}

/// A reason in words.
fn words(reason: &WaitReason, now_ms: i64) -> String {
    match reason {
        WaitReason::BackOff { until_ms, attempt } => {
            let pause = duration(until_ms - now_ms);
            format!("attempt {attempt} failed, the next one is in {pause}")
        }
        WaitReason::NoAgent => "no agent asks for work".to_owned(),
        WaitReason::NoAgentFor { lacks, .. } => {
            let lacks: Vec<_> = lacks.iter().map(lack_in_words).collect();
            format!("no agent that is here {}", lacks.join(" and "))
        }
        WaitReason::AllBusy { ahead, .. } => {
            format!("waits for a free agent, {ahead} before it")
        }
        WaitReason::Next { .. } => "an agent is free and will have it next".to_owned(),
    }
}

fn lack_in_words(lack: &Lack) -> String {
    match lack {
        Lack::Kind { kind } => format!("runs tasks of the kind {}", row::to_text(kind)),
        Lack::Engine { engine } => format!("runs the engine {}", row::to_text(engine)),
        Lack::Model { sha256 } => format!("has the weights {sha256}"),
        Lack::GpuMemory { bytes } => format!("has a GPU of {} MiB", bytes >> 20),
        Lack::Protocol { version } => format!("speaks protocol {version}"),
        Lack::Program { program } => format!("runs the program {program}"),
    }
}

/// Which of these engines can run.
#[must_use]
pub fn engines(engines: &[EngineStatus]) -> Finding {
    let name = row::to_text::<protocol::task::EngineName>;
    let lines = engines.iter().map(|it| match &it.missing {
        Some(_) if !it.agents.is_empty() => {
            format!("{} {}: ready on {}", name(&it.name), it.version, it.agents.join(", "))
        }
        Some(missing) => format!("{} {}: missing {missing}", name(&it.name), it.version),
        None => format!("{} {}: ready", name(&it.name), it.version),
    });
    let lines = lines.collect();
    let n_ready = engines.iter().filter(|it| it.ready).count();
    if n_ready == 0 {
        return Finding::error("no engine can run")
            .remedy("see what is missing and where it belongs")
            .command("--model-dir DIR (MODEL_ROOT)")
            .details(lines);
    }
    let found = format!("{n_ready} of {} ready", count(engines.len(), "engine", "engines"));
    Finding::ok(found).details(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_may_be_silent_for_three_heartbeats_however_long_they_are() {
        let with = |secs| {
            silent_ms(&Settings { heartbeat: Duration::from_secs(secs), ..Settings::default() })
        };
        assert_eq!((with(15), with(120)), (90_000, 360_000));
    }
}
