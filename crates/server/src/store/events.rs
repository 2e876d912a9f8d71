//! The outbox: every change as an event, numbered without a gap in the order of commits.

use protocol::{
    event::{Event, EventBody},
    id::JobId,
};
use sqlx::{Any, Row, Transaction};

use super::{Store, StoreError, row};

/// Numbers and stores `events` in a transaction that is about to be committed.
///
/// The counter's row stays locked until the commit, so numbers appear in the order of commits: a
/// reader who has seen number n will never see a smaller one afterwards.
pub(super) async fn append(
    transaction: &mut Transaction<'_, Any>,
    events: &[EventBody],
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let Ok(n_events @ 1..) = i64::try_from(events.len()) else {
        return Ok(None);
    };
    let last: i64 = sqlx::query(
        "update event_counter set last_event_id = last_event_id + $1
         where only_row = 1 returning last_event_id",
    )
    .bind(n_events)
    .fetch_one(&mut **transaction)
    .await?
    .try_get(0)?;
    for (event_id, body) in (last - n_events + 1..).zip(events) {
        sqlx::query(
            "insert into event (event_id, job_id, body, created_ms) values ($1, $2, $3, $4)",
        )
        .bind(event_id)
        .bind(body.job_id().map(|it| it.to_string()).unwrap_or_default())
        .bind(row::to_json(body))
        .bind(now_ms)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(Some(last))
}

impl Store {
    /// The number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn last_event_id(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("select last_event_id from event_counter where only_row = 1")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Up to `limit` events after number `after`, in order; of one job only, if `job_id` is given.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn events_after(
        &self,
        after: i64,
        job_id: Option<JobId>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(
            "select event_id, body, created_ms from event
             where event_id > $1 and ($2 = '' or job_id = $2)
             order by event_id limit $3",
        )
        .bind(after)
        .bind(job_id.map(|it| it.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|it| {
                Ok(Event {
                    event_id: it.try_get("event_id")?,
                    body: row::from_json(it, "body")?,
                    created_ms: it.try_get("created_ms")?,
                })
            })
            .collect()
    }

    /// Forgets events older than `before_ms`; numbering goes on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_events(&self, before_ms: i64) -> Result<u64, StoreError> {
        let done = sqlx::query("delete from event where created_ms < $1")
            .bind(before_ms)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
