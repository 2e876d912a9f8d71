//! Work: what the server does for agents. They claim, say that they live, deliver, and give up;
//! everything they say carries the fence of their lease.

use std::time::Duration;

use protocol::{
    external::is_program_name,
    id::{Sha256, TaskId},
    lease::{
        ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease,
        PROTOCOL_VERSION,
    },
    task::{EngineName, Task, TaskKind},
};

use crate::{
    blobs,
    error::ApiError,
    queue::Refusal,
    state::Server,
    store::{Completion, HERE, StoreError},
};

/// Longest time a request is held.
const MAX_WAIT: Duration = Duration::from_secs(25);

/// How often old events and files that nobody refers to are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// The code with which an agent that stops gives a task back.
const AGENT_STOPPED: &str = "agent_stopped";

/// How often a completion is merged anew because a person changed the mask in between.
pub(crate) const MAX_MERGES: u32 = 10;

impl Server {
    /// Grants an agent elsewhere a task, waiting for one if there is none. The lease is `holder`'s.
    ///
    /// # Errors
    /// If the agent speaks another protocol.
    pub async fn claim(
        &self,
        request: &ClaimRequest,
        holder: &str,
    ) -> Result<Option<Lease>, ApiError> {
        self.claim_for(request, holder).await
    }

    /// Grants the server's own agent a task. Its engines are those that are ready here, even where
    /// that changes while it waits.
    ///
    /// # Errors
    /// As [`Server::claim`].
    pub async fn claim_here(&self, request: &ClaimRequest) -> Result<Option<Lease>, ApiError> {
        self.claim_for(request, HERE).await
    }

    async fn claim_for(
        &self,
        request: &ClaimRequest,
        holder: &str,
    ) -> Result<Option<Lease>, ApiError> {
        if !(1..=PROTOCOL_VERSION).contains(&request.protocol) {
            return Err(ApiError::invalid(
                "protocol",
                format!(
                    "this server speaks protocols 1 to {PROTOCOL_VERSION}, the agent speaks {}; \
                     bring the server to the agent's version",
                    request.protocol
                ),
            ));
        }
        let is_here = holder == HERE;
        let mut request = request.clone();
        if is_here {
            request.engines = self.engines_here();
        }
        request.kinds.retain(|it| *it != TaskKind::External || self.runs_programs(is_here));
        if !request.programs.iter().all(|it| is_program_name(it)) {
            return Err(ApiError::invalid(
                "programs",
                "a program's name is made of at most 100 letters, digits, `-`, `_` and `.`",
            ));
        }
        self.saw(&request, is_here).await?;
        let wait = Duration::from_secs(u64::from(request.wait_secs)).min(MAX_WAIT);
        let deadline = tokio::time::Instant::now() + wait;
        let mut claimable = self.store.watch_claimable();
        loop {
            claimable.mark_unchanged();
            let lease_ms = millis(self.settings.lease);
            if is_here {
                request.engines = self.engines_here();
            }
            let claimed = self.store.claim_as(holder, &request, lease_ms, self.now_ms());
            match claimed.await {
                Ok(Some(record)) => return Ok(Some(self.lease(&record).await)),
                Ok(None) => {}
                // Whoever still asks asks something new at once.
                Err(StoreError::Refused(Refusal::Replay)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            let until = deadline.min(tokio::time::Instant::now() + self.settings.look_again);
            if tokio::time::timeout_at(until, claimable.changed()).await.is_err()
                && until == deadline
            {
                return Ok(None);
            }
        }
    }

    /// The engines that are ready in this process.
    fn engines_here(&self) -> Vec<EngineName> {
        self.engines.list().into_iter().filter(|it| it.ready).map(|it| it.name).collect()
    }

    /// Renews a lease. Held for up to `heartbeat.wait_ms` or until a person withdraws the task, so
    /// that a withdrawal reaches the agent at once.
    ///
    /// # Errors
    /// If the fence is stale.
    pub async fn heartbeat(
        &self,
        task_id: TaskId,
        heartbeat: Heartbeat,
    ) -> Result<HeartbeatReply, ApiError> {
        let lease_ms = millis(self.settings.lease);
        let fence = heartbeat.fence;
        let wait = Duration::from_millis(heartbeat.wait_ms.into()).min(self.settings.heartbeat);
        let deadline = tokio::time::Instant::now() + wait;
        let mut turns = self.store.watch_task(task_id);
        let mut record = self.store.heartbeat(task_id, heartbeat, lease_ms, self.now_ms()).await?;
        if let Some(agent_id) = record.task.agent_id {
            self.heard(agent_id).await?;
        }
        while !record.task.cancel_requested {
            if tokio::time::timeout_at(deadline, turns.changed()).await.is_err() {
                break;
            }
            record = self.store.task(task_id).await?;
            if record.fence != fence || record.task.state.is_final() {
                return Err(StoreError::Refused(Refusal::StaleFence).into());
            }
        }
        Ok(HeartbeatReply { lease_ms, cancel: record.task.cancel_requested })
    }

    /// Accepts a task's output: its mask becomes part of the job's next revision, or what its program
    /// made the request's result. Repeated, it gets the same answer.
    ///
    /// # Errors
    /// If the fence is stale, or the output is not what the task asked for.
    pub async fn complete(
        &self,
        task_id: TaskId,
        request: &CompleteRequest,
    ) -> Result<Task, ApiError> {
        let key = completion_key(task_id, request);
        for _ in 0..MAX_MERGES {
            let record = self.store.task(task_id).await?;
            if record.completion_key.as_ref() == Some(&key) {
                return Ok(record.task);
            }
            if record.is_unwanted() {
                return self
                    .fail(task_id, FailRequest { fence: request.fence, failure: None })
                    .await;
            }
            self.leased(task_id, request.fence).await?;
            let (job_id, output) = match (record.task.job_id, &request.output, &request.external) {
                (Some(job_id), Some(output), None) => (job_id, output),
                (None, None, Some(output)) => {
                    let fence = request.fence;
                    let ended = self.complete_external(task_id, fence, &key, output).await?;
                    self.forget_unfinished(task_id).await;
                    return Ok(ended);
                }
                (Some(_), _, _) => return Err(ApiError::invalid("output", "a mask was asked for")),
                (None, _, _) => {
                    return Err(ApiError::invalid("external", "a program's output was asked for"));
                }
            };
            let job = self.store.job_row(job_id).await?;
            let _gate = self.blob_gate.read().await;
            let completion = Completion {
                key: key.clone(),
                output: output.mask.clone(),
                made: self.merged_revision(&record, &job, output).await?,
            };
            let now_ms = self.now_ms();
            match self.store.complete(task_id, request.fence, &completion, now_ms).await {
                Ok(record) => {
                    self.forget_unfinished(task_id).await;
                    return Ok(record.task);
                }
                // A person changed the mask, locked the object or withdrew the task in between, or the
                // same completion was just accepted.
                Err(
                    StoreError::NotHead { .. }
                    | StoreError::LabelLocked { .. }
                    | StoreError::Refused(Refusal::Replay | Refusal::Withdrawn),
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::wrong_state("the mask changes faster than the result can be merged into it"))
    }

    /// Ends an attempt without output. What a withdrawn propagation had made so far is kept. Repeated,
    /// it gets the same answer.
    ///
    /// # Errors
    /// If the fence is stale.
    pub async fn fail(&self, task_id: TaskId, request: FailRequest) -> Result<Task, ApiError> {
        if let Some(task) = self.keep_if_possible(task_id, request.fence).await {
            return Ok(task);
        }
        let is_leaving = request.failure.as_ref().is_some_and(|it| it.code == AGENT_STOPPED);
        let left = if is_leaving { Some(self.store.task(task_id).await?.task) } else { None };
        let now_ms = self.now_ms();
        let record = match self.store.fail(task_id, request.fence, request.failure, now_ms).await {
            Err(StoreError::Refused(Refusal::Replay)) => self.store.task(task_id).await?,
            other => other?,
        };
        if record.task.state.is_final() {
            self.forget_unfinished(task_id).await;
        }
        if let Some((agent_id, device)) = left.and_then(|it| Some((it.agent_id?, it.device))) {
            self.roster.forget(agent_id);
            self.hung_up(agent_id, &device.unwrap_or_default(), now_ms).await;
        }
        Ok(record.task)
    }

    /// Ends what time has ended, and looks which machines have fallen silent. What a withdrawn
    /// propagation had made so far is kept.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tick(&self) -> Result<(), ApiError> {
        let now_ms = self.now_ms();
        for (task_id, fence) in self.store.left_behind(now_ms).await? {
            self.keep_if_possible(task_id, fence).await;
        }
        self.store.tick(now_ms).await?;
        self.look_at_devices().await
    }

    /// Ends what time has ended, once a second, and sweeps once an hour, until the server stops. A
    /// sweep of many files takes its time, and holds nothing up.
    pub async fn keep_time(&self) {
        let ticks = every(self.settings.look_again, "keeping time", || self.tick());
        let sweeps = every(SWEEP_EVERY, "sweeping", || async { self.sweep().await.map(drop) });
        tokio::join!(ticks, sweeps);
    }
}

/// Does something again and again.
async fn every<F: Future<Output = Result<(), ApiError>>>(
    period: Duration,
    what: &'static str,
    mut work: impl FnMut() -> F,
) {
    let mut due = tokio::time::interval(period);
    loop {
        due.tick().await;
        if let Err(error) = work().await {
            tracing::error!(error = error.detail().message, "{what}");
        }
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Names a completion, so that its repetition is known for what it is.
fn completion_key(task_id: TaskId, request: &CompleteRequest) -> Sha256 {
    let text = serde_json::json!({ "task_id": task_id, "request": request }).to_string();
    blobs::digest(text.as_bytes())
}
