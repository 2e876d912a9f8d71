//! Agents, engines, and the tasks that wait for them.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use protocol::{id::AgentId, system::EngineStatus, task::TaskState};

use super::{
    Subject,
    finding::{Finding, count, duration},
};
use crate::{roster::Seen, settings::Settings, store::census::Waiting};

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

/// The agents that live: those heard of, and those that hold a lease although the server was
/// started anew since they asked for work. None where no server runs.
fn living(subject: &Subject, tasks: &[Waiting]) -> Option<Vec<Seen>> {
    let server = subject.server.as_ref()?;
    let longest_ms = silent_ms(&subject.settings);
    let heard = server.roster.list();
    let heard = heard.into_iter().filter(|(_, it)| subject.now_ms - it.last_ms < longest_ms);
    let mut living: BTreeMap<AgentId, Seen> = heard.collect();
    for task in tasks.iter().filter(|it| is_running(it, subject.now_ms)) {
        let Some(agent_id) = task.agent_id else { continue };
        let seen = living.entry(agent_id).or_insert_with(|| Seen {
            name: format!("agent {agent_id}"),
            kinds: Vec::new(),
            engines: Vec::new(),
            is_here: false,
            last_ms: subject.now_ms,
        });
        // What it does, it can do.
        if !seen.kinds.contains(&task.kind) {
            seen.kinds.push(task.kind);
        }
        if !seen.engines.contains(&task.engine) {
            seen.engines.push(task.engine);
        }
    }
    Some(living.into_values().collect())
}

pub(super) async fn agents(subject: &Subject) -> Finding {
    let Some(server) = &subject.server else {
        return Finding::skipped("only a running server knows its agents");
    };
    let tasks = match &subject.database {
        Ok(store) => store.waiting().await.ok(),
        Err(_) => None,
    };
    let living = living(subject, tasks.as_deref().unwrap_or_default()).unwrap_or_default();
    if living.is_empty() && tasks.is_none() {
        return Finding::skipped("the database cannot say who holds tasks: see above");
    }
    let lines: Vec<String> = server
        .roster
        .list()
        .iter()
        .map(|(_, it)| {
            let mut line =
                format!("{}: last heard of {} ago", it.name, duration(subject.now_ms - it.last_ms));
            let engines = it.engines.iter().map(crate::store::row::to_text).collect::<Vec<_>>();
            write!(line, ", runs {}", engines.join(", ")).ok();
            line
        })
        .collect();
    if living.is_empty() {
        return Finding::warning("no agent asks for work: tasks will wait")
            .remedy("start the server without --no-agent, or an agent on this or another machine")
            .command(START_AGENT)
            .details(lines);
    }
    Finding::ok(format!("{} here", count(living.len(), "agent is", "agents are"))).details(lines)
}

pub(super) async fn queue(subject: &Subject) -> Finding {
    let waiting = match &subject.database {
        Ok(store) => store.waiting().await,
        Err(_) => return Finding::skipped("the database cannot be looked at: see above"),
    };
    let waiting = match waiting {
        Ok(it) => it,
        Err(error) => return super::of_database(&error),
    };
    let n_running = waiting.iter().filter(|it| is_running(it, subject.now_ms)).count();
    let idle: Vec<_> = waiting.iter().filter(|it| !is_running(it, subject.now_ms)).collect();
    let found = format!("{} waiting, {n_running} running", count(idle.len(), "task", "tasks"));
    let Some(oldest) = idle.first() else { return Finding::ok(found) };
    let Some(agents) = living(subject, &waiting) else {
        return Finding::note(format!("{found}; they go on when the server runs"));
    };
    let waits_ms = subject.now_ms - oldest.created_ms.max(oldest.run_after_ms);
    let can_run = |it: &&&Waiting| {
        agents.iter().any(|a| a.engines.contains(&it.engine) && a.kinds.contains(&it.kind))
    };
    let lines = idle.iter().map(|it| {
        let why = if !can_run(&it) {
            "no agent that is here runs its engine".to_owned()
        } else if it.run_after_ms > subject.now_ms {
            let pause = duration(it.run_after_ms - subject.now_ms);
            format!("attempt {} failed, the next one is in {pause}", it.attempt)
        } else {
            "waits for a free agent".to_owned()
        };
        format!("task {}: {why}", it.task_id)
    });
    let lines = lines.collect();
    if idle.iter().any(|it| !can_run(&it)) {
        return Finding::error(format!("{found}; no agent can run some of them"))
            .remedy("start an agent that runs their engine")
            .command(START_AGENT)
            .details(lines);
    }
    if waits_ms > LONG_WAIT_MS {
        return Finding::warning(format!("{found}; the oldest waits since {}", duration(waits_ms)))
            .remedy("let more tasks run at once, or start another agent")
            .command(START_AGENT)
            .details(lines);
    }
    Finding::ok(found).details(lines)
}

fn is_running(task: &Waiting, now_ms: i64) -> bool {
    task.state == TaskState::Leased && task.lease_until_ms >= now_ms
}

/// Which of these engines can run.
#[must_use]
pub fn engines(engines: &[EngineStatus]) -> Finding {
    let name = crate::store::row::to_text::<protocol::task::EngineName>;
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
