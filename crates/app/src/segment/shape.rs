//! Whether JSON has the shape of prompts, with the place of what has not. A prompt's own reader
//! passes over unknown fields, so that old servers read new prompts; in a file that a person wrote
//! an unknown field is a slip.

use anyhow::{bail, ensure};
use protocol::prompt::{Point, Scribble, SlicePrompt, SliceRef};
use serde_json::{Value, json};

/// Checks a list of prompts.
///
/// # Errors
/// If a field is unknown or of another kind; the message gives its place.
pub(crate) fn check_prompts(prompts: &Value, at: &str) -> anyhow::Result<()> {
    // A prompt that uses every field, as the protocol itself writes it.
    let full = SlicePrompt {
        slice: SliceRef { axis: 0, slice_index: 0 },
        label: 1,
        bounds: Some([0.5; 4]),
        points: vec![Point { x: 0.5, y: 0.5, positive: true }],
        scribbles: vec![Scribble { path: vec![[0.5; 2]], radius: 0.5, positive: true }],
        mask: true,
        absent: true,
    };
    check(prompts, &json!([full]), at)
}

fn check(value: &Value, example: &Value, at: &str) -> anyhow::Result<()> {
    match (value, example) {
        (Value::Object(fields), Value::Object(known)) => {
            for (name, value) in fields {
                let Some(example) = known.get(name) else {
                    let known: Vec<&str> = known.keys().map(String::as_str).collect();
                    bail!("{at}.{name} is no field; there are {}", known.join(", "));
                };
                check(value, example, &format!("{at}.{name}"))?;
            }
        }
        (Value::Array(values), Value::Array(examples)) => {
            // Lists of numbers are places: their length is fixed.
            if examples.iter().all(Value::is_number) {
                let (found, expected) = (values.len(), examples.len());
                ensure!(found == expected, "{at} has {found} values, expected {expected}");
            }
            for (n, value) in values.iter().enumerate() {
                check(value, &examples[0], &format!("{at}[{n}]"))?;
            }
        }
        (Value::Number(_), Value::Number(example)) => {
            let is_whole = example.is_u64();
            ensure!(
                !is_whole || value.is_u64(),
                "{at} is {value}, expected a whole number of 0 or more"
            );
        }
        (Value::Bool(_), Value::Bool(_)) => {}
        _ => bail!("{at} is {}, expected {}", kind(value), kind(example)),
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
