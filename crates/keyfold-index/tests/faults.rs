//! A storage that loses calls and answers: what was acknowledged is there, and the rest is there whole or not at all.

use crate::support::{ALICE, BOB, Dice, Fault, Faulty, Map, all, batch, index, moment};
use futures_executor::block_on;
use keyfold_index::Query;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_there_in_part(
        rounds in prop::collection::vec((0u32..40, 1u32..400, prop::option::of((0usize..4, 0usize..3)), any::<bool>()), 1..25),
        seed in any::<u64>(),
    ) {
        let (mut dice, store) = (Dice(seed), Faulty::default());
        let clients = [index(store.clone(), ALICE), index(store.clone(), BOB)];
        let mut before = Map::new();
        block_on(async {
            for (round, (start, count, fault, folds)) in rounds.into_iter().enumerate() {
                let entries: Map = (start..start + count)
                    .map(|n| (n.to_be_bytes().to_vec(), format!("{round} {n}").into_bytes()))
                    .collect();
                if let Some((after, kind)) = fault {
                    store.fault(after, [Fault::Lost, Fault::Unanswered, Fault::Half][kind]);
                }
                let client = &clients[round % 2];
                let done = client.commit(batch(entries.iter().map(|(k, v)| (k, Some(v)))), moment(&mut dice)).await;
                if folds {
                    _ = client.fold(moment(&mut dice)).await;
                    _ = client.collect_garbage(0).await;
                }
                let reader = index(store.inner.clone(), BOB);
                let now: Map = all(&reader.latest().await.unwrap(), 0, Query::default()).await.unwrap().into_iter().collect();
                let mut with = before.clone();
                with.extend(entries);
                match done {
                    Ok(()) => prop_assert!(now == with, "an acknowledged batch is not there"),
                    Err(_) => prop_assert!(now == with || now == before, "a batch is there in part"),
                }
                before = now;
            }
            Ok(())
        })?;
    }
}
