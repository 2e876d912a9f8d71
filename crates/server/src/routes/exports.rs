//! `/api/v1/jobs/{job_id}/export/{file}` and `thumbnail.png`: what people take away, and see in lists.

use axum::{
    body::Body as Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    id::{JobId, RevisionId},
    prompt::first_label,
    system::ErrorBody,
};
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use volume::MaskFormat;

use super::jobs::attachment;
use crate::{
    body::{Asked, Named},
    error::ApiError,
    exports::{csv_bytes, json_bytes, object_file, stem},
    measures::{Chosen, label_name},
    person::{Person, Taker, TakerQuery},
    prompts::check_label,
    state::Server,
    thumbnails,
};

/// What to take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum ExportFile {
    /// The mask as NIfTI on the image's own grid.
    #[serde(rename = "mask.nii.gz")]
    Nifti,
    /// The mask as NRRD.
    #[serde(rename = "mask.nrrd")]
    Nrrd,
    /// An object's surface as binary STL, in millimetres of LPS.
    #[serde(rename = "surface.stl")]
    Surface,
    /// The measurements, a line for each object.
    #[serde(rename = "measurements.csv")]
    Csv,
    /// The measurements with the area on each slice.
    #[serde(rename = "measurements.json")]
    Json,
    /// All of it, with pictures and what everything was made from.
    #[serde(rename = "case.zip")]
    Case,
}

/// Of which mask, and how much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// The head where none is named.
    revision: Option<RevisionId>,
    /// The object of `surface.stl`.
    #[serde(default = "first_label")]
    label: u8,
    /// Frame of a 4D image that intensities and pictures come from.
    #[serde(default)]
    frame: u32,
    /// Whether `case.zip` holds the image itself, too.
    #[serde(default)]
    image: bool,
}

/// A mask, a surface, measurements, or the whole case as a file.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/export/{file}", tag = "results",
    params(
        ("job_id" = JobId, Path),
        ("file" = inline(ExportFile), Path, description = "What to take away"),
        ExportQuery,
        TakerQuery,
        Person,
    ),
    responses(
        (status = 200, content(
            (Vec<u8> = "application/gzip"),
            (Vec<u8> = "application/octet-stream"),
            (Vec<u8> = "model/stl"),
            (String = "text/csv"),
            (protocol::measure::Measurements = "application/json"),
            (Vec<u8> = "application/zip"),
        )),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "There is no mask yet, or nothing of the object"),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn export(
    State(server): State<Server>,
    Named((job_id, file)): Named<(JobId, ExportFile)>,
    Asked(query): Asked<ExportQuery>,
    Taker(person): Taker,
) -> Result<Response, ApiError> {
    check_label(query.label)?;
    let chosen = server.chosen(job_id, query.revision).await?;
    let revision = chosen.revision.revision_id;
    let stem = stem(&chosen.job.summary.image.file_name).to_owned();
    let file_name = file_name(file, &stem, &chosen, &query);
    let (content_type, body) = match file {
        ExportFile::Nifti => {
            ("application/gzip", server.mask_bytes(&chosen, MaskFormat::NiftiGz).await?.into())
        }
        ExportFile::Nrrd => {
            let bytes = server.mask_bytes(&chosen, MaskFormat::Nrrd).await?;
            ("application/octet-stream", bytes.into())
        }
        ExportFile::Surface => ("model/stl", server.stl_bytes(&chosen, query.label).await?.into()),
        ExportFile::Csv => {
            let measured = server.measure(&chosen, query.frame).await?;
            ("text/csv", csv_bytes(&measured)?.into())
        }
        ExportFile::Json => {
            let measured = server.measure(&chosen, query.frame).await?;
            ("application/json", json_bytes(&measured)?.into())
        }
        ExportFile::Case => {
            let (archive, length) = server.case_file(chosen, query.frame, query.image).await?;
            let stream = ReaderStream::new(tokio::fs::File::from_std(archive));
            server.note_export(job_id, revision, &file_name, &person).await?;
            let headers = [
                (header::CONTENT_TYPE, "application/zip".to_owned()),
                (header::CONTENT_LENGTH, length.to_string()),
                (header::CONTENT_DISPOSITION, attachment(&file_name)),
            ];
            return Ok((headers, Bytes::from_stream(stream)).into_response());
        }
    };
    server.note_export(job_id, revision, &file_name, &person).await?;
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&file_name)),
    ];
    let body: Bytes = body;
    Ok((headers, body).into_response())
}

fn file_name(file: ExportFile, stem: &str, chosen: &Chosen, asked: &ExportQuery) -> String {
    let label = asked.label;
    match file {
        ExportFile::Nifti => format!("{stem}-mask.nii.gz"),
        ExportFile::Nrrd => format!("{stem}-mask.nrrd"),
        ExportFile::Surface => {
            format!("{stem}-{}.stl", object_file(label, &label_name(&chosen.job, label)))
        }
        ExportFile::Csv => format!("{stem}-measurements.csv"),
        ExportFile::Json => format!("{stem}-measurements.json"),
        ExportFile::Case if asked.image => format!("{stem}-case-with-image.zip"),
        ExportFile::Case => format!("{stem}-case.zip"),
    }
}

/// Which thumbnail a page has in mind.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ThumbnailQuery {
    /// Anything, such as the mask's revision: a page that says another one asks anew. The answer is
    /// the same.
    #[serde(rename = "v")]
    _v: Option<String>,
}

/// The axial slice that the mask covers most, or the middle one, as a small PNG in the objects'
/// colours. Browsers keep it, and ask whether it is still the one.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}/thumbnail.png", tag = "results",
    params(("job_id" = JobId, Path), ThumbnailQuery, ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, content_type = "image/png"),
        (status = 304, description = "It is the one that `If-None-Match` names by its `ETag`"),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ))]
pub(super) async fn thumbnail(
    State(server): State<Server>,
    Named(job_id): Named<JobId>,
    Asked(_): Asked<ThumbnailQuery>,
    known: HeaderMap,
) -> Result<Response, ApiError> {
    let job = server.store.job_row(job_id).await?;
    let etag = format!("\"{}\"", thumbnails::shown(&job));
    let headers =
        [(header::CACHE_CONTROL, "private, no-cache".to_owned()), (header::ETAG, etag.clone())];
    if known.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let bytes = server.thumbnail(&job).await?;
    Ok((headers, [(header::CONTENT_TYPE, "image/png")], bytes).into_response())
}
