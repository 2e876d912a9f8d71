//! Exports: a mask, its surfaces and its measurements as the files that people take away.

use std::sync::Arc;

use protocol::{
    audit::AuditAction,
    id::{JobId, RevisionId},
    job::Image,
    label::Anatomy,
    measure::Measurements,
    system::Reason,
};
use volume::{MaskFormat, surface::SurfaceOptions, write_mask};

use crate::{
    error::ApiError,
    measures::Chosen,
    person::Person,
    state::Server,
    store::{audit::details, row::to_text},
};

/// Surfaces that people take away.
pub(crate) const KEPT: SurfaceOptions =
    SurfaceOptions { n_smoothings: 40, max_triangles: 1_000_000 };

/// Most letters of an object's name in a file name.
const MAX_NAME_CHARS: usize = 60;

impl Server {
    /// A whole mask on the image's own grid.
    ///
    /// # Errors
    /// If the image's blob is missing or damaged.
    pub(crate) async fn mask_bytes(
        &self,
        chosen: &Chosen,
        format: MaskFormat,
    ) -> Result<Vec<u8>, ApiError> {
        let image = &chosen.job.summary.image;
        let path = self.blobs.open(&image.sha256).await?;
        let (labelmap, file_name) = (Arc::clone(&chosen.labelmap), image.file_name.clone());
        tokio::task::spawn_blocking(move || {
            let header =
                volume::read_header(&path, &file_name).map_err(|it| ApiError::internal(&it))?;
            let mut bytes = Vec::new();
            write_mask(&labelmap, &header.source, format, &mut bytes)
                .map_err(|it| ApiError::internal(&it))?;
            Ok(bytes)
        })
        .await?
    }

    /// Records that somebody took a file away.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn note_export(
        &self,
        job_id: JobId,
        revision: RevisionId,
        file_name: &str,
        person: &Person,
    ) -> Result<(), ApiError> {
        let details = details([("file", file_name.to_owned()), ("revision", revision.to_string())]);
        Ok(self.store.note(job_id, AuditAction::Exported, details, &self.act(person)).await?)
    }

    /// The surface of one object as binary STL.
    ///
    /// # Errors
    /// If the mask has no voxel of the object.
    pub(crate) async fn stl_bytes(&self, chosen: &Chosen, label: u8) -> Result<Vec<u8>, ApiError> {
        let mesh = self.surface(chosen, label, KEPT).await?;
        if mesh.triangles.is_empty() {
            return Err(ApiError::wrong_state(format!(
                "object {label} has no voxels in this mask"
            ))
            .because(Reason::EmptyObject, [("label", label.to_string())]));
        }
        tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            volume::surface::write_stl(&mesh, &mut bytes).map_err(|it| ApiError::internal(&it))?;
            Ok(bytes)
        })
        .await?
    }
}

/// Measurements as JSON for people: one field per line.
///
/// # Errors
/// Never: every number is finite and every key a text.
pub(crate) fn json_bytes(value: &impl serde::Serialize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|it| ApiError::internal(&it))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Measurements as CSV: a line of names, then a line for each object.
///
/// # Errors
/// Never: memory takes every line, and all lines are equally long.
pub(crate) fn csv_bytes(measured: &Measurements) -> Result<Vec<u8>, ApiError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS).map_err(|it| ApiError::internal(&it))?;
    for object in &measured.objects {
        table.write_record(row(measured, object)).map_err(|it| ApiError::internal(&it))?;
    }
    table.into_inner().map_err(|it| ApiError::internal(it.error()))
}

const COLUMNS: [&str; 45] = [
    "job_id",
    "job",
    "image",
    "image_sha256",
    "modality",
    "frame",
    "revision_id",
    "revision_ms",
    "author",
    "action",
    "label",
    "object",
    "anatomy",
    "n_voxels",
    "volume_ml",
    "surface_mm2",
    "mean",
    "sd",
    "min",
    "max",
    "median",
    "intensity_unit",
    "first_i",
    "first_j",
    "first_k",
    "last_i",
    "last_j",
    "last_k",
    "centroid_r_mm",
    "centroid_a_mm",
    "centroid_s_mm",
    "axis",
    "diameter_slice",
    "longest_mm",
    "longest_from_x",
    "longest_from_y",
    "longest_to_x",
    "longest_to_y",
    "perpendicular_mm",
    "perpendicular_from_x",
    "perpendicular_from_y",
    "perpendicular_to_x",
    "perpendicular_to_y",
    "mask_sha256",
    "voxloop",
];

fn row(measured: &Measurements, object: &protocol::measure::ObjectMeasures) -> Vec<String> {
    let image = &measured.image;
    let mut row = vec![
        measured.job_id.to_string(),
        text(&measured.name),
        text(&image.file_name),
        image.sha256.to_string(),
        to_text(&image.modality),
        image.frame.to_string(),
        measured.revision_id.to_string(),
        measured.created_ms.to_string(),
        text(&author(measured)),
        measured.action.map_or_else(String::new, |it| to_text(&it)),
        object.label.to_string(),
        text(&object.name),
        object.anatomy.as_ref().map_or_else(String::new, anatomy),
        object.n_voxels.to_string(),
        object.volume_ml.to_string(),
        object.surface_mm2.to_string(),
    ];
    row.extend([object.mean, object.sd, object.min, object.max, object.median].map(optional));
    row.push(measured.units.intensity.clone());
    row.extend(object.first.map(|it| it.to_string()));
    row.extend(object.last.map(|it| it.to_string()));
    row.extend(object.centroid_mm.map(|it| it.to_string()));
    row.push(object.axis.to_string());
    row.push(object.longest.map_or_else(String::new, |it| it.slice_index.to_string()));
    for diameter in [object.longest, object.perpendicular] {
        row.push(optional(diameter.map(|it| it.mm)));
        for end in [diameter.map(|it| it.from), diameter.map(|it| it.to)] {
            row.extend([0, 1].map(|axis| optional(end.map(|it| it[axis]))));
        }
    }
    row.push(measured.provenance.mask_sha256.to_string());
    row.push(measured.provenance.voxloop.clone());
    row
}

fn optional(number: Option<f64>) -> String {
    number.map_or_else(String::new, |it| it.to_string())
}

fn author(measured: &Measurements) -> String {
    match &measured.author {
        protocol::job::Author::Engine { engine, .. } => {
            format!("{} {}", to_text(&engine.name), engine.version)
        }
        protocol::job::Author::Person { name } => name.clone(),
    }
}

/// An object's codes, such as `SCT 10200004 Liver; SCT 24028007 Right`.
fn anatomy(anatomy: &Anatomy) -> String {
    let codes = std::iter::once(&anatomy.kind).chain(&anatomy.laterality);
    let words: Vec<_> =
        codes.map(|it| format!("{} {} {}", it.scheme, it.value, it.meaning)).collect();
    text(&words.join("; "))
}

/// A text that a spreadsheet does not take for a formula.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

/// A file name without the endings of image files.
pub(crate) fn stem(file_name: &str) -> &str {
    [".nii.gz", ".nii", ".nrrd"]
        .iter()
        .find_map(|it| file_name.strip_suffix(it))
        .unwrap_or(file_name)
}

/// The start of an image's files: its name, in letters that every system takes.
pub(crate) fn safe_stem(image: &Image) -> String {
    let name = safe(stem(&image.file_name));
    if name.is_empty() { "image".to_owned() } else { name }
}

/// What an object's files are called: its number first, so that no two are alike and none is a
/// name that some system keeps for itself.
pub(crate) fn object_file(label: u8, name: &str) -> String {
    let name = safe(name);
    if name.is_empty() { format!("object-{label:03}") } else { format!("object-{label:03}-{name}") }
}

/// Letters and digits of any script; everything else becomes a hyphen.
fn safe(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().take(MAX_NAME_CHARS) {
        if letter.is_alphanumeric() || letter == '_' {
            name.push(letter);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{object_file, safe, stem, text};

    #[test]
    fn names_of_objects_become_names_of_files() {
        assert_eq!(object_file(1, "Liver"), "object-001-Liver");
        assert_eq!(object_file(12, "../../etc/passwd"), "object-012-etc-passwd");
        assert_eq!(object_file(255, "간 (S5/8)"), "object-255-간-S5-8");
        assert_eq!(object_file(3, " ..."), "object-003");
        assert_eq!(safe("CON: a\u{0}b\nc|d?"), "CON-a-b-c-d");
        assert_eq!(safe(&"x".repeat(300)).len(), 60);
    }

    #[test]
    fn spreadsheets_see_no_formulas() {
        assert_eq!(text("=cmd()"), "'=cmd()");
        assert_eq!(text("Liver"), "Liver");
    }

    #[test]
    fn endings_of_images_are_left_out() {
        assert_eq!(
            [stem("a.nii.gz"), stem("b.nrrd"), stem("c.d.nii"), stem("e")],
            ["a", "b", "c.d", "e"]
        );
    }
}
