//! What a lease allows: which blobs its holder may read, and what it may deliver.

use protocol::{
    id::{Sha256, TaskId},
    lease::{InputRef, Lease},
};

use crate::{
    blobs,
    error::ApiError,
    incoming::Incoming,
    queue::{Refusal, TaskRecord},
    state::Server,
    store::StoreError,
    work::millis,
};

impl Server {
    /// What an agent is told of a task that was granted to it.
    pub(crate) async fn lease(&self, record: &TaskRecord) -> Lease {
        let mut inputs = Vec::new();
        for sha256 in record.spec.inputs() {
            // A storage that does not answer now may do so when the input is fetched.
            let bytes = self.blobs.size(sha256).await.ok();
            inputs.push(InputRef { sha256: sha256.clone(), bytes });
        }
        Lease {
            task_id: record.task.task_id,
            fence: record.fence,
            lease_ms: millis(self.settings.lease),
            heartbeat_ms: millis(self.settings.heartbeat),
            time_limit_ms: record.time_limit_ms,
            smaller: record.task.smaller,
            spec: record.spec.clone(),
            inputs,
        }
    }

    /// The task of an agent that says it holds the lease with `fence`.
    pub(crate) async fn leased(&self, task_id: TaskId, fence: i64) -> Result<TaskRecord, ApiError> {
        let record = self.store.task(task_id).await?;
        if record.fence == fence && record.task.state == protocol::task::TaskState::Leased {
            Ok(record)
        } else {
            Err(StoreError::Refused(Refusal::StaleFence).into())
        }
    }

    /// Whether a blob is among a task's inputs.
    ///
    /// # Errors
    /// If the fence is stale, or the blob is none of its inputs.
    pub async fn check_input(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
    ) -> Result<(), ApiError> {
        let record = self.leased(task_id, fence).await?;
        if record.spec.inputs().contains(&sha256) {
            Ok(())
        } else {
            Err(ApiError::not_found("this blob is none of the task's inputs"))
        }
    }

    /// Takes an output of a task.
    ///
    /// # Errors
    /// If the fence is stale or the bytes are not those the name says.
    pub async fn put_output(
        &self,
        task_id: TaskId,
        fence: i64,
        sha256: &Sha256,
        incoming: Incoming,
    ) -> Result<(), ApiError> {
        self.leased(task_id, fence).await?;
        if incoming.sha256 != *sha256 {
            return Err(blobs::BlobError::WrongDigest {
                expected: sha256.clone(),
                got: incoming.sha256,
            }
            .into());
        }
        let _gate = self.blob_gate.read().await;
        self.blobs.keep(incoming.file, sha256).await?;
        Ok(self.store.record_delivery(task_id, sha256).await?)
    }
}
