//! Work: what the server does for agents. They claim, say that they live, deliver, and give up;
//! everything they say carries the fence of their lease.

use std::time::Duration;

use bytes::Bytes;
use protocol::{
    id::{RevisionId, Sha256, TaskId},
    job::{Author, Revision, RevisionAction},
    lease::{
        ClaimRequest, CompleteRequest, FailRequest, Heartbeat, HeartbeatReply, Lease,
        PROTOCOL_VERSION,
    },
    task::{MaskExtent, Task, TaskOutput, TaskSpec},
};
use volume::rle;

use crate::{
    blobs::{self, BlobError},
    error::ApiError,
    incoming::Incoming,
    masks,
    queue::{Refusal, TaskRecord},
    state::Server,
    store::{Completion, NewRevision, StoreError, jobs::JobRow},
};

/// Longest time a request is held.
const MAX_WAIT: Duration = Duration::from_secs(25);

/// How often old events and files that nobody refers to are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// How often a completion is merged anew because a person changed the mask in between.
pub(crate) const MAX_MERGES: u32 = 10;

impl Server {
    /// Grants an agent on another machine a task, waiting for one if there is none.
    ///
    /// # Errors
    /// If the agent speaks another protocol.
    pub async fn claim(&self, request: &ClaimRequest) -> Result<Option<Lease>, ApiError> {
        self.claim_for(request, false).await
    }

    /// Grants the server's own agent a task. Its engines are those that are ready here, even where
    /// that changes while it waits.
    ///
    /// # Errors
    /// As [`Server::claim`].
    pub async fn claim_here(&self, request: &ClaimRequest) -> Result<Option<Lease>, ApiError> {
        self.claim_for(request, true).await
    }

    async fn claim_for(
        &self,
        request: &ClaimRequest,
        is_here: bool,
    ) -> Result<Option<Lease>, ApiError> {
        if request.protocol != PROTOCOL_VERSION {
            return Err(ApiError::invalid(
                "protocol",
                format!(
                    "this server speaks protocol {PROTOCOL_VERSION}, the agent speaks {}; \
                     bring both to the same version",
                    request.protocol
                ),
            ));
        }
        let mut request = request.clone();
        self.roster.saw(&request, is_here, self.now_ms());
        let wait = Duration::from_secs(u64::from(request.wait_secs)).min(MAX_WAIT);
        let deadline = tokio::time::Instant::now() + wait;
        let mut claimable = self.store.watch_claimable();
        loop {
            claimable.mark_unchanged();
            let lease_ms = millis(self.settings.lease);
            if is_here {
                let engines = self.engines.list();
                request.engines =
                    engines.into_iter().filter(|it| it.ready).map(|it| it.name).collect();
            }
            if let Some(record) = self.store.claim(&request, lease_ms, self.now_ms()).await? {
                return Ok(Some(self.lease(&record)));
            }
            let until = deadline.min(tokio::time::Instant::now() + self.settings.look_again);
            if tokio::time::timeout_at(until, claimable.changed()).await.is_err()
                && until == deadline
            {
                return Ok(None);
            }
        }
    }

    fn lease(&self, record: &TaskRecord) -> Lease {
        Lease {
            task_id: record.task.task_id,
            fence: record.fence,
            lease_ms: millis(self.settings.lease),
            heartbeat_ms: millis(self.settings.heartbeat),
            time_limit_ms: record.time_limit_ms,
            spec: record.spec.clone(),
        }
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
        let mut events = self.store.watch_events();
        let mut record = self.store.heartbeat(task_id, heartbeat, lease_ms, self.now_ms()).await?;
        if let Some(agent_id) = record.task.agent_id {
            self.roster.heard(agent_id, self.now_ms());
        }
        while !record.task.cancel_requested {
            if tokio::time::timeout_at(deadline, events.changed()).await.is_err() {
                break;
            }
            record = self.store.task(task_id).await?;
            if record.fence != fence || record.task.state.is_final() {
                return Err(StoreError::Refused(Refusal::StaleFence).into());
            }
        }
        Ok(HeartbeatReply { lease_ms, cancel: record.task.cancel_requested })
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
        let spec = &record.spec;
        if spec.image().sha256 == *sha256 || spec.base() == Some(sha256) {
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

    /// Accepts a task's output: its mask becomes part of the job's next revision. Repeated, it gets
    /// the same answer.
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
            self.leased(task_id, request.fence).await?;
            if record.is_unwanted() {
                let now_ms = self.now_ms();
                return Ok(self.store.fail(task_id, request.fence, None, now_ms).await?.task);
            }
            let job = self.store.job_row(record.task.job_id).await?;
            let _gate = self.blob_gate.read().await;
            let completion = Completion {
                key: key.clone(),
                output: request.output.mask.clone(),
                made: self.merged_revision(&record, &job, &request.output).await?,
            };
            let now_ms = self.now_ms();
            match self.store.complete(task_id, request.fence, &completion, now_ms).await {
                Ok(record) => return Ok(record.task),
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

    /// The revision that a task's output makes of the job's present head.
    pub(crate) async fn merged_revision(
        &self,
        record: &TaskRecord,
        job: &JobRow,
        output: &TaskOutput,
    ) -> Result<NewRevision, ApiError> {
        let label = record.spec.label();
        // Locked since the task was queued: its voxels stay, and none are added.
        let is_locked = job.labels.iter().any(|it| it.value == label && it.locked);
        let extent = output.extent;
        let bad_output = |message: String| ApiError::invalid("output", message);
        let image = &job.summary.image;
        if !is_asked_for(&record.spec, extent, image.shape) {
            return Err(bad_output(
                "the mask speaks for slices that were not asked for".to_owned(),
            ));
        }
        let object = match blobs::read(&*self.blobs, &output.mask).await {
            Err(BlobError::Missing(_)) => {
                return Err(bad_output("the mask was not delivered".to_owned()));
            }
            other => other?,
        };
        let base = self.labelmap(image, record.spec.base()).await?;
        let mut labelmap = self.labelmap(image, job.head.as_ref().map(|it| &it.mask)).await?;
        let shape = labelmap.shape;
        let (encoded, difference) = tokio::task::spawn_blocking(move || {
            if rle::shape(&object).is_ok_and(|it| it != shape) {
                return Err("the mask does not have the image's shape".to_owned());
            }
            let object =
                rle::decode(&object, labelmap.voxels.len()).map_err(|it| it.to_string())?;
            let before = labelmap.clone();
            if !is_locked {
                masks::merge_object(&mut labelmap, &base, &object, label, extent)
                    .map_err(|it| it.to_string())?;
            }
            let difference = masks::difference(&before, &labelmap, [0; 3]);
            Ok((rle::encode(&labelmap), difference))
        })
        .await?
        .map_err(bad_output)?;
        let n_objects = masks::n_objects(&encoded).map_err(|it| ApiError::internal(&it))?;
        let prompts = match &record.spec {
            TaskSpec::SegmentSlice(it) => vec![it.prompt.clone()],
            TaskSpec::Propagate(it) => it.prompts.clone(),
        };
        let revision = Revision {
            revision_id: RevisionId::fresh(),
            parent: job.summary.head,
            mask: blobs::keep_bytes(&*self.blobs, Bytes::from(encoded)).await?,
            author: Author::Engine { task_id: record.task.task_id, engine: output.engine.clone() },
            action: Some(action(&record.spec)),
            changed: difference.bounds,
            label: Some(label),
            extent: Some(extent),
            prompts,
            parameters: Some(parameters(&record.spec, output)),
            slices: output.slices.clone(),
            doubt: output.doubt,
            rating: None,
            n_objects: Some(n_objects),
            created_ms: self.now_ms(),
        };
        Ok(NewRevision { revision, touched: difference.labels })
    }

    /// Ends an attempt without output. What a withdrawn propagation had made so far is kept.
    ///
    /// # Errors
    /// If the fence is stale.
    pub async fn fail(&self, task_id: TaskId, request: FailRequest) -> Result<Task, ApiError> {
        if let Some(task) = self.keep_if_possible(task_id, request.fence).await {
            return Ok(task);
        }
        let record =
            self.store.fail(task_id, request.fence, request.failure, self.now_ms()).await?;
        Ok(record.task)
    }

    /// Ends what time has ended. What a withdrawn propagation had made so far is kept.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tick(&self) -> Result<(), ApiError> {
        let now_ms = self.now_ms();
        for (task_id, fence) in self.store.left_behind(now_ms).await? {
            self.keep_if_possible(task_id, fence).await;
        }
        self.store.tick(now_ms).await?;
        Ok(())
    }

    /// Ends what time has ended, once a second, and sweeps once an hour, until the server stops.
    pub async fn keep_time(&self) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        let mut tick = tokio::time::interval(self.settings.look_again);
        loop {
            let kept = tokio::select! {
                _ = tick.tick() => self.tick().await,
                _ = sweep.tick() => self.sweep().await.map(drop),
            };
            if let Err(error) = kept {
                tracing::error!(error = error.detail().message, "keeping time");
            }
        }
    }
}

/// Whether a mask of these slices is what the task asked for.
fn is_asked_for(spec: &TaskSpec, extent: MaskExtent, shape: [u32; 3]) -> bool {
    let n_slices = shape.get(usize::from(extent.axis)).copied().unwrap_or(0);
    let is_inside = extent.first <= extent.last && extent.last < n_slices;
    is_inside
        && match spec {
            TaskSpec::SegmentSlice(it) => {
                let slice = it.prompt.slice;
                extent.axis == slice.axis
                    && extent.first == slice.slice_index
                    && extent.last == slice.slice_index
            }
            TaskSpec::Propagate(it) => {
                let [first, last] = it.range.unwrap_or([0, n_slices - 1]);
                extent.axis == it.axis && extent.first >= first && extent.last <= last
            }
        }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Names a completion, so that its repetition is known for what it is.
fn completion_key(task_id: TaskId, request: &CompleteRequest) -> Sha256 {
    let text = serde_json::json!({ "task_id": task_id, "request": request }).to_string();
    blobs::digest(text.as_bytes())
}

/// What is done by a task.
fn action(spec: &TaskSpec) -> RevisionAction {
    match spec {
        TaskSpec::SegmentSlice(_) => RevisionAction::SegmentSlice,
        TaskSpec::Propagate(it) if it.interpolate => RevisionAction::Interpolate,
        TaskSpec::Propagate(_) => RevisionAction::Propagate,
    }
}

/// What a revision records of the parameters it was made with.
fn parameters(spec: &TaskSpec, output: &TaskOutput) -> serde_json::Value {
    let mut parameters = serde_json::json!({
        "kind": spec.kind(),
        "engine_ms": output.engine_ms,
    });
    if spec.image().frame > 0 {
        parameters["frame"] = spec.image().frame.into();
    }
    if let TaskSpec::Propagate(it) = spec {
        parameters["axis"] = it.axis.into();
        parameters["direction"] = serde_json::json!(it.direction);
        parameters["range"] = serde_json::json!(it.range);
        parameters["combine"] = serde_json::json!(it.combine);
        parameters["largest_component"] = it.largest_component.into();
    }
    parameters
}
