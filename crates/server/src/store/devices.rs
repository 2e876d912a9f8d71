//! The machines that compute, as they were last written.

use protocol::{audit::AuditAction, event::EventBody};
use sqlx::Row;

use super::{Act, Store, StoreError, audit::details, row};
use crate::devices::Kept;

impl Store {
    /// Writes what a machine last said.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_device(&self, kept: &Kept) -> Result<(), StoreError> {
        sqlx::query(
            "insert into device (host_id, said, last_ms, seq) values ($1, $2, $3, $4)
             on conflict (host_id) do update
             set said = excluded.said, last_ms = excluded.last_ms, seq = excluded.seq
             where device.seq < excluded.seq",
        )
        .bind(&kept.host_id)
        .bind(row::to_json(&kept.said))
        .bind(kept.last_ms)
        .bind(kept.seq)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Every machine, as it was last written.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn devices(&self) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query("select host_id, said, last_ms, seq from device order by host_id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|it| {
                Ok(Kept {
                    host_id: it.try_get("host_id")?,
                    said: row::from_json(it, "said")?,
                    last_ms: it.try_get("last_ms")?,
                    seq: it.try_get("seq")?,
                })
            })
            .collect()
    }

    /// Forgets a machine that was last heard at `last_ms`, and tells of it. One that spoke since, to
    /// another server, is known again when it is looked for next.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn remove_device(
        &self,
        host_id: &str,
        last_ms: i64,
        seq: i64,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        sqlx::query("delete from device where host_id = $1 and last_ms <= $2")
            .bind(host_id)
            .bind(last_ms)
            .execute(&mut *change.transaction)
            .await?;
        let details = details([("name", host_id.to_owned())]);
        change.audit(None, AuditAction::DeviceRemoved, details, act).await?;
        change.tell(EventBody::DeviceRemoved { host_id: host_id.to_owned(), seq });
        change.commit(act.now_ms).await
    }
}
