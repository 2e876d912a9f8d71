//! The agents that ask for work.

use protocol::id::AgentId;
use sqlx::Row;

use super::{Store, StoreError, row};
use crate::roster::Seen;

/// An agent is forgotten after this long a silence.
const FORGET_MS: i64 = 24 * 60 * 60 * 1_000;

/// More agents than this are no laboratory's: those longest silent are forgotten.
const MAX_AGENTS: i64 = 1_000;

impl Store {
    /// Notes what an agent says of itself.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn put_agent(&self, seen: &Seen) -> Result<(), StoreError> {
        let mut change = self.begin().await?;
        let written = sqlx::query(
            "update agent set name = $3, is_here = $4, profile = $5, last_ms = $6, gone_ms = null
             where agent_id = $1 and device = $2",
        );
        let inserted = sqlx::query(
            "insert into agent (agent_id, device, name, is_here, profile, last_ms)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        );
        let mut n_written = 0;
        for query in [written, inserted] {
            if n_written > 0 {
                break;
            }
            n_written = query
                .bind(seen.agent_id.to_string())
                .bind(&seen.device)
                .bind(&seen.name)
                .bind(i64::from(seen.is_here))
                .bind(row::to_json(&seen.profile))
                .bind(seen.last_ms)
                .execute(&mut *change.transaction)
                .await?
                .rows_affected();
        }
        sqlx::query(
            "delete from agent where last_ms < $1 or last_ms < coalesce(
                 (select last_ms from agent order by last_ms desc limit 1 offset $2), 0)",
        )
        .bind(seen.last_ms - FORGET_MS)
        .bind(MAX_AGENTS - 1)
        .execute(&mut *change.transaction)
        .await?;
        change.commit(seen.last_ms).await
    }

    /// Notes that an agent lives.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn touch_agent(
        &self,
        agent_id: AgentId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("update agent set last_ms = $2, gone_ms = null where agent_id = $1")
            .bind(agent_id.to_string())
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes that an agent that hung up at `now_ms` is gone from `gone_ms` on, unless it was heard of
    /// since.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn agent_hung_up(
        &self,
        agent_id: AgentId,
        device: &str,
        now_ms: i64,
        gone_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update agent set gone_ms = $4 where agent_id = $1 and device = $2 and last_ms < $3",
        )
        .bind(agent_id.to_string())
        .bind(device)
        .bind(now_ms)
        .bind(gone_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The agents that are known, the one heard of last first.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn agents(&self) -> Result<Vec<Seen>, StoreError> {
        let rows = sqlx::query(
            "select agent_id, device, name, is_here, profile, last_ms, gone_ms from agent
             order by last_ms desc, agent_id, device",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|it| {
                Ok(Seen {
                    agent_id: row::id(it, "agent_id")?,
                    device: it.try_get("device")?,
                    name: it.try_get("name")?,
                    is_here: it.try_get::<i64, _>("is_here")? != 0,
                    profile: row::from_json(it, "profile")?,
                    last_ms: it.try_get("last_ms")?,
                    gone_ms: it.try_get("gone_ms")?,
                })
            })
            .collect()
    }

    /// Forgets a server's own agents: those of the process before are gone with it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_own_agents(&self) -> Result<(), StoreError> {
        sqlx::query("delete from agent where is_here = 1").execute(&self.pool).await?;
        Ok(())
    }
}
