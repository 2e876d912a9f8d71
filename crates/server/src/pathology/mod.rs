//! The pull API of the pathology server that agents of the older kind were written for, on the same
//! tasks as everything else: a request for the program `pathology`.
//!
//! Those agents know no lease. What they say is brought into that form here: taking a request is a
//! claim, taking it again renews the lease, and its end carries the fence that the claim was given.

mod caller;
mod shown;

use std::time::Duration;

use protocol::{
    external::{ExternalOutput, NewRequest},
    id::{AgentId, Sha256, TaskId},
    lease::Heartbeat,
    task::{FailureClass, TaskFailure, TaskState},
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(crate) use caller::{OldAgent, basic, is_let_in, is_route};
pub(crate) use shown::Shown;

use crate::{
    blobs,
    error::ApiError,
    person::Person,
    queue::{QueueEvent, Refusal},
    state::Server,
    store::{RequestFilter, RequestRecord, StoreError},
};

/// The program that requests of this API ask for.
const PROGRAM: &str = "pathology";

/// Most requests in one answer.
const MAX_LISTED: i64 = 500;

/// Longest name of a slide, in characters.
const MAX_SLIDE: usize = 500;

impl Server {
    /// Makes a request for a slide: opaque text, never a path that the server opens.
    ///
    /// # Errors
    /// If it names no slide.
    pub(crate) async fn analyze(
        &self,
        slide: &str,
        arguments: Map<String, Value>,
        person: &Person,
    ) -> Result<TaskId, ApiError> {
        let n_chars = slide.chars().count();
        if slide.trim().is_empty() || n_chars > MAX_SLIDE || slide.chars().any(char::is_control) {
            return Err(ApiError::invalid(
                "slide",
                format!("name the slide, in 1–{MAX_SLIDE} characters, none of them a control one"),
            ));
        }
        let new = NewRequest {
            program: PROGRAM.to_owned(),
            arguments: Value::Object(arguments),
            inputs: Vec::new(),
        };
        Ok(self.make_request(new, Some(slide), person).await?.task_id)
    }

    /// A request of this API; held for up to `wait` until it has ended.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) async fn analysis(
        &self,
        request_id: TaskId,
        wait: Duration,
    ) -> Result<RequestRecord, ApiError> {
        let record = self.await_request(request_id, wait).await?;
        if record.slide.is_none() {
            return Err(ApiError::not_found("the request names no slide"));
        }
        Ok(record)
    }

    /// The requests that this agent may take, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn pending_analyses(
        &self,
        agent: &OldAgent,
    ) -> Result<Vec<RequestRecord>, ApiError> {
        if !self.runs_programs(false) {
            return Ok(Vec::new());
        }
        let now_ms = self.now_ms();
        let pending = self.store.free_requests(PROGRAM, MAX_LISTED, now_ms).await?;
        self.shown.show(agent, pending.iter().map(|it| it.request.summary.request_id), now_ms);
        Ok(pending)
    }

    /// The newest requests of this API.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn analyses(&self) -> Result<Vec<RequestRecord>, ApiError> {
        let filter = RequestFilter {
            program: Some(PROGRAM.to_owned()),
            has_slide: true,
            ..RequestFilter::default()
        };
        Ok(self.store.requests(&filter, MAX_LISTED).await?)
    }

    /// An agent takes a request, or says that it still works on it. Returns the fence.
    ///
    /// # Errors
    /// 409 where another agent has it or it has ended.
    pub(crate) async fn take_analysis(
        &self,
        request_id: TaskId,
        agent: &OldAgent,
        fence: Option<i64>,
    ) -> Result<i64, ApiError> {
        let lease_ms = i64::try_from(self.settings.legacy_lease.as_millis()).unwrap_or(i64::MAX);
        let record = self.analysis(request_id, Duration::ZERO).await?;
        let now_ms = self.now_ms();
        if record.is_held_by(agent.agent_id) && !record.is_free(now_ms) {
            // Agents that look the same from here must not take each other's request.
            let created_ms = record.request.summary.created_ms;
            let is_its_own = agent.is_one_agent
                || fence == Some(record.fence)
                || self.shown.is_known_to_one(agent, request_id, created_ms);
            if !is_its_own {
                return Err(taken());
            }
            let heartbeat = Heartbeat {
                fence: record.fence,
                progress: record.request.summary.progress,
                wait_ms: 0,
                partial: None,
                so_far: None,
            };
            let renewed = self.store.heartbeat(request_id, heartbeat, lease_ms, now_ms).await?;
            return if renewed.task.cancel_requested {
                Err(ApiError::wrong_state("the request was withdrawn: stop working on it"))
            } else {
                Ok(record.fence)
            };
        }
        if !self.runs_programs(false) {
            return Err(ApiError::wrong_state(
                "the server's own agent runs these requests (USE_LOCAL_INFERENCE=false)",
            ));
        }
        let name = agent.name.clone();
        let event = QueueEvent::Claim {
            agent_id: agent.agent_id,
            name,
            device: None,
            claim_id: None,
            lease_ms,
        };
        match self.store.claim_request(request_id, &agent.holder(), &event, now_ms).await {
            Ok(record) => Ok(record.fence),
            Err(StoreError::Refused(Refusal::NotClaimable | Refusal::StaleFence)) => Err(taken()),
            Err(error) => Err(error.into()),
        }
    }

    /// An agent ends a request that it took. Repeated, it gets the same answer. With the fence that it
    /// was given it cannot end what was handed on meanwhile to an agent that looks the same.
    ///
    /// # Errors
    /// 409 where another agent has it, or it ended otherwise.
    pub(crate) async fn end_analysis(
        &self,
        request_id: TaskId,
        agent: &OldAgent,
        fence: Option<i64>,
        outcome: Result<Value, String>,
    ) -> Result<TaskState, ApiError> {
        let record = self.analysis(request_id, Duration::ZERO).await?;
        let key = completion_key(request_id, agent.agent_id, &outcome);
        let summary = &record.request.summary;
        let is_its_own = fence.is_none_or(|it| it == record.fence);
        if !record.is_held_by(agent.agent_id) || !is_its_own {
            return Err(ApiError::wrong_state(
                "another agent has this request, or none: take it first with update-status",
            ));
        }
        match (summary.status, outcome) {
            (TaskState::Leased, Ok(result)) => {
                let output = ExternalOutput { result, files: Vec::new() };
                Ok(self.complete_external(request_id, record.fence, &key, &output).await?.state)
            }
            (TaskState::Leased, Err(error)) => {
                let failure = TaskFailure::new(FailureClass::Permanent, "program_failed", error);
                let now_ms = self.now_ms();
                let failed = self.store.fail(request_id, record.fence, Some(failure), now_ms);
                Ok(failed.await?.task.state)
            }
            (TaskState::Succeeded, Ok(_)) if record.completion_key.as_ref() == Some(&key) => {
                Ok(TaskState::Succeeded)
            }
            (TaskState::Failed, Err(error))
                if summary.failure.as_ref().is_some_and(|it| it.message == error) =>
            {
                Ok(TaskState::Failed)
            }
            (state, _) => Err(ApiError::wrong_state(format!(
                "the request is {} already: this answer is not the one that was taken",
                status(state)
            ))),
        }
    }
}

impl RequestRecord {
    fn is_held_by(&self, agent_id: AgentId) -> bool {
        self.agent_id == Some(agent_id)
    }

    /// Whether an agent may take it.
    fn is_free(&self, now_ms: i64) -> bool {
        let summary = &self.request.summary;
        let is_due = self.run_after_ms <= now_ms && summary.attempt < self.max_attempts;
        match summary.status {
            TaskState::Queued => is_due,
            TaskState::Leased => {
                is_due && self.lease_until_ms < now_ms && !summary.cancel_requested
            }
            TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled => false,
        }
    }

    /// The request as this API shows it.
    pub(crate) fn as_analysis(&self) -> Value {
        let summary = &self.request.summary;
        let mut shown = json!({
            "id": summary.request_id,
            "request_id": summary.request_id,
            "status": status(summary.status),
            "slide": self.slide,
            "created_at": moment(summary.created_ms),
        });
        let fields = [
            ("model", self.request.arguments.get("model").cloned()),
            ("started_at", summary.started_ms.map(|it| moment(it).into())),
            ("completed_at", summary.finished_ms.map(|it| moment(it).into())),
            ("agent", summary.agent.clone().map(Value::from)),
            ("result", self.request.output.as_ref().map(|it| it.result.clone())),
            ("error", self.error().map(Value::from)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                shown[name] = value;
            }
        }
        shown
    }

    /// Why there is no result, where there will be none.
    pub(crate) fn error(&self) -> Option<String> {
        let summary = &self.request.summary;
        match summary.status {
            TaskState::Cancelled => Some("the request was withdrawn".to_owned()),
            TaskState::Failed => summary.failure.as_ref().map(|it| it.message.clone()),
            TaskState::Queued | TaskState::Leased | TaskState::Succeeded => None,
        }
    }
}

/// A state in the words of this API.
pub(crate) fn status(state: TaskState) -> &'static str {
    match state {
        TaskState::Queued => "pending",
        TaskState::Leased => "processing",
        TaskState::Succeeded => "completed",
        TaskState::Failed | TaskState::Cancelled => "failed",
    }
}

fn taken() -> ApiError {
    ApiError::wrong_state("another agent has this request, or it has ended")
}

/// A moment as text: `2026-11-20T22:56:46Z`.
fn moment(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000))
        .ok()
        .and_then(|it| it.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Names an end, so that its repetition is known for what it is.
fn completion_key(
    request_id: TaskId,
    agent_id: AgentId,
    outcome: &Result<Value, String>,
) -> Sha256 {
    let text = json!({ "request": request_id, "agent": agent_id, "outcome": outcome }).to_string();
    blobs::digest(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_other_programs_read_them() {
        assert_eq!(moment(1_795_215_406_123), "2026-11-20T22:56:46Z");
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
    }
}
