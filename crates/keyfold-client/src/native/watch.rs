//! Following events as they happen: the stream tells that something is new, a catch-up brings it, the journal gives
//! each event once and in order, whichever process on this home took it in.

use super::{client::Client, socket::Socket};
use crate::{
    Error, Result,
    model::{ClientEvent, SyncState},
    session::{REPAIR_WITHIN_MS, Stopped},
};
use futures_util::Stream;
use keyfold_format::ScopeId;
use keyfold_protocol::{Class, events::News};
use std::{
    collections::{HashMap, HashSet},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

/// After a keychain's first event, further ones are taken in together: when fifty people accept a share, each of
/// their fifty clients must not fetch fifty times.
const COALESCE: Duration = Duration::from_millis(150);
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A timer does not count while the machine sleeps, and clocks are set: ends that lie far ahead are looked at again.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Events, until it is dropped. After an error that waiting does not mend, such as `Rollback` or `LoggedOut`, it
/// ends.
#[derive(Debug)]
pub struct Watch {
    events: mpsc::Receiver<Result<ClientEvent>>,
    task: AbortHandle,
}

impl Stream for Watch {
    type Item = Result<ClientEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// Follows events from where somebody was last told of one: catches up, then waits. Connects again by itself.
    ///
    /// Must be called within a tokio runtime.
    pub fn watch(&self) -> Watch {
        let (sender, events) = mpsc::channel(64);
        let watcher = Watcher {
            client: self.clone(),
            sender,
            position: None,
            is_online: false,
            stopped: HashSet::new(),
            repair_at: None,
        };
        let task = tokio::spawn(watcher.run()).abort_handle();
        Watch { events, task }
    }
}

struct Watcher {
    client: Client,
    sender: mpsc::Sender<Result<ClientEvent>>,
    /// Number of the next event to tell.
    position: Option<u64>,
    is_online: bool,
    /// Keychains of which it was told that they are stopped.
    stopped: HashSet<ScopeId>,
    /// When to make the keys that somebody's leaving asks for, and to end the next share that ends.
    repair_at: Option<Instant>,
}

impl Watcher {
    async fn run(mut self) {
        let mut retry = FIRST_RETRY;
        loop {
            let Err(error) = self.follow().await else { return };
            let may_pass = error.class() == Class::Network || error.retryable();
            if !may_pass {
                // If nobody listens any more there is nobody to tell.
                _ = self.sender.send(Err(error)).await;
                return;
            }
            if std::mem::take(&mut self.is_online) {
                retry = FIRST_RETRY;
                if self.tell(ClientEvent::SyncStateChanged { state: SyncState::Offline }).await.is_err() {
                    return;
                }
            }
            sleep(jittered(retry)).await;
            retry = (retry * 2).min(LAST_RETRY);
        }
    }

    /// Follows one connection to its end. `Ok` when nobody listens any more.
    async fn follow(&mut self) -> Result<()> {
        // What is in the journal can be told without a server.
        if self.tell_journal().await.is_err() {
            return Ok(());
        }
        let mut socket = Socket::connect(&self.client).await?;
        // The stream starts now, so what was before is fetched. What comes meanwhile waits in the socket.
        let (stopped, repair_in) = {
            let mut turn = self.client.turn().await?;
            (turn.catch_up_all().await?, turn.repair_in_ms())
        };
        self.plan_repair(repair_in);
        self.stopped.retain(|id| stopped.iter().any(|stopped| stopped.keychain == *id));
        if self.tell_journal().await.is_err() || self.tell_stopped(&[], stopped).await.is_err() {
            return Ok(());
        }
        self.is_online = true;
        if self.tell(ClientEvent::SyncStateChanged { state: SyncState::Online }).await.is_err() {
            return Ok(());
        }
        let mut batch = Batch::default();
        loop {
            tokio::select! {
                news = socket.news() => batch.push(news?),
                () = batch.is_due() => {
                    let events = batch.take();
                    let (stopped, repair_in) = {
                        let mut turn = self.client.turn().await?;
                        (turn.apply(&events).await?, turn.repair_in_ms())
                    };
                    self.plan_repair(repair_in);
                    if self.tell_journal().await.is_err() || self.tell_stopped(&events, stopped).await.is_err() {
                        return Ok(());
                    }
                }
                () = is_due(self.repair_at) => {
                    self.repair_at = None;
                    let repair_in = {
                        let mut turn = self.client.turn().await?;
                        turn.repair().await?;
                        turn.repair_in_ms()
                    };
                    // What could not be done is for somebody else, or for later.
                    self.plan_repair(repair_in.map(|ms| if ms == 0 { u64::MAX } else { ms }));
                    if self.tell_journal().await.is_err() {
                        return Ok(());
                    }
                }
                () = self.sender.closed() => return Ok(()),
            }
        }
    }

    /// The first to come makes the new key for all followers, so they come at different times.
    fn plan_repair(&mut self, in_ms: Option<u64>) {
        let Some(in_ms) = in_ms else { return };
        let within = Duration::from_millis(REPAIR_WITHIN_MS.into());
        let due = Instant::now() + Duration::from_millis(in_ms).min(LONGEST_WAIT);
        if self.repair_at.is_none_or(|planned| planned > due + within) {
            self.repair_at = Some(due + within.mul_f32(fraction()));
        }
    }

    /// Tells what the journal has beyond what was told here.
    async fn tell_journal(&mut self) -> Result<(), Gone> {
        let read = async {
            let mut turn = self.client.turn().await?;
            let from = *self.position.get_or_insert(turn.untold());
            let (events, next) = turn.journal(from).await?;
            if next > from {
                turn.tell_until(next).await?;
            }
            Result::<_>::Ok((events, next))
        };
        match read.await {
            Ok((events, next)) => {
                self.position = Some(next);
                for event in events {
                    self.tell(event).await?;
                }
                Ok(())
            }
            Err(error) => self.sender.send(Err(error)).await.map_err(|_| Gone).and(Err(Gone)),
        }
    }

    /// Tells which keychains are stopped, once for as long as they are.
    async fn tell_stopped(&mut self, looked_at: &[News], stopped: Vec<Stopped>) -> Result<(), Gone> {
        for news in looked_at.iter().filter(|news| !stopped.iter().any(|s| Some(s.keychain) == news.scope())) {
            news.scope().map(|scope| self.stopped.remove(&scope));
        }
        for Stopped { keychain, error } in stopped {
            if self.stopped.insert(keychain) {
                let code = error.code.as_str().to_owned();
                self.tell(ClientEvent::KeychainStopped { keychain_fingerprint: keychain.to_string(), code }).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, event: ClientEvent) -> Result<(), Gone> {
        self.sender.send(Ok(event)).await.map_err(|_| Gone)
    }
}

/// Many clients of one server that stopped must not come back at the same moment.
fn jittered(wait: Duration) -> Duration {
    wait / 2 + wait.mul_f32(fraction())
}

/// Random, from 0 to 1; 1/2 where there is no randomness, since all that it spreads is load.
fn fraction() -> f32 {
    let mut byte = [0x80];
    getrandom::fill(&mut byte).ok();
    f32::from(byte[0]) / 256.0
}

/// Waits for that moment; for ever, if there is none.
async fn is_due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Nobody listens.
struct Gone;

/// Events that were received and not applied.
#[derive(Default)]
struct Batch {
    waiting: Vec<News>,
    applied: HashMap<Option<ScopeId>, Instant>,
}

impl Batch {
    fn push(&mut self, news: News) {
        self.waiting.push(news);
    }

    /// When the next ones may be applied: at once for a keychain that was quiet.
    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.waiting.iter().map(|news| self.applied.get(&news.scope()).map_or(now, |at| *at + COALESCE)).min()
    }

    async fn is_due(&self) {
        is_due(self.due()).await;
    }

    /// Those that are due.
    fn take(&mut self) -> Vec<News> {
        let now = Instant::now();
        let is_due = |news: &News| self.applied.get(&news.scope()).is_none_or(|at| *at + COALESCE <= now);
        let (due, waiting): (Vec<News>, Vec<News>) = std::mem::take(&mut self.waiting).into_iter().partition(is_due);
        self.waiting = waiting;
        self.applied.retain(|_, at| *at + COALESCE > now);
        self.applied.extend(due.iter().map(|news| (news.scope(), now)));
        due
    }
}

impl From<Gone> for Error {
    fn from(_: Gone) -> Self {
        Self::new(keyfold_protocol::Code::Cancelled, "nobody listens any more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfold_protocol::events::Event;
    use keyfold_protocol::wire::ScopeKind;

    fn event(scope: u8, cursor: u64) -> News {
        let author = ScopeId([9; 32]);
        News::Event(Event { cursor, scope: ScopeId([scope; 32]), kind: ScopeKind::Keychain, seq: cursor, author })
    }

    #[tokio::test(start_paused = true)]
    async fn a_keychain_s_first_event_is_taken_at_once_and_further_ones_together() {
        let mut batch = Batch::default();
        batch.push(event(1, 10));
        batch.is_due().await;
        assert_eq!(batch.take(), [event(1, 10)]);
        let start = Instant::now();
        batch.push(event(1, 11));
        batch.push(event(1, 12));
        batch.is_due().await;
        assert_eq!(start.elapsed(), COALESCE);
        assert_eq!(batch.take(), [event(1, 11), event(1, 12)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_of_another_keychain_does_not_wait_and_what_waits_is_not_lost() {
        let mut batch = Batch::default();
        batch.push(event(1, 10));
        batch.take();
        batch.push(event(1, 11));
        batch.push(event(2, 12));
        assert_eq!(batch.take(), [event(2, 12)]);
        tokio::time::advance(COALESCE).await;
        assert_eq!(batch.take(), [event(1, 11)]);
    }
}
