//! `/events/stream`: every change as it is committed. A client that comes back misses nothing.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event as SseEvent, KeepAlive, Sse},
};
use futures::{Stream, StreamExt, stream};
use protocol::{access::Role, event::Event, id::JobId, system::ErrorBody};
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;

use crate::{access::Caller, body::Asked, error::ApiError, state::Server, store::row};

/// Events read from the database at once.
const PAGE: i64 = 200;

/// Which events to hear.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Only those of this job.
    job_id: Option<JobId>,
    /// Those after this number; the header `Last-Event-ID` goes before it. Without either: those
    /// from now on.
    after: Option<i64>,
}

/// Server-sent events `job_update`, `job_removed`, `queue_update`, `revision_update`, `head_update`,
/// `review_update`, each with its number as `id` and an `Event` as `data`.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(EventQuery, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream"), (status = 422, body = ErrorBody)))]
pub(super) async fn stream(
    State(server): State<Server>,
    caller: Caller,
    Asked(query): Asked<EventQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, ApiError> {
    let last_heard = headers
        .get("last-event-id")
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.parse().ok())
        .or(query.after);
    // A number ahead of the list comes from another database: what happens from now on is news.
    let newest_id = server.store.last_event_id().await?;
    let after = last_heard.map_or(newest_id, |it: i64| it.min(newest_id));
    let newest = server.store.watch_events();
    let watched = server.clone();
    let shut_out = async move { watched.shut_out(&caller, Role::Viewer).await };
    let reader = Reader { server, newest, after, job_id: query.job_id, page: Vec::new() };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(to_sse(&event)), reader))
    });
    // Who signs out, or is shut out, hears nothing more.
    let events = events.take_until(Box::pin(shut_out));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn to_sse(event: &Event) -> SseEvent {
    SseEvent::default()
        .id(event.event_id.to_string())
        .event(event.body.name())
        .data(row::to_json(event))
}

/// Reads the outbox page by page and sleeps while there is nothing new.
struct Reader {
    server: Server,
    newest: watch::Receiver<i64>,
    after: i64,
    job_id: Option<JobId>,
    /// Events read but not yet sent, newest first.
    page: Vec<Event>,
}

impl Reader {
    /// The next event; none when the database fails.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.page.pop() {
                self.after = event.event_id;
                return Some(event);
            }
            self.newest.mark_unchanged();
            match self.server.store.events_after(self.after, self.job_id, PAGE).await {
                Ok(page) => self.page = page.into_iter().rev().collect(),
                Err(error) => {
                    tracing::error!(%error, "reading the event list");
                    return None;
                }
            }
            if self.page.is_empty() {
                self.newest.changed().await.ok()?;
            }
        }
    }
}
