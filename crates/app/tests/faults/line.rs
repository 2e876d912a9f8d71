//! A line between agents and a server: a proxy that knows messages. It loses, delays, repeats and cuts
//! some by seeded chance, holds those that a test waits for, and keeps a list of what was answered.
//! Its own address stays while servers come and go behind it.

use std::{
    future::pending,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{oneshot, watch},
};

use crate::{
    fleet::PATIENCE,
    message::{asked, read_request, status, the_only_one},
    random::Random,
};

/// How far a message is on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    /// The server has not heard of it.
    Asked,
    /// The server has it, and nobody waits until it did what was asked.
    Sent,
    /// The server has answered, and the agent has not heard of it.
    Answered,
}

pub(crate) const PHASES: [Phase; 3] = [Phase::Asked, Phase::Sent, Phase::Answered];

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Passed,
    /// The request does not arrive.
    Lost,
    /// The answer does not arrive.
    Unanswered,
    /// It arrives when so many others have.
    Delayed(usize),
    /// The agent is told that it is lost, and it arrives when so many others have.
    Late(usize),
    /// The request arrives twice.
    Twice,
    /// Only a part of the request arrives, in thousandths.
    CutRequest(usize),
    /// Only a part of the answer arrives.
    CutAnswer(usize),
}

/// What the server answered.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `METHOD /path`.
    pub(crate) asked: String,
    pub(crate) status: Option<u16>,
}

impl Seen {
    /// Whether an agent said that a task goes on, and was heard.
    pub(crate) fn is_beat(&self) -> bool {
        let is_of_task = self.asked.contains("/tasks/") && self.asked.ends_with("/heartbeat");
        is_of_task && self.status == Some(200)
    }
}

/// Waits for a message.
struct Trap {
    phase: Phase,
    /// Part of `METHOD /path`.
    path: &'static str,
    /// How many such are let pass before.
    skip: u64,
    caught: mpsc::Sender<Caught>,
}

/// A message that is held until this is dropped.
pub(crate) struct Caught {
    _go: oneshot::Sender<()>,
}

/// A message that is waited for.
pub(crate) struct Waiting(mpsc::Receiver<Caught>);

impl Waiting {
    pub(crate) fn wait(&self) -> Caught {
        self.0.recv_timeout(PATIENCE).expect("such a message comes")
    }
}

struct Shared {
    /// Where the server is.
    server: Mutex<String>,
    /// Decides over messages; none: all pass.
    chance: Mutex<Option<Random>>,
    n_faults: AtomicUsize,
    traps: Mutex<Vec<Trap>>,
    seen: Mutex<Vec<Seen>>,
    news: Condvar,
    n_messages: watch::Sender<usize>,
}

/// The line; gone when this is dropped.
pub(crate) struct Line {
    shared: Arc<Shared>,
    pub(crate) url: String,
    _runtime: Runtime,
}

impl Line {
    pub(crate) fn new() -> Self {
        let shared = Arc::new(Shared {
            server: Mutex::default(),
            chance: Mutex::default(),
            n_faults: AtomicUsize::default(),
            traps: Mutex::default(),
            seen: Mutex::default(),
            news: Condvar::new(),
            n_messages: watch::Sender::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accepting = Arc::clone(&shared);
        runtime.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&accepting);
                tokio::spawn(async move { shared.carry(near).await });
            }
        });
        Self { shared, url, _runtime: runtime }
    }

    /// Leads to the server at this address from now on.
    pub(crate) fn lead_to(&self, address: &str) {
        address.clone_into(&mut self.shared.server.lock().unwrap());
    }

    /// Loses, delays, repeats or cuts a tenth of the messages from now on.
    pub(crate) fn be_bad(&self, seed: u64) {
        *self.shared.chance.lock().unwrap() = Some(Random(seed));
    }

    /// How many messages it lost, delayed, repeated or cut.
    pub(crate) fn n_faults(&self) -> usize {
        self.shared.n_faults.load(Ordering::SeqCst)
    }

    /// Holds a message whose `METHOD /path` contains `path`, after `skip` of them.
    pub(crate) fn trap(&self, phase: Phase, path: &'static str, skip: u64) -> Waiting {
        let (caught, waiting) = mpsc::channel();
        self.shared.traps.lock().unwrap().push(Trap { phase, path, skip, caught });
        Waiting(waiting)
    }

    /// How many answers there were so far.
    pub(crate) fn count(&self, is_so: impl Fn(&Seen) -> bool) -> usize {
        self.shared.seen.lock().unwrap().iter().filter(|it| is_so(it)).count()
    }

    /// Waits until there were so many such answers.
    pub(crate) fn until(&self, n: usize, is_so: impl Fn(&Seen) -> bool) {
        let seen = self.shared.seen.lock().unwrap();
        let are_few = |seen: &mut Vec<Seen>| seen.iter().filter(|it| is_so(it)).count() < n;
        let (seen, waited) = self.shared.news.wait_timeout_while(seen, PATIENCE, are_few).unwrap();
        assert!(!waited.timed_out(), "not {n} such answers: {seen:#?}");
    }
}

impl Shared {
    async fn carry(&self, mut near: TcpStream) {
        let Some(request) = read_request(&mut near).await else { return };
        let asked = asked(&request);
        let request = the_only_one(request);
        self.n_messages.send_modify(|it| *it += 1);
        let fate = self.fate();
        self.pass(Phase::Asked, &asked).await;
        match fate {
            Fate::Lost => return,
            Fate::CutRequest(part) => {
                return self.send(&request[..request.len() * part / 1_000]).await;
            }
            Fate::Delayed(n) => self.after(n).await,
            Fate::Late(n) => {
                drop(near);
                self.after(n).await;
                self.ask(&request, &asked).await;
                return;
            }
            Fate::Twice => drop(self.ask(&request, &asked).await),
            Fate::Passed | Fate::Unanswered | Fate::CutAnswer(_) => {}
        }
        let answer = tokio::select! {
            answer = self.ask(&request, &asked) => answer,
            // Nobody waits for it any more.
            () = hung_up(&mut near) => None,
        };
        let Some(mut answer) = answer else { return };
        self.pass(Phase::Answered, &asked).await;
        if fate == Fate::Unanswered {
            return;
        }
        if let Fate::CutAnswer(part) = fate {
            answer.truncate(answer.len() * part / 1_000);
        }
        near.write_all(&answer).await.ok();
    }

    fn fate(&self) -> Fate {
        let mut chance = self.chance.lock().unwrap();
        let Some(random) = &mut *chance else { return Fate::Passed };
        if random.below(10) > 0 {
            return Fate::Passed;
        }
        self.n_faults.fetch_add(1, Ordering::SeqCst);
        let n = usize::try_from(1 + random.below(12)).unwrap();
        let part = usize::try_from(random.below(1_000)).unwrap();
        random.one_of(&[
            Fate::Lost,
            Fate::Unanswered,
            Fate::Delayed(n),
            Fate::Late(n),
            Fate::Twice,
            Fate::CutRequest(part),
            Fate::CutAnswer(part),
        ])
    }

    /// Waits where a test wants to see the message.
    async fn pass(&self, phase: Phase, asked: &str) {
        let held = self.caught(phase, asked);
        if let Some(held) = held {
            // Dropped is released, too.
            held.await.ok();
        }
    }

    fn caught(&self, phase: Phase, asked: &str) -> Option<oneshot::Receiver<()>> {
        let mut traps = self.traps.lock().unwrap();
        let found = traps.iter().position(|it| it.phase == phase && asked.contains(it.path))?;
        if traps[found].skip > 0 {
            traps[found].skip -= 1;
            return None;
        }
        let trap = traps.remove(found);
        let (go, held) = oneshot::channel();
        trap.caught.send(Caught { _go: go }).ok()?;
        Some(held)
    }

    /// Waits until `n` more messages have come.
    async fn after(&self, n: usize) {
        let target = *self.n_messages.borrow() + n;
        self.n_messages.subscribe().wait_for(|it| *it >= target).await.ok();
    }

    fn server(&self) -> String {
        self.server.lock().unwrap().clone()
    }

    /// Sends a part of a message, and hangs up.
    async fn send(&self, part: &[u8]) {
        if let Ok(mut far) = TcpStream::connect(self.server()).await {
            far.write_all(part).await.ok();
        }
    }

    /// The server's answer; none where it cannot be reached or dies.
    async fn ask(&self, request: &[u8], asked: &str) -> Option<Vec<u8>> {
        let mut far = TcpStream::connect(self.server()).await.ok()?;
        // One that does not listen to the end may have answered already.
        far.write_all(request).await.ok();
        self.pass(Phase::Sent, asked).await;
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await.ok();
        let seen = Seen { asked: asked.to_owned(), status: status(&answer) };
        self.seen.lock().unwrap().push(seen);
        self.news.notify_all();
        (!answer.is_empty()).then_some(answer)
    }
}

/// Ends when the other side hangs up; it says nothing before its answer has come.
async fn hung_up(near: &mut TcpStream) {
    let mut byte = [0; 1];
    if matches!(near.read(&mut byte).await, Ok(1..)) {
        pending::<()>().await;
    }
}
