//! The published models that an engine of ours can load.

use crate::hub::HUGGING_FACE;

/// A published model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// What people call it on the command line.
    pub name: &'static str,
    /// Its file, on the hub and under the model folder.
    pub file: &'static str,
    /// Its repository on the hub.
    pub repository: &'static str,
    /// What it was trained for.
    pub purpose: &'static str,
    /// The weights' licence, as their model card has it.
    pub licence: &'static str,
}

/// The configuration that is published beside the models: all have the same dimensions.
pub const PUBLISHED_CONFIG: &str = "sam2.1_hiera_t512.yaml";
/// What stands in it.
pub const PUBLISHED_CONFIG_TEXT: &str = include_str!("sam2.1_hiera_t512.yaml");

/// The model card of `MedSAM2` names a licence and a restriction; both are shown.
const MEDSAM2_LICENCE: &str = "CC-BY-SA-4.0; research and education only";
const MEDSAM2_REPOSITORY: &str = "wanglab/MedSAM2";

/// The models, the one that is used by default first.
pub const MODELS: [Model; 5] = [
    medsam2("medsam2", "MedSAM2_latest.pt", "CT, MR, PET, ultrasound and endoscopy"),
    medsam2("medsam2-2411", "MedSAM2_2411.pt", "the first general release"),
    medsam2("medsam2-ct-lesion", "MedSAM2_CTLesion.pt", "lesions in CT"),
    medsam2("medsam2-mr-liver-lesion", "MedSAM2_MRI_LiverLesion.pt", "liver lesions in MR"),
    medsam2("medsam2-us-heart", "MedSAM2_US_Heart.pt", "the heart in ultrasound"),
];

const fn medsam2(name: &'static str, file: &'static str, purpose: &'static str) -> Model {
    Model { name, file, repository: MEDSAM2_REPOSITORY, purpose, licence: MEDSAM2_LICENCE }
}

impl Model {
    /// The page on which it is described, with its terms.
    #[must_use]
    pub fn card(&self) -> String {
        format!("{HUGGING_FACE}/{}", self.repository)
    }

    /// The address of its file at a hub.
    #[must_use]
    pub fn url(&self, endpoint: &str) -> String {
        let endpoint = endpoint.trim_end_matches('/');
        format!("{endpoint}/{}/resolve/main/{}", self.repository, self.file)
    }

    /// The name of a configuration that belongs to this model alone.
    #[must_use]
    pub fn own_config(&self) -> String {
        format!("{}.yaml", self.file.trim_end_matches(".pt"))
    }
}

/// The model that is called `name`, or whose file is.
#[must_use]
pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|it| it.name.eq_ignore_ascii_case(name) || it.file == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_its_name_and_by_its_file() {
        assert_eq!(find("MedSAM2").map(|it| it.file), Some("MedSAM2_latest.pt"));
        assert_eq!(find("MedSAM2_US_Heart.pt").map(|it| it.name), Some("medsam2-us-heart"));
        assert_eq!(find("sam3"), None);
    }

    #[test]
    fn no_two_models_share_a_name_or_a_file() {
        for (n, model) in MODELS.iter().enumerate() {
            assert_eq!(MODELS.iter().position(|it| it.name == model.name), Some(n));
            assert_eq!(MODELS.iter().position(|it| it.file == model.file), Some(n));
        }
    }
}
