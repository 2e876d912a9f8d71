//! Labels: the objects of a job, how they are shown, and what they are in the words of a
//! terminology.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::LabelSetId;

/// A labelled object of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its value in the mask, 1–255.
    pub value: u8,
    /// Its name.
    pub name: String,
    /// Its colour, `#rrggbb`.
    pub color: String,
    /// Whether it is shown.
    #[serde(default = "yes")]
    pub visible: bool,
    /// Whether its voxels are kept as they are: it neither loses nor gains any.
    #[serde(default)]
    pub locked: bool,
    /// How opaque it is, 0–1; none for what is set for all objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opacity: Option<f32>,
    /// Whether only its outline is drawn; none for what is set for all objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<bool>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anatomy: Option<Anatomy>,
}

fn yes() -> bool {
    true
}

impl Label {
    /// A visible object that is not locked.
    #[must_use]
    pub fn new(value: u8, name: impl Into<String>, color: impl Into<String>) -> Self {
        Self {
            value,
            name: name.into(),
            color: color.into(),
            visible: true,
            locked: false,
            opacity: None,
            outline: None,
            anatomy: None,
        }
    }
}

/// What an object is, as DICOM segmentations say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Anatomy {
    /// Its category: anatomical structure, morphologically altered structure …
    pub category: Code,
    /// What it is: liver, neoplasm …
    pub kind: Code,
    /// Left or right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub laterality: Option<Code>,
}

/// A word of a terminology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// `SCT` (SNOMED CT) or `DCM` (DICOM).
    pub scheme: String,
    /// 1–16 letters, digits, dots and hyphens.
    pub value: String,
    /// In English, at most 64 characters.
    pub meaning: String,
}

/// Objects kept under a name, for other jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelSet {
    /// Its identifier.
    pub label_set_id: LabelSetId,
    /// Its name; no other set has it.
    pub name: String,
    /// The objects.
    pub labels: Vec<Label>,
    /// Milliseconds since 1970 of the last change.
    pub updated_ms: i64,
}

/// A label set to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelSetRequest {
    /// Its name, 1–200 characters.
    pub name: String,
    /// The objects.
    pub labels: Vec<Label>,
}
