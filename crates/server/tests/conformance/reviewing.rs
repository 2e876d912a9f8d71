//! Reviews, opinions, label sets, and the audit list.

use protocol::{
    audit::AuditAction,
    event::EventBody,
    id::{JobId, LabelSetId, OpinionId, RevisionId},
    job::HeadRequest,
    label::{Label, LabelSet},
    review::{Opinion, ReviewRequest, ReviewState},
};
use server::store::{Act, AuditQuery, Store, StoreError};

use super::{at, edit, new_job, prompt, segment};

use ReviewState::{Accepted, Draft, InReview, Rejected};

fn step(from: ReviewState, to: ReviewState, head: Option<RevisionId>) -> ReviewRequest {
    ReviewRequest { from, to, head, comment: "since …".to_owned() }
}

/// A job with a mask.
async fn masked_job(store: &Store) -> (JobId, Option<RevisionId>) {
    let job_id = new_job(store, 1).await;
    let new = edit(None, 20, &[]);
    store.add_revision(job_id, &new, &at(1)).await.unwrap();
    (job_id, Some(new.revision.revision_id))
}

pub(crate) async fn a_review_goes_step_by_step_and_each_is_on_record(store: Store) {
    let (job_id, head) = masked_job(&store).await;
    assert_eq!(store.job(job_id).await.unwrap().summary.review.state, Draft);
    let way = [Draft, InReview, Rejected, InReview, Accepted, Draft];
    for (n, pair) in way.windows(2).enumerate() {
        let act = Act { by: format!("Reader {n}"), now_ms: 10 + n as i64 };
        let request = step(pair[0], pair[1], head);
        let review = store.take_review_step(job_id, &request, &act).await.unwrap();
        assert_eq!((review.state, review.at_ms), (pair[1], Some(act.now_ms)));
        assert_eq!((review.by.as_str(), review.revision), (act.by.as_str(), head));
        assert_eq!(store.job(job_id).await.unwrap().summary.review, review);
    }
    let steps = store.review_steps(job_id).await.unwrap();
    assert_eq!(steps.iter().map(|it| it.to).collect::<Vec<_>>(), way[1..]);
    assert!(steps.iter().all(|it| it.revision == head && it.comment == "since …"));
    let events = store.events_after(0, Some(job_id), 100).await.unwrap();
    let told = events.iter().filter_map(|it| {
        let EventBody::ReviewUpdate { review, .. } = &it.body else { return None };
        Some(review.state)
    });
    assert_eq!(told.collect::<Vec<_>>(), way[1..]);
    store.delete_job(job_id, &at(20)).await.unwrap();
    assert!(store.review_steps(job_id).await.unwrap().is_empty());
}

pub(crate) async fn a_step_is_taken_only_from_where_it_was_seen(store: Store) {
    let empty = new_job(&store, 1).await;
    let nothing = store.take_review_step(empty, &step(Draft, InReview, None), &at(1)).await;
    assert!(matches!(nothing, Err(StoreError::WrongState { .. })), "there is no mask");

    let (job_id, head) = masked_job(&store).await;
    let late = store.take_review_step(job_id, &step(InReview, Accepted, head), &at(2)).await;
    assert!(matches!(late, Err(StoreError::ReviewChanged { .. })));
    let unseen = store.take_review_step(job_id, &step(Draft, InReview, None), &at(2)).await;
    assert!(matches!(unseen, Err(StoreError::NotHead { .. })));
    store.take_review_step(job_id, &step(Draft, InReview, head), &at(2)).await.unwrap();
    store.enqueue(&segment(job_id, 5), 3).await.unwrap();
    let unfinished = store.take_review_step(job_id, &step(InReview, Accepted, head), &at(4)).await;
    assert!(matches!(unfinished, Err(StoreError::WrongState { .. })), "the mask may still change");
}

pub(crate) async fn of_many_reviewers_one_decides(store: Store) {
    for round in 0..5 {
        let (job_id, head) = masked_job(&store).await;
        store.take_review_step(job_id, &step(Draft, InReview, head), &at(2)).await.unwrap();
        let mut reviewers = tokio::task::JoinSet::new();
        for to in [Accepted, Rejected, Draft, Accepted] {
            let store = store.clone();
            reviewers.spawn(async move {
                let taken = store.take_review_step(job_id, &step(InReview, to, head), &at(3)).await;
                taken.is_ok()
            });
        }
        let n_taken = reviewers.join_all().await.into_iter().filter(|it| *it).count();
        assert_eq!(n_taken, 1, "round {round}");
        assert_eq!(store.review_steps(job_id).await.unwrap().len(), 2);
    }
}

pub(crate) async fn an_accepted_job_stays_as_it_is_until_it_is_reopened(store: Store) {
    let (job_id, head) = masked_job(&store).await;
    store.take_review_step(job_id, &step(Draft, InReview, head), &at(2)).await.unwrap();
    store.take_review_step(job_id, &step(InReview, Accepted, head), &at(3)).await.unwrap();
    let before = store.job(job_id).await.unwrap();
    let undo = HeadRequest { head: None, expected: head };
    let refusals = [
        store.add_revision(job_id, &edit(head, 21, &[]), &at(4)).await.unwrap_err(),
        store.move_head(job_id, undo, &at(4)).await.unwrap_err(),
        store.enqueue(&segment(job_id, 5), 4).await.unwrap_err(),
        store.put_prompt(job_id, &prompt(5, 1), 4).await.unwrap_err(),
        store.delete_prompt(job_id, 1, prompt(5, 1).slice, 4).await.unwrap_err(),
        store.set_labels(job_id, &[], None, &at(4)).await.unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, StoreError::JobAccepted), "{refusal}");
    }
    assert_eq!(store.job(job_id).await.unwrap(), before);
    store.take_review_step(job_id, &step(Accepted, Draft, head), &at(5)).await.unwrap();
    store.move_head(job_id, undo, &at(6)).await.unwrap();
}

pub(crate) async fn opinions_stand_in_the_job_until_they_are_removed(store: Store) {
    let (job_id, head) = masked_job(&store).await;
    let opinion = |revision_id| Opinion {
        opinion_id: OpinionId::fresh(),
        revision_id,
        reader: "이영희".to_owned(),
        comment: "smaller".to_owned(),
        created_ms: 5,
    };
    let (first, second) = (opinion(head.unwrap()), opinion(head.unwrap()));
    for it in [&first, &second] {
        store.add_opinion(job_id, it, &at(5)).await.unwrap();
    }
    assert_eq!(store.job(job_id).await.unwrap().opinions, [first.clone(), second.clone()]);
    let stray = store.add_opinion(job_id, &opinion(RevisionId::fresh()), &at(6)).await;
    assert!(matches!(stray, Err(StoreError::NotFound { what: "revision", .. })));
    let elsewhere = new_job(&store, 2).await;
    let foreign = store.delete_opinion(elsewhere, first.opinion_id, &at(6)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { what: "opinion", .. })));
    store.delete_opinion(job_id, first.opinion_id, &at(6)).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().opinions, [second]);
    store.delete_job(job_id, &at(7)).await.unwrap();
    assert!(store.opinions(job_id).await.unwrap().is_empty());
}

pub(crate) async fn labels_change_only_from_what_was_seen(store: Store) {
    let job_id = new_job(&store, 1).await;
    let seen = store.job(job_id).await.unwrap().labels;
    let mut mine = seen.clone();
    mine[0].opacity = Some(0.35);
    mine[0].visible = false;
    mine.push(Label::new(2, "Spleen", "#00ff00"));
    store.set_labels(job_id, &mine, Some(&seen), &at(1)).await.unwrap();
    assert_eq!(store.job(job_id).await.unwrap().labels, mine);
    let theirs = [Label::new(1, "Kidney", "#0000ff")];
    let late = store.set_labels(job_id, &theirs, Some(&seen), &at(2)).await;
    assert!(matches!(late, Err(StoreError::LabelsChanged)));
    assert_eq!(store.job(job_id).await.unwrap().labels, mine);
    store.set_labels(job_id, &theirs, Some(&mine), &at(3)).await.unwrap();
    let lines = store.audit_entries(AuditQuery { limit: 1, ..AuditQuery::default() }).await;
    let details = lines.unwrap().remove(0).details;
    assert_eq!(details.get("removed").map(String::as_str), Some("2 Spleen"));
    assert_eq!(details.get("changed").map(String::as_str), Some("1 Kidney"));
}

pub(crate) async fn a_label_sets_name_is_its_own(store: Store) {
    let set = |name: &str, updated_ms| LabelSet {
        label_set_id: LabelSetId::fresh(),
        name: name.to_owned(),
        labels: vec![Label::new(1, "간", "#dd8265")],
        updated_ms,
    };
    let (abdomen, brain) = (set("복부", 1), set("Brain", 1));
    for it in [&abdomen, &brain] {
        store.add_label_set(it, &at(1)).await.unwrap();
    }
    assert_eq!(store.label_sets().await.unwrap(), [brain.clone(), abdomen.clone()]);
    let taken = store.add_label_set(&set("Brain", 2), &at(2)).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    let mut changed = LabelSet { labels: Vec::new(), updated_ms: 3, ..brain.clone() };
    store.change_label_set(&changed, &at(3)).await.unwrap();
    changed.name.clone_from(&abdomen.name);
    let taken = store.change_label_set(&changed, &at(4)).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    assert_eq!(store.label_sets().await.unwrap()[0].labels, []);
    store.delete_label_set(abdomen.label_set_id, &at(5)).await.unwrap();
    store.change_label_set(&changed, &at(6)).await.unwrap();
    assert_eq!(store.label_sets().await.unwrap(), [changed]);
    let gone = store.delete_label_set(abdomen.label_set_id, &at(7)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "label set", .. })));
}

pub(crate) async fn the_audit_list_says_who_did_what_and_outlives_the_job(store: Store) {
    let (job_id, head) = masked_job(&store).await;
    let other = new_job(&store, 2).await;
    let undo = HeadRequest { head: None, expected: head };
    store.move_head(job_id, undo, &Act { by: "박".to_owned(), now_ms: 3 }).await.unwrap();
    store.delete_job(job_id, &at(4)).await.unwrap();
    let all = |job_id, before, limit| AuditQuery { job_id, before, limit, ..AuditQuery::default() };
    let lines = store.audit_entries(all(Some(job_id), None, 100)).await.unwrap();
    let actions: Vec<_> = lines.iter().map(|it| it.action).collect();
    use AuditAction::{HeadMoved, JobCreated, JobDeleted, MaskEdited};
    assert_eq!(actions, [JobDeleted, HeadMoved, MaskEdited, JobCreated]);
    assert!(lines.iter().all(|it| it.job_name.as_deref() == Some("phantom — 복부")));
    assert_eq!((lines[1].by.as_str(), lines[1].created_ms), ("박", 3));
    let from = head.unwrap().to_string();
    assert_eq!(lines[1].details.get("from"), Some(&from));
    assert_eq!(lines[1].details.get("to").map(String::as_str), Some("none"));

    let newest = store.audit_entries(all(None, None, 2)).await.unwrap();
    let rest = store.audit_entries(all(None, Some(newest[1].audit_id), 100)).await.unwrap();
    assert_eq!((newest.len(), rest.len()), (2, 3), "pages do not overlap");
    assert_eq!(store.audit_entries(all(Some(other), None, 9)).await.unwrap().len(), 1);
}
