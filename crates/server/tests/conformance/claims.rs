//! Which task goes to which agent: capabilities, the order against a plain model of its rule, one
//! grant for each question, and fifty agents at once.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    id::{ClaimId, JobId, TaskId},
    lease::ClaimRequest,
    task::{FailureClass, Needs, TaskClass, TaskFailure, TaskState},
};
use server::{
    queue::{
        Refusal,
        order::{self, Side},
    },
    store::{NewTask, Store, StoreError},
};

use super::{LEASE_MS, agent, at, new_job, segment, sha};

const MINUTE_MS: i64 = 60_000;

fn failure(class: FailureClass) -> TaskFailure {
    TaskFailure::new(class, "test", "it did not work")
}

/// Fifty agents at once on a queue of a thousand tasks: nothing is granted twice, and the events
/// stay gapless.
pub(crate) async fn each_task_is_granted_once_to_many_agents(store: Store) {
    let job_id = new_job(&store, 1).await;
    let n_tasks = 1_000;
    let mut requests = tokio::task::JoinSet::new();
    for slice_index in 0..n_tasks {
        let store = store.clone();
        requests
            .spawn(async move { store.enqueue(&segment(job_id, slice_index), 0).await.unwrap() });
    }
    requests.join_all().await;
    let mut agents = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        agents.spawn(async move {
            let mut granted = Vec::new();
            loop {
                let request = ClaimRequest { claim_id: Some(ClaimId::fresh()), ..agent() };
                let Some(it) = store.claim(&request, 1_000_000, 1).await.unwrap() else { break };
                granted.push((it.task.task_id, it.fence));
            }
            granted
        });
    }
    let granted: Vec<_> = agents.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = granted.iter().map(|(it, _)| *it).collect();
    assert_eq!((granted.len(), distinct.len()), (n_tasks as usize, n_tasks as usize));
    assert!(granted.iter().all(|(_, fence)| *fence == 1));
    let events = store.events_after(0, None, 10_000).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|it| it.event_id).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
}

pub(crate) async fn a_task_goes_only_to_an_agent_that_has_what_it_needs(store: Store) {
    let job_id = new_job(&store, 1).await;
    let able = ClaimRequest {
        models: vec![sha(6), sha(7)],
        gpu_memory_bytes: Some(8 << 30),
        programs: vec!["clam".to_owned(), "c_am".to_owned()],
        ..agent()
    };
    let program = |it: &str| Needs { program: Some(it.to_owned()), ..Needs::default() };
    let cases = [
        (
            Needs { model: Some(sha(7)), ..Needs::default() },
            ClaimRequest { models: vec![sha(6)], ..able.clone() },
        ),
        (
            Needs { gpu_memory_bytes: Some(8 << 30), ..Needs::default() },
            ClaimRequest { gpu_memory_bytes: Some((8 << 30) - 1), ..able.clone() },
        ),
        (
            Needs { gpu_memory_bytes: Some(1), ..Needs::default() },
            ClaimRequest { gpu_memory_bytes: None, ..able.clone() },
        ),
        (
            Needs { min_protocol: 2, ..Needs::default() },
            ClaimRequest { protocol: 1, ..able.clone() },
        ),
        (program("clam"), ClaimRequest { programs: vec!["clam2".to_owned()], ..able.clone() }),
        // `_` and `%` stand for nothing but themselves.
        (program("c_am"), ClaimRequest { programs: vec!["clam".to_owned()], ..able.clone() }),
        (program("c_am"), ClaimRequest { programs: Vec::new(), ..able.clone() }),
    ];
    for (n, (needs, unable)) in cases.into_iter().enumerate() {
        let slice_index = u32::try_from(n).unwrap();
        let new = NewTask { needs: needs.clone(), ..segment(job_id, slice_index) };
        let task = store.enqueue(&new, 0).await.unwrap();
        assert_eq!(store.claim(&unable, LEASE_MS, 1).await.unwrap(), None, "{needs:?}");
        let granted = store.claim(&able, LEASE_MS, 1).await.unwrap().unwrap();
        assert_eq!((granted.task.task_id, &granted.needs), (task.task_id, &needs));
    }
}

pub(crate) async fn the_same_question_gets_the_same_task(store: Store) {
    let job_id = new_job(&store, 1).await;
    let mut queued = Vec::new();
    for slice_index in 0..3 {
        queued.push(store.enqueue(&segment(job_id, slice_index), 0).await.unwrap().task_id);
    }
    let question = ClaimRequest { claim_id: Some(ClaimId::fresh()), ..agent() };
    let first = store.claim(&question, LEASE_MS, 10).await.unwrap().unwrap();
    let again = store.claim(&question, LEASE_MS, 500).await.unwrap().unwrap();
    assert_eq!((again.task.task_id, again.fence, again.task.attempt), (queued[0], 1, 1));
    assert_eq!((first.lease_until_ms, again.lease_until_ms), (10 + LEASE_MS, 500 + LEASE_MS));
    let other = ClaimRequest { claim_id: Some(ClaimId::fresh()), ..agent() };
    let second = store.claim(&other, LEASE_MS, 500).await.unwrap().unwrap();
    assert_eq!(second.task.task_id, queued[1]);
    // Once the task has ended nobody hears another answer to the question.
    let why = Some(failure(FailureClass::Permanent));
    store.fail(queued[0], 1, why, 600).await.unwrap();
    let late = store.claim(&question, LEASE_MS, 700).await;
    assert!(matches!(late, Err(StoreError::Refused(Refusal::Replay))), "{late:?}");
    assert_eq!(store.task(queued[2]).await.unwrap().task.state, TaskState::Queued);
    let third = ClaimRequest { claim_id: Some(ClaimId::fresh()), ..question };
    let third = store.claim(&third, LEASE_MS, 800).await.unwrap().unwrap();
    assert_eq!(third.task.task_id, queued[2]);
}

pub(crate) async fn the_same_question_asked_twice_at_once_gets_one_task(store: Store) {
    let job_id = new_job(&store, 1).await;
    for round in 0..20 {
        for slice_index in 0..2 {
            store.enqueue(&segment(job_id, 2 * round + slice_index), 0).await.unwrap();
        }
        let question = ClaimRequest { claim_id: Some(ClaimId::fresh()), ..agent() };
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (store, question) = (store.clone(), question.clone());
            asked
                .spawn(async move { store.claim(&question, 1_000_000, 1).await.unwrap().unwrap() });
        }
        let granted = asked.join_all().await;
        assert_eq!(granted[0].task.task_id, granted[1].task.task_id, "round {round}");
        let left = store.claim(&agent(), 1_000_000, 1).await.unwrap().unwrap();
        assert_ne!(left.task.task_id, granted[0].task.task_id);
    }
}

fn asked_by(by: &str, new: NewTask) -> NewTask {
    NewTask { by: by.to_owned(), ..new }
}

pub(crate) async fn who_asked_for_many_does_not_hold_up_who_asks_for_one(store: Store) {
    let job_id = new_job(&store, 1).await;
    for slice_index in 0..50 {
        store.enqueue(&asked_by("Lee", segment(job_id, slice_index)), 0).await.unwrap();
    }
    for _ in 0..5 {
        store.claim(&agent(), 1_000_000, 1).await.unwrap().unwrap();
    }
    let mut names = BTreeMap::new();
    for slice_index in 100..103 {
        for by in ["Kim", "Park"] {
            let offset = if by == "Kim" { 0 } else { 10 };
            let new = asked_by(by, segment(job_id, slice_index + offset));
            names.insert(store.enqueue(&new, 2).await.unwrap().task_id, by);
        }
    }
    let mut order = Vec::new();
    for _ in 0..9 {
        let granted = store.claim(&agent(), 1_000_000, 3).await.unwrap().unwrap();
        order.push(*names.get(&granted.task.task_id).unwrap_or(&"Lee"));
    }
    assert_eq!(order, ["Lee", "Kim", "Park", "Lee", "Kim", "Park", "Lee", "Kim", "Park"]);
}

pub(crate) async fn what_people_wait_for_goes_before_what_nobody_waits_for(store: Store) {
    let job_id = new_job(&store, 1).await;
    let idle = |slice_index| NewTask {
        class: TaskClass::Batch,
        priority: 0,
        ..segment(job_id, slice_index)
    };
    let old = store.enqueue(&idle(0), 0).await.unwrap().task_id;
    let new = store.enqueue(&idle(1), 9 * MINUTE_MS).await.unwrap().task_id;
    let urgent = store.enqueue(&idle(2), 9 * MINUTE_MS).await.unwrap().task_id;
    store.prioritise(urgent, 20, &at(9 * MINUTE_MS)).await.unwrap();
    let waited_for = |slice_index| NewTask { priority: 0, ..segment(job_id, slice_index) };
    let a = store.enqueue(&waited_for(3), 10 * MINUTE_MS - 2).await.unwrap().task_id;
    let b = store.enqueue(&waited_for(4), 10 * MINUTE_MS - 2).await.unwrap().task_id;
    let mut granted = Vec::new();
    for now_ms in [10 * MINUTE_MS - 1, 10 * MINUTE_MS - 1, 10 * MINUTE_MS] {
        granted.push(store.claim(&agent(), 1_000_000, now_ms).await.unwrap().unwrap().task.task_id);
    }
    assert_eq!(granted, [urgent, a, old], "after ten minutes it is put off no more");
    while let Some(it) = store.claim(&agent(), 1_000_000, 10 * MINUTE_MS).await.unwrap() {
        granted.push(it.task.task_id);
    }
    assert_eq!(granted[3..], [b, new]);
}

/// The same numbers for the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) % limit.unsigned_abs()).unwrap()
    }
}

/// The rule, written down once more as plainly as can be.
#[derive(Default)]
struct Model {
    tasks: Vec<Modelled>,
    clocks: BTreeMap<TaskClass, i64>,
}

#[derive(Clone, PartialEq)]
struct Modelled {
    id: TaskId,
    by: String,
    class: TaskClass,
    priority: i64,
    turn: i64,
    created_ms: i64,
    state: TaskState,
}

impl Model {
    fn clock(&self, class: TaskClass) -> i64 {
        self.clocks.get(&class).copied().unwrap_or(0)
    }

    fn enqueue(&mut self, id: TaskId, new: &NewTask, now_ms: i64) {
        let unfinished = |it: &&Modelled| {
            it.by == new.by
                && it.class == new.class
                && matches!(it.state, TaskState::Queued | TaskState::Leased)
        };
        let own = self.tasks.iter().filter(unfinished).map(|it| it.turn).max().unwrap_or(0);
        self.tasks.push(Modelled {
            id,
            by: new.by.clone(),
            class: new.class,
            priority: i64::from(new.priority),
            turn: own.max(self.clock(new.class)) + 1,
            created_ms: now_ms,
            state: TaskState::Queued,
        });
    }

    fn order(&self, now_ms: i64) -> Vec<TaskId> {
        let mut queued: Vec<_> =
            self.tasks.iter().filter(|it| it.state == TaskState::Queued).collect();
        queued.sort_by_key(|it| {
            let minutes = (now_ms - it.created_ms) / MINUTE_MS;
            let is_waited_for = it.priority > 0
                || (it.priority == 0 && it.class == TaskClass::Interactive)
                || minutes >= 10;
            let score = it.turn - self.clock(it.class) - 10 * it.priority - minutes;
            (!is_waited_for, score, it.created_ms, it.id)
        });
        queued.iter().map(|it| it.id).collect()
    }

    fn grant(&mut self, id: TaskId) {
        let at = self.tasks.iter().position(|it| it.id == id).unwrap();
        self.tasks[at].state = TaskState::Leased;
        let granted = self.tasks[at].clone();
        let has_earlier = self.tasks.iter().any(|it| {
            (it.state, &it.by, it.class) == (TaskState::Queued, &granted.by, granted.class)
                && it.turn < granted.turn
        });
        if !has_earlier {
            let clock = self.clock(granted.class).max(granted.turn);
            self.clocks.insert(granted.class, clock);
        }
    }

    fn one(&mut self, state: TaskState, random: &mut Random) -> Option<&mut Modelled> {
        let mut all: Vec<_> = self.tasks.iter_mut().filter(|it| it.state == state).collect();
        let n = i64::try_from(all.len()).unwrap();
        (n > 0).then(|| all.swap_remove(usize::try_from(random.below(n)).unwrap()))
    }
}

/// Random requests, claims, priorities, ends and pauses: what is granted is what the plain rule says.
pub(crate) async fn tasks_are_granted_in_the_order_of_the_rule(store: Store) {
    let job_id = new_job(&store, 1).await;
    let (mut model, mut now_ms) = (Model::default(), 0);
    for seed in 0..3 {
        let mut random = Random(seed);
        let mut granted = 0;
        for step in 0..150 {
            now_ms += random.below(4) * random.below(60_000);
            match random.below(10) {
                0..=3 => {
                    let slice_index = u32::try_from(seed * 1_000 + step).unwrap();
                    let new = random_task(job_id, slice_index, &mut random);
                    let task = store.enqueue(&new, now_ms).await.unwrap();
                    model.enqueue(task.task_id, &new, now_ms);
                }
                4..=6 => {
                    let order = model.order(now_ms);
                    let waiting = store.queued(now_ms).await.unwrap();
                    let told: Vec<_> = waiting.iter().map(|(it, _)| it.task.task_id).collect();
                    assert_eq!(told, order, "seed {seed}, step {step}");
                    let found = store.claim(&agent(), i64::MAX / 4, now_ms).await.unwrap();
                    let found = found.map(|it| it.task.task_id);
                    assert_eq!(found, order.first().copied(), "seed {seed}, step {step}");
                    if let Some(id) = found {
                        model.grant(id);
                        granted += 1;
                    }
                }
                7 => {
                    let Some(it) = model.one(TaskState::Queued, &mut random) else { continue };
                    it.priority = random.below(7) - 3;
                    let priority = i32::try_from(it.priority).unwrap();
                    store.prioritise(it.id, priority, &at(now_ms)).await.unwrap();
                }
                8 => {
                    let Some(it) = model.one(TaskState::Queued, &mut random) else { continue };
                    it.state = TaskState::Cancelled;
                    store.cancel(it.id, &at(now_ms)).await.unwrap();
                }
                _ => {
                    let Some(it) = model.one(TaskState::Leased, &mut random) else { continue };
                    it.state = TaskState::Failed;
                    let why = Some(failure(FailureClass::Permanent));
                    store.fail(it.id, 1, why, now_ms).await.unwrap();
                }
            }
        }
        assert!(granted > 20, "seed {seed} grants {granted}");
        // The next seed begins with an empty queue, and with the clocks where they are.
        while let Some(it) = model.one(TaskState::Queued, &mut random) {
            it.state = TaskState::Cancelled;
            store.cancel(it.id, &at(now_ms)).await.unwrap();
        }
        while let Some(it) = model.one(TaskState::Leased, &mut random) {
            it.state = TaskState::Failed;
            store.fail(it.id, 1, Some(failure(FailureClass::Permanent)), now_ms).await.unwrap();
        }
    }
}

fn random_task(job_id: JobId, slice_index: u32, random: &mut Random) -> NewTask {
    let by = ["Kim", "Lee", "Park", ""][usize::try_from(random.below(4)).unwrap()];
    let class = if random.below(2) == 0 { TaskClass::Interactive } else { TaskClass::Batch };
    let priority = if random.below(3) == 0 { i32::try_from(random.below(3)).unwrap() } else { 0 };
    NewTask { class, priority, ..asked_by(by, segment(job_id, slice_index)) }
}

pub(crate) async fn a_task_moves_to_either_side_of_another(store: Store) {
    let job_id = new_job(&store, 1).await;
    let mut random = Random(7);
    for slice_index in 0..12 {
        let new = random_task(job_id, slice_index, &mut random);
        store.enqueue(&new, i64::from(slice_index) * 40_000).await.unwrap();
    }
    let now_ms = 12 * 40_000;
    for round in 0..40 {
        let queued = store.queued(now_ms).await.unwrap();
        let n = i64::try_from(queued.len()).unwrap();
        let mut draw = || &queued[usize::try_from(random.below(n)).unwrap()];
        let ((moved, place), (other, target)) = (draw(), draw());
        if moved.task.task_id == other.task.task_id {
            continue;
        }
        let side = if round % 2 == 0 { Side::Before } else { Side::After };
        let priority = order::moved_priority(&moved.task, place, side, target);
        let id = moved.task.task_id;
        store.prioritise(id, priority, &at(now_ms)).await.unwrap();
        let order: Vec<_> =
            store.queued(now_ms).await.unwrap().iter().map(|(it, _)| it.task.task_id).collect();
        let find = |id| order.iter().position(|it| *it == id).unwrap();
        let is_before = find(id) < find(other.task.task_id);
        assert_eq!(is_before, side == Side::Before, "round {round}: {priority}");
    }
}

pub(crate) async fn where_memory_ran_out_the_lease_says_smaller(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 1), 0).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let id = leased.task.task_id;
    assert_eq!((leased.task.smaller, leased.task.device.as_deref()), (false, Some("cpu")));
    store.fail(id, 1, Some(failure(FailureClass::OutOfMemory)), 10).await.unwrap();
    assert_eq!(store.claim(&agent(), LEASE_MS, 1_009).await.unwrap(), None, "a pause");
    let again = store.claim(&agent(), LEASE_MS, 1_510).await.unwrap().unwrap();
    assert!(again.task.smaller);
    store.fail(id, 2, Some(failure(FailureClass::OutOfMemory)), 2_000).await.unwrap();
    let failed = store.task(id).await.unwrap().task;
    assert_eq!((failed.state, failed.failures.len()), (TaskState::Failed, 2));
}
