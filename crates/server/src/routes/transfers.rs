//! A task's inputs and outputs on their way: read from any byte, delivered whole or piece by piece.

use axum::{
    body::Body as Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_range_header::parse_range_header;
use protocol::{
    id::{Sha256, TaskId},
    system::ErrorBody,
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::agents::FenceQuery;
use crate::{
    access::Caller,
    body::{Asked, Named},
    error::ApiError,
    incoming,
    state::Server,
    uploads::{Appended, OutputPiece},
};

/// Bytes that the server has of an upload.
const UPLOAD_OFFSET: &str = "upload-offset";

/// `?1` with the last piece of an upload.
const UPLOAD_COMPLETE: &str = "upload-complete";

/// Fetch an input of the task, whole or from a byte on (`Range`, `If-Range`): its `ETag` is its
/// SHA-256. Only those that the lease lists.
#[utoipa::path(get, path = "/api/v1/tasks/{task_id}/inputs/{sha256}", tag = "agents",
    params(("task_id" = TaskId, Path), ("sha256" = Sha256, Path), FenceQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of what is there already")),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206, content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
        (status = 416, body = ErrorBody, description = "The range lies beyond the end"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn input(
    State(server): State<Server>,
    caller: Caller,
    Named((task_id, sha256)): Named<(TaskId, Sha256)>,
    Asked(query): Asked<FenceQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    server.check_holder(task_id, &caller).await?;
    server.check_input(task_id, query.fence, &sha256).await?;
    let path = server.blobs.open(&sha256).await?;
    let disk = |it: std::io::Error| ApiError::internal(&it);
    let mut file = tokio::fs::File::open(path).await.map_err(disk)?;
    let length = file.metadata().await.map_err(disk)?.len();
    let etag = format!("\"{sha256}\"");
    let part = part_asked_for(&headers, &etag, length)?;
    let (first, n_bytes) = part.unwrap_or((0, length));
    file.seek(std::io::SeekFrom::Start(first)).await.map_err(disk)?;
    let body = Bytes::from_stream(ReaderStream::new(file.take(n_bytes)));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, octets);
    headers.insert(header::CONTENT_LENGTH, n_bytes.into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, plain(&etag));
    if part.is_some() {
        let last = first + n_bytes - 1;
        headers.insert(header::CONTENT_RANGE, plain(&format!("bytes {first}-{last}/{length}")));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// First byte and number of bytes of the range that is asked for; none where that is everything.
/// Several ranges at once, and what is no range, are answered with everything, as HTTP has it.
fn part_asked_for(
    headers: &HeaderMap,
    etag: &str,
    length: u64,
) -> Result<Option<(u64, u64)>, ApiError> {
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let is_same = text(header::IF_RANGE).is_none_or(|it| it == etag);
    let parsed = text(header::RANGE).filter(|_| is_same).map(parse_range_header);
    let Some(Ok(ranges)) = parsed else { return Ok(None) };
    match ranges.validate(length).as_deref() {
        Ok([range]) => Ok(Some((*range.start(), range.end() - range.start() + 1))),
        Ok(_) => Ok(None),
        Err(_beyond) => Err(ApiError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "beyond_the_end",
            format!("the file has {length} bytes"),
        )),
    }
}

fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits, letters and quotes fit into a header")
}

/// Deliver an output whole, under the SHA-256 of its bytes.
#[utoipa::path(put, path = "/api/v1/tasks/{task_id}/outputs/{sha256}", tag = "agents",
    params(("task_id" = TaskId, Path), ("sha256" = Sha256, Path), FenceQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "The bytes are not those the name says"),
    ))]
pub(super) async fn output(
    State(server): State<Server>,
    caller: Caller,
    Named((task_id, sha256)): Named<(TaskId, Sha256)>,
    Asked(query): Asked<FenceQuery>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    server.check_holder(task_id, &caller).await?;
    let stream = request.into_body().into_data_stream();
    let limit = server.settings.max_upload_bytes;
    let incoming = incoming::receive(server.blobs.temporary(), stream, limit).await?;
    server.put_output(task_id, query.fence, &sha256, incoming).await?;
    Ok(StatusCode::CREATED)
}

/// How much of an output is here: the header `Upload-Offset` says from which byte to go on,
/// `Upload-Complete: ?1` that it was delivered.
#[utoipa::path(head, path = "/api/v1/tasks/{task_id}/outputs/{sha256}", tag = "agents",
    params(("task_id" = TaskId, Path), ("sha256" = Sha256, Path), FenceQuery),
    responses(
        (status = 204, headers(("Upload-Offset" = u64), ("Upload-Complete" = String))),
        (status = 404), (status = 409), (status = 422),
    ))]
pub(super) async fn output_offset(
    State(server): State<Server>,
    caller: Caller,
    Named((task_id, sha256)): Named<(TaskId, Sha256)>,
    Asked(query): Asked<FenceQuery>,
) -> Result<Response, ApiError> {
    server.check_holder(task_id, &caller).await?;
    let appended = server.delivered_so_far(task_id, query.fence, &sha256).await?;
    Ok((StatusCode::NO_CONTENT, progress(&appended)).into_response())
}

/// Deliver a piece of an output from byte `Upload-Offset` on, the last one with `Upload-Complete: ?1`:
/// then its SHA-256 is checked. What arrived of a piece that was cut off stays.
#[utoipa::path(patch, path = "/api/v1/tasks/{task_id}/outputs/{sha256}", tag = "agents",
    params(("task_id" = TaskId, Path), ("sha256" = Sha256, Path), FenceQuery,
        ("Upload-Offset" = u64, Header), ("Upload-Complete" = Option<String>, Header)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "Delivered"),
        (status = 204, description = "More is to come", headers(("Upload-Offset" = u64))),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The fence is stale, or `wrong_offset`: the \
            answer's `Upload-Offset` says from where to go on"),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "The bytes are not those the name says"),
    ))]
pub(super) async fn append_output(
    State(server): State<Server>,
    caller: Caller,
    Named((task_id, sha256)): Named<(TaskId, Sha256)>,
    Asked(query): Asked<FenceQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    server.check_holder(task_id, &caller).await?;
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let offset = text(UPLOAD_OFFSET).and_then(|it| it.trim().parse().ok()).ok_or_else(|| {
        ApiError::invalid("Upload-Offset", "say in Upload-Offset at which byte this piece begins")
    })?;
    let is_last = text(UPLOAD_COMPLETE).is_some_and(|it| it.trim() == "?1");
    let piece = OutputPiece { task_id, fence: query.fence, sha256, offset, is_last };
    let appended = server.append_output(&piece, body.into_data_stream()).await?;
    let answer = match appended {
        Appended::Whole(_) => StatusCode::CREATED.into_response(),
        Appended::SoFar(_) => StatusCode::NO_CONTENT.into_response(),
        Appended::Elsewhere(bytes) => ApiError::new(
            StatusCode::CONFLICT,
            "wrong_offset",
            format!("{bytes} bytes are here: go on from there"),
        )
        .into_response(),
    };
    Ok((progress(&appended), answer).into_response())
}

/// How far an upload is, as headers.
fn progress(appended: &Appended) -> [(&'static str, HeaderValue); 2] {
    let (bytes, complete) = match appended {
        Appended::Whole(it) => (it, "?1"),
        Appended::SoFar(it) | Appended::Elsewhere(it) => (it, "?0"),
    };
    [(UPLOAD_OFFSET, (*bytes).into()), (UPLOAD_COMPLETE, HeaderValue::from_static(complete))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Result<Option<(u64, u64)>, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(it) = if_range {
            headers.insert(header::IF_RANGE, it.parse().unwrap());
        }
        part_asked_for(&headers, "\"ab\"", 10).map_err(|it| it.status())
    }

    #[test]
    fn one_range_is_answered_with_a_part() {
        assert_eq!(asked("bytes=3-", None), Ok(Some((3, 7))));
        assert_eq!(asked("bytes=0-0", None), Ok(Some((0, 1))));
        assert_eq!(asked("bytes=-4", None), Ok(Some((6, 4))));
        assert_eq!(asked("bytes=3-99", Some("\"ab\"")), Ok(Some((3, 7))));
    }

    #[test]
    fn another_file_several_ranges_and_nonsense_are_answered_with_everything() {
        assert_eq!(asked("bytes=3-", Some("\"cd\"")), Ok(None));
        assert_eq!(asked("bytes=3-", Some("W/\"ab\"")), Ok(None));
        assert_eq!(asked("bytes=0-1,5-6", None), Ok(None));
        assert_eq!(asked("lines=1-2", None), Ok(None));
    }

    #[test]
    fn a_range_beyond_the_end_is_refused() {
        assert_eq!(asked("bytes=10-", None), Err(StatusCode::RANGE_NOT_SATISFIABLE));
    }
}
