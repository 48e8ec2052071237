//! How the server lies in an interaction: answers altered, repeated, crossed or withheld.

use crate::evil::{Answer, Asked};
use std::{collections::BTreeMap, sync::Mutex};

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// A byte of a body is another.
    Flip,
    /// A body ends early.
    Cut,
    /// The answer to the same question, as it was some time ago.
    Old,
    /// The answer to another question of the same kind.
    Crossed,
    /// Everybody is shown the last one's account.
    Swap,
    /// Nothing works.
    Fail,
}

pub(super) const LIES: [Lie; 6] = [Lie::Flip, Lie::Cut, Lie::Old, Lie::Crossed, Lie::Swap, Lie::Fail];

/// Questions and what was answered, by path.
pub(super) type Told = BTreeMap<String, Vec<(Vec<u8>, Answer)>>;

pub(super) fn remember(told: &Mutex<Told>, asked: &Asked, answer: &Answer) {
    let mut told = told.lock().expect("no test thread died here");
    let kind = told.entry(asked.path.clone()).or_default();
    if kind.len() < 64 {
        kind.push((asked.body.clone(), answer.clone()));
    }
}

pub(super) fn deceive(lie: Lie, turn: usize, asked: &Asked, answer: &mut Answer, told: &Mutex<Told>) {
    let told = told.lock().expect("no test thread died here");
    let kind = told.get(&asked.path).map(Vec::as_slice).unwrap_or_default();
    let len = answer.body.len();
    match lie {
        Lie::Flip if len > 0 => answer.body[turn.wrapping_mul(7_919) % len] ^= 1 << (turn % 8),
        Lie::Cut => answer.body.truncate(len.saturating_sub(turn)),
        Lie::Old => {
            if let Some((_, old)) = kind.iter().find(|(body, _)| *body == asked.body) {
                *answer = old.clone();
            }
        }
        Lie::Crossed => {
            if let Some(at) = turn.checked_rem(kind.len()) {
                *answer = kind[at].1.clone();
            }
        }
        Lie::Fail => {
            *answer = Answer { status: 503, body: Vec::new(), signed: turn.is_multiple_of(2), ..answer.clone() }
        }
        Lie::Flip | Lie::Swap => {}
    }
}
