//! `/events/stream`: every change as it is committed. A client that comes back misses nothing.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event as SseEvent, KeepAlive, Sse},
};
use futures::{Stream, StreamExt, stream};
use protocol::{
    access::Role,
    event::{Event, EventBody},
    id::JobId,
    system::ErrorBody,
};
use serde::Deserialize;
use tokio::{sync::watch, time::Instant};
use utoipa::IntoParams;

use crate::{
    access::Caller,
    body::Asked,
    error::ApiError,
    state::Server,
    store::{StoreError, row},
};

/// Events read from the database at once.
const PAGE: i64 = 200;

/// Changes of devices are gathered for this long: many machines that each speak every few seconds
/// must not wake a page all the time.
const GATHER: Duration = Duration::from_secs(1);

/// Which events to hear.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Only those of this job.
    job_id: Option<JobId>,
    /// Only those with these names, separated by commas.
    only: Option<String>,
    /// Those after this number; the header `Last-Event-ID` goes before it. Without either: those
    /// from now on.
    after: Option<i64>,
}

/// Server-sent events `job_update`, `job_removed`, `queue_update`, `revision_update`, `head_update`,
/// `review_update`, `device_update`, `device_removed`, each with its number as `id` and an `Event` as
/// `data`. The `id` of a `device_update` has the device's `seq` behind a hyphen; who comes back gets
/// the newest state of each device that changed since.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(EventQuery, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream"), (status = 422, body = ErrorBody)))]
pub(super) async fn stream(
    State(server): State<Server>,
    caller: Caller,
    Asked(query): Asked<EventQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, ApiError> {
    let last_heard = match headers.get("last-event-id") {
        Some(text) => {
            Some(Position::parse(text.to_str().unwrap_or_default()).ok_or_else(|| {
                ApiError::invalid("Last-Event-ID", "the id of an event of this stream")
            })?)
        }
        None => query.after.map(|event_id| Position { event_id, seq: 0 }),
    };
    // A number ahead of the list comes from another database: what happens from now on is news.
    let newest_id = server.store.last_event_id().await?;
    let devices = server.devices.watch();
    let now = Position { event_id: newest_id, seq: *devices.borrow() };
    let at = last_heard.map_or(now, |it| Position { event_id: it.event_id.min(newest_id), ..it });
    let newest = server.store.watch_events();
    let watched = server.clone();
    let shut_out = async move { watched.shut_out(&caller, Role::Viewer).await };
    let only = query.only.map(|it| it.split(',').map(|it| it.trim().to_owned()).collect());
    let job_id = query.job_id;
    let reader = Reader {
        server,
        newest,
        devices,
        at,
        job_id,
        only,
        ready: VecDeque::new(),
        next_look: Instant::now(),
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    // Who signs out, or is shut out, hears nothing more.
    let events = events.take_until(Box::pin(shut_out));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// How far a listener has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    /// In the list of events.
    event_id: i64,
    /// In the changes of devices; 0 where not known: then each device is told anew.
    seq: i64,
}

impl Position {
    /// Reads `12` or `12-1764000000000`.
    fn parse(text: &str) -> Option<Self> {
        let (event_id, seq) = text.split_once('-').unwrap_or((text, "0"));
        Some(Self { event_id: event_id.parse().ok()?, seq: seq.parse().ok()? })
    }
}

fn to_sse(id: &str, event: &Event) -> SseEvent {
    SseEvent::default().id(id).event(event.body.name()).data(row::to_json(event))
}

/// Reads the outbox page by page, then what devices said, and sleeps while there is nothing new.
struct Reader {
    server: Server,
    newest: watch::Receiver<i64>,
    devices: watch::Receiver<i64>,
    at: Position,
    job_id: Option<JobId>,
    /// Names to send; all where there are none.
    only: Option<Vec<String>>,
    /// Read but not yet sent.
    ready: VecDeque<SseEvent>,
    /// When to look at the devices again.
    next_look: Instant,
}

impl Reader {
    /// The next event; none when the database fails.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            self.newest.mark_unchanged();
            let is_more = match self.read_events().await {
                Ok(is_more) => is_more,
                Err(error) => {
                    tracing::error!(%error, "reading the event list");
                    return None;
                }
            };
            // First what was removed, then what is there: a device that came back stays.
            if !is_more && self.hears_devices() && self.next_look <= Instant::now() {
                self.read_devices();
            }
            if self.ready.is_empty() && !is_more {
                self.sleep().await?;
            }
        }
    }

    fn hears(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|it| it.iter().any(|it| it == name))
    }

    fn hears_devices(&self) -> bool {
        self.job_id.is_none() && self.hears("device_update")
    }

    /// Takes a page of the list; whether there was any.
    async fn read_events(&mut self) -> Result<bool, StoreError> {
        let page = self.server.store.events_after(self.at.event_id, self.job_id, PAGE).await?;
        for event in &page {
            self.at.event_id = event.event_id;
            if self.hears(event.body.name()) {
                self.ready.push_back(to_sse(&event.event_id.to_string(), event));
            }
        }
        Ok(!page.is_empty())
    }

    /// Takes the newest state of each device that changed.
    fn read_devices(&mut self) {
        let newest = *self.devices.borrow_and_update();
        let now_ms = self.server.now_ms();
        for device in self.server.devices.changed_after(self.at.seq, now_ms) {
            self.at.seq = device.seq;
            let Position { event_id, seq } = self.at;
            let body = EventBody::DeviceUpdate(Box::new(device));
            let event = Event { event_id, body, created_ms: now_ms };
            self.ready.push_back(to_sse(&format!("{event_id}-{seq}"), &event));
        }
        // The newest change may have been a removal.
        self.at.seq = self.at.seq.max(newest);
        self.next_look = Instant::now() + GATHER;
    }

    /// Waits until there may be something new.
    async fn sleep(&mut self) -> Option<()> {
        if !self.hears_devices() {
            return self.newest.changed().await.ok();
        }
        let is_due = *self.devices.borrow() > self.at.seq;
        let next_look = self.next_look;
        tokio::select! {
            changed = self.newest.changed() => changed.ok(),
            changed = self.devices.changed(), if !is_due => changed.ok(),
            () = tokio::time::sleep_until(next_look), if is_due => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_sent() {
        assert_eq!(Position::parse("12"), Some(Position { event_id: 12, seq: 0 }));
        assert_eq!(Position::parse("12-345"), Some(Position { event_id: 12, seq: 345 }));
        for text in ["", "x", "12-", "-5", "1-2-3"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}
