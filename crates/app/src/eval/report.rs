//! What `voxloop eval` prints: lines of JSON for programs, a table for people.

use serde_json::json;

use super::{Taken, score::Scores};
use crate::batch::print::say;

/// The rows of an evaluation, printed in the order of the cases, in whatever order they end.
pub(super) struct Rows {
    report: Report,
    ended: Vec<Option<Row>>,
    n_printed: usize,
}

struct Row {
    name: String,
    taken: Result<Taken, String>,
}

impl Rows {
    pub(super) fn new(report: Report, n_cases: usize) -> Self {
        Self { report, ended: (0..n_cases).map(|_| None).collect(), n_printed: 0 }
    }

    /// A case ended: prints it once all before it are printed.
    pub(super) fn add(&mut self, n: usize, name: String, taken: anyhow::Result<Taken>) {
        let taken = taken.map_err(|error| format!("{error:#}"));
        self.ended[n] = Some(Row { name, taken });
        while let Some(Some(row)) = self.ended.get(self.n_printed) {
            self.report.row(row);
            self.n_printed += 1;
        }
    }

    pub(super) fn n_cases(&self) -> usize {
        self.ended.len()
    }

    pub(super) fn n_scored(&self) -> usize {
        self.scored().count()
    }

    /// The most cases at work at once while a time was taken; 0 if none was.
    pub(super) fn jobs(&self) -> usize {
        self.scored().map(|it| it.jobs).max().unwrap_or(0)
    }

    fn scored(&self) -> impl Iterator<Item = &Taken> {
        self.ended.iter().flatten().filter_map(|it| it.taken.as_ref().ok())
    }

    /// Prints what is left and the mean of what was scored; gives what failed.
    pub(super) fn conclude(&mut self) -> Vec<(String, String)> {
        for row in self.ended.iter().skip(self.n_printed).flatten() {
            self.report.row(row);
        }
        self.n_printed = self.ended.len();
        let mut mean = Scores::default();
        for taken in self.scored() {
            let mut scores = taken.scores;
            for (sum, value) in mean.values().into_iter().zip(scores.values()) {
                *sum += *value;
            }
        }
        let n_scored = u32::try_from(self.n_scored()).unwrap_or(u32::MAX);
        for sum in mean.values() {
            *sum /= f64::from(n_scored.max(1));
        }
        let failure = |it: &Row| Some((it.name.clone(), it.taken.as_ref().err()?.clone()));
        let failures: Vec<_> = self.ended.iter().flatten().filter_map(failure).collect();
        self.report.mean(&mean, n_scored, failures.len(), self.jobs());
        failures
    }
}

/// Prints as lines of JSON or as a table.
pub(super) struct Report {
    pub(super) json: bool,
}

impl Report {
    pub(super) fn header(&self) {
        if !self.json {
            say(&format!(
                "{:40} {:^20} {:^20} {:^13} {:>6} {:>6}",
                "", "2D tight jitter loose", "3D tight jitter loose", "corrected", "2D ms", "3D ms"
            ));
        }
    }

    fn row(&self, it: &Row) {
        let name = &it.name;
        match it.taken.as_ref().map(|it| it.scores) {
            Ok(scores) if self.json => {
                let mut line = json!({ "case": name });
                if let (Some(line), Some(values)) =
                    (line.as_object_mut(), json!(scores).as_object())
                {
                    line.extend(values.clone());
                }
                say(&line.to_string());
            }
            Ok(scores) => say(&row(name, &scores)),
            Err(error) if self.json => say(&json!({ "case": name, "error": error }).to_string()),
            Err(error) => say(&format!("{name:40} failed: {error}")),
        }
    }

    fn mean(&self, mean: &Scores, n_scored: u32, n_failed: usize, jobs: usize) {
        if self.json {
            let mean = if n_scored == 0 { json!({}) } else { json!(mean) };
            let line =
                json!({ "mean": mean, "scored": n_scored, "failed": n_failed, "jobs": jobs });
            say(&line.to_string());
        } else if n_scored > 0 {
            say(&row(&format!("mean of {n_scored}"), mean));
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
