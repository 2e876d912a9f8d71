//! The history: heads that move, prompts that move with them, and locked objects.

use protocol::{
    event::EventBody,
    id::{JobId, RevisionId},
    job::{HeadRequest, JobState, RevisionAction},
    label::Label,
    prompt::{Point, SlicePrompt},
    task::TaskSpec,
};
use server::store::{Completion, NewRevision, Store, StoreError};

use super::{LEASE_MS, agent, at, completion, edit, new_job, prompt, propagate, segment, sha};

type Head = Option<RevisionId>;

/// Adds an edit of the head that brings these prompts.
async fn add(store: &Store, job_id: JobId, mask: u8, prompts: &[SlicePrompt]) -> Head {
    let head = store.job(job_id).await.unwrap().summary.head;
    let new = edit(head, mask, prompts);
    store.add_revision(job_id, &new, &at(1)).await.unwrap();
    Some(new.revision.revision_id)
}

async fn go(store: &Store, job_id: JobId, expected: Head, head: Head) -> Result<(), StoreError> {
    store.move_head(job_id, HeadRequest { head, expected }, &at(9)).await
}

/// Moves the head from where it is.
async fn jump(store: &Store, job_id: JobId, head: Head) {
    let expected = store.job(job_id).await.unwrap().summary.head;
    go(store, job_id, expected, head).await.unwrap();
}

/// Head, and what a redo shows.
async fn stand(store: &Store, job_id: JobId) -> (Head, Head) {
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.head_revision.map(|it| it.revision_id), job.summary.head);
    (job.summary.head, job.redo)
}

pub(crate) async fn undo_goes_back_to_no_mask_and_redo_to_the_newest(store: Store) {
    let job_id = new_job(&store, 1).await;
    let a = add(&store, job_id, 20, &[]).await;
    let b = add(&store, job_id, 21, &[]).await;
    let c = add(&store, job_id, 22, &[]).await;
    assert_eq!(stand(&store, job_id).await, (c, None));
    for (target, redo) in [(b, c), (a, b), (None, a), (a, b), (b, c), (c, None)] {
        jump(&store, job_id, target).await;
        assert_eq!(stand(&store, job_id).await, (target, redo));
    }
    jump(&store, job_id, None).await;
    let job = store.job(job_id).await.unwrap();
    assert_eq!((job.summary.status, job.summary.rating), (JobState::Ready, None));
    assert_eq!(store.revisions(job_id).await.unwrap().len(), 3, "nothing is deleted");
    let events = store.events_after(0, Some(job_id), 100).await.unwrap();
    let heads = events.iter().filter_map(|it| {
        let EventBody::HeadUpdate { head, .. } = it.body else { return None };
        Some(head)
    });
    assert_eq!(heads.collect::<Vec<_>>(), [b, a, None, a, b, c, None]);
}

pub(crate) async fn an_edit_after_an_undo_begins_a_branch_and_jumps_lead_back(store: Store) {
    let job_id = new_job(&store, 1).await;
    let a = add(&store, job_id, 20, &[]).await;
    let b = add(&store, job_id, 21, &[]).await;
    let c = add(&store, job_id, 22, &[]).await;
    jump(&store, job_id, a).await;
    let d = add(&store, job_id, 23, &[]).await;
    jump(&store, job_id, a).await;
    assert_eq!(stand(&store, job_id).await, (a, d), "redo goes to the newer branch");
    jump(&store, job_id, b).await;
    assert_eq!(stand(&store, job_id).await, (b, c), "the older branch's leaf is the tip now");
    jump(&store, job_id, a).await;
    assert_eq!(stand(&store, job_id).await, (a, b));
    jump(&store, job_id, None).await;
    let e = add(&store, job_id, 24, &[]).await;
    assert_eq!(stand(&store, job_id).await, (e, None), "a second beginning");
    jump(&store, job_id, None).await;
    assert_eq!(stand(&store, job_id).await, (None, e));
    jump(&store, job_id, c).await;
    assert_eq!(stand(&store, job_id).await, (c, None));
}

pub(crate) async fn only_a_head_that_was_seen_is_left_for_one_that_is_there(store: Store) {
    let (job_id, elsewhere) = (new_job(&store, 1).await, new_job(&store, 2).await);
    let a = add(&store, job_id, 20, &[]).await;
    let b = add(&store, job_id, 21, &[]).await;
    let foreign = add(&store, elsewhere, 22, &[]).await;
    assert!(matches!(go(&store, job_id, a, None).await, Err(StoreError::NotHead { .. })));
    for head in [foreign, Some(RevisionId::fresh())] {
        let missing = go(&store, job_id, b, head).await;
        assert!(matches!(missing, Err(StoreError::NotFound { what: "revision", .. })));
    }
    let before = store.last_event_id().await.unwrap();
    go(&store, job_id, b, b).await.unwrap();
    assert_eq!(store.last_event_id().await.unwrap(), before, "nothing happened");
    assert_eq!(stand(&store, job_id).await, (b, None));
}

pub(crate) async fn undo_takes_the_prompt_with_its_mask_and_redo_brings_both_back(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.put_prompt(job_id, &prompt(9, 1), 0).await.unwrap();
    // The page stores the prompt before it asks for the mask.
    store.put_prompt(job_id, &prompt(5, 1), 1).await.unwrap();
    store.enqueue(&segment(job_id, 5), 1).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 1).await.unwrap().unwrap();
    let mut made = completion(None, 20);
    made.made.revision.action = Some(RevisionAction::SegmentSlice);
    store.complete(leased.task.task_id, 1, &made, 2).await.unwrap();
    let head = Some(made.made.revision.revision_id);
    store.put_prompt(job_id, &prompt(12, 1), 3).await.unwrap();

    jump(&store, job_id, None).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(9, 1)], "what it did not bring stays");
    jump(&store, job_id, head).await;
    let with_mask = [prompt(5, 1), prompt(9, 1), prompt(12, 1)];
    assert_eq!(store.prompts(job_id).await.unwrap(), with_mask);

    // A slice that a person vouches for takes the box's place, and gives it back.
    let vouched = SlicePrompt { bounds: None, mask: true, ..prompt(5, 1) };
    let confirmed = add(&store, job_id, 21, std::slice::from_ref(&vouched)).await;
    assert_eq!(store.prompts(job_id).await.unwrap()[0], vouched);
    jump(&store, job_id, head).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), with_mask);
    store.delete_prompt(job_id, 1, prompt(12, 1).slice, 4).await.unwrap();
    jump(&store, job_id, confirmed).await;
    let after = [vouched, prompt(9, 1), prompt(12, 1)];
    assert_eq!(store.prompts(job_id).await.unwrap(), after, "that state's prompts, all of them");
    jump(&store, job_id, head).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), with_mask[..2], "and this one's");
}

pub(crate) async fn an_undone_propagation_leaves_the_points_it_started_from(store: Store) {
    let job_id = new_job(&store, 1).await;
    let first = add(&store, job_id, 20, &[prompt(5, 1)]).await;
    store.put_prompt(job_id, &prompt(8, 1), 1).await.unwrap();
    store.enqueue(&propagate(job_id), 2).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 2).await.unwrap().unwrap();
    let mut made = completion(first, 21);
    made.made.revision.action = Some(RevisionAction::Propagate);
    store.complete(leased.task.task_id, 1, &made, 3).await.unwrap();
    let last = Some(made.made.revision.revision_id);
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Completed);

    jump(&store, job_id, first).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(5, 1), prompt(8, 1)]);
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Segmented);
    jump(&store, job_id, last).await;
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Completed);
    add(&store, job_id, 22, &[]).await;
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Completed);
}

pub(crate) async fn a_mask_that_comes_after_an_undo_brings_its_prompt(store: Store) {
    let job_id = new_job(&store, 1).await;
    let first = add(&store, job_id, 20, &[prompt(9, 1)]).await;
    let mut of_first = segment(job_id, 5);
    let TaskSpec::SegmentSlice(spec) = &mut of_first.spec else { panic!("a slice") };
    spec.base = Some(sha(20));
    store.enqueue(&of_first, 1).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 1).await.unwrap().unwrap();
    jump(&store, job_id, None).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), []);
    let job = store.job(job_id).await.unwrap();
    assert_eq!(job.summary.status, JobState::Segmenting, "the task goes on");

    let late = store.complete(leased.task.task_id, 1, &completion(first, 21), 2).await;
    assert!(matches!(late, Err(StoreError::NotHead { .. })), "made for a head that was left");
    let made = completion(None, 22);
    store.complete(leased.task.task_id, 1, &made, 2).await.unwrap();
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(5, 1)]);
    assert_eq!(store.job(job_id).await.unwrap().summary.status, JobState::Segmented);
    jump(&store, job_id, first).await;
    assert_eq!(
        store.prompts(job_id).await.unwrap(),
        [prompt(5, 1), prompt(9, 1)],
        "as it was left"
    );
}

/// Nothing that a person marks or takes back while an engine runs is undone by its answer; what is
/// recorded with the mask is what it was asked.
pub(crate) async fn marks_made_while_an_engine_runs_belong_to_the_next_mask(store: Store) {
    let job_id = new_job(&store, 1).await;
    store.enqueue(&segment(job_id, 5), 1).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 1).await.unwrap().unwrap();
    let point = Point { x: 5.0, y: 6.0, positive: true };
    let changed = SlicePrompt { points: vec![point], ..prompt(5, 1) };
    store.put_prompt(job_id, &changed, 2).await.unwrap();
    let made = completion(None, 20);
    store.complete(leased.task.task_id, 1, &made, 3).await.unwrap();
    assert_eq!(store.prompts(job_id).await.unwrap(), std::slice::from_ref(&changed));
    let first = Some(made.made.revision.revision_id);

    let second = add(&store, job_id, 21, std::slice::from_ref(&changed)).await;
    jump(&store, job_id, first).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), [prompt(5, 1)], "what it was made from");
    jump(&store, job_id, second).await;
    assert_eq!(store.prompts(job_id).await.unwrap(), [changed]);

    let mut again = segment(job_id, 7);
    let TaskSpec::SegmentSlice(spec) = &mut again.spec else { panic!("a slice") };
    (spec.base, spec.prompt) = (Some(sha(21)), prompt(7, 1));
    store.enqueue(&again, 4).await.unwrap();
    let leased = store.claim(&agent(), LEASE_MS, 4).await.unwrap().unwrap();
    store.delete_prompt(job_id, 1, prompt(7, 1).slice, 5).await.unwrap();
    let mut made = completion(second, 22);
    made.made.revision.prompts = vec![prompt(7, 1)];
    store.complete(leased.task.task_id, 1, &made, 6).await.unwrap();
    assert_eq!(store.prompts(job_id).await.unwrap().len(), 1, "taken back is taken back");
}

pub(crate) async fn a_locked_object_neither_loses_nor_gains_voxels(store: Store) {
    let job_id = new_job(&store, 1).await;
    add(&store, job_id, 20, &[]).await;
    let locked = Label { locked: true, ..Label::new(1, "Liver", "#ff0000") };
    store.enqueue(&segment(job_id, 5), 1).await.unwrap();
    store.set_labels(job_id, &[locked], None, &at(2)).await.unwrap();
    let is_locked = |it: &StoreError| matches!(it, StoreError::LabelLocked { label: 1, .. });

    let head = stand(&store, job_id).await.0;
    let refused = store.add_revision(job_id, &edit(head, 21, &[]), &at(3)).await.unwrap_err();
    assert!(is_locked(&refused) && refused.to_string().contains("Liver"), "{refused}");
    let refused = store.enqueue(&segment(job_id, 6), 3).await.unwrap_err();
    assert!(is_locked(&refused));

    // The one that was queued before: what it found is left out, and it ends.
    let leased = store.claim(&agent(), LEASE_MS, 3).await.unwrap().unwrap();
    let with_voxels = completion(head, 22);
    let refused = store.complete(leased.task.task_id, 1, &with_voxels, 4).await.unwrap_err();
    assert!(is_locked(&refused));
    let made = NewRevision { touched: Vec::new(), ..completion(head, 20).made };
    let without = Completion { made, ..with_voxels };
    store.complete(leased.task.task_id, 1, &without, 4).await.unwrap();

    // Neither another object nor a vouched slice is kept from anybody.
    let head = stand(&store, job_id).await.0;
    let other = NewRevision { touched: vec![2, 3], ..edit(head, 23, &[]) };
    store.add_revision(job_id, &other, &at(5)).await.unwrap();
    let head = stand(&store, job_id).await.0;
    let vouched = NewRevision { touched: Vec::new(), ..edit(head, 23, &[prompt(5, 1)]) };
    store.add_revision(job_id, &vouched, &at(6)).await.unwrap();
}

pub(crate) async fn of_many_who_change_the_same_mask_one_is_first(store: Store) {
    let job_id = new_job(&store, 1).await;
    let mut head = add(&store, job_id, 20, &[]).await;
    for round in 0..5 {
        let mut people = tokio::task::JoinSet::new();
        for mask in 0..4 {
            let (store, new) = (store.clone(), edit(head, 30 + mask, &[prompt(5, 1)]));
            people.spawn(async move {
                let result = store.add_revision(job_id, &new, &at(2)).await;
                (result.is_ok(), Some(new.revision.revision_id))
            });
        }
        let undo = store.clone();
        people.spawn(async move { (go(&undo, job_id, head, None).await.is_ok(), None) });
        let answers = people.join_all().await;
        let first: Vec<_> = answers.iter().filter(|it| it.0).collect();
        assert_eq!(first.len(), 1, "round {round}");
        assert_eq!(stand(&store, job_id).await.0, first[0].1);
        head = add(&store, job_id, 40 + round, &[]).await;
    }
}

pub(crate) async fn a_deleted_job_takes_its_history_with_it(store: Store) {
    let job_id = new_job(&store, 1).await;
    let first = add(&store, job_id, 20, &[prompt(5, 1)]).await;
    jump(&store, job_id, None).await;
    add(&store, job_id, 21, &[]).await;
    jump(&store, job_id, first).await;
    let mut orphans = store.delete_job(job_id, &at(2)).await.unwrap();
    orphans.sort();
    assert_eq!(orphans, [sha(1), sha(20), sha(21)], "branches, too");
    assert!(store.revisions(job_id).await.unwrap().is_empty());
}
