//! Ways back as a person has them: words, shares, a password. Here they are turned into the secrets that the session
//! takes, and that nothing keeps.
//!
//! Spec: `docs/spec/recovery.md`.

use super::{Client, client::Turn, host::SystemRng, words};
use crate::{
    Error, NewRecovery, RecoverOptions, Recovered, Recovery, RecoveryKind, RecoveryProof, RecoverySecret,
    RecoveryStarted, RecoveryStatus, Result, SignIn, WhoAmI,
};
use keyfold_core::recovery::{PaperWords, PasswordLogin, PasswordRegistration, Share};
use keyfold_format::ScopeId;
use keyfold_protocol::Code;
use zeroize::Zeroizing;

/// A way back, as its owner keeps it.
#[derive(Debug)]
pub enum RecoveryInput {
    /// 24 words, in any case and spacing.
    Paper(Zeroizing<String>),
    /// Texts of shares, in any order.
    Shares(Vec<Zeroizing<String>>),
    /// The password.
    Password(Zeroizing<String>),
}

/// A new paper key.
#[derive(Debug)]
pub struct PaperKey {
    /// What the account has now.
    pub recovery: Recovery,
    /// The 24 words, to be written down: nobody can show them again.
    pub words: Zeroizing<String>,
}

/// New shares.
#[derive(Debug)]
pub struct RecoveryShares {
    /// What the account has now.
    pub recovery: Recovery,
    /// A text for each, to be given to different people: nobody can show them again.
    pub shares: Vec<Zeroizing<String>>,
}

impl Client {
    /// Which ways back one has, and what is missing.
    pub async fn recovery_status(&self) -> Result<RecoveryStatus> {
        self.turn().await?.recovery_status().await
    }

    /// Makes a paper key; with `replaces` in the place of another way back.
    pub async fn add_paper(&self, label: Option<&str>, replaces: Option<&RecoveryInput>) -> Result<PaperKey> {
        let mut turn = self.turn().await?;
        let secret = RecoverySecret::generate(&mut SystemRng);
        let recovery = turn.keep_recovery(RecoveryKind::Paper, &secret, label, None, replaces).await?;
        let words = words::paper_text(&PaperWords::of(&secret));
        Ok(PaperKey { recovery, words })
    }

    /// Makes `count` shares of which `needed` suffice: 2 to 16.
    pub async fn add_shares(
        &self,
        (needed, count): (u8, u8),
        label: Option<&str>,
        replaces: Option<&RecoveryInput>,
    ) -> Result<RecoveryShares> {
        let mut turn = self.turn().await?;
        let account = turn.account_id()?;
        let (secret, shares) = Share::generate(account, needed, count, &mut SystemRng).map_err(coded)?;
        let recovery = turn.keep_recovery(RecoveryKind::Shares, &secret, label, None, replaces).await?;
        Ok(RecoveryShares { recovery, shares: shares.iter().map(Share::text).collect() })
    }

    /// Sets a password. The server helps with each try and learns nothing of it.
    pub async fn add_password(
        &self,
        password: &str,
        label: Option<&str>,
        replaces: Option<&RecoveryInput>,
    ) -> Result<Recovery> {
        let mut turn = self.turn().await?;
        let account = turn.account_id()?;
        let (registration, request) = PasswordRegistration::start(password, &mut SystemRng).map_err(coded)?;
        let response = turn.register_password(request).await?;
        let finished = apart(move || registration.finish(&response, &account, &mut SystemRng)).await?;
        let (secret, record) = finished.map_err(coded)?;
        turn.keep_recovery(RecoveryKind::Password, &secret, label, Some(&record), replaces).await
    }

    /// Takes a way back away, by itself or by an older one. `NoRecovery`, `WrongSecret`, `RecoveryProtected`.
    pub async fn remove_recovery(&self, recovery_id: &str, by: &RecoveryInput) -> Result<()> {
        let mut turn = self.turn().await?;
        let account = turn.account_id()?;
        let status = turn.recovery_status().await?;
        let (method, secret) = turn.secret_of(by, &account, &status.methods).await?;
        turn.remove_recovery(recovery_id, RecoveryProof { method, secret: &secret }).await?;
        turn.repair().await.map(drop)
    }

    /// Signs in to one's account with a new device in this home, to see which ways back it has. `UnknownUser`,
    /// `HomeExists`.
    pub async fn start_recovery(&self, sign_in: SignIn<'_>) -> Result<RecoveryStarted> {
        self.turn_on(true).await?.start_recovery(sign_in).await
    }

    /// Founds a new account under a user id whose account is lost: no device, no way back. Whoever signs in as somebody
    /// may do that; others see another identity, and take it by hand only. `NotAllowed` where the gate is open.
    pub async fn start_over(&self, sign_in: SignIn<'_>) -> Result<WhoAmI> {
        let mut turn = self.turn_on(true).await?;
        match turn.start_recovery(sign_in).await {
            Ok(_) => turn.release_name().await?,
            // It was let go of before, and nobody has it.
            Err(error) if error.code == Code::UnknownUser => {}
            Err(error) => return Err(error),
        }
        turn.sign_up(sign_in).await
    }

    /// Comes back into one's account with a new device in this home. What was revoked gets new keys; `progress` hears
    /// how far that is, and the next [`Self::sync`] goes on with it. `UnknownUser`, `WrongSecret`, `WrongPassword`.
    pub async fn recover(
        &self,
        sign_in: SignIn<'_>,
        with: &RecoveryInput,
        options: RecoverOptions<'_>,
        progress: impl FnMut(usize, usize) + Send,
    ) -> Result<Recovered> {
        let mut turn = self.turn_on(true).await?;
        let started = turn.start_recovery(sign_in).await?;
        let account = started.account_id.parse().map_err(|_| Error::internal("an account id is 32 bytes"))?;
        let (method, secret) = turn.secret_of(with, &account, &started.methods).await?;
        let recovered = turn.recover(RecoveryProof { method, secret: &secret }, options).await?;
        turn.sync_quietly().await;
        turn.repair_telling(progress).await?;
        Ok(recovered)
    }
}

impl Turn<'_> {
    fn account_id(&self) -> Result<ScopeId> {
        self.who_am_i()?.account_id.parse().map_err(|_| Error::internal("an account id is 32 bytes"))
    }

    async fn keep_recovery(
        &mut self,
        method: RecoveryKind,
        secret: &RecoverySecret,
        label: Option<&str>,
        password: Option<&[u8]>,
        replaces: Option<&RecoveryInput>,
    ) -> Result<Recovery> {
        let former = match replaces {
            Some(input) => {
                let (account, status) = (self.account_id()?, self.recovery_status().await?);
                Some(self.secret_of(input, &account, &status.methods).await?)
            }
            None => None,
        };
        let replaces = former.as_ref().map(|(method, secret)| RecoveryProof { method: *method, secret });
        let proof = RecoveryProof { method, secret };
        let kept = self.add_recovery(NewRecovery { proof, label, password, replaces }).await?;
        if replaces.is_some() {
            self.repair().await?;
        }
        Ok(kept)
    }

    /// The secret that somebody has. Of a password the server's help is asked for, once for each that the account has.
    async fn secret_of(
        &mut self,
        input: &RecoveryInput,
        account: &ScopeId,
        methods: &[Recovery],
    ) -> Result<(RecoveryKind, RecoverySecret)> {
        match input {
            RecoveryInput::Paper(text) => Ok((RecoveryKind::Paper, words::read_paper(text).map_err(coded)?.secret())),
            RecoveryInput::Shares(texts) => {
                let shares =
                    texts.iter().map(|text| Share::parse(text)).collect::<Result<Vec<_>, _>>().map_err(coded)?;
                Ok((RecoveryKind::Shares, Share::combine(&shares, account).map_err(coded)?))
            }
            RecoveryInput::Password(password) => {
                let passwords = methods.iter().filter(|recovery| recovery.method == RecoveryKind::Password);
                let mut wrong = Error::new(Code::NoRecovery, "the account has no password as a way back");
                for recovery in passwords {
                    let (login, request) = PasswordLogin::start(password, &mut SystemRng).map_err(coded)?;
                    let response = self.try_password(&recovery.recovery_id, request).await?;
                    let account = *account;
                    match apart(move || login.finish(&response, &account, &mut SystemRng)).await? {
                        Ok(secret) => return Ok((RecoveryKind::Password, secret)),
                        Err(fault) => wrong = coded(fault),
                    }
                }
                Err(wrong)
            }
        }
    }

    /// What cannot be caught up with now, the next sync brings.
    async fn sync_quietly(&mut self) {
        _ = self.sync().await;
    }
}

/// Something that takes the best part of a second, on a thread of its own.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::internal("a thread ended"))
}

/// A mistake in what was given, by its name, with advice.
fn coded(fault: impl Into<Error>) -> Error {
    let error = fault.into();
    match error.code {
        Code::WrongWords | Code::UnknownWord | Code::WrongWordCount => {
            error.hint("Compare with the paper, word by word.")
        }
        Code::WrongPassword => {
            error.hint("Try again. After some tries the server makes you wait; another way back does not.")
        }
        Code::ShareDamaged | Code::SharesAltered => error.hint("Scan it again, or use another share."),
        Code::ShareOfAnotherAccount => error.hint("Ask whoever gave it whether there is one for this account."),
        Code::SharesMixed | Code::ShareRepeated | Code::TooFewShares => {
            error.hint("Give shares of one set, each once.")
        }
        _ => error,
    }
}
