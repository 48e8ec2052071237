//! Live events: from the commit to the sockets of those concerned, in order. Nothing is kept here: who is slow or away
//! resumes from the database by cursor.

use crate::store::Committed;
use keyfold_format::{HolderId, ScopeId};
use keyfold_protocol::{
    Code,
    events::{Event, ReferenceNews},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// Events that wait for one socket; with more, it is closed and resumes.
const QUEUE: usize = 1_024;

/// What a socket is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Event(Event),
    /// Wraps of this scope are wanted, or have come.
    Wraps(ScopeId),
    /// This device asks to be let in.
    Enrolment(HolderId),
    /// Something else stands under a reference.
    Reference(ReferenceNews),
    Close(Code),
}

/// All subscribers.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    accounts: Mutex<HashMap<ScopeId, Vec<Subscriber>>>,
}

#[derive(Debug)]
struct Subscriber {
    device: HolderId,
    queue: mpsc::Sender<Signal>,
}

impl Hub {
    /// From now on, every event that concerns the account. The end of the queue means: too slow.
    pub(crate) fn subscribe(&self, account: ScopeId, device: HolderId) -> mpsc::Receiver<Signal> {
        let (queue, signals) = mpsc::channel(QUEUE);
        let mut accounts = self.lock();
        accounts.entry(account).or_default().push(Subscriber { device, queue });
        // Sockets end without a word; their places are given back here.
        accounts.retain(|_, subscribers| {
            subscribers.retain(|s| !s.queue.is_closed());
            !subscribers.is_empty()
        });
        signals
    }

    /// Tells everybody concerned. Called in the order of cursors.
    pub(crate) fn publish(&self, committed: Committed) {
        let mut accounts = self.lock();
        if accounts.is_empty() {
            return;
        }
        for account in &committed.audience {
            if let Some(subscribers) = accounts.get_mut(account) {
                subscribers.retain(|s| s.queue.try_send(Signal::Event(committed.event.clone())).is_ok());
            }
        }
    }

    /// Tells them that wraps of a scope are wanted, or have come. Who is away sees it when he comes back.
    pub(crate) fn tell_of_wraps(&self, scope: ScopeId, audience: &BTreeSet<ScopeId>) {
        let mut accounts = self.lock();
        for account in audience {
            if let Some(subscribers) = accounts.get_mut(account) {
                subscribers.retain(|s| s.queue.try_send(Signal::Wraps(scope)).is_ok());
            }
        }
    }

    /// Tells members that something else stands under a reference. Who is away asks for it when he comes back.
    pub(crate) fn tell_of_reference(&self, news: &ReferenceNews, audience: &BTreeSet<ScopeId>) {
        let mut accounts = self.lock();
        for account in audience {
            if let Some(subscribers) = accounts.get_mut(account) {
                subscribers.retain(|s| s.queue.try_send(Signal::Reference(news.clone())).is_ok());
            }
        }
    }

    /// Tells an account's devices that another one asks to be let in.
    pub(crate) fn tell_of_enrolment(&self, account: &ScopeId, device: HolderId) {
        if let Some(subscribers) = self.lock().get_mut(account) {
            subscribers.retain(|s| s.queue.try_send(Signal::Enrolment(device)).is_ok());
        }
    }

    /// Ends the sockets of a device that logged out, or is none any more.
    pub(crate) fn close_device(&self, account: &ScopeId, device: &HolderId, why: Code) {
        if let Some(subscribers) = self.lock().get_mut(account) {
            subscribers.retain(|s| {
                let theirs = s.device == *device;
                if theirs {
                    _ = s.queue.try_send(Signal::Close(why));
                }
                !theirs
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ScopeId, Vec<Subscriber>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfold_protocol::wire::ScopeKind;

    fn committed(cursor: u64, audience: Vec<ScopeId>) -> Committed {
        let event =
            Event { cursor, scope: ScopeId([9; 32]), kind: ScopeKind::Keychain, seq: cursor, author: ScopeId([1; 32]) };
        Committed { event, audience }
    }

    #[tokio::test]
    async fn only_those_concerned_hear_in_order_and_the_slow_are_dropped() {
        let hub = Hub::default();
        let (alice, bob) = (ScopeId([1; 32]), ScopeId([2; 32]));
        let mut to_alice = hub.subscribe(alice, HolderId([1; 32]));
        let mut to_bob = hub.subscribe(bob, HolderId([2; 32]));
        for cursor in 1..=QUEUE as u64 + 1 {
            hub.publish(committed(cursor, vec![alice]));
        }
        for cursor in 1..=QUEUE as u64 {
            assert_eq!(to_alice.recv().await, Some(Signal::Event(committed(cursor, vec![]).event)));
        }
        assert_eq!(to_alice.recv().await, None, "one too many closes the queue");
        assert!(to_bob.try_recv().is_err());
    }

    #[tokio::test]
    async fn logging_out_ends_the_sockets_of_that_device_only() {
        let hub = Hub::default();
        let alice = ScopeId([1; 32]);
        let mut one = hub.subscribe(alice, HolderId([1; 32]));
        let mut other = hub.subscribe(alice, HolderId([2; 32]));
        hub.close_device(&alice, &HolderId([1; 32]), Code::LoggedOut);
        assert_eq!(one.recv().await, Some(Signal::Close(Code::LoggedOut)));
        assert_eq!(one.recv().await, None);
        hub.publish(committed(1, vec![alice]));
        assert!(matches!(other.recv().await, Some(Signal::Event(_))));
    }
}
