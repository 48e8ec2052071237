//! Removes people from a group of OpenMLS, one after the other, and prints what that costs as one JSON document.
//! A process of its own, because its dependencies shall not be ours.
//!
//! What a removal costs in MLS depends on the ratchet tree (RFC 9420, section 7.4): every blank node on the way is
//! replaced by all that is below it. `blank`: one member has added all others, and none has sent a commit since; that
//! is a team that was imported. `populated`: each has sent a commit after joining, which is the best there is.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

use anyhow::{Context, bail};
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use serde::Serialize;
use std::time::Instant;

/// The one that every implementation must have (RFC 9420, section 17.1).
const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

/// What removals cost, one sample each.
#[derive(Default, Serialize)]
struct Costs {
    /// Making the commit and taking it over, milliseconds.
    commit_ms: Vec<f64>,
    /// Taking it in as another member, milliseconds.
    process_ms: Vec<f64>,
    /// The commit, bytes.
    commit_bytes: Vec<usize>,
    /// The most memory of this process during the removals, both members' groups in it, KiB.
    peak_kib: u64,
    /// Making the group, seconds.
    setup_s: f64,
}

/// Somebody with a credential, keys and a store.
struct Person {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

/// Somebody in the group.
struct Member {
    person: Person,
    group: MlsGroup,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tree, people, turns] = arguments.as_slice() else { bail!("blank|populated PEOPLE TURNS") };
    let (people, turns): (usize, u32) = (people.parse()?, turns.parse()?);
    let start = Instant::now();
    let (mut alice, mut bob) = match tree.as_str() {
        "blank" => blank(people)?,
        "populated" => populated(people)?,
        other => bail!("there is no tree `{other}`"),
    };
    let mut costs = Costs { setup_s: start.elapsed().as_secs_f64(), ..Costs::default() };
    // From here on the kernel counts the most memory anew (proc(5), `clear_refs`).
    std::fs::write("/proc/self/clear_refs", "5")?;
    for turn in 0..turns {
        // alice is leaf 0, and bob leaf 1.
        let start = Instant::now();
        let leaf = LeafNodeIndex::new(2 + turn);
        let (commit, _, _) = alice.group.remove_members(&alice.person.provider, &alice.person.signer, &[leaf])?;
        alice.group.merge_pending_commit(&alice.person.provider)?;
        costs.commit_ms.push(milliseconds(start));
        costs.commit_bytes.push(commit.to_bytes()?.len());
        let start = Instant::now();
        bob.process(commit)?;
        costs.process_ms.push(milliseconds(start));
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
    costs.peak_kib = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{}", serde_json::to_string(&costs)?);
    Ok(())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// alice adds everybody in one commit, and bob is the first of them.
fn blank(people: usize) -> anyhow::Result<(Member, Member)> {
    let mut alice = Member::founder()?;
    let bob = Person::new("bob")?;
    let mut packages = vec![bob.key_package()?];
    for number in packages.len() + 1..people {
        packages.push(Person::new(&format!("member{number}"))?.key_package()?);
    }
    let Member { person, group } = &mut alice;
    let (_, welcome, _) = group.add_members_without_update(&person.provider, &person.signer, &packages)?;
    group.merge_pending_commit(&person.provider)?;
    let bob = bob.join(welcome, group)?;
    Ok((alice, bob))
}

/// alice adds one after the other, and each sends a commit at once. Those who have done so are not needed any more,
/// but for bob, who is the first.
fn populated(people: usize) -> anyhow::Result<(Member, Member)> {
    let mut alice = Member::founder()?;
    let mut bob: Option<Member> = None;
    for number in 1..people {
        let newcomer = Person::new(&format!("member{number}"))?;
        let Member { person, group } = &mut alice;
        let (commit, welcome, _) = group.add_members(&person.provider, &person.signer, &[newcomer.key_package()?])?;
        group.merge_pending_commit(&person.provider)?;
        if let Some(bob) = &mut bob {
            bob.process(commit)?;
        }
        let mut newcomer = newcomer.join(welcome, group)?;
        let Member { person, group } = &mut newcomer;
        let update = group.self_update(&person.provider, &person.signer, LeafNodeParameters::default())?;
        group.merge_pending_commit(&person.provider)?;
        let commit = update.into_commit();
        alice.process(commit.clone())?;
        match &mut bob {
            Some(bob) => bob.process(commit)?,
            None => bob = Some(newcomer),
        }
    }
    Ok((alice, bob.context("two people are needed")?))
}

impl Person {
    fn new(name: &str) -> anyhow::Result<Self> {
        let signer = SignatureKeyPair::new(SUITE.signature_algorithm())?;
        let credential = CredentialWithKey {
            credential: BasicCredential::new(name.into()).into(),
            signature_key: signer.to_public_vec().into(),
        };
        Ok(Self { provider: OpenMlsRustCrypto::default(), signer, credential })
    }

    fn key_package(&self) -> anyhow::Result<KeyPackage> {
        let package = KeyPackage::builder().build(SUITE, &self.provider, &self.signer, self.credential.clone())?;
        Ok(package.key_package().clone())
    }

    /// Joins by a welcome; the tree comes from who wrote it.
    fn join(self, welcome: MlsMessageOut, from: &MlsGroup) -> anyhow::Result<Member> {
        let tree = from.export_ratchet_tree().into();
        let MlsMessageBodyIn::Welcome(welcome) = MlsMessageIn::from(welcome).extract() else { bail!("no welcome") };
        let config = MlsGroupJoinConfig::builder().wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY).build();
        let staged = StagedWelcome::new_from_welcome(&self.provider, &config, welcome, Some(tree))?;
        let group = staged.into_group(&self.provider)?;
        Ok(Member { person: self, group })
    }
}

impl Member {
    fn founder() -> anyhow::Result<Self> {
        let person = Person::new("alice")?;
        let config = MlsGroupCreateConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .ciphersuite(SUITE)
            .build();
        let group = MlsGroup::new(&person.provider, &person.signer, &config, person.credential.clone())?;
        Ok(Self { person, group })
    }

    /// Takes somebody else's commit in.
    fn process(&mut self, commit: MlsMessageOut) -> anyhow::Result<()> {
        let message = MlsMessageIn::from(commit).try_into_protocol_message()?;
        let processed = self.group.process_message(&self.person.provider, message)?;
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else { bail!("no commit") };
        self.group.merge_staged_commit(&self.person.provider, *staged)?;
        Ok(())
    }
}
