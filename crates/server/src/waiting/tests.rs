//! Each reason, for a task and agents that are as they must be for it.

use protocol::{
    id::{JobId, Sha256},
    prompt::{Combine, Direction},
    task::{EngineName, ImageRef, Needs, Progress, Propagate, TaskClass, TaskKind, TaskSpec},
};

use super::*;

const NOW_MS: i64 = 1_000_000;

fn sha(byte: u8) -> Sha256 {
    Sha256::from_digest([byte; 32])
}

fn task(needs: Needs) -> TaskRecord {
    let spec = Propagate {
        image: ImageRef { sha256: sha(1), frame: 0, modality: protocol::job::Modality::Ct },
        engine: EngineName::Medsam2,
        label: 1,
        axis: 2,
        prompts: Vec::new(),
        base: None,
        direction: Direction::Both,
        range: None,
        combine: Combine::Union,
        largest_component: false,
        interpolate: false,
        window: None,
    };
    TaskRecord {
        task: Task {
            task_id: TaskId::fresh(),
            job_id: Some(JobId::fresh()),
            program: None,
            job_name: None,
            kind: TaskKind::Propagate,
            engine: Some(EngineName::Medsam2),
            label: 1,
            slice: None,
            state: TaskState::Queued,
            priority: 0,
            class: TaskClass::Interactive,
            progress: Progress::default(),
            attempt: 0,
            cancel_requested: false,
            agent_id: None,
            agent: None,
            device: None,
            smaller: false,
            failures: Vec::new(),
            failure: None,
            revision_id: None,
            created_ms: 0,
            started_ms: None,
            finished_ms: None,
        },
        spec: TaskSpec::Propagate(spec),
        needs,
        requested_by: String::new(),
        fair_tag: 1,
        fence: 0,
        claim_id: None,
        lease_until_ms: 0,
        run_after_ms: 0,
        time_limit_ms: 1_000,
        max_attempts: 3,
        partial: None,
        so_far: None,
        output: None,
        completion_key: None,
    }
}

fn agent(change: impl FnOnce(&mut Profile)) -> Seen {
    let mut profile = Profile {
        kinds: vec![TaskKind::Propagate],
        engines: vec![EngineName::Medsam2],
        models: vec![sha(7)],
        gpu_memory_bytes: Some(8 << 30),
        protocol: 2,
        programs: vec!["clam".to_owned()],
        slots: 2,
    };
    change(&mut profile);
    Seen {
        agent_id: AgentId::fresh(),
        device: "cuda:0".to_owned(),
        name: "lab".to_owned(),
        is_here: false,
        profile,
        last_ms: NOW_MS,
        gone_ms: None,
    }
}

fn among(living: Vec<Seen>) -> Agents {
    Agents { living, running: BTreeMap::new() }
}

fn why(record: &TaskRecord, ahead: u32, agents: &Agents) -> Vec<WaitReason> {
    reasons(record, ahead, agents, NOW_MS)
}

#[test]
fn without_agents_it_waits_for_one() {
    assert_eq!(why(&task(Needs::default()), 0, &Agents::default()), [WaitReason::NoAgent]);
}

#[test]
fn what_an_agent_lacks_is_named() {
    let needs = Needs {
        model: Some(sha(7)),
        gpu_memory_bytes: Some(8 << 30),
        min_protocol: 2,
        program: Some("clam".to_owned()),
    };
    let record = task(needs);
    let able = among(vec![agent(|_| {})]);
    assert_eq!(why(&record, 0, &able), [WaitReason::Next { ahead: 0 }]);
    type Change = fn(&mut Profile);
    let lacking: [(Change, Lack); 6] = [
        (|it| it.kinds.clear(), Lack::Kind { kind: TaskKind::Propagate }),
        (
            |it| it.engines = vec![EngineName::Graphcut],
            Lack::Engine { engine: EngineName::Medsam2 },
        ),
        (|it| it.models = vec![sha(8)], Lack::Model { sha256: sha(7) }),
        (|it| it.gpu_memory_bytes = Some((8 << 30) - 1), Lack::GpuMemory { bytes: 8 << 30 }),
        (|it| it.protocol = 1, Lack::Protocol { version: 2 }),
        (|it| it.programs = vec!["clam2".to_owned()], Lack::Program { program: "clam".to_owned() }),
    ];
    for (change, lack) in lacking {
        let expected = [WaitReason::NoAgentFor { n_agents: 1, lacks: vec![lack] }];
        assert_eq!(why(&record, 0, &among(vec![agent(change)])), expected);
    }
}

#[test]
fn of_many_that_cannot_the_one_that_comes_closest_counts() {
    let worse = agent(|it| {
        it.kinds.clear();
        it.engines.clear();
    });
    let better = agent(|it| it.engines.clear());
    let found = why(&task(Needs::default()), 0, &among(vec![worse, better]));
    let lacks = vec![Lack::Engine { engine: EngineName::Medsam2 }];
    assert_eq!(found, [WaitReason::NoAgentFor { n_agents: 2, lacks }]);
}

#[test]
fn agents_are_busy_when_all_their_places_are_taken() {
    let record = task(Needs::default());
    let one = agent(|_| {});
    let leased = TaskRecord {
        task: Task {
            agent_id: Some(one.agent_id),
            device: Some("cuda:0".to_owned()),
            state: TaskState::Leased,
            ..record.task.clone()
        },
        lease_until_ms: NOW_MS,
        ..record.clone()
    };
    let cannot = agent(|it| it.kinds.clear());
    let with =
        |leased: &[TaskRecord]| Agents::new(vec![one.clone(), cannot.clone()], leased, NOW_MS);
    let half = with(std::slice::from_ref(&leased));
    assert_eq!(why(&record, 0, &half), [WaitReason::Next { ahead: 0 }]);
    let busy = [WaitReason::AllBusy { n_agents: 1, ahead: 1 }];
    assert_eq!(why(&record, 1, &half), busy, "the place that is left is another's");
    let full = with(&[leased.clone(), leased.clone()]);
    assert_eq!(why(&record, 0, &full), [WaitReason::AllBusy { n_agents: 1, ahead: 0 }]);
    let expired = TaskRecord { lease_until_ms: NOW_MS - 1, ..leased };
    let over = with(&[expired.clone(), expired.clone()]);
    assert_eq!(why(&record, 1, &over), [WaitReason::Next { ahead: 1 }], "it was heard of since");
    let silent = Seen { last_ms: NOW_MS - 2, ..one };
    let gone = Agents::new(vec![silent], &[expired], NOW_MS);
    assert_eq!(why(&record, 0, &gone), [WaitReason::NoAgent]);
}

#[test]
fn a_failed_attempt_is_followed_by_a_pause_that_is_told_beside_other_reasons() {
    let mut record = task(Needs::default());
    record.run_after_ms = NOW_MS + 500;
    record.task.attempt = 1;
    let pause = WaitReason::BackOff { until_ms: NOW_MS + 500, attempt: 1 };
    let alone = why(&record, 0, &among(vec![agent(|_| {})]));
    assert_eq!(alone, std::slice::from_ref(&pause));
    assert_eq!(why(&record, 0, &Agents::default()), [pause, WaitReason::NoAgent]);
}

#[test]
fn tasks_that_nobody_can_take_stand_in_nobodys_way() {
    let clock = 0;
    let mut records = [
        task(Needs { gpu_memory_bytes: Some(1 << 40), ..Needs::default() }),
        task(Needs::default()),
        task(Needs::default()),
        task(Needs::default()),
    ];
    records[1].run_after_ms = NOW_MS + 1;
    let queued: Vec<_> = records
        .iter()
        .map(|it| {
            let place = crate::queue::order::place(&it.task, it.fair_tag, clock, NOW_MS);
            (it.clone(), place)
        })
        .collect();
    let one_place = among(vec![agent(|it| it.slots = 1)]);
    let all = reasons_of_all(&queued, &one_place, NOW_MS);
    let of = |n: usize| &all[&records[n].task.task_id][..];
    assert!(matches!(of(0), [WaitReason::NoAgentFor { .. }]));
    assert!(matches!(of(1), [WaitReason::BackOff { .. }]));
    assert_eq!(of(2), [WaitReason::Next { ahead: 0 }]);
    assert_eq!(of(3), [WaitReason::AllBusy { n_agents: 1, ahead: 1 }]);
}
