//! Jobs with their prompts and masks, what goes with them, and the events that tell of it.

use std::collections::BTreeSet;

use protocol::{event::EventBody, id::JobId, job::JobState, prompt::SliceRef};
use server::store::{Store, StoreError};

use super::{LEASE_MS, agent, at, completion, edit, new_job, prompt, segment, sha, tasks::of_job};

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
    let expected = [absent.clone(), prompt(6, 1), prompt(5, 2)];
    assert_eq!(store.prompts(job_id).await.unwrap(), expected);
    store.put_prompt(job_id, &prompt(5, 2), 3).await.unwrap();
    let newest = store.newest_prompts(job_id).await.unwrap();
    assert_eq!(newest, [prompt(5, 2), absent, prompt(6, 1)], "the one changed last goes first");
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
