//! What a check found, as it is put together, and how figures are written.

use std::borrow::Cow;

use protocol::{
    diagnosis::{Check, CheckName, CheckSaid, CheckState},
    sentence::{self, Line},
};

/// At most so many lines of details are shown.
const MAX_DETAILS: usize = 20;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    state: CheckState,
    found: Line,
    details: Vec<Line>,
    remedy: Option<Line>,
    command: Option<String>,
}

impl Finding {
    fn new(state: CheckState, found: impl Into<Line>) -> Self {
        Self { state, found: found.into(), details: Vec::new(), remedy: None, command: None }
    }

    /// As it should be.
    pub fn ok(found: impl Into<Line>) -> Self {
        Self::new(CheckState::Ok, found)
    }

    /// Worth knowing; nothing has to be done.
    pub fn note(found: impl Into<Line>) -> Self {
        Self::new(CheckState::Note, found)
    }

    /// Works, but something should be done.
    pub fn warning(found: impl Into<Line>) -> Self {
        Self::new(CheckState::Warning, found)
    }

    /// Does not work until something is done.
    pub fn error(found: impl Into<Line>) -> Self {
        Self::new(CheckState::Error, found)
    }

    /// Could not be looked at; says why.
    pub fn skipped(found: impl Into<Line>) -> Self {
        Self::new(CheckState::Skipped, found)
    }

    /// The same with other words for what was found.
    #[must_use]
    pub(super) fn saying(mut self, found: Line) -> Self {
        self.found = found;
        self
    }

    /// What to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Line>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The command or setting of the remedy, as it is typed.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// More of it, a line each.
    #[must_use]
    pub fn details(mut self, details: Vec<Line>) -> Self {
        let n_more = details.len().saturating_sub(MAX_DETAILS);
        self.details = details;
        if n_more > 0 {
            self.details.truncate(MAX_DETAILS);
            self.details.push(sentence::and_more(n_more));
        }
        self
    }

    /// The finding of the check `name`.
    #[must_use]
    pub fn named(self, name: CheckName) -> Check {
        let Self { state, found, details, remedy, command } = self;
        let (found, found_said) = found.into_parts();
        let (details, details_said) = details.into_iter().map(Line::into_parts).unzip();
        let (remedy, remedy_said) = remedy.map(Line::into_parts).unzip();
        let said =
            CheckSaid { found: found_said, details: details_said, remedy: remedy_said.flatten() };
        Check { name, state, found, details, remedy, command, said }
    }
}

/// A word of a command, so that a shell takes it as one word whatever is in it.
#[must_use]
pub fn quoted(word: &str) -> String {
    // No path and no address holds a zero byte, the only thing that cannot be quoted.
    shlex::try_quote(word).map_or_else(|_zero_byte| word.to_owned(), Cow::into_owned)
}

/// Bytes for people, the same in every language.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match UNITS.iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// Milliseconds for people, the same in every language.
pub(super) fn duration(ms: i64) -> String {
    let secs = ms.max(0) / 1_000;
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        7_200..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1 << 20), "1.0 MiB");
        assert_eq!(size((3 << 30) + (1 << 29)), "3.5 GiB");
        assert_eq!(duration(-5), "0 s");
        assert_eq!(duration(119_000), "119 s");
        assert_eq!(duration(3 * 3_600_000), "3 h");
        assert_eq!(duration(3 * 86_400_000), "3 d");
    }

    #[test]
    fn a_word_with_spaces_and_quotes_stays_one_word() {
        assert_eq!(quoted("/srv/lab/data"), "/srv/lab/data");
        for word in ["/srv/lab data", "it's", "a;b $(c) `d`", "", "\"x\"", "*.db"] {
            assert_eq!(shlex::split(&quoted(word)), Some(vec![word.to_owned()]), "{word}");
        }
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let lines = (0..25_u32).map(Line::from).collect();
        let check = Finding::error("x").details(lines).named(CheckName::Blobs);
        assert_eq!(check.details.len(), MAX_DETAILS + 1);
        assert_eq!(check.details[MAX_DETAILS], "and 5 more");
    }
}
