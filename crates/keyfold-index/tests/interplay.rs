//! Two who write to one storage that loses calls and answers, fold, collect garbage and forget: whatever bytes choose of
//! it, the index is the sorted map that was acknowledged. Played here with random bytes, and by the fuzzer.

use crate::support::{ALICE, BOB, Dice, Fault, Faulty, INDEX, Member, NAME, all, index};
use futures_executor::block_on;
use keyfold_index::{Batch, Index, IndexError, Moment, Query, Seen};
use std::collections::BTreeMap;

/// Deeds of one play: more tell nothing more.
const DEEDS: usize = 48;

/// After how many calls everything is looked at.
const LOOKS: usize = 6;

type Entries = BTreeMap<(u16, Vec<u8>), Vec<u8>>;

/// A tree and a key, and the new value or none.
type Change = ((u16, Vec<u8>), Option<Vec<u8>>);

/// What bytes choose.
struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    fn any(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn below(&mut self, end: u8) -> u8 {
        self.any() % end
    }

    fn change(&mut self) -> Change {
        let (which, value) = (self.any(), self.any());
        let key = match which % 16 {
            0 => vec![which; 1_000],
            1 => Vec::new(),
            _ => vec![which % 16, which / 64],
        };
        let value = match value % 8 {
            0 | 1 => None,
            2 => Some(vec![value; 1_100]),
            3 => Some(vec![value; 900]),
            _ => Some(vec![value; usize::from(value % 40)]),
        };
        ((u16::from(which / 64) % 3, key), value)
    }

    fn changes(&mut self) -> Vec<Change> {
        let (count, step, fill) = (self.any(), self.any(), self.any());
        if count < 200 {
            return (0..=count % 8).map(|_| self.change()).collect();
        }
        // Many at once: a segment, or a fold.
        let key = |n: u16| n.wrapping_mul(u16::from(step) * 2 + 1).to_be_bytes().to_vec();
        (0..u16::from(count - 199) * 48).map(|n| ((0, key(n)), (fill > 20).then(|| vec![fill; 60]))).collect()
    }
}

struct Play {
    store: Faulty,
    dice: Dice,
    members: [Member; 2],
    clients: [Index<Faulty, Member>; 2],
    seen: [Vec<Option<Seen>>; 2],
    truth: Entries,
    now_ms: u64,
    settled: usize,
}

/// Plays what the bytes say.
pub(crate) fn play(bytes: &[u8]) {
    let store = Faulty::default();
    let clients = [index(store.clone(), ALICE), index(store.clone(), BOB)];
    let mut play = Play {
        store,
        dice: Dice(7),
        members: [ALICE, BOB],
        clients,
        seen: [vec![None], vec![None]],
        truth: Entries::new(),
        now_ms: 1_000_000,
        settled: 0,
    };
    let mut choices = Choices(bytes.iter());
    for _ in 0..DEEDS {
        if choices.0.len() == 0 {
            break;
        }
        block_on(play.deed(&mut choices));
    }
    block_on(play.end());
}

impl Play {
    async fn deed(&mut self, choices: &mut Choices<'_>) {
        let (what, who) = (choices.below(16), usize::from(choices.below(2)));
        let moment = Moment { now_ms: self.now_ms, rng: &mut self.dice };
        let faults = self.store.faults_left();
        match what {
            0..=6 => {
                let changes = choices.changes();
                let mut batch = Batch::new();
                let mut with = self.truth.clone();
                for ((tree, key), value) in changes {
                    match value {
                        Some(value) => {
                            batch.put(tree, &key, &value);
                            with.insert((tree, key), value);
                        }
                        None => {
                            batch.remove(tree, &key);
                            with.remove(&(tree, key));
                        }
                    }
                }
                let done = self.clients[who].commit(batch, moment).await;
                self.settle(done, with, faults).await;
            }
            7 => {
                let mut with = self.truth.clone();
                let count = |bytes: Option<&[u8]>| bytes.map_or(0, |bytes| u64::from(bytes[0])) as u8;
                let before = count(with.get(&(1, b"count".to_vec())).map(Vec::as_slice));
                with.insert((1, b"count".to_vec()), vec![before.wrapping_add(1)]);
                let done = self.clients[who]
                    .transact(moment, async |snapshot| {
                        let stands = snapshot.get(1, b"count").await?;
                        let mut batch = Batch::new();
                        batch.put(
                            1,
                            b"count",
                            &[count(stands.as_ref().map(|stands| stands.as_slice())).wrapping_add(1)],
                        );
                        Ok::<_, IndexError>(batch)
                    })
                    .await;
                self.settle(done, with, faults).await;
            }
            8 | 9 => {
                let done = self.clients[who].fold(moment).await.map(drop);
                self.settle(done, self.truth.clone(), faults).await;
            }
            10 => {
                let before = self.now_ms + 2 - u64::from(choices.below(4));
                let done = self.clients[who].collect_garbage(before).await.map(drop);
                self.settle(done, self.truth.clone(), faults).await;
            }
            // A crash: what was kept of what was seen may be old, and nothing else is left.
            11 => {
                self.seen[who].push(self.clients[who].seen());
                let kept = usize::from(choices.any()) % self.seen[who].len();
                let seen = self.seen[who][kept];
                self.clients[who] = Index::new(self.store.clone(), self.members[who], NAME, INDEX, seen);
            }
            12 => {
                let kind = [Fault::Lost, Fault::Unanswered, Fault::Half][usize::from(choices.below(3))];
                self.store.fault(usize::from(choices.below(6)), kind);
            }
            13 => self.now_ms += u64::from(choices.below(4)),
            14 => {
                // The keychain has a new key.
                for (member, client) in self.members.iter_mut().zip(&mut self.clients) {
                    member.current = (member.current + 1).min(4);
                    *client = Index::new(self.store.clone(), *member, NAME, INDEX, client.seen());
                }
            }
            _ => {
                if let Ok(snapshot) = self.clients[who].latest().await {
                    let key = choices.change().0;
                    if let Ok(value) = snapshot.get(key.0, &key.1).await {
                        assert_eq!(value.map(|value| value.to_vec()), self.truth.get(&key).cloned(), "{key:?}");
                    }
                } else {
                    assert!(self.store.faults_left() < faults, "nothing was wrong with the storage");
                }
            }
        }
    }

    /// After a call that makes of the truth `with`, or fails and may have.
    async fn settle(&mut self, done: Result<(), IndexError>, with: Entries, faults: usize) {
        self.settled += 1;
        match done {
            // What is lost is missed later as well: looking each time takes long.
            Ok(()) if !self.settled.is_multiple_of(LOOKS) => self.truth = with,
            Ok(()) => {
                self.truth = self.stored().await;
                assert!(self.truth == with, "what was acknowledged is not there");
            }
            Err(error) => {
                let now = self.stored().await;
                assert!(self.store.faults_left() < faults, "nothing was wrong with the storage: {error}");
                assert!(now == with || now == self.truth, "a batch is there in part");
                self.truth = now;
            }
        }
    }

    /// What somebody finds who never saw it before.
    async fn stored(&self) -> Entries {
        let snapshot = index(self.store.inner.clone(), self.members[0]).latest().await.unwrap();
        let mut entries = Entries::new();
        for tree in 0..3 {
            let found = all(&snapshot, tree, Query::default()).await.unwrap();
            assert!(found.is_sorted_by(|a, b| a.0 < b.0));
            assert_eq!(snapshot.count(tree, &Query::default()).await.unwrap(), found.len() as u64);
            entries.extend(found.into_iter().map(|(key, value)| ((tree, key), value)));
        }
        entries
    }

    async fn end(&mut self) {
        assert!(self.stored().await == self.truth);
        let snapshot = index(self.store.inner.clone(), self.members[1]).latest().await.unwrap();
        assert_eq!(snapshot.check().await.unwrap().wrong, []);
        for (tree, reverse) in [(0, true), (1, true), (2, false)] {
            let mut found = all(&snapshot, tree, Query { reverse, ..Query::default() }).await.unwrap();
            if reverse {
                found.reverse();
            }
            let expected = self.truth.iter().filter(|((of, _), _)| *of == tree);
            assert!(found.into_iter().eq(expected.map(|((_, key), value)| (key.clone(), value.clone()))));
        }
        // Whoever saw anything of it finds the way to what is now.
        for seen in self.seen.iter().flatten().chain(&self.clients.each_ref().map(Index::seen)) {
            Index::new(self.store.inner.clone(), self.members[0], NAME, INDEX, *seen).latest().await.unwrap();
        }
    }
}

#[test]
fn whatever_two_do_to_a_storage_that_loses_calls_the_index_is_the_map_that_was_acknowledged() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut bytes = [0; 300];
        rand_core::Rng::fill_bytes(&mut dice, &mut bytes);
        play(&bytes);
    }
}
