//! What the manifest of a batch says of each image, and what follows from it when the batch is run
//! again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    time::UNIX_EPOCH,
};

use protocol::task::EngineIdentity;
use serde::{Deserialize, Serialize};

use super::{
    objects::{Object, Parameters},
    prompts::Marks,
};

/// The manifest's name in the output folder.
pub(crate) const MANIFEST: &str = "manifest.jsonl";

/// A line of the manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum Entry {
    /// A mask was made. Written just before the mask gets its name.
    Done(Box<Done>),
    /// An image failed.
    Failed {
        /// Its name.
        name: String,
        /// Why.
        error: String,
        /// Milliseconds since 1970.
        finished_ms: u64,
    },
}

/// A mask and all that it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The image's relative path.
    pub(crate) name: String,
    /// Where the image was, as an absolute path.
    pub(crate) input: String,
    /// What the image was.
    pub(crate) image: Stamp,
    /// The mask, relative to the output folder.
    pub(crate) output: String,
    /// SHA-256 of the mask's file.
    pub(crate) mask_sha256: String,
    /// Size of the mask's file.
    pub(crate) mask_bytes: u64,
    /// Digest of all that the mask depends on: the same again gives the same mask.
    pub(crate) key: String,
    /// What was marked.
    pub(crate) marks: Marks,
    /// Which code made it, with which weights and through which window.
    pub(crate) engine: EngineIdentity,
    /// With which parameters.
    pub(crate) parameters: Parameters,
    /// What is in the mask.
    pub(crate) objects: Vec<Object>,
    /// Seconds for reading, segmenting and writing, other images at work beside it.
    pub(crate) seconds: f64,
    /// Milliseconds since 1970.
    pub(crate) finished_ms: u64,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Nanoseconds since 1970 of its last change, where the file system tells.
    pub(crate) modified_ns: Option<u64>,
}

impl Stamp {
    /// Whether a file looks untouched since, without reading it.
    pub(crate) fn looks_like(&self, file: &Metadata) -> bool {
        self.bytes == file.len()
            && self.modified_ns.is_some()
            && self.modified_ns == modified_ns(file)
    }
}

/// Nanoseconds since 1970 of a file's last change.
pub(crate) fn modified_ns(file: &Metadata) -> Option<u64> {
    let since = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// What earlier runs left.
#[derive(Debug, Default)]
pub(crate) struct History {
    newest: BTreeMap<String, Done>,
    /// SHA-256 of each mask that was ever written, with its name.
    written: BTreeSet<(String, String)>,
}

impl History {
    /// From the manifest's lines, oldest first.
    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        let mut history = Self::default();
        for entry in entries {
            if let Entry::Done(done) = entry {
                history.written.insert((done.output.clone(), done.mask_sha256.clone()));
                history.newest.insert(done.output.clone(), *done);
            }
        }
        history
    }

    /// The newest entry of a mask.
    pub(crate) fn newest(&self, output: &str) -> Option<&Done> {
        self.newest.get(output)
    }

    /// Names of all masks.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.newest.keys().map(String::as_str)
    }

    fn wrote(&self, output: &str, sha256: &str) -> bool {
        self.written.contains(&(output.to_owned(), sha256.to_owned()))
    }

    /// Whether an image is to be segmented. `on_disk` is the SHA-256 of the file that has the
    /// mask's name now.
    pub(crate) fn decide(
        &self,
        output: &str,
        wanted: &Wanted<'_>,
        on_disk: Option<&str>,
    ) -> Decision {
        let is_same = self.newest(output).is_some_and(|it| it.key == wanted.key);
        let of_another = self.newest(output).filter(|it| wanted.is_of_another(it));
        match on_disk {
            None => Decision::Segment,
            Some(sha256) if self.wrote(output, sha256) => {
                if let Some(other) = of_another {
                    return Decision::OfAnother(other.input.clone());
                }
                let is_newest = self.newest(output).is_some_and(|it| it.mask_sha256 == sha256);
                if is_same && is_newest { Decision::Unchanged } else { Decision::Segment }
            }
            Some(_) if is_same => Decision::Edited,
            Some(_) => Decision::Foreign,
        }
    }
}

/// A mask that is wanted.
pub(crate) struct Wanted<'a> {
    /// Where the image is, as [`Done::input`].
    pub(crate) input: &'a str,
    /// SHA-256 of the image.
    pub(crate) image: &'a str,
    /// As [`Done::key`].
    pub(crate) key: &'a str,
}

impl Wanted<'_> {
    /// An image that moved, or that changed in its place, is still the same one.
    fn is_of_another(&self, done: &Done) -> bool {
        done.input != self.input && done.image.sha256 != self.image
    }
}

/// What is to be done with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// There is no mask, or it is one of ours that other prompts or another engine made.
    Segment,
    /// The mask is there and would come out the same.
    Unchanged,
    /// The mask would come out the same, but somebody changed it since: theirs is kept.
    Edited,
    /// The mask is of another image, which was at this place.
    OfAnother(String),
    /// A file of that name is there that no run wrote, or that somebody changed since.
    Foreign,
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{
        prompt::{Combine, Direction},
        task::EngineName,
    };

    fn done(key: &str, mask_sha256: &str) -> Entry {
        Entry::Done(Box::new(Done {
            name: "ct.nii.gz".to_owned(),
            input: "/scans/ct.nii.gz".to_owned(),
            image: Stamp { sha256: "image".to_owned(), bytes: 1, modified_ns: None },
            output: "ct.mask.nii.gz".to_owned(),
            mask_sha256: mask_sha256.to_owned(),
            mask_bytes: 1,
            key: key.to_owned(),
            marks: Marks { prompts: Vec::new(), propagate: Vec::new() },
            engine: EngineIdentity {
                name: EngineName::Graphcut,
                version: "1".to_owned(),
                model: None,
            },
            parameters: Parameters {
                direction: Direction::Both,
                combine: Combine::Union,
                largest_component: false,
                two_d: false,
                uncertainty: false,
                medsam2: None,
            },
            objects: Vec::new(),
            seconds: 1.0,
            finished_ms: 0,
        }))
    }

    fn wanted(key: &str) -> Wanted<'_> {
        Wanted { input: "/scans/ct.nii.gz", image: "image", key }
    }

    #[test]
    fn only_a_mask_that_would_come_out_the_same_is_left() {
        let history = History::of(vec![done("old", "A"), done("new", "B")]);
        let decide = |key, on_disk| history.decide("ct.mask.nii.gz", &wanted(key), on_disk);
        assert_eq!(decide("new", Some("B")), Decision::Unchanged);
        assert_eq!(decide("other", Some("B")), Decision::Segment);
        // Killed between the line and the mask's new name: the older mask, or none, is there.
        assert_eq!(decide("new", Some("A")), Decision::Segment);
        assert_eq!(decide("new", None), Decision::Segment);
    }

    #[test]
    fn what_a_person_made_is_never_overwritten() {
        let history = History::of(vec![done("key", "A")]);
        let decide = |output, key| history.decide(output, &wanted(key), Some("mine"));
        assert_eq!(decide("ct.mask.nii.gz", "key"), Decision::Edited);
        assert_eq!(decide("ct.mask.nii.gz", "other"), Decision::Foreign);
        assert_eq!(decide("mr.mask.nii.gz", "key"), Decision::Foreign);
    }

    #[test]
    fn an_image_that_moved_or_changed_is_the_same_and_one_that_did_both_is_another() {
        let history = History::of(vec![done("key", "A")]);
        let decide = |input, image| {
            let wanted = Wanted { input, image, key: "new" };
            history.decide("ct.mask.nii.gz", &wanted, Some("A"))
        };
        assert_eq!(decide("/moved/ct.nii.gz", "image"), Decision::Segment);
        assert_eq!(decide("/scans/ct.nii.gz", "changed"), Decision::Segment);
        let another = Decision::OfAnother("/scans/ct.nii.gz".to_owned());
        assert_eq!(decide("/moved/ct.nii.gz", "changed"), another);
    }

    #[test]
    fn entries_survive_the_way_through_the_file() {
        let entry = done("key", "A");
        let text = serde_json::to_string(&entry).unwrap();
        assert!(text.starts_with(r#"{"state":"done","name":"ct.nii.gz""#));
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }
}
