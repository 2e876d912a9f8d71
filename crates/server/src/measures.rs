//! Measurements: what the objects of a revision measure, and what that rests on.

use std::sync::Arc;

use protocol::{
    id::{JobId, RevisionId},
    job::{Author, Modality, Revision},
    measure::{
        Diameter, MeasuredImage, Measurements, ObjectMeasures, Provenance, SliceArea, Units,
    },
};
use volume::{Labelmap, measure};

use crate::{error::ApiError, results::no_mask, state::Server, store::jobs::JobRow};

/// A job's mask as it was at one revision.
pub(crate) struct Chosen {
    pub(crate) job: JobRow,
    pub(crate) revision: Revision,
    pub(crate) labelmap: Arc<Labelmap>,
}

impl Server {
    /// The mask of a revision, or of the head where none is named.
    ///
    /// # Errors
    /// If there is no such job or revision, or no mask yet.
    pub(crate) async fn chosen(
        &self,
        job_id: JobId,
        revision: Option<RevisionId>,
    ) -> Result<Chosen, ApiError> {
        let job = self.store.job_row(job_id).await?;
        let revision = match revision {
            Some(it) => self.store.revision(job_id, it).await?,
            None => job.head.clone().ok_or_else(no_mask)?,
        };
        let labelmap = self.labelmap(&job.summary.image, Some(&revision.mask)).await?;
        Ok(Chosen { job, revision, labelmap: Arc::new(labelmap) })
    }

    /// Measures every object of a mask; intensities are those of one frame.
    ///
    /// # Errors
    /// If the image has no such frame, or cannot be read.
    pub(crate) async fn measure(
        &self,
        chosen: &Chosen,
        frame: u32,
    ) -> Result<Measurements, ApiError> {
        let Chosen { job, revision, labelmap } = chosen;
        let image = &job.summary.image;
        let volume = self.volume(image, frame).await?;
        let mask = Arc::clone(labelmap);
        let measured =
            tokio::task::spawn_blocking(move || measure::measure(&mask, &volume)).await?;
        let history = self.store.lineage(Some(revision.revision_id)).await?;
        Ok(Measurements {
            job_id: job.summary.job_id,
            name: job.summary.name.clone(),
            image: MeasuredImage {
                file_name: image.file_name.clone(),
                sha256: image.sha256.clone(),
                modality: image.modality,
                spacing_mm: image.spacing_mm,
                shape: image.shape,
                frame,
            },
            revision_id: revision.revision_id,
            created_ms: revision.created_ms,
            author: revision.author.clone(),
            action: revision.action,
            units: units(image.modality),
            objects: measured.iter().map(|it| object(job, it)).collect(),
            provenance: provenance(revision, &history, self.now_ms()),
        })
    }
}

fn units(modality: Modality) -> Units {
    let intensity = match modality {
        Modality::Ct => "HU",
        Modality::Mr | Modality::Unknown => "1",
    };
    Units {
        volume: "ml".to_owned(),
        area: "mm2".to_owned(),
        length: "mm".to_owned(),
        intensity: intensity.to_owned(),
    }
}

fn provenance(revision: &Revision, history: &[Revision], now_ms: i64) -> Provenance {
    let (mut engines, mut people) = (Vec::new(), Vec::new());
    for it in history {
        match &it.author {
            Author::Engine { engine, .. } if !engines.contains(engine) => {
                engines.push(engine.clone());
            }
            Author::Person { name } if !people.contains(name) && !name.is_empty() => {
                people.push(name.clone());
            }
            Author::Engine { .. } | Author::Person { .. } => {}
        }
    }
    Provenance {
        voxloop: env!("CARGO_PKG_VERSION").to_owned(),
        measured_ms: now_ms,
        mask_sha256: revision.mask.clone(),
        engines,
        people,
        n_revisions: number(history.len()),
    }
}

/// An object's name: that of the job's list, or one of its value.
pub(crate) fn label_name(job: &JobRow, label: u8) -> String {
    let named = job.labels.iter().find(|it| it.value == label).map(|it| it.name.clone());
    named.filter(|it| !it.trim().is_empty()).unwrap_or_else(|| format!("Object {label}"))
}

fn object(job: &JobRow, it: &measure::Measures) -> ObjectMeasures {
    let axis = u8::try_from(it.axis).unwrap_or(2);
    ObjectMeasures {
        label: it.label,
        name: label_name(job, it.label),
        anatomy: job
            .labels
            .iter()
            .find(|label| label.value == it.label)
            .and_then(|it| it.anatomy.clone()),
        n_voxels: it.n_voxels as u64,
        volume_ml: it.volume_ml,
        surface_mm2: it.surface_mm2,
        mean: it.intensities.map(|it| it.mean),
        sd: it.intensities.map(|it| it.sd),
        min: it.intensities.map(|it| it.min),
        max: it.intensities.map(|it| it.max),
        median: it.intensities.map(|it| it.median),
        first: it.first.map(number),
        last: it.last.map(number),
        centroid_mm: it.centroid_mm,
        longest: it.diameters.map(|it| diameter(&it.longest)),
        perpendicular: it.diameters.map(|it| diameter(&it.perpendicular)),
        axis,
        areas: it
            .areas
            .iter()
            .map(|it| SliceArea { slice_index: number(it.slice_index), area_mm2: it.area_mm2 })
            .collect(),
    }
}

fn diameter(it: &measure::Diameter) -> Diameter {
    Diameter {
        mm: it.mm,
        axis: u8::try_from(it.axis).unwrap_or(2),
        slice_index: number(it.slice_index),
        from: it.from,
        to: it.to,
    }
}

/// An axis has less than 2³² voxels, and so have counts of what is stored.
fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
