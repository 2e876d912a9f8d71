//! Forms on their way in, in bounded memory.
//!
//! The parser keeps whatever no part has taken yet and asks for more as long as there is more. Here
//! it gets one chunk at a time, and only a part's headers may wait until somebody takes them.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
};
use futures::{Stream, StreamExt};

use crate::error::ApiError;

/// Bytes that may wait: the headers of a part, or a part that nobody asked for.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// A form whose parts are read one after the other.
pub(crate) struct Form {
    parts: Multipart,
    waiting: Arc<AtomicUsize>,
    /// What errors name.
    field: &'static str,
}

impl Form {
    /// The form that a request carries; errors name `field`.
    ///
    /// # Errors
    /// If the body is no form.
    pub(crate) async fn of(request: Request, field: &'static str) -> Result<Self, ApiError> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let request = request.map(|body| {
            let waiting = Arc::clone(&waiting);
            Body::from_stream(Measured { body: body.into_data_stream(), waiting, has_given: false })
        });
        let parts = Multipart::from_request(request, &())
            .await
            .map_err(|it| ApiError::invalid(field, it.body_text()))?;
        Ok(Self { parts, waiting, field })
    }

    /// The next part.
    ///
    /// # Errors
    /// If the form is torn, or too much of it is no part's content.
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        let next = self.parts.next_field().await;
        let waiting = self.waiting.swap(0, Ordering::Relaxed);
        let field = next.map_err(|error| {
            let message = if waiting > MAX_WAITING_BYTES {
                too_much()
            } else {
                format!("the form is torn: {}", error.body_text())
            };
            ApiError::invalid(self.field, message)
        })?;
        Ok(field.map(|field| Part { field, waiting: &self.waiting }))
    }
}

/// A part: a stream of its content.
pub(crate) struct Part<'a> {
    field: Field<'a>,
    waiting: &'a AtomicUsize,
}

impl Part<'_> {
    /// The field's name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.field.name()
    }

    /// The file's name, as the client has it.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }
}

impl Stream for Part<'_> {
    type Item = Result<Bytes, MultipartError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.field.poll_next_unpin(context));
        self.waiting.store(0, Ordering::Relaxed);
        Poll::Ready(chunk)
    }
}

/// A body that counts what it gave since a part last took something.
struct Measured {
    body: BodyDataStream,
    waiting: Arc<AtomicUsize>,
    /// The parser asks again at once: it gets nothing until it has used what it has.
    has_given: bool,
}

impl Stream for Measured {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(chunk) = ready!(self.body.poll_next_unpin(context)) else {
            return Poll::Ready(None);
        };
        let chunk = chunk.map_err(io::Error::other)?;
        if self.waiting.fetch_add(chunk.len(), Ordering::Relaxed) > MAX_WAITING_BYTES {
            return Poll::Ready(Some(Err(io::Error::other(too_much()))));
        }
        self.has_given = true;
        Poll::Ready(Some(Ok(chunk)))
    }
}

fn too_much() -> String {
    format!("more than {MAX_WAITING_BYTES} bytes of the form are no part that is asked for")
}
