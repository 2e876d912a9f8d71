//! How sure an engine was of a mask, for as long as that says something of what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::job::{Revision, RevisionAction};

/// How sure an engine was of a mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rating {
    /// Doubt about the object, 0 (sure) to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<f32>,
    /// Stored axis of the slices.
    pub axis: u8,
    /// Slices that are worth a look, ascending; those that were confirmed since are left out.
    pub doubtful_slices: Vec<u32>,
    /// Whether the mask was changed since.
    pub is_edited: bool,
}

/// Doubt above which a slice is worth a look: the share of the key slice's area that is not sure.
const DOUBTFUL_ABOVE: f32 = 0.12;

impl Revision {
    /// What is said of this mask where `before` is said of the one that it was made from. A
    /// propagation that says nothing leaves nothing to say of its mask.
    #[must_use]
    pub fn rated_after(&self, before: Option<Rating>) -> Option<Rating> {
        if self.doubt.is_some() || !self.slices.is_empty() {
            let doubtful = self.slices.iter().filter(|it| it.uncertainty > DOUBTFUL_ABOVE);
            let mut doubtful_slices: Vec<u32> = doubtful.map(|it| it.slice_index).collect();
            doubtful_slices.sort_unstable();
            return Some(Rating {
                doubt: self.doubt,
                axis: self.extent.map_or(2, |it| it.axis),
                doubtful_slices,
                is_edited: false,
            });
        }
        let mut rating = before.filter(|_| self.action != Some(RevisionAction::Propagate))?;
        rating.is_edited |= self.changed.is_some();
        rating.doubtful_slices.retain(|slice| {
            !self.prompts.iter().any(|it| {
                (it.mask || it.absent)
                    && (it.slice.axis, it.slice.slice_index) == (rating.axis, *slice)
            })
        });
        Some(rating)
    }
}
