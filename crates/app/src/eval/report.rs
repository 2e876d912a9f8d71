//! What `voxloop eval` prints: lines of JSON for programs, a table for people.

use serde_json::json;

use super::score::Scores;

/// Prints as lines of JSON or as a table.
pub(super) struct Report {
    pub(super) json: bool,
}

#[expect(clippy::print_stdout, reason = "the outermost layer prints what was asked for")]
impl Report {
    pub(super) fn header(&self) {
        if !self.json {
            println!(
                "{:40} {:^20} {:^20} {:^13} {:>6} {:>6}",
                "", "2D tight jitter loose", "3D tight jitter loose", "corrected", "2D ms", "3D ms"
            );
        }
    }

    pub(super) fn case(&self, name: &str, scores: &Scores) {
        if self.json {
            let mut line = json!({ "case": name });
            if let (Some(line), Some(values)) = (line.as_object_mut(), json!(scores).as_object()) {
                line.extend(values.clone());
            }
            println!("{line}");
        } else {
            println!("{}", row(name, scores));
        }
    }

    pub(super) fn failure(&self, name: &str, error: &anyhow::Error) {
        if self.json {
            println!("{}", json!({ "case": name, "error": format!("{error:#}") }));
        } else {
            println!("{name:40} failed: {error:#}");
        }
    }

    pub(super) fn mean(&self, mean: &Scores, n_scored: u32) {
        if self.json {
            let mean = if n_scored == 0 { json!({}) } else { json!(mean) };
            println!("{}", json!({ "mean": mean }));
        } else if n_scored > 0 {
            println!("{}", row(&format!("mean of {n_scored}"), mean));
        }
    }
}

fn row(name: &str, s: &Scores) -> String {
    format!(
        "{name:40}  {:.3} {:.3} {:.3}    {:.3} {:.3} {:.3}    {:.3} {:.3} {:6.1} {:6.1}",
        s.dice_2d,
        s.dice_2d_jitter,
        s.dice_2d_loose,
        s.dice_3d,
        s.dice_3d_jitter,
        s.dice_3d_loose,
        s.dice_3d_corrected_1,
        s.dice_3d_corrected_2,
        s.ms_2d,
        s.ms_3d,
    )
}
