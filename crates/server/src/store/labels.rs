//! The objects of a job, and the sets of objects that are kept for other jobs.

use protocol::{
    audit::{AuditAction, AuditDetails},
    event::EventBody,
    id::{JobId, LabelSetId},
    label::{Label, LabelSet},
};
use sqlx::{Row, any::AnyRow};

use super::{Act, Change, Store, StoreError, audit, jobs::LockedJob, row};

impl LockedJob {
    /// Refuses a change of locked objects.
    pub(super) fn check_unlocked(
        &self,
        labels: impl IntoIterator<Item = u8>,
    ) -> Result<(), StoreError> {
        let locked = |value| self.labels.iter().find(|it| it.value == value && it.locked);
        match labels.into_iter().find_map(locked) {
            Some(it) => Err(StoreError::LabelLocked { label: it.value, name: it.name.clone() }),
            None => Ok(()),
        }
    }
}

impl Store {
    /// Replaces a job's objects; only if they are as `expected`, where that is given.
    ///
    /// # Errors
    /// If they are others, the job is accepted, there is no such job, or the database fails.
    pub async fn set_labels(
        &self,
        job_id: JobId,
        labels: &[Label],
        expected: Option<&[Label]>,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let job = change.open_job(job_id).await?;
        if expected.is_some_and(|it| it != job.labels) {
            return Err(StoreError::LabelsChanged);
        }
        sqlx::query("update job set labels = $1, updated_ms = $2 where job_id = $3")
            .bind(row::to_json(&labels))
            .bind(act.now_ms)
            .bind(job_id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        let details = difference(&job.labels, labels);
        change.audit(Some(job_id), AuditAction::LabelsChanged, details, act).await?;
        change.tell(EventBody::JobUpdate { job_id, status: job.state });
        change.commit(act.now_ms).await
    }

    /// All label sets, by name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn label_sets(&self) -> Result<Vec<LabelSet>, StoreError> {
        let rows = sqlx::query("select * from label_set order by name, label_set_id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(label_set).collect()
    }

    /// Keeps a new label set.
    ///
    /// # Errors
    /// If another one has its name, or the database fails.
    pub async fn add_label_set(&self, new: &LabelSet, act: &Act) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let written = sqlx::query(
            "insert into label_set (label_set_id, name, labels, updated_ms)
             values ($1, $2, $3, $4) on conflict (name) do nothing",
        )
        .bind(new.label_set_id.to_string())
        .bind(&new.name)
        .bind(row::to_json(&new.labels))
        .bind(new.updated_ms)
        .execute(&mut *change.transaction)
        .await?
        .rows_affected();
        if written != 1 {
            return Err(StoreError::NameTaken { name: new.name.clone() });
        }
        let details = audit::details([("name", new.name.clone())]);
        change.audit(None, AuditAction::LabelSetCreated, details, act).await?;
        change.commit(act.now_ms).await
    }

    /// Replaces a label set.
    ///
    /// # Errors
    /// If another one has its name, there is no such set, or the database fails.
    pub async fn change_label_set(&self, set: &LabelSet, act: &Act) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let before = change.label_set_name(set.label_set_id).await?;
        let written = sqlx::query(
            "update label_set set name = $1, labels = $2, updated_ms = $3 where label_set_id = $4",
        )
        .bind(&set.name)
        .bind(row::to_json(&set.labels))
        .bind(set.updated_ms)
        .bind(set.label_set_id.to_string())
        .execute(&mut *change.transaction)
        .await;
        written.map_err(|error| match error.as_database_error() {
            Some(it) if it.is_unique_violation() => {
                StoreError::NameTaken { name: set.name.clone() }
            }
            _ => error.into(),
        })?;
        let mut details = audit::details([("name", set.name.clone())]);
        if before != set.name {
            details.insert("before".to_owned(), before);
        }
        change.audit(None, AuditAction::LabelSetChanged, details, act).await?;
        change.commit(act.now_ms).await
    }

    /// Deletes a label set.
    ///
    /// # Errors
    /// If there is no such set, or the database fails.
    pub async fn delete_label_set(&self, id: LabelSetId, act: &Act) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let name = change.label_set_name(id).await?;
        sqlx::query("delete from label_set where label_set_id = $1")
            .bind(id.to_string())
            .execute(&mut *change.transaction)
            .await?;
        let details = audit::details([("name", name)]);
        change.audit(None, AuditAction::LabelSetDeleted, details, act).await?;
        change.commit(act.now_ms).await
    }
}

impl Change<'_> {
    async fn label_set_name(&mut self, id: LabelSetId) -> Result<String, StoreError> {
        let found = sqlx::query("select name from label_set where label_set_id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?
            .ok_or_else(|| StoreError::NotFound { what: "label set", id: id.to_string() })?;
        Ok(found.try_get(0)?)
    }
}

fn label_set(it: &AnyRow) -> Result<LabelSet, StoreError> {
    Ok(LabelSet {
        label_set_id: row::id(it, "label_set_id")?,
        name: it.try_get("name")?,
        labels: row::from_json(it, "labels")?,
        updated_ms: it.try_get("updated_ms")?,
    })
}

/// The names of objects that came, went, or look otherwise.
fn difference(before: &[Label], after: &[Label]) -> AuditDetails {
    let other = |list: &[Label], value| list.iter().find(|it| it.value == value).cloned();
    let name = |it: &Label| format!("{} {}", it.value, it.name);
    let added = after.iter().filter(|it| other(before, it.value).is_none()).map(name);
    let removed = before.iter().filter(|it| other(after, it.value).is_none()).map(name);
    let changed = after
        .iter()
        .filter(|it| other(before, it.value).is_some_and(|before| before != **it))
        .map(name);
    let lists = [
        ("added", added.collect::<Vec<_>>()),
        ("removed", removed.collect()),
        ("changed", changed.collect()),
    ];
    let filled = lists.into_iter().filter(|(_, names)| !names.is_empty());
    filled.map(|(what, names)| (what.to_owned(), names.join(", "))).collect()
}
