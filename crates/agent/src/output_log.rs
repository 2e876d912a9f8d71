//! What a task's program says, on its way to the server: by byte offset, so that nothing is lost or
//! told twice over a connection that breaks.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{
    id::TaskId,
    output_log::{LogReply, LogRequest, MAX_LOG_BYTES},
};
use tokio::sync::Notify;

use crate::connection::{Connection, ConnectionError};

/// What is said within this time goes in one message.
const GATHER: Duration = Duration::from_millis(200);

/// Pause after an unanswered message.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How often the last words are offered to a server that does not answer.
const MAX_OFFERS: u32 = 20;

/// Most bytes of one message.
const PIECE_BYTES: usize = 64 << 10;

/// The last line of a log that is longer than what is kept.
const CUT: &str = "\n… the log is cut here: it has 16 MiB\n";

/// What was said and not yet told.
#[derive(Debug, Default)]
pub(crate) struct OutputLog {
    words: Mutex<Words>,
    news: Notify,
    /// Held while a piece is on its way: of two answers that overtake each other the older one would
    /// look like that of a server which has something else.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Words {
    /// Bytes that the server has.
    told: u64,
    pending: String,
    /// Nothing more is taken.
    is_full: bool,
}

impl OutputLog {
    fn words(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the program says.
    pub(crate) fn say(&self, text: &str) {
        self.words().say(text);
        self.news.notify_one();
    }

    /// The next piece, and the bytes before it.
    fn piece(&self) -> Option<(u64, String)> {
        let words = self.words();
        let end = words.pending.floor_char_boundary(PIECE_BYTES);
        (end > 0).then(|| (words.told, words.pending[..end].to_owned()))
    }

    fn heard(&self, reply: LogReply) {
        self.words().heard(reply);
    }

    /// Sends the next piece, where there is one.
    async fn send<C: Connection>(
        &self,
        connection: &C,
        task_id: TaskId,
        fence: i64,
    ) -> Option<Result<(), ConnectionError>> {
        let _turn = self.turn.lock().await;
        let (offset, text) = self.piece()?;
        let answer = connection.log(task_id, &LogRequest { fence, offset, text }).await;
        Some(answer.map(|reply| self.heard(reply)))
    }
}

impl Words {
    fn say(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        let said = self.told + self.pending.len() as u64;
        let room = MAX_LOG_BYTES.saturating_sub(said + CUT.len() as u64);
        if text.len() as u64 <= room {
            self.pending.push_str(text);
            return;
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.pending.push_str(&text[..text.floor_char_boundary(room)]);
        self.pending.push_str(CUT);
        self.is_full = true;
    }

    fn heard(&mut self, reply: LogReply) {
        let known = reply.offset.checked_sub(self.told);
        let known = known.and_then(|it| usize::try_from(it).ok());
        match known.filter(|it| self.pending.is_char_boundary(*it)) {
            Some(n_bytes) if !reply.full => {
                self.pending.drain(..n_bytes);
                self.told = reply.offset;
            }
            // It takes no more, or has something else than what was sent.
            Some(_) | None => {
                self.pending.clear();
                self.is_full = true;
            }
        }
    }
}

/// Tells the server what is said, for as long as the attempt goes on.
pub(crate) async fn tell<C: Connection>(
    connection: &C,
    task_id: TaskId,
    fence: i64,
    log: &OutputLog,
) {
    loop {
        log.news.notified().await;
        tokio::time::sleep(GATHER).await;
        while let Some(sent) = log.send(connection, task_id, fence).await {
            match sent {
                Ok(()) => {}
                Err(ConnectionError::Unreachable(_) | ConnectionError::Local(_)) => {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                // The task is lost, or this server keeps no logs.
                Err(ConnectionError::Stale | ConnectionError::Refused(_)) => {
                    return std::future::pending().await;
                }
            }
        }
    }
}

/// Tells what is left when the run is over: before its end is reported, and with it the lease.
pub(crate) async fn tell_rest<C: Connection>(
    connection: &C,
    task_id: TaskId,
    fence: i64,
    log: &OutputLog,
) {
    let mut offers = 0;
    while let Some(sent) = log.send(connection, task_id, fence).await {
        match sent {
            Ok(()) => {}
            Err(ConnectionError::Unreachable(_)) if offers < MAX_OFFERS => {
                offers += 1;
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(offset: u64) -> LogReply {
        LogReply { offset, full: false }
    }

    #[test]
    fn what_the_server_has_is_not_told_again() {
        let log = OutputLog::default();
        log.say("가나다\n");
        assert_eq!(log.piece(), Some((0, "가나다\n".to_owned())));
        log.heard(reply(3));
        log.say("end");
        assert_eq!(log.piece(), Some((3, "나다\nend".to_owned())));
        log.heard(reply(13));
        assert_eq!(log.piece(), None);
    }

    #[test]
    fn a_server_that_has_something_else_is_told_no_more() {
        for wrong in [1, 99] {
            let log = OutputLog::default();
            log.say("가나다");
            log.heard(reply(wrong));
            log.say("more");
            assert_eq!(log.piece(), None);
        }
    }

    #[test]
    fn a_log_that_is_too_long_says_that_it_is_cut() {
        let log = OutputLog::default();
        let line = "x".repeat(1 << 20);
        for _ in 0..20 {
            log.say(&line);
        }
        let words = log.words();
        assert_eq!(words.pending.len() as u64, MAX_LOG_BYTES);
        assert!(words.pending.ends_with(CUT));
    }
}
