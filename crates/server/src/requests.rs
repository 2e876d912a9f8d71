//! Requests: a laboratory's own program is asked for, waited for, and its files are taken away.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use protocol::{
    external::{
        External, ExternalOutput, InputFile, NewInput, NewRequest, OutputFile, ProgramStatus,
        UploadedFile, is_file_name, is_output_name, is_program_name,
    },
    id::{Sha256, TaskId},
    needs::Needs,
    task::{Task, TaskClass, TaskSpec},
};

use crate::{
    blobs::{BlobError, BlobStore},
    demand::Demand,
    error::ApiError,
    incoming::Incoming,
    person::Person,
    queue::Refusal,
    state::Server,
    store::{RequestRecord, StoreError},
};

/// The version of the agents' protocol since which there are programs.
const PROGRAMS_SINCE: u32 = 2;

/// Files that a request may name, and that a program may write.
const MAX_FILES: usize = 1_000;

impl Server {
    /// Whether programs run here (`is_here`: on the server's own agent), as `USE_LOCAL_INFERENCE`
    /// says.
    pub(crate) fn runs_programs(&self, is_here: bool) -> bool {
        self.settings.use_local_inference.is_none_or(|is_elsewhere| is_elsewhere != is_here)
    }

    /// Takes a file that a request may name.
    ///
    /// # Errors
    /// If the bytes are not those of `expected`, or the storage fails.
    pub(crate) async fn take_input(
        &self,
        incoming: Incoming,
        expected: Option<&Sha256>,
    ) -> Result<UploadedFile, ApiError> {
        let Incoming { file, sha256, bytes } = incoming;
        if let Some(expected) = expected.filter(|it| **it != sha256) {
            return Err(BlobError::WrongDigest { expected: expected.clone(), got: sha256 }.into());
        }
        let _gate = self.blob_gate.read().await;
        self.blobs.keep(file, &sha256).await?;
        Ok(UploadedFile { sha256, size: bytes })
    }

    /// Queues a run of a program. `slide`: what the caller of the older API calls its slide.
    ///
    /// # Errors
    /// If a name cannot be used or a file was not uploaded.
    pub(crate) async fn make_request(
        &self,
        new: NewRequest,
        slide: Option<&str>,
        person: &Person,
    ) -> Result<Task, ApiError> {
        if !is_program_name(&new.program) {
            return Err(ApiError::invalid(
                "program",
                "a program's name is made of at most 100 letters, digits, `-`, `_` and `.`",
            ));
        }
        check_names(&new.inputs)?;
        let _gate = self.blob_gate.read().await;
        let mut inputs = Vec::with_capacity(new.inputs.len());
        for (n, NewInput { name, sha256 }) in new.inputs.into_iter().enumerate() {
            let size = size_of(&*self.blobs, &sha256).await?.ok_or_else(|| {
                ApiError::invalid(
                    &format!("inputs[{n}].sha256"),
                    format!(
                        "no file with the SHA-256 {sha256} was uploaded: send it to \
                         /api/v1/requests/inputs first; it is kept for an hour"
                    ),
                )
            })?;
            inputs.push(InputFile { name, sha256, size });
        }
        // A program is not waited for by a person at a screen: prompts go first.
        let program = Some(new.program.clone());
        let needs = Needs { program, min_protocol: PROGRAMS_SINCE, ..Needs::default() };
        let demand = Demand { class: TaskClass::Batch, needs };
        let spec = External { program: new.program, arguments: new.arguments, inputs };
        let task = self.new_task(None, TaskSpec::External(spec), demand, person);
        Ok(self.store.enqueue_request(&task, slide, self.now_ms()).await?)
    }

    /// Asks for the same again.
    ///
    /// # Errors
    /// If its files are gone.
    pub(crate) async fn request_again(
        &self,
        task_id: TaskId,
        spec: External,
        person: &Person,
    ) -> Result<Task, ApiError> {
        let slide = self.store.request(task_id).await?.slide;
        let named = |it: InputFile| NewInput { name: it.name, sha256: it.sha256 };
        let again = NewRequest {
            program: spec.program,
            arguments: spec.arguments,
            inputs: spec.inputs.into_iter().map(named).collect(),
        };
        self.make_request(again, slide.as_deref(), person).await
    }

    /// A request; held for up to `wait` until it has ended.
    ///
    /// # Errors
    /// If there is no such request, or it is deleted meanwhile.
    pub(crate) async fn await_request(
        &self,
        request_id: TaskId,
        wait: Duration,
    ) -> Result<RequestRecord, ApiError> {
        let deadline = tokio::time::Instant::now() + wait;
        let mut turns = self.store.watch_task(request_id);
        loop {
            let record = self.store.request(request_id).await?;
            if record.request.summary.status.is_final() || tokio::time::Instant::now() >= deadline {
                return Ok(record);
            }
            // Other servers on the same database wake nobody here.
            let until = deadline.min(tokio::time::Instant::now() + self.settings.look_again);
            tokio::time::timeout_at(until, turns.changed()).await.ok();
        }
    }

    /// The programs that living agents offer, and those that requests wait for.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn programs(&self) -> Result<Vec<ProgramStatus>, ApiError> {
        let mut waiting = self.store.waiting_programs().await?;
        let mut offered: BTreeSet<(String, String)> = BTreeSet::new();
        for agent in self.living_agents().await? {
            if self.runs_programs(agent.is_here) {
                let programs = agent.profile.programs.into_iter();
                offered.extend(programs.map(|it| (it, agent.name.clone())));
            }
        }
        let names: BTreeSet<String> =
            offered.iter().map(|it| it.0.clone()).chain(waiting.keys().cloned()).collect();
        let status = |program: String| ProgramStatus {
            agents: offered.iter().filter(|it| it.0 == program).map(|it| it.1.clone()).collect(),
            waiting: waiting.remove(&program).unwrap_or_default(),
            program,
        };
        Ok(names.into_iter().map(status).collect())
    }

    /// Ends a request with what its program made.
    ///
    /// # Errors
    /// If a file has a name that cannot be used or was not delivered, or the fence is stale.
    pub(crate) async fn complete_external(
        &self,
        task_id: TaskId,
        fence: i64,
        key: &Sha256,
        output: &ExternalOutput,
    ) -> Result<Task, ApiError> {
        let _gate = self.blob_gate.read().await;
        self.check_files(task_id, &output.files).await?;
        let now_ms = self.now_ms();
        match self.store.complete_request(task_id, fence, key, output, now_ms).await {
            Ok(task) => {
                self.forget_unfinished(task_id).await;
                Ok(task)
            }
            // The same completion was just accepted.
            Err(StoreError::Refused(Refusal::Replay)) => Ok(self.store.task(task_id).await?.task),
            Err(error) => Err(error.into()),
        }
    }

    async fn check_files(&self, task_id: TaskId, files: &[OutputFile]) -> Result<(), ApiError> {
        if files.len() > MAX_FILES {
            let message = format!("a program may write {MAX_FILES} files, got {}", files.len());
            return Err(ApiError::invalid("external.files", message));
        }
        let delivered = self.store.deliveries(task_id).await?;
        let mut names = BTreeSet::new();
        for (n, file) in files.iter().enumerate() {
            let wrong = |what: &str, message: String| {
                Err(ApiError::invalid(&format!("external.files[{n}].{what}"), message))
            };
            if !is_output_name(&file.name) || !names.insert(&file.name) {
                return wrong("name", format!("`{}` cannot name a file here", file.name));
            }
            if !delivered.contains(&file.sha256) {
                return wrong("sha256", format!("`{}` was not delivered", file.name));
            }
            if size_of(&*self.blobs, &file.sha256).await? != Some(file.size) {
                return wrong("size", format!("`{}` has another size", file.name));
            }
        }
        Ok(())
    }

    /// A file that a request's program wrote, where it lies.
    ///
    /// # Errors
    /// If there is no such request or file.
    pub(crate) async fn request_file(
        &self,
        request_id: TaskId,
        name: &str,
    ) -> Result<(OutputFile, PathBuf), ApiError> {
        let output = self.store.request(request_id).await?.request.output;
        let file = output.and_then(|it| it.files.into_iter().find(|it| it.name == name));
        let file = file.ok_or_else(|| {
            ApiError::not_found(format!("the request has no file with the name {name}"))
        })?;
        let path = self.blobs.open(&file.sha256).await?;
        Ok((file, path))
    }

    /// Deletes a request and the files that only it referred to. An agent that works on it learns so
    /// from its next heartbeat.
    ///
    /// # Errors
    /// If there is no such request.
    pub(crate) async fn delete_request(
        &self,
        request_id: TaskId,
        person: &Person,
    ) -> Result<(), ApiError> {
        let _gate = self.blob_gate.write().await;
        for sha256 in self.store.delete_request(request_id, &self.act(person)).await? {
            self.blobs.remove(&sha256).await?;
        }
        Ok(())
    }
}

fn check_names(inputs: &[NewInput]) -> Result<(), ApiError> {
    if inputs.len() > MAX_FILES {
        let message = format!("a request may name {MAX_FILES} files, got {}", inputs.len());
        return Err(ApiError::invalid("inputs", message));
    }
    let mut names = BTreeSet::new();
    for (n, input) in inputs.iter().enumerate() {
        let field = format!("inputs[{n}].name");
        if !is_file_name(&input.name) {
            return Err(ApiError::invalid(
                &field,
                "a file's name has at most 200 bytes, no folder, none of \\ : * ? \" < > | and no \
                 dot at its beginning or end",
            ));
        }
        // Some systems take names that differ in case for the same.
        if !names.insert(input.name.to_lowercase()) {
            return Err(ApiError::invalid(&field, "two files have this name"));
        }
    }
    Ok(())
}

/// Bytes of a blob; none where there is none.
async fn size_of(blobs: &dyn BlobStore, sha256: &Sha256) -> Result<Option<u64>, ApiError> {
    match blobs.open(sha256).await {
        Ok(path) => {
            let metadata = tokio::fs::metadata(path).await;
            Ok(Some(metadata.map_err(|it| ApiError::internal(&it))?.len()))
        }
        Err(BlobError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
