//! What attempts said, piece by piece.

use protocol::{
    event::EventBody,
    id::TaskId,
    output_log::{LogReply, LogRequest, MAX_LOG_BYTES, OutputLog},
    task::TaskState,
};
use sqlx::{Row, any::AnyRow};

use super::{Change, Store, StoreError, row, tasks::no_task};
use crate::{
    output_log::{self, MAX_ANSWER_BYTES},
    queue::Refusal,
};

impl Store {
    /// Keeps what is new of a piece, and tells of it. Returns how much there is now.
    ///
    /// # Errors
    /// If the fence is stale, there is no such task, or the database fails.
    pub async fn append_log(
        &self,
        task_id: TaskId,
        request: &LogRequest,
        now_ms: i64,
    ) -> Result<LogReply, StoreError> {
        let mut change = self.begin().await?;
        let record = change.task_and_job(task_id).await?;
        if record.fence != request.fence || record.task.state != TaskState::Leased {
            return Err(Refusal::StaleFence.into());
        }
        let attempt = record.task.attempt;
        let before = change.log_length(task_id, attempt).await?;
        let piece = output_log::new_part(request, before);
        let length = before + piece.len() as u64;
        let full = length >= MAX_LOG_BYTES || (piece.is_empty() && is_cut(request, before));
        if piece.is_empty() {
            return Ok(LogReply { offset: length, full });
        }
        sqlx::query(
            "insert into output_log (task_id, attempt, start_byte, n_bytes, piece)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(task_id.to_string())
        .bind(i64::from(attempt))
        .bind(signed(before))
        .bind(signed(piece.len() as u64))
        // PostgreSQL's texts hold no zero byte; a space takes as much room.
        .bind(piece.replace('\0', " "))
        .execute(&mut *change.transaction)
        .await?;
        let job_id = record.task.job_id;
        change.tell(EventBody::LogUpdate { job_id, task_id, attempt, length });
        change.commit(now_ms).await?;
        Ok(LogReply { offset: length, full })
    }

    /// What an attempt said from byte `offset` on, or, where that is negative, so many bytes before
    /// the end; the newest attempt that said something where none is named.
    ///
    /// # Errors
    /// If there is no such task, or the database fails.
    pub async fn output_log(
        &self,
        task_id: TaskId,
        attempt: Option<u32>,
        offset: i64,
    ) -> Result<OutputLog, StoreError> {
        let known = sqlx::query("select 1 as found from task where task_id = $1")
            .bind(task_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        known.ok_or_else(|| no_task(task_id))?;
        let rows = sqlx::query(
            "select attempt, max(start_byte + n_bytes) as n_bytes from output_log
             where task_id = $1 group by attempt order by attempt",
        )
        .bind(task_id.to_string())
        .fetch_all(&self.pool)
        .await?;
        let lengths = rows
            .iter()
            .map(|it| Ok((row::number(it, "attempt")?, row::number(it, "n_bytes")?)))
            .collect::<Result<Vec<(u32, u64)>, StoreError>>()?;
        let attempts: Vec<u32> = lengths.iter().map(|(it, _)| *it).collect();
        let attempt = attempt.or(attempts.last().copied()).unwrap_or(0);
        let length = lengths.iter().find(|(it, _)| *it == attempt).map_or(0, |(_, it)| *it);
        let from = match u64::try_from(offset) {
            Ok(it) => it.min(length),
            Err(_negative) => length.saturating_sub(offset.unsigned_abs()),
        };
        let rows = sqlx::query(
            "select start_byte, piece from output_log
             where task_id = $1 and attempt = $2
               and start_byte + n_bytes > $3 and start_byte < $4
             order by start_byte",
        )
        .bind(task_id.to_string())
        .bind(i64::from(attempt))
        .bind(signed(from))
        .bind(signed(from + MAX_ANSWER_BYTES))
        .fetch_all(&self.pool)
        .await?;
        let pieces = rows.iter().map(piece).collect::<Result<Vec<_>, StoreError>>()?;
        let (offset, text) = output_log::part_from(&pieces, from);
        let next_offset = offset + text.len() as u64;
        Ok(OutputLog { task_id, attempt, attempts, offset, text, next_offset, length })
    }
}

/// Whether a piece that goes on where the log ends found no room, not even for its first character.
fn is_cut(request: &LogRequest, length: u64) -> bool {
    request.offset <= length && request.offset + request.text.len() as u64 > length
}

fn piece(it: &AnyRow) -> Result<(u64, String), StoreError> {
    Ok((row::number(it, "start_byte")?, it.try_get("piece")?))
}

/// The log's limit is far below what the column holds.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl Change<'_> {
    async fn log_length(&mut self, task_id: TaskId, attempt: u32) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "select coalesce(max(start_byte + n_bytes), 0) as n_bytes from output_log
             where task_id = $1 and attempt = $2",
        )
        .bind(task_id.to_string())
        .bind(i64::from(attempt))
        .fetch_one(&mut *self.transaction)
        .await?;
        row::number(&row, "n_bytes")
    }
}
