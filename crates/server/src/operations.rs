//! Operations: what the server does to one object at a person's request becomes the next revision.

use protocol::{
    id::JobId,
    job::{Image, Revision},
    operation::{Operation, OperationRequest},
    prompt::SliceRef,
    system::Reason,
};
use volume::{
    morphology::{self, OneSlice},
    rle,
};

use crate::{
    edits::{Edit, check_parent},
    error::ApiError,
    masks,
    person::Person,
    prompts::{check_label, check_slice},
    results::no_mask,
    state::Server,
    surfaces::grid,
};

/// Largest distance of growing and shrinking, in millimetres.
const MAX_DISTANCE_MM: f64 = 100.0;

/// Largest standard deviation of smoothing, in millimetres.
const MAX_SMOOTHING_MM: f64 = 20.0;

/// Largest volume of an island, in millilitres: more than a person has.
const MAX_ISLAND_ML: f64 = 1e6;

impl Server {
    /// Does something to an object of the head's mask.
    ///
    /// # Errors
    /// If the object or the slice does not exist, a distance is out of bounds, the request was not
    /// made from the head, the object is locked, or the job is accepted.
    pub async fn operate(
        &self,
        job_id: JobId,
        request: &OperationRequest,
        person: &Person,
    ) -> Result<Revision, ApiError> {
        let job = self.store.job_row(job_id).await?;
        let image = &job.summary.image;
        check_request(image, request)?;
        check_parent(&job, request.parent)?;
        let head = job.head.as_ref().ok_or_else(no_mask)?;
        let before = self.labelmap(image, Some(&head.mask)).await?;
        let (grid, label) = (grid(image), request.label);
        let (operation, slice) = (operation(request.operation), request.slice.map(one_slice));
        let (encoded, difference) = tokio::task::spawn_blocking(move || {
            if before.bounding_box(label).is_none() {
                return Err(ApiError::wrong_state(format!("object {label} has no voxels"))
                    .because(Reason::EmptyObject, [("label", label.to_string())]));
            }
            let mut after = before.clone();
            morphology::apply(&mut after, &grid, label, operation, slice);
            Ok((rle::encode(&after), masks::difference(&before, &after, [0; 3])))
        })
        .await??;
        let edit = Edit {
            encoded,
            difference,
            action: request.operation.action(),
            label: Some(label),
            // Of an engine's answer to a prompt; what a person has done to a slice is none.
            extent: None,
            prompts: Vec::new(),
            parameters: Some(
                serde_json::json!({ "operation": request.operation, "slice": request.slice }),
            ),
        };
        self.keep_edit(&job, edit, person).await
    }
}

fn check_request(image: &Image, request: &OperationRequest) -> Result<(), ApiError> {
    check_label(request.label)?;
    if let Some(slice) = request.slice {
        check_slice(image, slice)?;
    }
    let (field, value, most) = match request.operation {
        Operation::Grow { mm } | Operation::Shrink { mm } => ("mm", mm, MAX_DISTANCE_MM),
        Operation::Smooth { mm } => ("mm", mm, MAX_SMOOTHING_MM),
        Operation::RemoveIslands { below_ml } => ("below_ml", below_ml, MAX_ISLAND_ML),
        Operation::KeepLargest | Operation::FillHoles => return Ok(()),
    };
    if value > 0.0 && value <= most {
        return Ok(());
    }
    Err(ApiError::invalid(
        &format!("operation.{field}"),
        format!("{field} must be more than 0 and at most {most}, got {value}"),
    ))
}

fn operation(it: Operation) -> morphology::Operation {
    match it {
        Operation::Grow { mm } => morphology::Operation::Grow { mm },
        Operation::Shrink { mm } => morphology::Operation::Shrink { mm },
        Operation::Smooth { mm } => morphology::Operation::Smooth { mm },
        Operation::KeepLargest => morphology::Operation::KeepLargest,
        Operation::RemoveIslands { below_ml } => morphology::Operation::RemoveIslands { below_ml },
        Operation::FillHoles => morphology::Operation::FillHoles,
    }
}

fn one_slice(it: SliceRef) -> OneSlice {
    OneSlice { axis: it.axis.into(), index: it.slice_index as usize }
}
