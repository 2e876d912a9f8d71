//! What a task's program says: which part of a piece is new, and which part of the whole is asked for.

use protocol::{
    id::TaskId,
    output_log::{LogReply, LogRequest, MAX_LOG_BYTES, OutputLog},
};

use crate::{error::ApiError, state::Server};

/// Most bytes of text in one answer.
pub(crate) const MAX_ANSWER_BYTES: u64 = 256 << 10;

impl Server {
    /// Keeps a piece of what a task's program says. Sent twice, it is kept once; where a piece before
    /// it is missing, none of it is kept and the answer says from where to send.
    ///
    /// # Errors
    /// If the fence is stale.
    pub async fn append_log(
        &self,
        task_id: TaskId,
        request: &LogRequest,
    ) -> Result<LogReply, ApiError> {
        Ok(self.store.append_log(task_id, request, self.now_ms()).await?)
    }

    /// What an attempt said from byte `offset` on, or so many bytes before its end; the newest one
    /// that said something where none is named.
    ///
    /// # Errors
    /// If there is no such task.
    pub(crate) async fn output_log(
        &self,
        task_id: TaskId,
        attempt: Option<u32>,
        offset: i64,
    ) -> Result<OutputLog, ApiError> {
        Ok(self.store.output_log(task_id, attempt, offset).await?)
    }
}

/// The part of a piece that is new, where `length` bytes are there already; as much of it as is kept.
pub(crate) fn new_part(request: &LogRequest, length: u64) -> &str {
    let text = request.text.as_str();
    let Some(known) = length.checked_sub(request.offset) else { return "" };
    let start = usize::try_from(known).unwrap_or(usize::MAX).min(text.len());
    let room = usize::try_from(MAX_LOG_BYTES.saturating_sub(length)).unwrap_or(usize::MAX);
    let end = start.saturating_add(room).min(text.len());
    // A sender that repeats itself cuts where it cut before; one that does not loses a character.
    text.get(text.ceil_char_boundary(start)..text.floor_char_boundary(end)).unwrap_or_default()
}

/// What there is to answer of stored pieces `(start, text)`, ascending and without a gap, from byte
/// `from` on: where it begins, and the text.
pub(crate) fn part_from(pieces: &[(u64, String)], from: u64) -> (u64, String) {
    let mut text: String = pieces.iter().map(|(_, it)| it.as_str()).collect();
    let first = pieces.first().map_or(from, |(start, _)| *start);
    let skipped = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
    let start = text.ceil_char_boundary(skipped.min(text.len()));
    text.drain(..start);
    let most = usize::try_from(MAX_ANSWER_BYTES).unwrap_or(usize::MAX);
    text.truncate(text.floor_char_boundary(most));
    (first + start as u64, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(offset: u64, text: &str) -> LogRequest {
        LogRequest { fence: 1, offset, text: text.to_owned() }
    }

    #[test]
    fn a_piece_is_new_from_where_the_log_ends() {
        assert_eq!(new_part(&piece(0, "loading\n"), 0), "loading\n");
        assert_eq!(new_part(&piece(0, "loading\n"), 8), "");
        assert_eq!(new_part(&piece(0, "loading\nsolving"), 8), "solving");
        assert_eq!(new_part(&piece(9, "solving"), 8), "");
        assert_eq!(new_part(&piece(MAX_LOG_BYTES - 1, "abc"), MAX_LOG_BYTES - 1), "a");
        assert_eq!(new_part(&piece(MAX_LOG_BYTES - 1, "é"), MAX_LOG_BYTES - 1), "");
    }

    proptest! {
        /// Pieces of a text, each sent once or several times and some out of turn, make the text.
        #[test]
        fn pieces_sent_again_and_out_of_turn_make_the_text(
            text in "[a-zé한\n]{0,60}",
            cuts in prop::collection::vec((0usize..80, 0usize..80), 0..40),
        ) {
            let mut log = String::new();
            let whole = (0, text.len());
            for (start, end) in cuts.into_iter().chain([whole, whole]) {
                let start = text.floor_char_boundary(start.min(text.len()));
                let end = text.floor_char_boundary(end.clamp(start, text.len().max(start)));
                let sent = piece(start as u64, &text[start..end]);
                log.push_str(new_part(&sent, log.len() as u64));
            }
            prop_assert_eq!(log, text);
        }

        /// Whoever asks again and again from where the last answer ended reads the whole.
        #[test]
        fn parts_follow_each_other(texts in prop::collection::vec("[a-z한]{1,9}", 1..12), from in 0usize..40) {
            let whole: String = texts.concat();
            let mut start = 0;
            let pieces: Vec<_> = texts.into_iter().map(|it| {
                let piece = (start, it);
                start += piece.1.len() as u64;
                piece
            }).collect();
            let (offset, text) = part_from(&pieces, from as u64);
            let begin = whole.ceil_char_boundary(from);
            prop_assert_eq!(offset, begin as u64);
            prop_assert_eq!(text, &whole[begin..]);
        }
    }
}
