//! To whom each request was shown as pending. Agents of the older kind may look alike, and one that says
//! again that it works on a request must be told from another that found the request in an older list:
//! where those who look alike were shown it once, there is only one that knows it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::id::{AgentId, TaskId};

use super::OldAgent;

/// More than this is not remembered at once.
const MAX_SHOWN: usize = 100_000;

/// In how many lists each request was, for each look.
#[derive(Debug)]
pub(crate) struct Shown(Mutex<Lists>);

#[derive(Debug)]
struct Lists {
    /// Requests that were made earlier may have been shown without being counted here.
    since_ms: i64,
    n_lists: HashMap<(TaskId, AgentId), u32>,
}

impl Shown {
    /// Nothing was shown yet of what is made from `since_ms` on.
    pub(crate) fn new(since_ms: i64) -> Self {
        Self(Mutex::new(Lists { since_ms, n_lists: HashMap::new() }))
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent is about to be shown these.
    pub(super) fn show(
        &self,
        agent: &OldAgent,
        requests: impl IntoIterator<Item = TaskId>,
        now_ms: i64,
    ) {
        let mut lists = self.lists();
        for request_id in requests {
            if lists.n_lists.len() >= MAX_SHOWN {
                *lists = Lists { since_ms: now_ms + 1, n_lists: HashMap::new() };
            }
            *lists.n_lists.entry((request_id, agent.agent_id)).or_default() += 1;
        }
    }

    /// Whether nobody else who looks like this agent can know of a request that was made at
    /// `created_ms`. One that was in no list was told otherwise, to somebody whom its name tells apart.
    pub(super) fn is_known_to_one(
        &self,
        agent: &OldAgent,
        request_id: TaskId,
        created_ms: i64,
    ) -> bool {
        let lists = self.lists();
        let n_lists = lists.n_lists.get(&(request_id, agent.agent_id)).copied().unwrap_or(0);
        created_ms >= lists.since_ms && (n_lists == 1 || (n_lists == 0 && agent.has_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(has_name: bool) -> OldAgent {
        OldAgent {
            agent_id: AgentId::fresh(),
            name: "lab".to_owned(),
            has_name,
            is_one_agent: false,
        }
    }

    #[test]
    fn a_request_in_one_list_is_known_to_one() {
        let shown = Shown::new(100);
        let (named, nameless, request_id) = (agent(true), agent(false), TaskId::fresh());
        assert!(shown.is_known_to_one(&named, request_id, 100));
        assert!(!shown.is_known_to_one(&nameless, request_id, 100));
        for it in [&named, &nameless] {
            shown.show(it, [request_id], 100);
            assert!(shown.is_known_to_one(it, request_id, 100));
            assert!(!shown.is_known_to_one(it, request_id, 99), "it may have been shown before");
            shown.show(it, [request_id], 100);
            assert!(!shown.is_known_to_one(it, request_id, 100));
        }
    }

    #[test]
    fn many_requests_do_not_fill_the_memory_and_are_not_taken_for_unseen() {
        let shown = Shown::new(0);
        let (it, first) = (agent(true), TaskId::fresh());
        shown.show(&it, [first], 5);
        shown.show(&it, [first], 5);
        shown.show(&it, (0..MAX_SHOWN).map(|_| TaskId::fresh()), 9);
        assert_eq!(shown.lists().n_lists.len(), 1);
        assert!(!shown.is_known_to_one(&it, first, 9));
        assert!(shown.is_known_to_one(&it, TaskId::fresh(), 10));
    }
}
