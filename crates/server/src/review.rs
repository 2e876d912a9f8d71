//! Reviews: which steps there are, and how two masks compare.

use protocol::{
    id::{JobId, OpinionId, RevisionId},
    job::Image,
    review::{
        Comparison, ObjectComparison, Opinion, OpinionRequest, Review, ReviewRequest, ReviewState,
    },
};
use volume::{Affine, metrics::agreement};

use crate::{error::ApiError, person::Person, state::Server};

/// Longest comment, in characters.
const MAX_COMMENT_CHARS: usize = 2_000;

/// Checks a step of a review by itself.
///
/// # Errors
/// If it leads nowhere, or is a rejection that says nothing.
pub fn check_step(from: ReviewState, to: ReviewState, comment: &str) -> Result<(), ApiError> {
    use ReviewState::{Accepted, Draft, InReview, Rejected};
    let goes_to = match from {
        Draft => "in_review",
        InReview => "accepted, rejected or draft",
        Rejected => "in_review or draft",
        Accepted => "draft",
    };
    let is_step = matches!(
        (from, to),
        (Draft, InReview)
            | (InReview, Accepted | Rejected | Draft)
            | (Rejected, InReview | Draft)
            | (Accepted, Draft)
    );
    if !is_step {
        return Err(ApiError::invalid("to", format!("from there a review goes to {goes_to}")));
    }
    if to == Rejected && comment.is_empty() {
        return Err(ApiError::invalid("comment", "a rejection says why"));
    }
    Ok(())
}

/// A comment without white space around it.
///
/// # Errors
/// If it is too long, or holds control characters other than line ends and tabs.
fn checked_comment(text: &str) -> Result<&str, ApiError> {
    let is_plain = |it: char| !it.is_control() || "\n\r\t".contains(it);
    if text.chars().count() > MAX_COMMENT_CHARS || !text.chars().all(is_plain) {
        let message = format!("a comment has at most {MAX_COMMENT_CHARS} printable characters");
        return Err(ApiError::invalid("comment", message));
    }
    Ok(text.trim())
}

impl Server {
    /// Takes a step of a job's review.
    ///
    /// # Errors
    /// If there is no such step, the review or the head is elsewhere, or there is nothing to review.
    pub async fn review(
        &self,
        job_id: JobId,
        mut request: ReviewRequest,
        person: &Person,
    ) -> Result<Review, ApiError> {
        request.comment = checked_comment(&request.comment)?.to_owned();
        check_step(request.from, request.to, &request.comment)?;
        Ok(self.store.take_review_step(job_id, &request, &self.act(person)).await?)
    }

    /// Records a reader's opinion.
    ///
    /// # Errors
    /// If the job has no such revision.
    pub async fn add_opinion(
        &self,
        job_id: JobId,
        request: &OpinionRequest,
        person: &Person,
    ) -> Result<Opinion, ApiError> {
        let act = self.act(person);
        let opinion = Opinion {
            opinion_id: OpinionId::fresh(),
            revision_id: request.revision_id,
            reader: act.by.clone(),
            comment: checked_comment(&request.comment)?.to_owned(),
            created_ms: act.now_ms,
        };
        self.store.add_opinion(job_id, &opinion, &act).await?;
        Ok(opinion)
    }

    /// How two revisions of a job agree.
    ///
    /// # Errors
    /// If the job has no such revision, or a mask is missing or damaged.
    pub async fn compare(
        &self,
        job_id: JobId,
        a: RevisionId,
        b: RevisionId,
    ) -> Result<Comparison, ApiError> {
        let image = self.store.job_row(job_id).await?.summary.image;
        let masks = [
            self.store.revision(job_id, a).await?.mask,
            self.store.revision(job_id, b).await?.mask,
        ];
        let first = self.labelmap(&image, Some(&masks[0])).await?;
        let second = self.labelmap(&image, Some(&masks[1])).await?;
        let ml = voxel_ml(&image);
        let counts = tokio::task::spawn_blocking(move || agreement(&first, &second)).await?;
        Ok(comparison([a, b], &counts, ml))
    }
}

/// Millilitres of a voxel.
fn voxel_ml(image: &Image) -> f64 {
    let [i, j, k, _] = image.ras_from_voxel;
    Affine::from_rows([i, j, k]).determinant().abs() / 1000.0
}

/// Voxels of each label in one mask, the other, and both.
type Counts = [[u64; 3]; 256];

fn dice([a, b, both]: [u64; 3]) -> f64 {
    if a + b == 0 { 1.0 } else { 2.0 * both as f64 / (a + b) as f64 }
}

fn comparison([a, b]: [RevisionId; 2], counts: &Counts, ml: f64) -> Comparison {
    let objects = (1_u8..=255).zip(&counts[1..]).filter(|(_, [a, b, _])| a + b > 0);
    let all = counts[1..].iter().fold([0; 3], |sum, it| [0, 1, 2].map(|n| sum[n] + it[n]));
    Comparison {
        a,
        b,
        objects: objects
            .map(|(label, &counts)| ObjectComparison {
                label,
                dice: dice(counts),
                a_ml: counts[0] as f64 * ml,
                b_ml: counts[1] as f64 * ml,
                a_voxels: counts[0],
                b_voxels: counts[1],
                both_voxels: counts[2],
            })
            .collect(),
        overall_dice: dice(all),
    }
}

#[cfg(test)]
mod tests {
    use volume::Labelmap;

    use super::*;

    #[test]
    fn a_review_goes_only_these_ways() {
        use ReviewState::{Accepted, Draft, InReview, Rejected};
        let all = [Draft, InReview, Accepted, Rejected];
        let ways: Vec<_> = all
            .into_iter()
            .flat_map(|from| all.map(|to| (from, to)))
            .filter(|(from, to)| check_step(*from, *to, "why").is_ok())
            .collect();
        let expected = [
            (Draft, InReview),
            (InReview, Draft),
            (InReview, Accepted),
            (InReview, Rejected),
            (Accepted, Draft),
            (Rejected, Draft),
            (Rejected, InReview),
        ];
        assert_eq!(ways, expected);
        let silent = check_step(InReview, Rejected, "").unwrap_err();
        assert_eq!(silent.detail().field.as_deref(), Some("comment"));
    }

    #[test]
    fn agreement_is_counted_object_by_object() {
        let map = |voxels: &[u8]| Labelmap { shape: [voxels.len(), 1, 1], voxels: voxels.to_vec() };
        let ids = [RevisionId::fresh(), RevisionId::fresh()];
        let counts = agreement(&map(&[1, 1, 2, 0, 0]), &map(&[1, 2, 2, 3, 0]));
        let found = comparison(ids, &counts, 0.5);
        let dices: Vec<_> = found.objects.iter().map(|it| (it.label, it.dice)).collect();
        assert_eq!(dices, [(1, 2.0 / 3.0), (2, 2.0 / 3.0), (3, 0.0)]);
        assert_eq!(found.overall_dice, 4.0 / 7.0, "a voxel of another object is no agreement");
        let second = &found.objects[1];
        assert_eq!((second.a_ml, second.b_ml, second.both_voxels), (0.5, 1.0, 1));
        assert_eq!(comparison(ids, &agreement(&map(&[0]), &map(&[0])), 1.0).overall_dice, 1.0);
    }
}
