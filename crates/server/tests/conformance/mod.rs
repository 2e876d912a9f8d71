//! What every database must do: one suite, run on SQLite by `tests/sqlite.rs` and on PostgreSQL by
//! `tests/postgres.rs`. A test left out of the list at the end is dead code, and the build says so.

mod claims;
mod devices;
mod history;
mod jobs;
mod people;
mod queue;
mod requests;
mod reviewing;
mod tasks;
pub(crate) mod upgrade;

use protocol::{
    id::{AgentId, JobId, RevisionId, Sha256},
    job::{Author, Image, Modality, Revision},
    label::Label,
    lease::{ClaimRequest, PROTOCOL_VERSION},
    prompt::{Combine, Direction, SlicePrompt, SliceRef},
    rating::Rating,
    task::{
        EngineIdentity, EngineName, ImageRef, MaskExtent, Needs, Propagate, SegmentSlice,
        TaskClass, TaskKind, TaskSpec,
    },
};
use server::store::{Act, Completion, NewJob, NewRevision, NewTask, Store};

pub(crate) use claims::*;
pub(crate) use devices::*;
pub(crate) use history::*;
pub(crate) use jobs::*;
pub(crate) use people::*;
pub(crate) use queue::*;
pub(crate) use requests::{
    a_deleted_request_takes_its_files_with_it, a_program_runs_from_request_to_result,
    a_request_is_granted_to_one_of_many_who_ask_for_it,
    a_request_waits_for_an_agent_that_offers_its_program,
    requests_that_an_agent_may_take_come_in_the_order_of_asking,
};
pub(crate) use reviewing::*;
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
        rating: Some(Rating {
            doubt: Some(0.25),
            axis: 2,
            doubtful_slices: Vec::new(),
            is_edited: false,
        }),
        n_objects: Some(1),
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

macro_rules! conformance_tests {
    () => {
        conformance_tests!(
            a_job_comes_back_as_it_was_made,
            a_task_runs_from_queue_to_revision,
            a_stale_agent_changes_nothing,
            a_newer_request_for_the_same_slice_takes_the_place_of_the_older,
            a_task_that_is_claimed_while_it_is_superseded_ends_all_the_same,
            a_job_is_deleted_while_an_agent_claims_its_task,
            who_waits_for_a_task_is_woken_by_its_turns_only,
            a_job_is_propagated_or_segmented_but_not_both_at_once,
            urgent_tasks_go_first_and_old_ones_before_new_ones,
            agents_get_only_what_they_can_run,
            a_failed_task_says_why_and_the_job_can_go_on,
            time_ends_what_nobody_works_on,
            what_a_withdrawn_task_had_made_is_found_once_its_agent_is_gone,
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
            requests_that_an_agent_may_take_come_in_the_order_of_asking,
            a_deleted_request_takes_its_files_with_it,
            a_device_is_kept_as_it_last_spoke,
            a_device_that_is_removed_is_told_of_once_and_may_come_back,
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
