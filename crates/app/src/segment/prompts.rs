//! What to look for in each image of a batch: a file that names all images, or one beside each.
//!
//! The prompts are those of the API (`protocol::prompt`), one list for an image, its objects told
//! apart by their labels:
//!
//! ```json
//! {"case1/ct.nii.gz": [{"label": 1, "axis": 2, "slice_index": 40, "box": [120, 95, 160, 130]}],
//!  "case2/ct.nii.gz": {"prompts": [{"axis": 2, "slice_index": 12, "box": [60, 60, 90, 88]}],
//!                      "propagate": [{"label": 1, "range": [5, 20]}]}}
//! ```

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, bail, ensure};
use protocol::prompt::{Combine, Direction, SlicePrompt};
use serde::{Deserialize, Serialize, de};
use serde_json::Value;

use super::shape;

/// Everything that is said about one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// Its prompts, of all objects.
    pub(crate) prompts: Vec<SlicePrompt>,
    /// How an object is carried through the volume, where not as the flags say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) propagate: Vec<Carry>,
}

/// How one object is carried through the volume: the body of the API's `propagate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Carry {
    /// The object.
    pub(crate) label: u8,
    /// Stored axis; that of its first prompt where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) axis: Option<u8>,
    /// First and last slice that may hold it, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<[u32; 2]>,
    /// Which way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) direction: Option<Direction>,
    /// How two passes are combined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) combine: Option<Combine>,
    /// Whether only the largest connected part stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) largest_component: Option<bool>,
}

impl Marks {
    /// The objects, ascending.
    pub(crate) fn labels(&self) -> BTreeSet<u8> {
        self.prompts.iter().map(|it| it.label).collect()
    }

    /// Reads an image's entry and checks all that can be checked without the image.
    ///
    /// # Errors
    /// If a field is unknown, missing, of another kind, or the prompts contradict each other.
    pub(crate) fn from_json(entry: &Value) -> anyhow::Result<Self> {
        let (prompts, propagate) = match entry {
            Value::Array(_) => (entry, None),
            Value::Object(fields) => {
                let known = ["prompts", "propagate"];
                if let Some(other) = fields.keys().find(|it| !known.contains(&it.as_str())) {
                    bail!("`{other}` is no field; there are prompts and propagate");
                }
                let prompts = fields.get("prompts").context("`prompts` is missing")?;
                (prompts, fields.get("propagate"))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                bail!("expected a list of prompts, or an object with `prompts`")
            }
        };
        shape::check_prompts(prompts, "prompts")?;
        let prompts = parse(prompts, "prompts")?;
        let propagate = propagate.map(|it| parse(it, "propagate")).transpose()?.unwrap_or_default();
        Self { prompts, propagate }.checked()
    }

    fn checked(self) -> anyhow::Result<Self> {
        ensure!(!self.prompts.is_empty(), "prompts is empty");
        for (n, prompt) in self.prompts.iter().enumerate() {
            ensure!(prompt.label != 0, "prompts[{n}].label is 0, must be from 1 to 255");
            ensure!(
                !prompt.mask,
                "prompts[{n}].mask refers to a mask of a job; there is none here, use box, points \
                 or scribbles"
            );
            let same = |it: &SlicePrompt| (it.slice, it.label) == (prompt.slice, prompt.label);
            if let Some(earlier) = self.prompts[..n].iter().position(same) {
                bail!("prompts[{n}] is about the slice and label of prompts[{earlier}]; join them");
            }
        }
        for label in self.labels() {
            let shows = self.prompts.iter().any(|it| it.label == label && shows_object(it));
            ensure!(shows, "label {label} needs a box, a positive point or a positive scribble");
        }
        for (n, carry) in self.propagate.iter().enumerate() {
            let label = carry.label;
            ensure!(self.labels().contains(&label), "propagate[{n}].label {label} has no prompt");
            let axis = carry.axis.unwrap_or(0);
            ensure!(axis <= 2, "propagate[{n}].axis is {axis}, must be from 0 to 2");
            let again = self.propagate[..n].iter().any(|it| it.label == label);
            ensure!(!again, "propagate[{n}].label {label} was given before");
        }
        Ok(self)
    }
}

/// Whether the prompt says where the object is, not only where it is not.
pub(crate) fn shows_object(prompt: &SlicePrompt) -> bool {
    prompt.bounds.is_some()
        || prompt.points.iter().any(|it| it.positive)
        || prompt.scribbles.iter().any(|it| it.positive)
}

fn parse<T: de::DeserializeOwned>(value: &Value, at: &str) -> anyhow::Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let dot = if path.starts_with('[') || path == "." { "" } else { "." };
        let path = if path == "." { "" } else { path.as_str() };
        anyhow::anyhow!("{at}{dot}{path}: {}", error.inner())
    })
}

/// Reads the prompts of one image from a file beside it.
///
/// # Errors
/// If it cannot be read or an entry is wrong; the message names file and field.
pub(crate) fn read_beside(path: &Path) -> anyhow::Result<Marks> {
    let shown = path.display();
    let text = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let entry: Value =
        serde_json::from_slice(&text).with_context(|| format!("{shown} is no JSON"))?;
    Marks::from_json(&entry).with_context(|| shown.to_string())
}

/// An entry of a file for all images: the image's name and what is said about it.
pub(crate) type Entry = (String, anyhow::Result<Marks>);

/// Reads a file of prompts for many images, JSON or CSV by its name.
///
/// # Errors
/// If it cannot be read or is no such file as a whole; what is wrong with one entry stands there.
pub(crate) fn read_all(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| format!("--prompts: cannot read {shown}"))?;
    let is_csv = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
    let read = if is_csv { from_csv(&bytes) } else { from_json(&bytes) };
    let entries = read.with_context(|| format!("--prompts {shown}"))?;
    ensure!(!entries.is_empty(), "--prompts {shown} names no image");
    let mut names = BTreeSet::new();
    for (name, _) in &entries {
        ensure!(names.insert(name), "--prompts {shown}: `{name}` occurs twice");
    }
    Ok(entries)
}

fn from_json(bytes: &[u8]) -> anyhow::Result<Vec<Entry>> {
    let Pairs(pairs) =
        serde_json::from_slice(bytes).context("expected an object of image names")?;
    Ok(pairs.into_iter().map(|(name, entry)| (name, Marks::from_json(&entry))).collect())
}

/// An object with its keys as they stand, so that one that occurs twice is seen.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with an image's name for each entry")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// A line of a CSV file: one box.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    image: String,
    #[serde(default)]
    label: Option<u8>,
    axis: u8,
    slice_index: u32,
    x1: f64,
    y1: f64,
    x2: f64,
    y2: f64,
}

fn from_csv(bytes: &[u8]) -> anyhow::Result<Vec<Entry>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = reader.headers()?.clone();
    let mut images: Vec<(String, Vec<SlicePrompt>)> = Vec::new();
    for row in reader.deserialize() {
        let row: Row = row.map_err(|error| anyhow::anyhow!(row_error(&error, &columns)))?;
        let prompt: SlicePrompt = serde_json::from_value(serde_json::json!({
            "axis": row.axis,
            "slice_index": row.slice_index,
            "label": row.label.unwrap_or_else(protocol::prompt::first_label),
            "box": [row.x1, row.y1, row.x2, row.y2],
        }))?;
        match images.iter_mut().rfind(|it| it.0 == row.image) {
            Some((_, prompts)) => prompts.push(prompt),
            None => images.push((row.image, vec![prompt])),
        }
    }
    let entry = |prompts| Marks { prompts, propagate: Vec::new() }.checked();
    Ok(images.into_iter().map(|(name, prompts)| (name, entry(prompts))).collect())
}

/// Says line and column rather than record and field.
fn row_error(error: &csv::Error, columns: &csv::StringRecord) -> String {
    let csv::ErrorKind::Deserialize { pos, err } = error.kind() else {
        return error.to_string();
    };
    let line = pos.as_ref().map_or(0, csv::Position::line);
    let column = err
        .field()
        .and_then(|it| usize::try_from(it).ok())
        .and_then(|it| columns.get(it))
        .map_or_else(String::new, |it| format!(", column {it}"));
    format!("line {line}{column}: {}", err.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_refusal(entry: &Value, words: &str) {
        let error = format!("{:#}", Marks::from_json(entry).unwrap_err());
        assert!(error.contains(words), "`{words}` is missing in: {error}");
    }

    #[test]
    fn prompts_are_read_as_the_api_writes_them() {
        let prompts: Vec<SlicePrompt> = serde_json::from_value(json!([
            {"axis": 2, "slice_index": 4, "label": 2, "box": [1, 2, 3, 4]},
            {"axis": 1, "slice_index": 9, "points": [{"x": 1.5, "y": 2, "positive": true}]},
            {"axis": 0, "slice_index": 3, "absent": true},
            {"axis": 2, "slice_index": 7, "label": 2, "scribbles":
                [{"path": [[1, 2], [3, 4]], "positive": false}]},
        ]))
        .unwrap();
        let written = serde_json::to_value(&prompts).unwrap();
        assert_eq!(Marks::from_json(&written).unwrap().prompts, prompts);
        let carry = json!([{"label": 2, "axis": 2, "range": [1, 9], "direction": "forward"}]);
        let marks = Marks::from_json(&json!({"prompts": written, "propagate": carry})).unwrap();
        assert_eq!(marks.propagate[0].range, Some([1, 9]));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let with = |field: &str, value: Value| {
            let mut prompt = json!({"axis": 2, "slice_index": 4, "box": [1, 2, 3, 4]});
            prompt[field] = value;
            json!([prompt])
        };
        check_refusal(&with("bx", json!([1])), "prompts[0].bx is no field");
        check_refusal(&with("box", json!([1, 2, 3])), "prompts[0].box has 3 values, expected 4");
        check_refusal(&with("box", json!("1,2,3,4")), "prompts[0].box is a string");
        check_refusal(&with("label", json!(300)), "prompts[0].label");
        check_refusal(&with("label", json!(0)), "prompts[0].label is 0");
        check_refusal(&with("slice_index", json!(-3)), "prompts[0].slice_index is -3");
        check_refusal(&with("mask", json!(true)), "prompts[0].mask refers");
        check_refusal(&with("points", json!([{"x": 1, "positive": true}])), "`y`");
        check_refusal(&with("points", json!([{"x": 1, "y": "a"}])), "prompts[0].points[0].y");
        check_refusal(&json!([{"axis": 2, "box": [1, 2, 3, 4]}]), "slice_index");
        check_refusal(&json!([{"axis": 2, "slice_index": 1, "absent": true}]), "label 1 needs");
        check_refusal(&json!([]), "empty");
        check_refusal(&json!(7), "expected a list");
        check_refusal(&json!({"prompt": []}), "`prompt` is no field");
    }

    #[test]
    fn contradictions_between_prompts_are_named() {
        let prompt = json!({"axis": 2, "slice_index": 4, "box": [1, 2, 3, 4]});
        check_refusal(&json!([prompt, prompt]), "prompts[1] is about the slice and label of");
        let propagate = |it: Value| json!({"prompts": [prompt], "propagate": it});
        check_refusal(&propagate(json!([{"label": 2}])), "propagate[0].label 2 has no prompt");
        check_refusal(&propagate(json!([{"label": 1, "axis": 3}])), "propagate[0].axis is 3");
        check_refusal(&propagate(json!([{"label": 1}, {"label": 1}])), "given before");
        check_refusal(&propagate(json!([{"label": 1, "way": 2}])), "propagate[0].way");
    }

    #[test]
    fn an_image_that_occurs_twice_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.json");
        let prompts = r#"[{"axis": 2, "slice_index": 4, "box": [1, 2, 3, 4]}]"#;
        fs::write(&path, format!(r#"{{"a": {prompts}, "b": {prompts}, "a": {prompts}}}"#)).unwrap();
        assert!(read_all(&path).unwrap_err().to_string().contains("`a` occurs twice"));
    }

    #[test]
    fn lines_of_a_csv_file_are_boxes_joined_by_image() {
        let text = "image,axis,slice_index,label,x1,y1,x2,y2\n\
                    a.nii, 2, 4, 1, 1, 2, 3, 4\nb.nii,2,5,,1,2,3,4\na.nii,2,6,2,5,6,7.5,8\n";
        let entries = from_csv(text.as_bytes()).unwrap();
        let names: Vec<_> = entries.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, ["a.nii", "b.nii"]);
        let first = entries[0].1.as_ref().unwrap();
        assert_eq!(first.labels(), BTreeSet::from([1, 2]));
        assert_eq!(first.prompts[1].bounds, Some([5.0, 6.0, 7.5, 8.0]));

        let bad = text.replace("7.5", "wide");
        let error = from_csv(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 4, column x2"), "{error}");
    }
}
