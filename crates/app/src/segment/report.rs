//! What a batch says: a line for each image as it ends, and how it went at the end.

use std::{
    path::Path,
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::{
    objects::Object,
    plan::Item,
    record::{Done, MANIFEST},
};
use crate::batch::{
    interrupt,
    print::{list_failures, list_unreadable},
    progress::{Ended, Progress},
};

/// How the work on an image ended.
pub(crate) enum Outcome {
    /// There is a mask now.
    Done(Box<Done>),
    /// The mask of an earlier run would come out the same.
    Unchanged,
    /// It would, but somebody changed it since.
    Edited,
    /// There is none, and why.
    Failed(String),
}

/// Says what becomes of the images of a batch.
pub(crate) struct Report<'a> {
    /// Folder of the masks.
    pub(crate) out: &'a Path,
    /// One JSON object a line, or text.
    pub(crate) json: bool,
    /// Says how far it is.
    pub(crate) progress: Progress,
    /// How the images ended.
    pub(crate) ended: Mutex<Tally>,
}

/// How the images ended.
#[derive(Default)]
pub(crate) struct Tally {
    n_done: usize,
    n_unchanged: usize,
    edited: Vec<String>,
    /// Names, and why.
    failures: Vec<(String, String)>,
}

/// What is known about a batch besides its images' ends.
pub(crate) struct Rest<'a> {
    /// Images that were to be worked on.
    pub(crate) n_items: usize,
    /// Images without prompts.
    pub(crate) left_out: &'a [String],
    /// Prompts without an image.
    pub(crate) unused: &'a [String],
    /// Places that could not be looked into, and why: none of the images.
    pub(crate) unreadable: &'a [(String, String)],
    /// Somebody asked to stop.
    pub(crate) is_interrupted: bool,
}

impl Report<'_> {
    /// Says how an image ended.
    pub(crate) fn image(&self, item: &Item, outcome: Outcome) {
        let mut tally = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let state =
            |state: &str| json!({ "state": state, "name": item.name, "output": item.output });
        let (line, ended) = match outcome {
            Outcome::Done(done) => {
                tally.n_done += 1;
                let mut line = json!(done);
                line["state"] = Value::from("done");
                let text = describe(&self.out.join(&done.output), &done.objects);
                (if self.json { line.to_string() } else { text }, Ended::Worked)
            }
            Outcome::Unchanged => {
                tally.n_unchanged += 1;
                (self.only_json(&state("unchanged")), Ended::Unchanged)
            }
            Outcome::Edited => {
                tally.edited.push(item.output.clone());
                (self.only_json(&state("edited")), Ended::Unchanged)
            }
            Outcome::Failed(error) => {
                let mut line = state("failed");
                line["error"] = Value::from(error.as_str());
                tally.failures.push((item.name.clone(), error));
                (self.only_json(&line), Ended::Failed)
            }
        };
        drop(tally);
        if !line.is_empty() {
            self.progress.print(&line);
        }
        self.progress.end(&item.name, ended);
    }

    fn only_json(&self, line: &Value) -> String {
        if self.json { line.to_string() } else { String::new() }
    }

    /// Says how the batch went.
    #[expect(clippy::print_stderr, reason = "the outermost layer says how it went")]
    pub(crate) fn conclude(&self, rest: &Rest<'_>) -> ExitCode {
        self.progress.finish();
        let mut tally = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        tally.failures.sort();
        tally.edited.sort();
        let n_ended = tally.n_done + tally.n_unchanged + tally.edited.len() + tally.failures.len();
        let n_left = rest.n_items.saturating_sub(n_ended);
        self.progress.print(&self.summary(&tally, rest, n_left));
        say_names("kept, because somebody changed them since", &tally.edited);
        say_names("without prompts, left out", rest.left_out);
        say_names("in the file of prompts that are no image here", rest.unused);
        list_unreadable(rest.unreadable);
        list_failures(&tally.failures, rest.n_items);
        if rest.is_interrupted {
            eprintln!("interrupted: {n_left} not done; run the same command again to go on");
            return ExitCode::from(interrupt::EXIT_CODE);
        }
        let is_whole = tally.failures.is_empty() && rest.unreadable.is_empty();
        if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn summary(&self, tally: &Tally, rest: &Rest<'_>, n_left: usize) -> String {
        let manifest = self.out.join(MANIFEST);
        let (n_done, n_unchanged) = (tally.n_done, tally.n_unchanged);
        if !self.json {
            let n_failed = tally.failures.len();
            let manifest = manifest.display();
            return format!(
                "{n_done} segmented, {n_unchanged} unchanged, {n_failed} failed; see {manifest}"
            );
        }
        let reason = |it: &(String, String)| json!({ "name": it.0, "error": it.1 });
        let reasons = |them: &[(String, String)]| them.iter().map(reason).collect::<Vec<_>>();
        let summary = json!({
            "segmented": n_done,
            "unchanged": n_unchanged,
            "edited": tally.edited,
            "failed": reasons(&tally.failures),
            "unreadable": reasons(rest.unreadable),
            "without_prompts": rest.left_out,
            "prompts_without_image": rest.unused,
            "not_done": n_left,
            "manifest": manifest,
        });
        json!({ "summary": summary }).to_string()
    }
}

fn describe(output: &Path, objects: &[Object]) -> String {
    let one = |it: &Object| {
        let label = if objects.len() == 1 { String::new() } else { format!("label {} ", it.label) };
        let doubt = it.doubt.map_or_else(String::new, |it| format!(", doubt {it:.2}"));
        format!("{label}{} voxels, {:.2} ml{doubt}", it.voxels, it.ml)
    };
    let objects: Vec<String> = objects.iter().map(one).collect();
    format!("{}: {}", output.display(), objects.join("; "))
}

/// The first few of some names, on stderr.
#[expect(clippy::print_stderr, reason = "the outermost layer says how it went")]
fn say_names(what: &str, names: &[String]) {
    const SHOWN: usize = 5;
    if names.is_empty() {
        return;
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let shown = names[..names.len().min(SHOWN)].join(", ");
    eprintln!("{} {what}: {shown}{more}", names.len());
}
