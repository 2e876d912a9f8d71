//! What every database must do: one suite, run on SQLite by `tests/sqlite.rs` and on PostgreSQL by
//! `tests/postgres.rs`. A test left out of the list at the end is dead code, and the build says so.

mod claims;
mod history;
mod people;
mod requests;
mod reviewing;
mod tasks;
pub(crate) mod upgrade;

use std::collections::BTreeSet;

use protocol::{
    event::EventBody,
    id::{AgentId, JobId, RevisionId, Sha256},
    job::{Author, Image, JobState, Modality, Revision},
    label::Label,
    lease::{ClaimRequest, Heartbeat, PROTOCOL_VERSION},
    prompt::{Combine, Direction, SlicePrompt, SliceRef},
    task::{
        EngineIdentity, EngineName, FailureClass, ImageRef, MaskExtent, Needs, Progress, Propagate,
        SegmentSlice, TaskClass, TaskFailure, TaskKind, TaskSpec, TaskState,
    },
};
use server::{
    queue::Refusal,
    store::{Act, Completion, NewJob, NewRevision, NewTask, Store, StoreError},
};

pub(crate) use claims::*;
pub(crate) use history::*;
pub(crate) use people::*;
pub(crate) use requests::{
    a_deleted_request_takes_its_files_with_it, a_program_runs_from_request_to_result,
    a_request_is_granted_to_one_of_many_who_ask_for_it,
    a_request_waits_for_an_agent_that_offers_its_program,
};
pub(crate) use reviewing::*;
use tasks::of_job;
pub(crate) use tasks::{
    a_list_of_tasks_is_cut_by_job_state_and_place, a_person_changes_the_order_of_waiting_tasks,
    a_task_knows_its_job_engine_and_agent, every_step_of_a_task_is_in_its_log,
    stages_fill_no_disk_with_lines, the_log_says_what_a_repeated_attempt_failed_of,
    what_is_said_is_kept_once_and_goes_with_its_job,
};

const LEASE_MS: i64 = 2_000;

fn sha(byte: u8) -> Sha256 {
    Sha256::from_digest([byte; 32])
}

async fn new_job(store: &Store, image: u8) -> JobId {
    let job_id = JobId::fresh();
    let new = NewJob {
        job_id,
        name: "phantom — 복부".to_owned(),
        image: Image {
            sha256: sha(image),
            file_name: "phantom.nii.gz".to_owned(),
            bytes: 1_234,
            shape: [64, 48, 24],
            n_frames: 1,
            spacing_mm: [0.7, 0.7, 5.0],
            axis_codes: "LPS".to_owned(),
            ras_from_voxel: [
                [-0.7, 0.0, 0.0, 10.0],
                [0.0, -0.7, 0.0, 20.0],
                [0.0, 0.0, 5.0, -30.5],
                [0.0, 0.0, 0.0, 1.0],
            ],
            modality: Modality::Ct,
            intensity_range: [-1024.0, 1500.25],
            intensity_percentiles: [-1000.0, 400.0],
        },
        labels: vec![Label::new(1, "Liver", "#ff0000")],
    };
    store.create_job(&new, &at(1_000)).await.unwrap();
    job_id
}

fn prompt(slice_index: u32, label: u8) -> SlicePrompt {
    SlicePrompt {
        slice: SliceRef { axis: 2, slice_index },
        label,
        bounds: Some([3.0, 4.0, 10.0, 12.5]),
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    }
}

fn segment(job_id: JobId, slice_index: u32) -> NewTask {
    NewTask {
        job_id: Some(job_id),
        spec: TaskSpec::SegmentSlice(SegmentSlice {
            image: ImageRef { sha256: sha(1), frame: 0, modality: Modality::Ct },
            engine: EngineName::Graphcut,
            prompt: prompt(slice_index, 1),
            base: None,
            window: None,
        }),
        priority: 10,
        time_limit_ms: 360_000,
        max_attempts: 3,
        hints: Vec::new(),
        by: String::new(),
        class: TaskClass::Interactive,
        needs: Needs::default(),
    }
}

fn propagate(job_id: JobId) -> NewTask {
    NewTask {
        job_id: Some(job_id),
        spec: TaskSpec::Propagate(Propagate {
            image: ImageRef { sha256: sha(1), frame: 0, modality: Modality::Ct },
            engine: EngineName::Graphcut,
            label: 1,
            axis: 2,
            prompts: vec![prompt(5, 1)],
            base: Some(sha(9)),
            direction: Direction::Both,
            range: None,
            combine: Combine::Union,
            largest_component: false,
            interpolate: false,
            window: None,
        }),
        priority: 0,
        time_limit_ms: 360_000,
        max_attempts: 3,
        hints: Vec::new(),
        by: String::new(),
        class: TaskClass::Interactive,
        needs: Needs::default(),
    }
}

fn agent() -> ClaimRequest {
    ClaimRequest {
        agent_id: AgentId::fresh(),
        name: "test".to_owned(),
        protocol: PROTOCOL_VERSION,
        kinds: vec![TaskKind::SegmentSlice, TaskKind::Propagate],
        engines: vec![EngineName::Graphcut],
        wait_secs: 0,
        claim_id: None,
        device: "cpu".to_owned(),
        slots: 1,
        models: Vec::new(),
        gpu_memory_bytes: None,
        programs: Vec::new(),
    }
}

fn revision(parent: Option<RevisionId>, mask: u8) -> Revision {
    Revision {
        revision_id: RevisionId::fresh(),
        parent,
        mask: sha(mask),
        author: Author::Engine {
            task_id: protocol::id::TaskId::fresh(),
            engine: EngineIdentity {
                name: EngineName::Graphcut,
                version: "0".to_owned(),
                model: None,
            },
        },
        action: None,
        changed: None,
        label: Some(1),
        extent: Some(MaskExtent { axis: 2, first: 5, last: 5 }),
        prompts: vec![prompt(5, 1)],
        parameters: None,
        slices: Vec::new(),
        doubt: Some(0.25),
        created_ms: 5,
    }
}

fn completion(parent: Option<RevisionId>, mask: u8) -> Completion {
    let made = NewRevision { revision: revision(parent, mask), touched: vec![1] };
    Completion { key: sha(mask), output: sha(mask + 100), made }
}

/// A person's revision that brings these prompts.
fn edit(parent: Option<RevisionId>, mask: u8, prompts: &[SlicePrompt]) -> NewRevision {
    let author = Author::Person { name: "Kim".to_owned() };
    let prompts = prompts.to_vec();
    let revision = Revision { author, prompts, ..revision(parent, mask) };
    NewRevision { revision, touched: vec![1] }
}

fn at(now_ms: i64) -> Act {
    Act { by: "Kim".to_owned(), now_ms }
}

pub(crate) async fn a_job_comes_back_as_it_was_made(store: Store) {
    let job_id = new_job(&store, 1).await;
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.summary.name, "phantom — 복부");
    assert_eq!(job.summary.status, JobState::Ready);
    assert_eq!(job.summary.image.shape, [64, 48, 24]);
    assert_eq!(job.summary.image.ras_from_voxel[2][3], -30.5);
    assert_eq!(job.labels[0].name, "Liver");
    assert_eq!(store.jobs().await.unwrap(), [job.summary]);
    let missing = store.job(JobId::fresh()).await;
    assert!(matches!(missing, Err(StoreError::NotFound { what: "job", .. })));
}

pub(crate) async fn a_task_runs_from_queue_to_revision(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 2_000).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Segmenting);
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(5, 1)]);

    let leased = store.claim(&agent(), LEASE_MS, 3_000).await.unwrap().unwrap();
    assert_eq!((leased.task.task_id, leased.fence), (task.task_id, 1));
    assert_eq!(store.claim(&agent(), LEASE_MS, 3_000).await.unwrap(), None, "granted once");

    let beat = Heartbeat {
        fence: 1,
        progress: Progress { done: 1, total: 3, stage: "solving".to_owned() },
        wait_ms: 0,
        partial: Some(sha(77)),
    };
    let renewed = store.heartbeat(task.task_id, beat, LEASE_MS, 4_000).await.unwrap();
    assert_eq!((renewed.lease_until_ms, renewed.partial), (6_000, Some(sha(77))));

    let made = completion(None, 20);
    store.record_delivery(task.task_id, &made.output).await.unwrap();
    let done = store.complete(task.task_id, 1, &made, 5_000).await.unwrap();
    assert_eq!(done.task.state, TaskState::Succeeded);
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.summary.status, JobState::Segmented);
    assert_eq!(job.summary.doubt, Some(0.25));
    assert_eq!(job.head_revision.as_ref(), Some(&made.made.revision));
    assert_eq!(job.task, None);

    let again = store.complete(task.task_id, 1, &made, 6_000).await;
    assert!(matches!(again, Err(StoreError::Refused(Refusal::Replay))));
    assert_eq!(store.revisions(job_id).await.unwrap().len(), 1);
}

pub(crate) async fn a_stale_agent_changes_nothing(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let second = store.claim(&agent(), LEASE_MS, LEASE_MS + 1_501).await.unwrap().unwrap();
    assert_eq!((second.fence, second.task.attempt), (2, 2));

    let stale = store.complete(task.task_id, 1, &completion(None, 20), 3_000).await;
    assert!(matches!(stale, Err(StoreError::Refused(Refusal::StaleFence))));
    assert!(store.job(job_id).await.unwrap().head_revision.is_none());
    store.complete(task.task_id, 2, &completion(None, 21), 3_000).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().head_revision.unwrap().mask, sha(21));
}

pub(crate) async fn a_newer_request_for_the_same_slice_takes_the_place_of_the_older(store: Store) {
    let job_id = new_job(&store, 1).await;
    let older = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let other_slice = store.enqueue(&segment(job_id, 6), 0).await.unwrap();
    let newer = store.enqueue(&segment(job_id, 5), 1).await.unwrap();
    assert_eq!(store.task(older.task_id).await.unwrap().task.state, TaskState::Cancelled);
    for task in [other_slice, newer] {
        assert_eq!(store.task(task.task_id).await.unwrap().task.state, TaskState::Queued);
    }
}

pub(crate) async fn a_job_is_propagated_or_segmented_but_not_both_at_once(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let refused = store.enqueue(&propagate(job_id), 0).await;
    assert!(matches!(refused, Err(StoreError::WrongState(_))));
    let leased = store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    store.complete(leased.task.task_id, 1, &completion(None, 20), 1).await.unwrap();

    let task = store.enqueue(&propagate(job_id), 2).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Propagating);
    let refused = store.enqueue(&segment(job_id, 5), 3).await;
    assert!(matches!(refused, Err(StoreError::WrongState(_))));

    let cancelled = store.cancel(task.task_id, &at(4)).await.unwrap();
    assert_eq!(cancelled.task.state, TaskState::Cancelled);
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.summary.status, JobState::Cancelled);
    assert!(job.head_revision.is_some(), "the last mask is kept");
    store.enqueue(&propagate(job_id), 5).await.unwrap();
}

pub(crate) async fn urgent_tasks_go_first_and_old_ones_before_new_ones(store: Store) {
    let (a, b) = (new_job(&store, 1).await, new_job(&store, 2).await);
    let leased = {
        store.enqueue(&segment(a, 1), 0).await.unwrap();
        store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap()
    };
    store.complete(leased.task.task_id, 1, &completion(None, 20), 1).await.unwrap();
    let slow = store.enqueue(&propagate(a), 2).await.unwrap();
    let first = store.enqueue(&segment(b, 1), 3).await.unwrap();
    let second = store.enqueue(&segment(b, 2), 4).await.unwrap();
    let mut granted = Vec::new();
    while let Some(it) = store.claim(&agent(), LEASE_MS, 5).await.unwrap() {
        granted.push(it.task.task_id);
    }
    assert_eq!(granted, [first.task_id, second.task_id, slow.task_id]);
}

pub(crate) async fn agents_get_only_what_they_can_run(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let mut other = agent();
    other.kinds = vec![TaskKind::Propagate];
    assert_eq!(store.claim(&other, LEASE_MS, 1).await.unwrap(), None);
    other.kinds = vec![TaskKind::SegmentSlice];
    other.engines = Vec::new();
    assert_eq!(store.claim(&other, LEASE_MS, 1).await.unwrap(), None);
    assert!(store.claim(&agent(), LEASE_MS, 1).await.unwrap().is_some());
}

pub(crate) async fn a_failed_task_says_why_and_the_job_can_go_on(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let why = TaskFailure {
        class: FailureClass::Permanent,
        code: "no_object".to_owned(),
        message: "nothing found".to_owned(),
        remedy: Some("draw a larger box".to_owned()),
    };
    store.fail(task.task_id, 1, Some(why.clone()), 1).await.unwrap();
    let record = store.task(task.task_id).await.unwrap();
    assert_eq!((record.task.state, record.task.failure), (TaskState::Failed, Some(why)));
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Failed);
    store.enqueue(&segment(job_id, 5), 2).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Segmenting);
}

pub(crate) async fn time_ends_what_nobody_works_on(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let mut now_ms = 0;
    for _ in 0..3 {
        assert_eq!(store.tick(now_ms).await.unwrap(), 0);
        store.claim(&agent(), LEASE_MS, now_ms).await.unwrap().unwrap();
        now_ms += LEASE_MS + 3_001;
    }
    assert_eq!(store.claim(&agent(), LEASE_MS, now_ms).await.unwrap(), None, "no attempt left");
    assert_eq!(store.tick(now_ms).await.unwrap(), 1);
    let record = store.task(task.task_id).await.unwrap();
    assert_eq!(record.task.failure.unwrap().class, FailureClass::Quarantined);
    assert_eq!(record.task.failures.len(), 3, "each attempt says what it failed of");
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Failed);
}

pub(crate) async fn only_an_edit_of_the_head_is_accepted(store: Store) {
    let job_id = new_job(&store, 1).await;
    let first = edit(None, 20, &[]);
    store.add_revision(job_id, &first, &at(1)).await.unwrap();
    let parent = Some(first.revision.revision_id);
    let second = edit(parent, 21, &[prompt(7, 2)]);
    store.add_revision(job_id, &second, &at(2)).await.unwrap();
    let late = store.add_revision(job_id, &edit(parent, 22, &[]), &at(3)).await;
    assert!(matches!(late, Err(StoreError::NotHead { .. })));
    let (first, second) = (first.revision, second.revision);
    let history = store.revisions(job_id).await.unwrap();
    assert_eq!(history, [first.clone(), second.clone()]);
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(7, 2)]);
    assert_eq!(store.revision(job_id, first.revision_id).await.unwrap(), first);
    let elsewhere = new_job(&store, 2).await;
    let found = store.revision(elsewhere, first.revision_id).await;
    assert!(matches!(found, Err(StoreError::NotFound { what: "revision", .. })));
}

pub(crate) async fn a_completion_on_a_moved_head_leaves_the_task_running(store: Store) {
    let job_id = new_job(&store, 1).await;
    let task = store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    let edit = edit(None, 30, &[]);
    store.add_revision(job_id, &edit, &at(1)).await.unwrap();
    let late = store.complete(task.task_id, 1, &completion(None, 20), 2).await;
    assert!(matches!(late, Err(StoreError::NotHead { .. })));
    let record = store.task(task.task_id).await.unwrap();
    assert_eq!(record.task.state, TaskState::Leased, "nothing was half written");
    let merged = completion(Some(edit.revision.revision_id), 21);
    store.complete(task.task_id, 1, &merged, 3).await.unwrap();
    assert_eq!(
        store.job(job_id).await.unwrap().summary.head,
        Some(merged.made.revision.revision_id)
    );
}

pub(crate) async fn a_deleted_job_takes_with_it_what_only_it_referred_to(store: Store) {
    let (a, b) = (new_job(&store, 1).await, new_job(&store, 1).await);
    store.enqueue(&segment(a, 5), 0).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    store.complete(leased.task.task_id, 1, &completion(None, 20), 1).await.unwrap();
    store.record_delivery(leased.task.task_id, &sha(120)).await.unwrap();

    let orphans: BTreeSet<_> = store.delete_job(a, &at(2)).await.unwrap().into_iter().collect();
    assert_eq!(orphans, BTreeSet::from([sha(20), sha(120)]), "the image is still needed");
    assert!(matches!(store.job(a).await, Err(StoreError::NotFound { what: "job", .. })));
    assert!(store.revisions(a).await.unwrap().is_empty());
    assert!(store.tasks(&of_job(a), 10).await.unwrap().is_empty());
    assert!(store.is_referenced(&sha(1)).await.unwrap());
    assert_eq!(store.delete_job(b, &at(3)).await.unwrap(), [sha(1)]);
    assert!(!store.is_referenced(&sha(1)).await.unwrap());
}

pub(crate) async fn prompts_are_replaced_and_removed_one_slice_at_a_time(store: Store) {
    let job_id = new_job(&store, 1).await;
    for it in [prompt(5, 1), prompt(5, 2), prompt(6, 1)] {
        store.put_prompt(job_id, &it, 1).await.unwrap();
    }
    let mut absent = prompt(5, 1);
    (absent.bounds, absent.absent) = (None, true);
    store.put_prompt(job_id, &absent, 2).await.unwrap();
    let expected = [absent, prompt(6, 1), prompt(5, 2)];
    assert_eq!(store.prompts(job_id).await.unwrap(), expected);
    store.delete_prompt(job_id, 1, SliceRef { axis: 2, slice_index: 6 }, 3).await.unwrap();
    assert_eq!(store.prompts(job_id).await.unwrap().len(), 2);
    let nowhere = store.put_prompt(JobId::fresh(), &prompt(1, 1), 4).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { what: "job", .. })));
}

pub(crate) async fn events_have_no_gap_and_tell_everything_in_order(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 0).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 0).await.unwrap().unwrap();
    store.complete(leased.task.task_id, 1, &completion(None, 20), 1).await.unwrap();
    store.delete_job(job_id, &at(2)).await.unwrap();
    let other = new_job(&store, 2).await;

    let events = store.events_after(0, None, 100).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|it| it.event_id).collect();
    assert_eq!(numbers, (1..=events.len() as i64).collect::<Vec<_>>());
    assert_eq!(store.last_event_id().await.unwrap(), events.len() as i64);
    let names: Vec<_> = events.iter().map(|it| it.body.name()).collect();
    assert_eq!(
        names,
        [
            "job_update",
            "queue_update",
            "job_update",
            "queue_update",
            "queue_update",
            "revision_update",
            "job_update",
            "job_removed",
            "job_update",
        ]
    );
    let rest = store.events_after(numbers[3], Some(job_id), 2).await.unwrap();
    assert_eq!(rest.iter().map(|it| it.event_id).collect::<Vec<_>>(), [5, 6]);
    let of_other = store.events_after(0, Some(other), 100).await.unwrap();
    assert!(matches!(of_other[..], [ref it] if matches!(it.body, EventBody::JobUpdate { .. })));
}

/// Many requests at once about one job: one propagation is queued, and the job's state is that of
/// its tasks whatever the order in which they end.
pub(crate) async fn requests_about_one_job_take_turns(store: Store) {
    for round in 0..10 {
        let job_id = new_job(&store, 1).await;
        store.add_revision(job_id, &edit(None, 20, &[]), &at(1)).await.unwrap();
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = store.clone();
            requests.spawn(async move { store.enqueue(&propagate(job_id), 2).await.is_ok() });
        }
        let n_queued = requests.join_all().await.into_iter().filter(|it| *it).count();
        assert_eq!(n_queued, 1, "round {round}");

        let task = store.tasks(&of_job(job_id), 1).await.unwrap().remove(0);
        store.cancel(task.task_id, &at(3)).await.unwrap();
        let tasks = [
            store.enqueue(&segment(job_id, 5), 4).await.unwrap(),
            store.enqueue(&segment(job_id, 6), 4).await.unwrap(),
        ];
        let mut cancels = tokio::task::JoinSet::new();
        for task in tasks {
            let store = store.clone();
            cancels.spawn(async move { store.cancel(task.task_id, &at(5)).await.is_ok() });
        }
        assert!(cancels.join_all().await.into_iter().all(|it| it));
        assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Cancelled);
    }
}

macro_rules! conformance_tests {
    () => {
        conformance_tests!(
            a_job_comes_back_as_it_was_made,
            a_task_runs_from_queue_to_revision,
            a_stale_agent_changes_nothing,
            a_newer_request_for_the_same_slice_takes_the_place_of_the_older,
            a_job_is_propagated_or_segmented_but_not_both_at_once,
            urgent_tasks_go_first_and_old_ones_before_new_ones,
            agents_get_only_what_they_can_run,
            a_failed_task_says_why_and_the_job_can_go_on,
            time_ends_what_nobody_works_on,
            only_an_edit_of_the_head_is_accepted,
            a_completion_on_a_moved_head_leaves_the_task_running,
            a_deleted_job_takes_with_it_what_only_it_referred_to,
            prompts_are_replaced_and_removed_one_slice_at_a_time,
            events_have_no_gap_and_tell_everything_in_order,
            requests_about_one_job_take_turns,
            each_task_is_granted_once_to_many_agents,
            a_task_goes_only_to_an_agent_that_has_what_it_needs,
            the_same_question_gets_the_same_task,
            the_same_question_asked_twice_at_once_gets_one_task,
            who_asked_for_many_does_not_hold_up_who_asks_for_one,
            what_people_wait_for_goes_before_what_nobody_waits_for,
            tasks_are_granted_in_the_order_of_the_rule,
            a_task_moves_to_either_side_of_another,
            where_memory_ran_out_the_lease_says_smaller,
            a_list_of_tasks_is_cut_by_job_state_and_place,
            a_person_changes_the_order_of_waiting_tasks,
            a_task_knows_its_job_engine_and_agent,
            every_step_of_a_task_is_in_its_log,
            stages_fill_no_disk_with_lines,
            the_log_says_what_a_repeated_attempt_failed_of,
            what_is_said_is_kept_once_and_goes_with_its_job,
            undo_goes_back_to_no_mask_and_redo_to_the_newest,
            an_edit_after_an_undo_begins_a_branch_and_jumps_lead_back,
            only_a_head_that_was_seen_is_left_for_one_that_is_there,
            undo_takes_the_prompt_with_its_mask_and_redo_brings_both_back,
            an_undone_propagation_leaves_the_points_it_started_from,
            a_mask_that_comes_after_an_undo_brings_its_prompt,
            marks_made_while_an_engine_runs_belong_to_the_next_mask,
            a_locked_object_neither_loses_nor_gains_voxels,
            of_many_who_change_the_same_mask_one_is_first,
            a_deleted_job_takes_its_history_with_it,
            a_review_goes_step_by_step_and_each_is_on_record,
            a_step_is_taken_only_from_where_it_was_seen,
            of_many_reviewers_one_decides,
            an_accepted_job_stays_as_it_is_until_it_is_reopened,
            opinions_stand_in_the_job_until_they_are_removed,
            labels_change_only_from_what_was_seen,
            a_label_sets_name_is_its_own,
            the_audit_list_says_who_did_what_and_outlives_the_job,
            the_first_person_and_the_last_admin_are_admins,
            of_many_admins_who_resign_at_once_one_stays,
            what_was_revoked_or_has_run_out_opens_nothing,
            of_many_who_use_a_join_token_one_gets_in,
            an_invitation_is_taken_up_once_and_not_in_vain,
            a_program_runs_from_request_to_result,
            a_request_waits_for_an_agent_that_offers_its_program,
            a_request_is_granted_to_one_of_many_who_ask_for_it,
            a_deleted_request_takes_its_files_with_it,
        );
    };
    ($($name:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let place = crate::open().await;
                conformance::$name(place.store.clone()).await;
                place.close().await;
            }
        )+
    };
}
