//! Jobs: opening an image, asking for masks, editing them, deleting everything.

use protocol::{
    id::{JobId, Sha256},
    job::{Image, JobCreated, JobState, Modality, Revision},
    label::Label,
    prompt::{Combine, Direction, SlicePrompt, SliceRef, first_label},
    system::Reason,
    task::{EngineName, ImageRef, Propagate, SegmentSlice, Task, TaskClass, TaskSpec},
};
use volume::{Labelmap, rle};

use crate::{
    blobs,
    demand::Demand,
    error::ApiError,
    images,
    incoming::Incoming,
    person::Person,
    prompts::{check_frame, check_label, check_prompt, check_slice, check_window, shows_object},
    state::Server,
    store::{NewJob, NewTask, row::to_text},
};

/// A person waits for a slice: it goes before propagations.
const SLICE_PRIORITY: i32 = 10;
const PROPAGATE_PRIORITY: i32 = 0;

/// A file that has arrived, and what is said of it.
#[derive(Debug)]
pub struct Upload {
    /// The file.
    pub incoming: Incoming,
    /// Its name.
    pub file_name: String,
    /// The job's name; the file's where none is given.
    pub name: Option<String>,
    /// What made the image; looked up in its voxels where it is not said.
    pub modality: Option<Modality>,
}

/// What a person says about a slice to segment.
#[derive(Debug, Clone)]
pub struct SegmentWish {
    /// What is marked on the slice.
    pub prompt: SlicePrompt,
    /// Points on other slices.
    pub elsewhere: Vec<SlicePrompt>,
    /// The engine; the server's choice where none is named.
    pub engine: Option<EngineName>,
    /// Intensities that the network is to see as black and white.
    pub window: Option<[f64; 2]>,
    /// Frame of a 4D image.
    pub frame: u32,
    /// Who waits for it, and which agents may have it.
    pub demand: Demand,
}

impl SegmentWish {
    /// A wish for this prompt alone.
    #[must_use]
    pub fn of(prompt: SlicePrompt) -> Self {
        let demand = Demand::default();
        Self { prompt, elsewhere: Vec::new(), engine: None, window: None, frame: 0, demand }
    }
}

/// What a person may say about a propagation; everything has a default.
#[derive(Debug, Clone, Default)]
pub struct PropagateWish {
    /// Which way.
    pub direction: Direction,
    /// First and last slice, inclusive.
    pub range: Option<[u32; 2]>,
    /// The engine; the server's choice where none is named.
    pub engine: Option<EngineName>,
    /// How two passes are combined.
    pub combine: Combine,
    /// Whether only the largest connected part stays.
    pub largest_component: bool,
    /// The object; the most recently changed one where none is named.
    pub label: Option<u8>,
    /// Stored axis; that of the object's prompt that was changed last where none is named.
    pub axis: Option<u8>,
    /// Intensities that the network is to see as black and white.
    pub window: Option<[f64; 2]>,
    /// Frame of a 4D image.
    pub frame: u32,
    /// Who waits for it, and which agents may have it.
    pub demand: Demand,
}

impl Server {
    /// Opens an uploaded file as a job.
    ///
    /// # Errors
    /// If it is not an image that can be read.
    pub async fn create_job(
        &self,
        upload: Upload,
        person: &Person,
    ) -> Result<JobCreated, ApiError> {
        let Upload { incoming, file_name, name, modality } = upload;
        let limit = self.settings.max_image_bytes;
        let (incoming, inspected) = {
            let file_name = file_name.clone();
            tokio::task::spawn_blocking(move || {
                let sha256 = incoming.sha256.clone();
                let path = incoming.file.path();
                let inspected = images::inspect(path, &file_name, sha256, modality, limit);
                (incoming, inspected)
            })
            .await?
        };
        let image = inspected.map_err(|error| images::unreadable(&error))?;
        let new = NewJob {
            job_id: JobId::fresh(),
            name: name.filter(|it| !it.trim().is_empty()).unwrap_or(file_name),
            image,
            labels: vec![default_label(1)],
        };
        let _gate = self.blob_gate.read().await;
        self.blobs.keep(incoming.file, &incoming.sha256).await?;
        self.store.create_job(&new, &self.act(person)).await?;
        Ok(JobCreated { job_id: new.job_id, status: JobState::Ready, image: new.image })
    }

    /// Queues the segmentation of a slice.
    ///
    /// # Errors
    /// If the prompt lies outside the image, the engine is not ready, or the job is busy.
    pub async fn segment(
        &self,
        job_id: JobId,
        wish: SegmentWish,
        person: &Person,
    ) -> Result<Task, ApiError> {
        let SegmentWish { prompt, elsewhere, engine, window, frame, demand } = wish;
        let job = self.store.job_row(job_id).await?;
        let image = &job.summary.image;
        check_frame(image, frame)?;
        check_prompt(image, &prompt)?;
        for it in &elsewhere {
            check_prompt(image, it)?;
        }
        if prompt.absent {
            return Err(ApiError::invalid(
                "absent",
                "there is nothing to segment where the object is absent; store it as a prompt",
            ));
        }
        if prompt.mask && job.head.is_none() {
            return Err(ApiError::wrong_state("there is no mask yet that could be the prompt")
                .because(Reason::NoMask, []));
        }
        if !prompt.mask && !shows_object(&prompt) {
            let field = if prompt.points.is_empty() { "scribbles" } else { "points" };
            return Err(ApiError::invalid(
                field,
                "every mark on the slice lies outside the object: add a box, or a point or stroke \
                 inside it",
            )
            .because(Reason::AllOutside, []));
        }
        let engine = self.choose_engine(engine).await?;
        check_window(engine, window)?;
        demand.check(engine)?;
        let base = job.head.map(|it| it.mask);
        let now_ms = self.now_ms();
        let spec = TaskSpec::SegmentSlice(SegmentSlice {
            image: ImageRef { frame, ..image_ref(image) },
            engine,
            prompt,
            base,
            window,
        });
        let mut new = self.new_task(job_id, spec, demand, person);
        new.hints = elsewhere;
        Ok(self.store.enqueue(&new, now_ms).await?)
    }

    /// Queues the propagation of an object through the volume.
    ///
    /// # Errors
    /// If there is nothing to start from, a bound lies outside the image, the engine is not ready,
    /// or the job is busy.
    pub async fn propagate(
        &self,
        job_id: JobId,
        wish: PropagateWish,
        person: &Person,
    ) -> Result<Task, ApiError> {
        let job = self.store.job_row(job_id).await?;
        check_frame(&job.summary.image, wish.frame)?;
        let engine = self.choose_engine(wish.engine).await?;
        check_window(engine, wish.window)?;
        wish.demand.check(engine)?;
        // The network solves prompts by itself; the graph cut learns from a mask.
        let needs_mask = engine == EngineName::Graphcut;
        let no_mask = || {
            ApiError::wrong_state(match needs_mask {
                true => "there is no mask yet: segment a slice first",
                false => "there is no mask yet: segment a slice or mark the object first",
            })
            .because(Reason::NoMask, [])
        };
        if needs_mask && job.head.is_none() {
            return Err(no_mask());
        }
        let revisions = self.store.lineage(job.summary.head).await?;
        let all_prompts = self.store.newest_prompts(job_id).await?;
        let last_label = job.head.as_ref().and_then(|it| it.label);
        let newest_label = || all_prompts.first().map(|it| it.label);
        let label = wish.label.or(last_label).or_else(newest_label).unwrap_or_else(first_label);
        check_label(label)?;
        let mut prompts: Vec<_> = all_prompts
            .into_iter()
            .filter(|it| it.label == label)
            .map(|it| vouched(it, &revisions))
            .collect();
        let starts = |it: &&SlicePrompt| {
            let is_known = it.mask && job.head.is_some();
            is_known || it.bounds.is_some() || (!needs_mask && shows_object(it))
        };
        let key = prompts.iter().find(starts).ok_or_else(no_mask)?;
        let axis = wish.axis.unwrap_or(key.slice.axis);
        prompts.sort_by_key(|it| it.slice);
        check_slice(&job.summary.image, SliceRef { axis, slice_index: 0 })?;
        if let Some(range) = wish.range {
            check_range(&job.summary.image, axis, range)?;
            let holds = |it: &SlicePrompt| {
                it.slice.axis != axis || (range[0]..=range[1]).contains(&it.slice.slice_index)
            };
            if !prompts.iter().filter(starts).any(holds) {
                return Err(ApiError::invalid("range", "the range holds no slice to start from"));
            }
        }
        let spec = TaskSpec::Propagate(Propagate {
            image: ImageRef { frame: wish.frame, ..image_ref(&job.summary.image) },
            engine,
            label,
            axis,
            base: job.head.map(|it| it.mask),
            direction: wish.direction,
            range: wish.range,
            combine: wish.combine,
            largest_component: wish.largest_component,
            interpolate: false,
            window: wish.window,
            prompts,
        });
        let new = self.new_task(job_id, spec, wish.demand, person);
        Ok(self.store.enqueue(&new, self.now_ms()).await?)
    }

    /// A job's labelmap: that of `mask`, or an empty one.
    ///
    /// # Errors
    /// If the blob is missing or damaged.
    pub async fn labelmap(
        &self,
        image: &Image,
        mask: Option<&Sha256>,
    ) -> Result<Labelmap, ApiError> {
        let shape = image.shape.map(|it| it as usize);
        let Some(mask) = mask else {
            return Ok(Labelmap { shape, voxels: vec![0; shape.iter().product()] });
        };
        let bytes = blobs::read(&*self.blobs, mask).await?;
        let n_voxels = shape.iter().product();
        tokio::task::spawn_blocking(move || rle::decode(&bytes, n_voxels))
            .await?
            .map_err(|it| ApiError::internal(&it))
    }

    /// Deletes a job and the blobs that only it referred to.
    ///
    /// # Errors
    /// If there is no such job.
    pub async fn delete_job(&self, job_id: JobId, person: &Person) -> Result<(), ApiError> {
        if let Some(task) = self.store.unfinished_task(job_id).await? {
            // Its agent learns from the next heartbeat that the task is gone.
            tracing::info!(%job_id, task_id = %task.task_id, "deleting a job with a running task");
        }
        let _gate = self.blob_gate.write().await;
        for sha256 in self.store.delete_job(job_id, &self.act(person)).await? {
            self.images.forget(&sha256);
            self.engines.forget(&sha256);
            self.blobs.remove(&sha256).await?;
        }
        Ok(())
    }

    /// The engine that is wished for, or the server's choice.
    ///
    /// # Errors
    /// If it cannot run.
    pub(crate) async fn choose_engine(
        &self,
        wish: Option<EngineName>,
    ) -> Result<EngineName, ApiError> {
        let engines = self.list_engines().await?;
        let Some(wish) = wish else {
            return engines.iter().find(|it| it.ready).map(|it| it.name).ok_or_else(|| {
                ApiError::wrong_state("no engine is ready: GET /api/v1/system/model says why")
                    .because(Reason::NoEngine, [])
            });
        };
        match engines.iter().find(|it| it.name == wish) {
            Some(it) if it.ready => Ok(wish),
            Some(it) => Err(ApiError::wrong_state(format!(
                "the engine is not ready: {}",
                it.missing.as_deref().unwrap_or("it says nothing about why")
            ))
            .because(Reason::EngineNotReady, [("engine", to_text(&it.name))])),
            None => Err(ApiError::invalid("engine", "no such engine on this server")),
        }
    }

    pub(crate) fn new_task(
        &self,
        job_id: impl Into<Option<JobId>>,
        spec: TaskSpec,
        demand: Demand,
        person: &Person,
    ) -> NewTask {
        let (limit, priority) = match &spec {
            TaskSpec::SegmentSlice(_) => (self.settings.slice_time_limit, SLICE_PRIORITY),
            TaskSpec::Propagate(_) => (self.settings.propagate_time_limit, PROPAGATE_PRIORITY),
            TaskSpec::External(_) => (self.settings.program_time_limit, PROPAGATE_PRIORITY),
        };
        let Demand { class, needs } = demand;
        NewTask {
            job_id: job_id.into(),
            spec,
            // A slice that nobody waits for has no reason to go before anything.
            priority: if class == TaskClass::Batch { PROPAGATE_PRIORITY } else { priority },
            time_limit_ms: i64::try_from(limit.as_millis()).unwrap_or(i64::MAX),
            max_attempts: self.settings.max_attempts,
            hints: Vec::new(),
            by: person.0.clone(),
            class,
            needs,
        }
    }
}

/// The object that a value stands for until a person names it.
fn default_label(value: u8) -> Label {
    Label::new(value, format!("Object {value}"), "#ff2d2d")
}

pub(crate) fn image_ref(image: &Image) -> ImageRef {
    ImageRef { sha256: image.sha256.clone(), frame: 0, modality: image.modality }
}

/// Marks a prompt whose slice already has its own mask, by an engine's answer to this very prompt or
/// by hand: the propagation keeps such a slice as it is. A prompt that changed since is solved anew.
fn vouched(mut prompt: SlicePrompt, revisions: &[Revision]) -> SlicePrompt {
    let slice = prompt.slice;
    let answer = revisions.iter().rev().find(|it| {
        it.label == Some(prompt.label)
            && it.extent.is_some_and(|extent| {
                extent.axis == slice.axis
                    && extent.first == slice.slice_index
                    && extent.last == slice.slice_index
            })
    });
    let is_answered = answer.is_some_and(|it| {
        it.prompts.iter().any(|asked| {
            SlicePrompt { mask: false, ..asked.clone() }
                == SlicePrompt { mask: false, ..prompt.clone() }
        })
    });
    prompt.mask = prompt.mask || (is_answered && !prompt.absent);
    prompt
}

fn check_range(image: &Image, axis: u8, [first, last]: [u32; 2]) -> Result<(), ApiError> {
    let n_slices = image.shape.get(usize::from(axis)).copied().unwrap_or(0);
    if first <= last && last < n_slices {
        return Ok(());
    }
    let bound = n_slices.saturating_sub(1);
    Err(ApiError::invalid(
        "range",
        format!(
            "range must be [first, last] with 0 ≤ first ≤ last ≤ {bound} on axis {axis}, \
             got [{first}, {last}]"
        ),
    ))
}
