//! Slices that people look at: prepared before anybody prompts on them, one after the other, the
//! newest first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{
    id::JobId,
    job::{Image, Preparation},
    prompt::SliceRef,
    task::{EngineName, ImageRef},
};

use crate::{
    engines::Viewed,
    error::ApiError,
    jobs::image_ref,
    prompts::{check_frame, check_slice},
    state::Server,
};

/// Images whose slices wait; with more people than that, the one who waits longest goes without.
const MAX_WAITING: usize = 16;

/// What waits to be prepared.
#[derive(Debug, Default)]
pub(crate) struct Preparations(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The newest last; one per image.
    wishes: Vec<Wish>,
    /// Somebody takes wishes out.
    is_attended: bool,
}

#[derive(Debug, Clone)]
struct Wish {
    image: Image,
    frame: u32,
    slice: SliceRef,
    engine: EngineName,
}

impl Preparations {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a wish; where somebody scrolls through an image, only the last slice counts. Whoever
    /// gets `true` shall see to the wishes.
    fn add(&self, wish: Wish) -> bool {
        let mut waiting = self.waiting();
        waiting.wishes.retain(|it| it.image.sha256 != wish.image.sha256);
        waiting.wishes.push(wish);
        if waiting.wishes.len() > MAX_WAITING {
            waiting.wishes.remove(0);
        }
        !std::mem::replace(&mut waiting.is_attended, true)
    }

    fn take(&self) -> Option<Wish> {
        let mut waiting = self.waiting();
        let wish = waiting.wishes.pop();
        waiting.is_attended = wish.is_some();
        wish
    }
}

impl Server {
    /// Takes note that somebody looks at a slice, so that a prompt on it will be answered sooner.
    ///
    /// # Errors
    /// If there is no such slice or frame, or the engine is not ready.
    pub async fn prepare(
        &self,
        job_id: JobId,
        slice: SliceRef,
        frame: u32,
        engine: Option<EngineName>,
    ) -> Result<Preparation, ApiError> {
        let image = self.store.job_row(job_id).await?.summary.image;
        check_slice(&image, slice)?;
        check_frame(&image, frame)?;
        let engine = self.choose_engine(engine).await?;
        let preparation = self.engines.preparation(engine);
        if preparation == Preparation::Begun
            && self.preparations.add(Wish { image, frame, slice, engine })
        {
            tokio::spawn(self.clone().attend());
        }
        Ok(preparation)
    }

    /// Prepares what waits until nothing does.
    async fn attend(self) {
        while let Some(wish) = self.preparations.take() {
            // A task of its own: if it panics, the others still get their turn.
            let prepared = tokio::spawn(self.clone().prepare_slice(wish)).await;
            if let Err(reason) = prepared.unwrap_or_else(|it| Err(it.to_string())) {
                tracing::warn!(reason, "a slice could not be prepared");
            }
        }
    }

    async fn prepare_slice(self, wish: Wish) -> Result<(), String> {
        let Wish { image, frame, slice, engine } = wish;
        let volume = self.volume(&image, frame).await.map_err(|it| it.detail().message.clone())?;
        let engines = Arc::clone(&self.engines);
        let image = ImageRef { frame, ..image_ref(&image) };
        let viewed = Viewed { engine, image, volume, slice };
        let prepared = tokio::task::spawn_blocking(move || engines.prepare(&viewed)).await;
        prepared.map_err(|it| it.to_string())?
    }
}
