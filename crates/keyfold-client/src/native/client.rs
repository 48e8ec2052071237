//! The client that applications use: one home, any number of tasks. Each call waits for its turn on the home, works,
//! and lets go.

use super::{
    cache::Cache,
    home::Home,
    host::{NativeHost, SystemRng},
    lock::{LockRecord, Unlocked},
    store::{Records, Store},
    transport::Transport,
};
use crate::{
    AcceptShares, AcceptedIdentity, Algorithm, Audit, AuditComparison, BanOutcome, Compared, DecryptedValue, Device,
    DeviceRequest, DeviceRequested, Error, Group, Identity, IncomingShare, KeyMetadata, Keychain, OutgoingShare,
    OwnerDecision, Owners, PartialPermissions, Participant, PermissionFlags, Result, RevokedDevices, Session,
    ShareKeys, ShareOptions, ShareOutcome, SignIn, SignInProof, Value, WhoAmI, identity::spelled, model::ClientEvent,
};
use keyfold_core::{DeviceSeed, device::DeviceKeys};
use keyfold_protocol::Code;
use std::{
    ops::Deref,
    ops::DerefMut,
    path::Path,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

/// One person's device. Cheap to clone; clones share the home.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) home: Home,
    transport: Transport,
    session: Mutex<Option<Session<NativeHost>>>,
    /// The lock that this client has opened.
    unlocked: std::sync::Mutex<Option<Unlocked>>,
}

impl Shared {
    pub(super) fn unlocked(&self) -> std::sync::MutexGuard<'_, Option<Unlocked>> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock of the home, if it has one.
    pub(super) fn lock_record(&self) -> Result<Option<LockRecord>> {
        if !self.home.records().exists() {
            return Ok(None);
        }
        Records::open(&self.home.records())?.lock()?.map(|lock| LockRecord::read(&lock)).transpose()
    }

    /// The records with the device's seed. `Locked`, `NoHome`.
    pub(super) fn open(&self, records: Records) -> Result<(Store, DeviceSeed)> {
        let Some(lock) = records.lock()? else {
            let seed = self.home.device_seed()?.ok_or_else(no_home)?;
            return Ok((records.with(DeviceKeys::derive(&seed)?.storage, None), seed));
        };
        // One that is there was left by a change that was cut off.
        self.home.drop_device_seed()?;
        LockRecord::read(&lock)?.opened(records, self.unlocked().as_ref())
    }
}

/// The home, for one operation.
pub(crate) struct Turn<'a> {
    session: MappedMutexGuard<'a, Session<NativeHost>>,
}

impl Deref for Turn<'_> {
    type Target = Session<NativeHost>;
    fn deref(&self) -> &Self::Target {
        &self.session
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.session
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.session.host().let_go();
    }
}

impl Client {
    /// For the device in `dir`. There need not be one yet: calls that need one say `NoHome`.
    pub fn open(dir: &Path) -> Result<Self> {
        let shared = Shared {
            home: Home::at(dir),
            transport: Transport::new()?,
            session: Mutex::new(None),
            unlocked: std::sync::Mutex::new(None),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Works on the records while nobody else does, this client's own operations included.
    pub(super) async fn alone<T>(&self, work: impl FnOnce(&Shared, Records) -> Result<T>) -> Result<T> {
        let home = &self.shared.home;
        let mut session = self.shared.session.lock().await;
        if !home.has_device() {
            return Err(no_home());
        }
        let _lock = home.lock().await?;
        *session = None;
        work(&self.shared, Records::open(&home.records())?)
    }

    /// Waits for the home, and takes in what other processes did.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>> {
        let mut turn = self.turn_on(false).await?;
        turn.finish_joining().await?;
        Ok(turn)
    }

    pub(super) async fn turn_on(&self, new_device: bool) -> Result<Turn<'_>> {
        let home = &self.shared.home;
        let mut session = self.shared.session.lock().await;
        if new_device {
            Home::open_or_create(home.dir())?;
        } else if !home.has_device() {
            *session = None;
            return Err(no_home());
        }
        let lock = home.lock().await?;
        if let Some(open) = session.as_ref()
            && !open.host().is_current()?
        {
            *session = None;
        }
        if session.is_none() {
            *session = Some(self.open_session(new_device)?);
        }
        let session = MutexGuard::try_map(session, Option::as_mut).map_err(|_| no_home())?;
        session.host().hold(lock);
        let mut turn = Turn { session };
        turn.refresh().await?;
        Ok(turn)
    }

    fn open_session(&self, new_device: bool) -> Result<Session<NativeHost>> {
        let home = &self.shared.home;
        if new_device && home.device_seed()?.is_none() && self.shared.lock_record()?.is_none() {
            home.keep_device_seed(&DeviceSeed::generate(&mut SystemRng))?;
        }
        let (store, seed) = self.shared.open(Records::open(&home.records())?)?;
        Session::new(NativeHost::new(self.shared.transport.clone(), store, Cache::at(home.cache())), &seed)
    }

    /// Founds an account with a new device in this home. Without `server_key` the key that the server shows is
    /// pinned. `HomeExists` if the home has an account, `UserTaken` if somebody has the user id.
    pub async fn signup(&self, user_id: &str, server_url: &str, server_key: Option<&str>) -> Result<WhoAmI> {
        self.signup_with(SignIn { user_id, server_url, server_key, proof: SignInProof::Nothing }).await
    }

    /// The same at a gate that is not open: shows it who one is. `GateMismatch`, `SignInRefused`, `SignInExpired`,
    /// `GateUnavailable`, and `NotAllowed` if it knows one as somebody else.
    pub async fn signup_with(&self, sign_in: SignIn<'_>) -> Result<WhoAmI> {
        self.turn_on(true).await?.sign_up(sign_in).await
    }

    /// Starts a session and opens the account's keys again.
    pub async fn login(&self) -> Result<WhoAmI> {
        self.turn().await?.log_in().await
    }

    /// Ends the session and wipes the keys from this device. With `forget` the device too: then its account can be
    /// used from other devices only, and is lost if there is none.
    pub async fn logout(&self, forget: bool) -> Result<()> {
        self.end_session(false, forget).await
    }

    /// The same, and ends the sessions of all other devices of the account. They can log in again.
    pub async fn logout_everywhere(&self, forget: bool) -> Result<()> {
        self.end_session(true, forget).await
    }

    async fn end_session(&self, everywhere: bool, forget: bool) -> Result<()> {
        let mut turn = match self.turn().await {
            // Whoever forgot what unlocks it may remove it; the server is not told, as only the device could.
            Err(locked) if forget && !everywhere && locked.code == Code::Locked => {
                return self.alone(|shared, _| shared.home.forget()).await;
            }
            turn => turn?,
        };
        let told = if everywhere { turn.log_out_everywhere().await } else { turn.log_out().await };
        if !forget {
            return told;
        }
        // A device that is gone needs no server's consent; one that was never signed up has nobody to tell.
        let lock = turn.session.host().take();
        drop(turn);
        let mut session = self.shared.session.lock().await;
        *session = None;
        let forgotten = self.shared.home.forget();
        drop(lock);
        forgotten?;
        match told {
            Err(error) if error.code != Code::NoHome => Err(error),
            _ => Ok(()),
        }
    }

    /// Asks to be let into the account of a user id with a new device in this home, and says what it is to show.
    /// [`Self::await_enrolment`] hears the answer. `UnknownUser`, `HomeExists`.
    pub async fn request_enrolment(&self, sign_in: SignIn<'_>, label: &str) -> Result<DeviceRequested> {
        self.turn_on(true).await?.request_enrolment(sign_in, label).await
    }

    /// Waits some seconds for another device's answer; `None` if there is none yet. `UnknownEnrolment` if it was
    /// declined, or its time is over.
    pub async fn await_enrolment(&self) -> Result<Option<WhoAmI>> {
        self.turn_on(false).await?.await_enrolment().await
    }

    /// Brings a new device in this home into an account, by the text that [`Self::enroll_new_device`] made. `BadCode`,
    /// `EnrolmentExpired`; `Unauthorized` if it was used.
    pub async fn register_enrolled_device(&self, text: &str) -> Result<WhoAmI> {
        self.turn_on(true).await?.register_enrolled_device(text).await
    }

    /// A text that brings another device in by itself, once, within `lasts` (at most a day; an hour unless said). It is a
    /// secret.
    pub async fn enroll_new_device(&self, label: Option<&str>, lasts: Option<Duration>) -> Result<String> {
        let lasts_ms = lasts.map(|lasts| u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
        self.turn().await?.enroll_new_device(label, lasts_ms).await
    }

    /// The devices that ask to be let in, with the words that are to be compared.
    pub async fn enrolment_requests(&self) -> Result<Vec<DeviceRequest>> {
        self.turn().await?.enrolment_requests().await
    }

    /// Lets a device in, by the code that it shows, or by its id once its words were compared. `BadCode`,
    /// `UnknownEnrolment`.
    pub async fn approve_device(&self, code: &str, label: Option<&str>) -> Result<Device> {
        self.turn().await?.approve_device(code, label).await
    }

    /// Does not let a device in that asks; its id. `BadCode`, `UnknownEnrolment`.
    pub async fn decline_device(&self, code: &str) -> Result<String> {
        self.turn().await?.decline_device(code).await
    }

    /// One's own devices, oldest first.
    pub async fn devices(&self) -> Result<Vec<Device>> {
        self.turn().await?.devices().await
    }

    /// Gives this device new keys, and with `label` another name.
    pub async fn rotate_device(&self, label: Option<&str>) -> Result<Device> {
        self.turn().await?.rotate_device(label).await
    }

    /// Takes devices out of the account, by id or name, with those that they let in except the `kept`. Everything that
    /// they could read gets new keys; `progress` hears how many keychains and groups are done, of how many. What is cut
    /// short, the next [`Self::sync`] goes on with. `UnknownHolder`, `RevocationOfOneself`.
    pub async fn revoke_devices(
        &self,
        devices: &[&str],
        kept: &[&str],
        progress: impl FnMut(usize, usize) + Send,
    ) -> Result<RevokedDevices> {
        let mut turn = self.turn().await?;
        let revoked = turn.revoke_devices(devices, kept).await?;
        turn.repair_telling(progress).await?;
        Ok(revoked)
    }

    /// Who did what in a keychain or an account, verified from the first entry on. `UnknownKeychain`, `NotProved`,
    /// `Rollback`, `IdentityChanged`.
    pub async fn audit(&self, scope: &str) -> Result<Audit> {
        self.turn().await?.audit(scope).await
    }

    /// The same as a file that anybody verifies with [`crate::verify_audit_file`].
    pub async fn export_audit(&self, scope: &str) -> Result<Vec<u8>> {
        self.turn().await?.export_audit(scope).await
    }

    /// Compares one's own view of a ledger with the file that somebody else exported.
    pub async fn compare_audit(&self, scope: &str, file: &[u8]) -> Result<AuditComparison> {
        self.turn().await?.compare_audit(scope, file).await
    }

    /// Evidence that the server contradicted itself, as a file. `NoEvidence`.
    pub async fn evidence(&self, scope: &str, file: Option<&[u8]>) -> Result<Vec<u8>> {
        self.turn().await?.evidence(scope, file).await
    }

    /// Who this home belongs to.
    pub async fn whoami(&self) -> Result<WhoAmI> {
        self.turn().await?.who_am_i()
    }

    /// A person's identity; pins it at first sight. `UnknownUser`, `IdentityChanged`.
    pub async fn identity(&self, user_id: &str) -> Result<Identity> {
        self.turn().await?.identity(user_id).await
    }

    /// Several at once; `None` for whom there is no account.
    pub async fn identities(&self, user_ids: &[&str]) -> Result<Vec<Option<Identity>>> {
        self.turn().await?.identities(user_ids).await
    }

    /// The eight words that one has in common with somebody if both devices know the true accounts. `UnknownUser`,
    /// `IdentityChanged`.
    pub async fn safety_words(&self, user_id: &str) -> Result<String> {
        self.turn().await?.safety_words(user_id).await.map(|words| spelled::text(&words))
    }

    /// Remembers that somebody's identity was compared: by safety words, the text of a QR code, or the account id, as
    /// that person told them by another way than the server. `NotVerified`, and then nothing changes.
    pub async fn verify_identity(&self, user_id: &str, told: &str) -> Result<Identity> {
        self.turn().await?.verify_identity(user_id, &Compared::parse(told)?).await
    }

    /// After `IdentityChanged`: takes the identity that the server shows now in place of the pinned one, if it is what
    /// that person told by another way than the server. `NotVerified`, and then nothing changes.
    pub async fn accept_identity(&self, user_id: &str, told: &str) -> Result<AcceptedIdentity> {
        self.turn().await?.accept_identity(user_id, &Compared::parse(told)?).await
    }

    /// Founds a keychain.
    pub async fn create_keychain(&self, purpose: &str, algorithm: Algorithm) -> Result<KeyMetadata> {
        self.turn().await?.create_keychain(purpose, algorithm).await
    }

    /// The newest key of every keychain, by purpose.
    pub async fn keychains(&self) -> Result<Vec<KeyMetadata>> {
        self.turn().await?.keychains().await
    }

    /// A keychain, by purpose or fingerprint, with its keys, newest first. `UnknownKeychain`, `AmbiguousPurpose`.
    pub async fn keychain(&self, kc: &str) -> Result<Keychain> {
        self.turn().await?.keychain(kc).await
    }

    /// Founds a group of people, and of groups of lower rank. Keychains are shared with it as `group:NAME`, and so is
    /// everything else of it asked for that a keychain has: who is in it, who owns it, bans, leaving.
    pub async fn create_group(&self, name: &str, rank: u16) -> Result<Group> {
        self.turn().await?.create_group(name, rank).await
    }

    /// The groups that this account is in, also through others, by name.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        self.turn().await?.groups().await
    }

    /// One group, by name or fingerprint. `UnknownGroup`, `AmbiguousPurpose`.
    pub async fn group(&self, name: &str) -> Result<Group> {
        self.turn().await?.group(name).await
    }

    /// Makes the next key of a keychain, for every follower.
    pub async fn rotate(&self, kc: &str) -> Result<KeyMetadata> {
        self.turn().await?.rotate(kc).await
    }

    /// Shares keys with one or many people, in one request.
    pub async fn share(&self, kc: &str, with: &[&str], keys: ShareKeys, options: ShareOptions) -> Result<ShareOutcome> {
        self.turn().await?.share(kc, with, &keys, &options).await
    }

    /// Shares that wait for an answer.
    pub async fn outgoing_shares(&self) -> Result<Vec<OutgoingShare>> {
        self.turn().await?.outgoing_shares().await
    }

    /// Withdraws the share with this key. `NotPending` if its recipient was faster.
    pub async fn cancel_share(&self, user_id: &str, key_fingerprint: &str) -> Result<()> {
        self.turn().await?.cancel_share(user_id, key_fingerprint).await
    }

    /// Which shares this home takes without asking, from now on: kept in it. `NoHome` before signing up.
    pub async fn accept_shares(&self, which: AcceptShares) -> Result<()> {
        self.turn().await?.keep_accept_shares(which).await
    }

    /// Shares that wait for one's own answer, where not all are taken without asking.
    pub async fn incoming_shares(&self) -> Result<Vec<IncomingShare>> {
        self.turn().await?.incoming_shares().await
    }

    /// Takes a share that waits. `NotPending` if none does.
    pub async fn accept_share(&self, keychain_fingerprint: &str) -> Result<Keychain> {
        self.turn().await?.accept_share(keychain_fingerprint).await
    }

    /// Refuses a share that waits, and says which it was. Its keys were never handed out. `NotPending` if none does.
    pub async fn decline_share(&self, keychain_fingerprint: &str) -> Result<IncomingShare> {
        self.turn().await?.decline_share(keychain_fingerprint).await
    }

    /// Who owns a copy of a key, or of any, by the verified ledger; with `pending` also to whom one is on its way.
    pub async fn participants(
        &self,
        kc: &str,
        key_fingerprint: Option<&str>,
        pending: bool,
    ) -> Result<Vec<Participant>> {
        self.turn().await?.participants(kc, key_fingerprint, pending).await
    }

    /// What a member may do in a keychain; `None` for oneself. `NoSuchMember`.
    pub async fn permissions(&self, kc: &str, user_id: Option<&str>) -> Result<PermissionFlags> {
        self.turn().await?.permissions(kc, user_id).await
    }

    /// Changes what a member may do; what `change` leaves out stays. Returns what he may do now.
    pub async fn set_permissions(
        &self,
        kc: &str,
        user_id: &str,
        change: PartialPermissions,
    ) -> Result<PermissionFlags> {
        self.turn().await?.set_permissions(kc, user_id, change).await
    }

    /// Bans somebody from a keychain, and makes a new key that he does not get, in one request. Oneself: leaves it.
    pub async fn ban(&self, kc: &str, user_id: &str) -> Result<BanOutcome> {
        self.turn().await?.ban(kc, user_id).await
    }

    /// Leaves a keychain. What its keys have opened they still open.
    pub async fn leave(&self, kc: &str) -> Result<BanOutcome> {
        self.turn().await?.leave(kc).await
    }

    /// Who owns a keychain, and what waits for more of them.
    pub async fn owners(&self, kc: &str) -> Result<Owners> {
        self.turn().await?.owners(kc).await
    }

    /// Puts a decision to the owners of a keychain, or joins those who are for it. More than half of all make it.
    pub async fn propose(&self, kc: &str, decision: &OwnerDecision) -> Result<Owners> {
        self.turn().await?.propose(kc, decision).await
    }

    /// Joins those who are for a proposal, by its id.
    pub async fn approve(&self, kc: &str, proposal: &str) -> Result<Owners> {
        self.turn().await?.approve(kc, proposal).await
    }

    /// Gives up this account's copy of a key, on all its devices. The membership goes on.
    pub async fn delete_key(&self, kc: &str, key_fingerprint: &str) -> Result<()> {
        self.turn().await?.delete_key(kc, key_fingerprint).await
    }

    /// Seals a value under a keychain's current key, in its text form. Where the server is not reached, that is the
    /// newest key known here.
    pub async fn encrypt_value(&self, kc: &str, value: &Value, context: Option<&[u8]>) -> Result<String> {
        let sealed = self.turn().await?.encrypt_value(kc, value, context.unwrap_or_default()).await?;
        Ok(sealed.text)
    }

    /// Opens a value.
    pub async fn decrypt_value(&self, text: &str, context: Option<&[u8]>) -> Result<DecryptedValue> {
        self.turn().await?.decrypt_value(text, context.unwrap_or_default()).await
    }

    /// Takes in everything that happened, and tells what nobody was told yet.
    pub async fn sync(&self) -> Result<Vec<ClientEvent>> {
        self.turn().await?.sync().await
    }

    /// Signs items together and in order. Base64url; [`crate::verify_signature`] verifies it.
    pub async fn sign(&self, items: &[&[u8]]) -> Result<String> {
        self.turn().await?.sign(items)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("home", &self.shared.home).finish_non_exhaustive()
    }
}

fn no_home() -> Error {
    Error::new(Code::NoHome, "this home has no account").hint("Sign up first: `keyfold signup USER --server URL`.")
}
