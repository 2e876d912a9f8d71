//! Prompts: what is marked now, and what was marked with each state of the mask.
//!
//! A state's prompts come back when the head moves to it. What an action brings with it (the box
//! that was segmented, the slice that was confirmed) belongs to the revision it makes; what was
//! marked meanwhile on other slices belongs to the state before as well, so that an undo takes
//! nothing away that it did not bring.

use protocol::{
    event::EventBody,
    id::{JobId, RevisionId},
    job::{Revision, RevisionAction},
    prompt::{SlicePrompt, SliceRef},
    system::Reason,
};
use sqlx::{Any, Executor};

use super::{Change, Store, StoreError, revisions, row};
use crate::prompt_merge::{merged, says_nothing};

impl Store {
    /// A job's prompts.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn prompts(&self, job_id: JobId) -> Result<Vec<SlicePrompt>, StoreError> {
        prompts_of(&self.pool, job_id).await
    }

    /// A job's prompts, the one that was changed last first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn newest_prompts(&self, job_id: JobId) -> Result<Vec<SlicePrompt>, StoreError> {
        let rows = sqlx::query(
            "select prompt from prompt where job_id = $1
             order by changed_ms desc, label, axis, slice_index",
        )
        .bind(job_id.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| row::from_json(it, "prompt")).collect()
    }

    /// Stores what a person marked for one object on one slice, in place of what was there.
    ///
    /// # Errors
    /// If the job is accepted, there is no such job, or the database fails.
    pub async fn put_prompt(
        &self,
        job_id: JobId,
        prompt: &SlicePrompt,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let state = change.open_job(job_id).await?.state;
        change.put_prompt(job_id, prompt, now_ms).await?;
        change.tell(EventBody::JobUpdate { job_id, status: state });
        change.commit(now_ms).await
    }

    /// Stores what a person made of the prompt `before`, an empty one where there was none. What
    /// others changed meanwhile stays as well. Returns what stands now, empty where that is nothing.
    ///
    /// # Errors
    /// If the job is accepted, there is no such job, or the database fails.
    pub async fn merge_prompt(
        &self,
        job_id: JobId,
        before: &SlicePrompt,
        prompt: &SlicePrompt,
        now_ms: i64,
    ) -> Result<SlicePrompt, StoreError> {
        let mut change = self.begin().await?;
        // The job's row is locked from here on: whoever marks something waits.
        let state = change.open_job(job_id).await?.state;
        let nothing = SlicePrompt {
            bounds: None,
            points: Vec::new(),
            scribbles: Vec::new(),
            mask: false,
            absent: false,
            ..prompt.clone()
        };
        let stored =
            change.prompts(job_id).await?.into_iter().find(|it| place(it) == place(prompt));
        let merged = merged(before, prompt, &stored.unwrap_or(nothing));
        if says_nothing(&merged) {
            change.delete_prompt(job_id, merged.label, merged.slice).await?;
        } else {
            change.put_prompt(job_id, &merged, now_ms).await?;
        }
        change.tell(EventBody::JobUpdate { job_id, status: state });
        change.commit(now_ms).await?;
        Ok(merged)
    }

    /// Removes what a person marked for one object on one slice.
    ///
    /// # Errors
    /// If the job is accepted, there is no such job, or the database fails.
    pub async fn delete_prompt(
        &self,
        job_id: JobId,
        label: u8,
        slice: SliceRef,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let state = change.open_job(job_id).await?.state;
        change.delete_prompt(job_id, label, slice).await?;
        change.tell(EventBody::JobUpdate { job_id, status: state });
        change.commit(now_ms).await
    }
}

async fn prompts_of(
    executor: impl Executor<'_, Database = Any>,
    job_id: JobId,
) -> Result<Vec<SlicePrompt>, StoreError> {
    let rows = sqlx::query(
        "select prompt from prompt where job_id = $1 order by label, axis, slice_index",
    )
    .bind(job_id.to_string())
    .fetch_all(executor)
    .await?;
    rows.iter().map(|it| row::from_json(it, "prompt")).collect()
}

/// How the prompts that a revision brings came into the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brought {
    /// They come with it: a person vouches for slices.
    Now,
    /// They were stored when its task was queued; a person may have changed them since.
    WhenQueued,
    /// As before, but the head moved since, and may have put them aside.
    ToAnotherMask,
}

/// What a prompt is for: an object on a slice has one.
fn place(prompt: &SlicePrompt) -> (u8, SliceRef) {
    (prompt.label, prompt.slice)
}

/// The prompts of the state before an action that brought `own`: those places are as `before` has
/// them, the others as they are `now`.
fn without(now: &[SlicePrompt], own: &[SlicePrompt], before: &[SlicePrompt]) -> Vec<SlicePrompt> {
    let is_own = |it: &&SlicePrompt| own.iter().any(|own| place(own) == place(it));
    let kept = now.iter().filter(|it| !is_own(it));
    let mut prompts: Vec<_> = kept.chain(before.iter().filter(is_own)).cloned().collect();
    prompts.sort_by_key(place);
    prompts
}

impl Change<'_> {
    /// A job's prompts.
    pub(super) async fn prompts(&mut self, job_id: JobId) -> Result<Vec<SlicePrompt>, StoreError> {
        prompts_of(&mut *self.transaction, job_id).await
    }

    /// The prompts that belong to a state of the mask. States from before they were recorded have
    /// those that their revisions were made from.
    async fn prompt_state(
        &mut self,
        job_id: JobId,
        state: Option<RevisionId>,
    ) -> Result<Vec<SlicePrompt>, StoreError> {
        let found =
            sqlx::query("select prompts from prompt_state where job_id = $1 and revision_id = $2")
                .bind(job_id.to_string())
                .bind(revisions::id_or_empty(state))
                .fetch_optional(&mut *self.transaction)
                .await?;
        if let Some(it) = found {
            return row::from_json(&it, "prompts");
        }
        let mut prompts: Vec<SlicePrompt> = Vec::new();
        for revision in self.lineage(state).await? {
            prompts.retain(|it| !revision.prompts.iter().any(|new| place(new) == place(it)));
            prompts.extend(revision.prompts);
        }
        prompts.sort_by_key(place);
        Ok(prompts)
    }

    /// Records which prompts belong to a state of the mask.
    async fn put_prompt_state(
        &mut self,
        job_id: JobId,
        state: Option<RevisionId>,
        prompts: &[SlicePrompt],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into prompt_state (job_id, revision_id, prompts) values ($1, $2, $3)
             on conflict (job_id, revision_id) do update set prompts = excluded.prompts",
        )
        .bind(job_id.to_string())
        .bind(revisions::id_or_empty(state))
        .bind(row::to_json(&prompts))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Changes from the prompts of one state of the mask to those of another. Those that both have
    /// are not touched; those that come back count as changed now.
    pub(super) async fn swap_prompts(
        &mut self,
        job_id: JobId,
        from: Option<RevisionId>,
        to: Option<RevisionId>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let now = self.prompts(job_id).await?;
        self.put_prompt_state(job_id, from, &now).await?;
        let target = self.prompt_state(job_id, to).await?;
        for gone in now.iter().filter(|it| !target.iter().any(|other| place(other) == place(it))) {
            self.delete_prompt(job_id, gone.label, gone.slice).await?;
        }
        for prompt in target.iter().filter(|it| !now.contains(it)) {
            self.put_prompt(job_id, prompt, now_ms).await?;
        }
        Ok(())
    }

    /// Divides the prompts between a new revision, which brings `own`, and its parent.
    pub(super) async fn divide_prompts(
        &mut self,
        job_id: JobId,
        revision: &Revision,
        brought: Brought,
    ) -> Result<(), StoreError> {
        let own = own_prompts(revision);
        let now = self.prompts(job_id).await?;
        let before = self.prompt_state(job_id, revision.parent).await?;
        let parents = without(&now, own, &before);
        if parents != before {
            self.put_prompt_state(job_id, revision.parent, &parents).await?;
        }
        let is_there = |it: &SlicePrompt| now.iter().any(|other| place(other) == place(it));
        for prompt in own {
            let is_put = match brought {
                Brought::Now => true,
                Brought::ToAnotherMask => !is_there(prompt),
                Brought::WhenQueued => false,
            };
            if is_put {
                self.put_prompt(job_id, prompt, revision.created_ms).await?;
            }
        }
        // What was marked while an engine ran belongs to the next mask, not to this one.
        let asked = without(&now, own, own);
        self.put_prompt_state(job_id, Some(revision.revision_id), &asked).await
    }

    pub(crate) async fn put_prompt(
        &mut self,
        job_id: JobId,
        prompt: &SlicePrompt,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into prompt (job_id, label, axis, slice_index, prompt, changed_ms)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (job_id, label, axis, slice_index)
             do update set prompt = excluded.prompt, changed_ms = excluded.changed_ms",
        )
        .bind(job_id.to_string())
        .bind(i64::from(prompt.label))
        .bind(i64::from(prompt.slice.axis))
        .bind(i64::from(prompt.slice.slice_index))
        .bind(row::to_json(prompt))
        .bind(now_ms)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn delete_prompt(
        &mut self,
        job_id: JobId,
        label: u8,
        slice: SliceRef,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "delete from prompt
             where job_id = $1 and label = $2 and axis = $3 and slice_index = $4",
        )
        .bind(job_id.to_string())
        .bind(i64::from(label))
        .bind(i64::from(slice.axis))
        .bind(i64::from(slice.slice_index))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Adds points to what is marked on a slice.
    pub(crate) async fn add_points(
        &mut self,
        job_id: JobId,
        hint: &SlicePrompt,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let found = sqlx::query(
            "select prompt from prompt
             where job_id = $1 and label = $2 and axis = $3 and slice_index = $4",
        )
        .bind(job_id.to_string())
        .bind(i64::from(hint.label))
        .bind(i64::from(hint.slice.axis))
        .bind(i64::from(hint.slice.slice_index))
        .fetch_optional(&mut *self.transaction)
        .await?;
        let mut prompt: SlicePrompt = match found {
            Some(it) => row::from_json(&it, "prompt")?,
            None => return self.put_prompt(job_id, hint, now_ms).await,
        };
        if prompt.absent {
            let slice = hint.slice.slice_index.to_string();
            return Err(StoreError::WrongState {
                message: format!(
                    "the object is marked as absent on slice {slice}: take that back first"
                ),
                reason: Reason::MarkedAbsent,
                values: [("slice".to_owned(), slice)].into(),
            });
        }
        let new = hint.points.iter().filter(|it| !prompt.points.contains(it)).copied();
        let new: Vec<_> = new.collect();
        prompt.points.extend(new);
        self.put_prompt(job_id, &prompt, now_ms).await
    }
}

/// The prompts that a revision brought with it. A propagation brings none: it uses what is there.
fn own_prompts(revision: &Revision) -> &[SlicePrompt] {
    match revision.action {
        Some(RevisionAction::Propagate | RevisionAction::Interpolate) => &[],
        _ => &revision.prompts,
    }
}
