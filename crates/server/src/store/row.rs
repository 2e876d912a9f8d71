//! Rows to values and back: enums as their wire text, documents as JSON text.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, any::AnyRow};

use super::StoreError;
use crate::queue::TaskRecord;
use protocol::{
    prompt::SliceRef,
    task::{Needs, Task, TaskKind, TaskSpec},
};

/// A document as the text of its column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("wire types have string keys and no failing serializer")
}

/// The wire text of an enum that serialises to a string.
pub(crate) fn to_text<T: Serialize>(value: &T) -> String {
    to_json(value).trim_matches('"').to_owned()
}

/// Reads a document column.
pub(crate) fn from_json<T: DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text)
        .map_err(|source| StoreError::Corrupt { what: column, source: Box::new(source) })
}

/// Reads a document column that may be null.
pub(crate) fn from_json_option<T: DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|it| serde_json::from_str(&it))
        .transpose()
        .map_err(|source| StoreError::Corrupt { what: column, source: Box::new(source) })
}

/// Reads a column that holds the wire text of an enum.
pub(crate) fn from_text<T: DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|source| StoreError::Corrupt { what: column, source: Box::new(source) })
}

/// Reads an identifier column.
pub(crate) fn id<T>(row: &AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|source| StoreError::Corrupt { what: column, source: Box::new(source) })
}

/// Reads an identifier column that may be null.
pub(crate) fn id_option<T>(row: &AnyRow, column: &'static str) -> Result<Option<T>, StoreError>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: Option<String> = row.try_get(column)?;
    text.map(|it| it.parse())
        .transpose()
        .map_err(|source| StoreError::Corrupt { what: column, source: Box::new(source) })
}

/// Reads a number column into a narrower type.
pub(crate) fn number<T>(row: &AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: TryFrom<i64>,
    T::Error: std::error::Error + Send + Sync + 'static,
{
    let value: i64 = row.try_get(column)?;
    value
        .try_into()
        .map_err(|source| StoreError::Corrupt { what: column, source: Box::new(source) })
}

/// A statement that reads tasks with their jobs' names; what follows `from task` is given.
macro_rules! tasks {
    ($rest:literal) => {
        concat!(
            "select task.*, (select job.name from job where job.job_id = task.job_id) as job_name
             from task ",
            $rest
        )
    };
}
pub(super) use tasks;

/// Reads a row of [`tasks`].
pub(crate) fn task_record(row: &AnyRow) -> Result<TaskRecord, StoreError> {
    let axis: Option<i64> = row.try_get("axis")?;
    let slice = match axis {
        Some(_) => {
            Some(SliceRef { axis: number(row, "axis")?, slice_index: number(row, "slice_index")? })
        }
        None => None,
    };
    let kind: TaskKind = from_text(row, "kind")?;
    let spec: TaskSpec = from_json(row, "spec")?;
    Ok(TaskRecord {
        task: Task {
            task_id: id(row, "task_id")?,
            job_id: id_option(row, "job_id")?,
            job_name: row.try_get("job_name")?,
            kind,
            engine: spec.engine(),
            program: spec.external().map(|it| it.program.clone()),
            label: number(row, "label")?,
            slice,
            state: from_text(row, "state")?,
            priority: number(row, "priority")?,
            class: from_text(row, "class")?,
            progress: from_json(row, "progress")?,
            attempt: number(row, "attempt")?,
            cancel_requested: row.try_get::<i64, _>("cancel_requested")? != 0,
            agent_id: id_option(row, "agent_id")?,
            agent: row.try_get("agent_name")?,
            device: row.try_get("device")?,
            smaller: row.try_get::<i64, _>("smaller")? != 0,
            failures: from_json(row, "failures")?,
            failure: from_json_option(row, "failure")?,
            revision_id: id_option(row, "revision_id")?,
            created_ms: row.try_get("created_ms")?,
            started_ms: row.try_get("started_ms")?,
            finished_ms: row.try_get("finished_ms")?,
        },
        spec,
        needs: needs(row)?,
        requested_by: row.try_get("requested_by")?,
        fair_tag: row.try_get("fair_tag")?,
        fence: row.try_get("fence")?,
        claim_id: id_option(row, "claim_id")?,
        lease_until_ms: row.try_get("lease_until_ms")?,
        run_after_ms: row.try_get("run_after_ms")?,
        time_limit_ms: row.try_get("time_limit_ms")?,
        max_attempts: number(row, "max_attempts")?,
        partial: id_option(row, "partial_sha256")?,
        so_far: from_json_option(row, "so_far")?,
        output: id_option(row, "output_sha256")?,
        completion_key: id_option(row, "completion_key")?,
    })
}

/// What a task's row says an agent must have.
fn needs(row: &AnyRow) -> Result<Needs, StoreError> {
    let gpu_memory: Option<i64> = row.try_get("needs_gpu_memory")?;
    let program: String = row.try_get("needs_program")?;
    Ok(Needs {
        model: id_option(row, "needs_model")?,
        gpu_memory_bytes: gpu_memory.and_then(|it| u64::try_from(it).ok()),
        min_protocol: number(row, "min_protocol")?,
        program: Some(program).filter(|it| !it.is_empty()),
    })
}
