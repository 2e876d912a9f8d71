//! Agents, engines, and the tasks that wait for them.

use std::{collections::BTreeMap, time::Duration};

use protocol::{
    id::AgentId,
    sentence::{self, Line},
    system::EngineStatus,
    task::TaskState,
};

use super::{
    Subject,
    finding::{Finding, duration},
};
use crate::{
    roster::Seen,
    settings::Settings,
    store::{census::Waiting, row::to_text},
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
        return Finding::skipped(sentence::holders_unknown());
    }
    let heard = server.roster.list();
    let lines = heard.iter().map(|(_, it)| {
        let engines = it.engines.iter().map(to_text).collect::<Vec<_>>().join(", ");
        sentence::agent_heard_of(&*it.name, duration(subject.now_ms - it.last_ms), engines)
    });
    let lines = lines.collect();
    if living.is_empty() {
        return Finding::warning(sentence::no_agent())
            .remedy(sentence::start_agent())
            .command(START_AGENT)
            .details(lines);
    }
    Finding::ok(sentence::agents_here(living.len())).details(lines)
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
    let found = sentence::queue_length(idle.len(), n_running);
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
            sentence::no_agent_runs_it()
        } else if it.run_after_ms > subject.now_ms {
            let pause = duration(it.run_after_ms - subject.now_ms);
            sentence::attempt_failed(it.attempt, pause)
        } else {
            sentence::waits_for_agent()
        };
        sentence::why_it_waits(it.task_id.to_string(), why)
    });
    let lines = lines.collect();
    if idle.iter().any(|it| !can_run(&it)) {
        return Finding::error(sentence::queue_stuck(found))
            .remedy(sentence::start_their_agent())
            .command(START_AGENT)
            .details(lines);
    }
    if waits_ms > LONG_WAIT_MS {
        return Finding::warning(sentence::queue_slow(found, duration(waits_ms)))
            .remedy(sentence::more_at_once())
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
