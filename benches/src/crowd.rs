//! A town's people, who have accounts and no clients: a client reads every ledger from its first entry, and ten
//! thousand of them would read ten thousand entries each. What they send is what their clients would send, and
//! reaches the server in the same way.

use crate::person::Person;
use anyhow::{Context, ensure};
use keyfold_format::label::SignatureLabel;
use keyfold_format::scope::{self, Op, ScopeEntry};
use keyfold_format::{EntryHash, ScopeId};
use keyfold_protocol::ErrorBody;
use keyfold_protocol::route;
use keyfold_protocol::signing::{Address, Fields, Method, Nonce, Outgoing, Reply, Request};
use keyfold_protocol::wire::{After, Info, LedgerPages, Ledgers, Place};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// Requests that are on their way together.
const LANES: usize = 32;

/// People, by number: the user id of each is `member` and his number.
#[derive(Clone)]
pub(crate) struct Crowd {
    people: Arc<Vec<Person>>,
}

/// The way to a server.
#[derive(Clone)]
struct Way {
    http: reqwest::Client,
    url: String,
    address: Address,
    key: keyfold_format::VerifyingKey,
}

/// The user id of one of them.
pub(crate) fn name(number: usize) -> String {
    format!("member{number}")
}

impl Crowd {
    /// Makes their keys, on all cores.
    pub(crate) async fn new(people: usize) -> anyhow::Result<Self> {
        let mut making = JoinSet::new();
        for lane in 0..LANES {
            let numbers: Vec<usize> = (lane..people).step_by(LANES).collect();
            making.spawn_blocking(move || {
                numbers.into_iter().map(|number| Ok((number, Person::new(&name(number), now_ms())?))).collect()
            });
        }
        let mut made: Vec<(usize, Person)> = Vec::with_capacity(people);
        while let Some(lane) = making.join_next().await {
            let lane: anyhow::Result<Vec<_>> = lane?;
            made.extend(lane?);
        }
        made.sort_by_key(|(number, _)| *number);
        Ok(Self { people: Arc::new(made.into_iter().map(|(_, person)| person).collect()) })
    }

    /// The first `people` of them sign up.
    pub(crate) async fn sign_up(&self, server: &str, people: usize) -> anyhow::Result<()> {
        let way = Way::to(server).await?;
        self.each(0..people, move |crowd, number| {
            let way = way.clone();
            async move {
                let person = crowd.person(number)?;
                way.ask(person, Method::Post, route::ACCOUNTS, person.sign_up()?.encode()).await.map(drop)
            }
        })
        .await
    }

    /// Those who have a share in `scope` take it. One of them, `reader`, looks at its ledger for all: an answer names
    /// the entry that it answers.
    pub(crate) async fn accept(&self, server: &str, scope: ScopeId, reader: usize) -> anyhow::Result<()> {
        let way = Way::to(server).await?;
        let (group, shares) = way.shares(self.person(reader)?, scope).await?;
        let waiting = self.people.iter().zip(0..).filter(|(person, _)| shares.contains_key(&person.id()));
        let waiting: Vec<usize> = waiting.map(|(_, number)| number).collect();
        let shares = Arc::new(shares);
        self.each(waiting, move |crowd, number| {
            let (way, shares) = (way.clone(), Arc::clone(&shares));
            async move {
                let person = crowd.person(number)?;
                let answers = *shares.get(&person.id()).context("a share waits for him")?;
                let (author, time) = (person.cite(), now_ms());
                let placed = scope::Placed { group, scope, answers, author, time, op: Op::Accept };
                let entry = person.sign(SignatureLabel::PlacedEntry, &ScopeEntry::Placed(placed));
                way.ask(person, Method::Post, &route::placed(&scope), Place { entry }.encode()).await.map(drop)
            }
        })
        .await
    }

    fn person(&self, number: usize) -> anyhow::Result<&Person> {
        self.people.get(number).context("a town has as many people as were made")
    }

    /// Does something for some of them, several at a time.
    async fn each<F>(
        &self,
        numbers: impl IntoIterator<Item = usize>,
        work: impl Fn(Self, usize) -> F,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut working = JoinSet::new();
        for number in numbers {
            if working.len() >= LANES {
                working.join_next().await.context("somebody is at work")???;
            }
            working.spawn(work(self.clone(), number));
        }
        while let Some(done) = working.join_next().await {
            done??;
        }
        Ok(())
    }
}

impl Way {
    async fn to(url: &str) -> anyhow::Result<Self> {
        let authority = url.strip_prefix("http://").context("a server on this machine")?.to_owned();
        let http = reqwest::Client::builder().tcp_nodelay(true).build()?;
        let request = Request { method: Method::Get, path: route::INFO.to_owned(), query: String::new(), body: vec![] };
        let out = request.unsigned(&authority, nonce()?);
        let (info, _) = Info::on_first_use(send(&http, url, &out).await?, &out.binding)?;
        let address = Address { authority, server: info.server_id };
        Ok(Self { http, url: url.to_owned(), address, key: info.server_key })
    }

    /// Asks as somebody; a refusal is an error.
    async fn ask(&self, who: &Person, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let request = Request { method, path: path.to_owned(), query: String::new(), body };
        let sign = |base: &[u8]| who.device.signing.sign_message(base);
        let out = request.sign(&self.address, &who.device.id(), nonce()?, now_ms() / 1_000, sign);
        let answer = send(&self.http, &self.url, &out).await?.verify(&out.binding, &self.key)?;
        if answer.status >= 400 {
            anyhow::bail!("{path}: {}", ErrorBody::decode(&answer.body)?.message);
        }
        Ok(answer.body)
    }

    /// Whether a scope is a group, and the entry that has a share for somebody, for each.
    async fn shares(&self, reader: &Person, scope: ScopeId) -> anyhow::Result<(bool, BTreeMap<ScopeId, EntryHash>)> {
        let (mut group, mut shares) = (false, BTreeMap::new());
        let (mut after, mut prev) = (None, EntryHash::NONE);
        loop {
            let body = Ledgers { wanted: vec![After { scope, after }] }.encode();
            let answer = self.ask(reader, Method::Post, route::LEDGERS, body).await?;
            let page = LedgerPages::decode(&answer)?.pages.pop().context("a page for the question")?;
            let page = page.map_err(|code| anyhow::anyhow!("the ledger is not shown: {}", code.as_str()))?;
            for entry in &page.entries {
                let seq = after.map_or(0, |after| after + 1);
                let hash = entry.hash(prev, seq);
                if let ScopeEntry::Ordinary(parsed) = ScopeEntry::decode(&entry.signed)? {
                    group = parsed.group;
                    shares.extend(shared_with(&parsed).map(|id| (id, hash)));
                }
                (after, prev) = (Some(seq), hash);
            }
            if !page.more {
                return Ok((group, shares));
            }
            ensure!(!page.entries.is_empty(), "more is promised and nothing shown");
        }
    }
}

fn shared_with(entry: &scope::Entry) -> impl Iterator<Item = ScopeId> {
    let shares = entry.ops.iter().filter_map(|op| if let Op::Share(share) = op { Some(share) } else { None });
    shares.flat_map(|share| share.principals.iter().map(|principal| principal.id()))
}

async fn send(http: &reqwest::Client, url: &str, out: &Outgoing) -> anyhow::Result<Reply> {
    let mut builder = match out.request.method {
        Method::Get => http.get(format!("{url}{}", out.request.path)),
        _ => http.post(format!("{url}{}", out.request.path)),
    };
    for (name, value) in &out.headers {
        builder = builder.header(*name, value);
    }
    if !out.request.body.is_empty() {
        builder = builder.header("content-type", route::MEDIA_TYPE).body(out.request.body.clone());
    }
    let answer = builder.send().await?;
    let status = answer.status().as_u16();
    let fields = answer.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let fields: Fields = fields.collect();
    Ok(Reply { status, fields, body: answer.bytes().await?.to_vec() })
}

fn nonce() -> anyhow::Result<Nonce> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce)?;
    Ok(Nonce(nonce))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
