//! What a program says: lines for the log, its progress, and the last lines for whoever asks why it
//! failed.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    sync::mpsc::SyncSender,
};

use protocol::task::Progress;

use crate::runner::Control;

/// Bytes after which a line that does not end is cut.
const MAX_LINE: u64 = 8 << 10;

/// Lines that a failure shows, and the characters in all of them.
const TAIL_LINES: usize = 20;
const TAIL_CHARS: usize = 4_000;

/// Characters of a stage's name.
const MAX_STAGE: usize = 60;

/// Something heard from a program.
pub(super) enum Heard {
    /// A line, with its end.
    Line { text: String, is_error: bool },
    /// One of its two streams was closed.
    End,
}

/// Reads a stream to its end.
pub(super) fn listen(stream: impl Read, is_error: bool, to: &SyncSender<Heard>) {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    while let Ok(1..) = line(&mut reader, &mut bytes) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if to.send(Heard::Line { text, is_error }).is_err() {
            return;
        }
    }
    // Whoever listened has what it needs.
    to.send(Heard::End).ok();
}

fn line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<usize> {
    bytes.clear();
    reader.by_ref().take(MAX_LINE).read_until(b'\n', bytes)
}

/// The last lines of standard error, or of standard output where it said nothing else.
#[derive(Default)]
pub(super) struct Tail {
    errors: VecDeque<String>,
    others: VecDeque<String>,
}

impl Tail {
    /// Takes a line: progress is told as such, everything else goes to the log.
    pub(super) fn take(&mut self, text: &str, is_error: bool, control: &dyn Control) {
        if let Some(progress) = progress(text) {
            control.progress(progress);
            return;
        }
        control.log(text);
        let lines = if is_error { &mut self.errors } else { &mut self.others };
        lines.push_back(text.trim_end().to_owned());
        if lines.len() > TAIL_LINES {
            lines.pop_front();
        }
    }

    /// The last lines as one text; empty where it said nothing.
    pub(super) fn text(&self) -> String {
        let lines = if self.errors.is_empty() { &self.others } else { &self.errors };
        let text = lines.iter().cloned().collect::<Vec<_>>().join("\n");
        let surplus = text.chars().count().saturating_sub(TAIL_CHARS);
        text.trim().chars().skip(surplus).collect()
    }
}

/// Reads `voxloop: 3/10 stage`.
fn progress(line: &str) -> Option<Progress> {
    let rest = line.trim().strip_prefix("voxloop:")?.trim_start();
    let (count, stage) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (done, total) = count.split_once('/')?;
    let total: u32 = total.parse().ok()?;
    let done = done.parse::<u32>().ok()?.min(total);
    Some(Progress { done, total, stage: stage.trim().chars().take(MAX_STAGE).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_its_own_lines_only() {
        let of = |done, total, stage: &str| Some(Progress { done, total, stage: stage.to_owned() });
        assert_eq!(progress("voxloop: 3/10 reading tiles\n"), of(3, 10, "reading tiles"));
        assert_eq!(progress("voxloop:12/10"), of(10, 10, ""));
        for line in ["3/10", "voxloop: three of ten", "voxloop: 3", "see voxloop: 3/10", ""] {
            assert_eq!(progress(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_that_never_ends_is_cut() {
        let mut reader = io::Cursor::new(vec![b'x'; 20_000]);
        let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
        while let Ok(n @ 1..) = line(&mut reader, &mut bytes) {
            lengths.push(n);
        }
        assert_eq!(lengths, [8_192, 8_192, 3_616]);
    }
}
