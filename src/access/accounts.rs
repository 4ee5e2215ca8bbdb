//! Accounts and the one-time links that open them.
//!
//! Every change is one transaction: the account, the end of its sessions, and the entry in the journal of access, all
//! or nothing. A link holds 32 random bytes, works once, and ends soon; only its hash is kept. Looking at a link does
//! not use it up, since mail scanners and chat previews look at links.

use super::capability::roles_from;
use super::digest;
use super::record::{Fact, SYSTEM, actor, record};
use super::slow_down::{canonical, is_login};
use crate::clock;
use crate::domain::{Role, Span, Timestamp};
use crate::store::{Link, NewLink, NewPerson, Person, Store, StoreError, Tx};
use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Adds the first administrator.
    Setup,
    /// Gives a new account its first password.
    Invitation,
    /// Gives an account a new password.
    Reset,
}

impl Purpose {
    pub fn key(self) -> &'static str {
        match self {
            Purpose::Setup => "setup",
            Purpose::Invitation => "invitation",
            Purpose::Reset => "reset",
        }
    }

    /// How long a link of this kind works. An invitation waits for somebody to read it; the others do not.
    pub fn lasts(self) -> Span {
        match self {
            Purpose::Setup | Purpose::Reset => Span::minutes(15),
            Purpose::Invitation => Span::hours(24),
        }
    }

    /// The page that a link of this kind leads to.
    pub fn path(self, token: &str) -> String {
        match self {
            Purpose::Setup => format!("/setup/{token}"),
            Purpose::Invitation | Purpose::Reset => format!("/welcome/{token}"),
        }
    }
}

/// Why an account was not changed; a whole sentence with what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// The link is wrong, used up, or too old.
    LinkOver,
    /// There is an administrator already.
    SetUpAlready,
    LoginTaken,
    LoginShape,
    NoSuchPerson,
    /// It would leave nobody who can manage accounts.
    LastAdministrator,
    Store(StoreError),
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unchanged::LinkOver => {
                "This link does not work any more, or never did. Ask an administrator for a new one."
            }
            Unchanged::SetUpAlready => "There is an administrator already. Ask them for an invitation.",
            Unchanged::LoginTaken => "Someone has this sign-in name already. Choose another.",
            Unchanged::LoginShape => {
                "Use 2 to 120 small letters a to z, digits and . _ @ + -, such as a work email address."
            }
            Unchanged::NoSuchPerson => "There is no such person.",
            Unchanged::LastAdministrator => {
                "This is the last administrator who can sign in. Make somebody else administrator first."
            }
            Unchanged::Store(fault) => return write!(f, "{fault}"),
        })
    }
}

impl From<StoreError> for Unchanged {
    fn from(fault: StoreError) -> Unchanged {
        match fault {
            StoreError::Duplicate => Unchanged::LoginTaken,
            other => Unchanged::Store(other),
        }
    }
}

/// Makes a link in a transaction; older ones of the kind stop working. Answers its token, which is kept nowhere.
async fn issue(
    tx: &mut Tx,
    by: &str,
    purpose: Purpose,
    person: Option<&str>,
    now: Timestamp,
) -> Result<String, StoreError> {
    let token = clock::secret();
    tx.lock_head().await?;
    if let Some(person) = person {
        tx.void_links(person, purpose.key(), now).await?;
    }
    let link = NewLink {
        token_hash: digest(&token),
        purpose: purpose.key().to_owned(),
        person: person.map(str::to_owned),
        created_at: now,
        expires_at: now + purpose.lasts(),
    };
    tx.insert_link(&link).await?;
    let issued = Fact::LinkIssued { purpose: purpose.key().to_owned(), person: person.unwrap_or_default().to_owned() };
    record(tx, now, by, &[issued]).await?;
    Ok(token)
}

/// Whether no administrator can sign in, so that the first is still to be added.
pub async fn needs_setup(store: &Store) -> Result<bool, StoreError> {
    Ok(!store.people().await?.iter().any(can_administer))
}

fn can_administer(person: &Person) -> bool {
    person.active && person.password.is_some() && roles_from(&person.roles).contains(&Role::Administrator)
}

/// On a first start: makes the link for the first administrator, writes it to `file` (readable by its owner alone,
/// replaced if it is there), and answers its path. Nothing when there is an administrator already. The caller prints it
/// only on a terminal: logs are read by many.
pub async fn setup_link(
    store: &Store,
    now: Timestamp,
    link: impl Fn(&str) -> String,
    file: &Path,
) -> Result<Option<String>, SetupFault> {
    if !needs_setup(store).await? {
        return Ok(None);
    }
    let mut tx = store.begin().await?;
    let token = issue(&mut tx, SYSTEM, Purpose::Setup, None, now).await?;
    let address = link(&Purpose::Setup.path(&token));
    write_private(file, &format!("{address}\n"))
        .map_err(|fault| SetupFault::File(file.display().to_string(), fault.to_string()))?;
    tx.commit().await?;
    Ok(Some(address))
}

/// Why there is no set-up link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupFault {
    Store(StoreError),
    File(String, String),
}

impl From<StoreError> for SetupFault {
    fn from(fault: StoreError) -> SetupFault {
        SetupFault::Store(fault)
    }
}

impl fmt::Display for SetupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupFault::Store(fault) => write!(f, "the set-up link was not made: {fault}"),
            SetupFault::File(path, fault) => {
                write!(f, "the set-up link could not be written to {path}: {fault}; make its directory writable")
            }
        }
    }
}

impl std::error::Error for SetupFault {}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    // Never written through a file or a link that somebody laid there: away with it, then create it anew.
    match std::fs::remove_file(path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The link behind a token, left as it is: for showing its form.
pub async fn look_at_link(store: &Store, token: &str, now: Timestamp) -> Result<Option<(Purpose, Link)>, StoreError> {
    for purpose in [Purpose::Setup, Purpose::Invitation, Purpose::Reset] {
        if let Some(link) = store.link(&digest(token), purpose.key(), now).await? {
            return Ok(Some((purpose, link)));
        }
    }
    Ok(None)
}

/// Somebody to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    pub login: String,
    pub name: String,
    pub roles: Vec<Role>,
}

impl Newcomer {
    /// The sign-in name as it is kept.
    fn login(&self) -> Result<String, Unchanged> {
        let login = canonical(&self.login);
        if is_login(&login) { Ok(login) } else { Err(Unchanged::LoginShape) }
    }

    /// Whether they could be added now.
    ///
    /// # Errors
    /// What is wrong with the sign-in name, or the store's.
    pub async fn fits(&self, store: &Store) -> Result<(), Unchanged> {
        match store.person_by_login(&self.login()?).await? {
            Some(_) => Err(Unchanged::LoginTaken),
            None => Ok(()),
        }
    }

    /// `password` is a hash.
    fn row(&self, password: Option<String>, now: Timestamp) -> Result<NewPerson, Unchanged> {
        let login = self.login()?;
        Ok(NewPerson {
            id: clock::fresh_id(),
            login,
            name: self.name.clone(),
            password,
            roles: keys(&self.roles),
            created_at: now,
        })
    }
}

fn keys(roles: &[Role]) -> Vec<String> {
    Role::ALL.into_iter().filter(|role| roles.contains(role)).map(|role| role.key().to_owned()).collect()
}

/// Uses the set-up link up and adds the first administrator. `password` is a hash. Answers the person's id.
pub async fn add_first_administrator(
    store: &Store,
    token: &str,
    login: &str,
    name: &str,
    password: String,
    now: Timestamp,
) -> Result<String, Unchanged> {
    let newcomer = Newcomer { login: login.to_owned(), name: name.to_owned(), roles: vec![Role::Administrator] };
    let row = newcomer.row(Some(password), now)?;
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    if tx.take_link(&digest(token), Purpose::Setup.key(), now).await?.is_none() {
        return Err(Unchanged::LinkOver);
    }
    if tx.people().await?.iter().any(can_administer) {
        return Err(Unchanged::SetUpAlready);
    }
    tx.insert_person(&row).await?;
    let fact = Fact::FirstAdministratorAdded { person: row.id.clone(), login: row.login };
    record(&mut tx, now, &actor(&row.id), &[fact]).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// Adds somebody without a password, and answers id and the token of their invitation.
pub async fn add(store: &Store, by: &str, newcomer: &Newcomer, now: Timestamp) -> Result<(String, String), Unchanged> {
    let row = newcomer.row(None, now)?;
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    tx.insert_person(&row).await?;
    let (person, login, name, roles) = (row.id.clone(), row.login.clone(), row.name.clone(), row.roles.clone());
    record(&mut tx, now, by, &[Fact::PersonAdded { person, login, name, roles }]).await?;
    let token = issue(&mut tx, by, Purpose::Invitation, Some(&row.id), now).await?;
    tx.commit().await?;
    Ok((row.id, token))
}

/// Adds somebody with a password at once, for sample worlds. `password` is a hash.
pub async fn add_with_password(
    store: &Store,
    newcomer: &Newcomer,
    password: String,
    now: Timestamp,
) -> Result<String, Unchanged> {
    let row = newcomer.row(Some(password), now)?;
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    tx.insert_person(&row).await?;
    let (person, login, name, roles) = (row.id.clone(), row.login, row.name, row.roles);
    record(&mut tx, now, SYSTEM, &[Fact::PersonAdded { person, login, name, roles }]).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// A new link for somebody: an invitation as long as they have no password, else a reset. Answers its token.
pub async fn invite_again(
    store: &Store,
    by: &str,
    person: &str,
    now: Timestamp,
) -> Result<(Purpose, String), Unchanged> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let found = tx.person(person).await?.ok_or(Unchanged::NoSuchPerson)?;
    let purpose = if found.password.is_some() { Purpose::Reset } else { Purpose::Invitation };
    let token = issue(&mut tx, by, purpose, Some(person), now).await?;
    tx.commit().await?;
    Ok((purpose, token))
}

/// Uses an invitation or a reset up: the account gets this password (a hash), and every session of it ends.
pub async fn use_link(store: &Store, token: &str, password: &str, now: Timestamp) -> Result<Person, Unchanged> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let mut taken = None;
    for purpose in [Purpose::Invitation, Purpose::Reset] {
        if taken.is_none() {
            taken = tx.take_link(&digest(token), purpose.key(), now).await?;
        }
    }
    let link = taken.ok_or(Unchanged::LinkOver)?;
    let person = tx.person(link.person.as_deref().unwrap_or_default()).await?;
    let person = person.filter(|person| person.active).ok_or(Unchanged::LinkOver)?;
    tx.set_password(&person.id, password, now).await?;
    // Whoever resets a password may have lost a device: none is known any more.
    tx.delete_devices_of(&person.id).await?;
    end_everything(&mut tx, &person.id).await?;
    for purpose in [Purpose::Invitation, Purpose::Reset] {
        tx.void_links(&person.id, purpose.key(), now).await?;
    }
    let facts = [Fact::LinkUsed { purpose: link.purpose }, Fact::PasswordChanged];
    record(&mut tx, now, &actor(&person.id), &facts).await?;
    tx.commit().await?;
    Ok(person)
}

/// Ends every session: at the next request of each, and at the next event of each open stream.
async fn end_everything(tx: &mut Tx, person: &str) -> Result<i64, StoreError> {
    let epoch = tx.bump_epoch(person).await?.unwrap_or_default();
    tx.delete_sessions_of(person, None).await?;
    Ok(epoch)
}

/// Changes one's own password to `password` (a hash) if the account is still as it was when the old one was checked.
/// Every session ends; answers the person as they are now, for a new session.
pub async fn change_password(
    store: &Store,
    checked: &Person,
    password: &str,
    now: Timestamp,
) -> Result<Person, Unchanged> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let same = |p: &Person| p.active && p.password == checked.password && p.epoch == checked.epoch;
    let mut person = tx.person(&checked.id).await?.filter(same).ok_or(Unchanged::NoSuchPerson)?;
    tx.set_password(&person.id, password, now).await?;
    person.epoch = end_everything(&mut tx, &person.id).await?;
    record(&mut tx, now, &actor(&person.id), &[Fact::PasswordChanged]).await?;
    tx.commit().await?;
    person.password = Some(password.to_owned());
    Ok(person)
}

/// Whether somebody's roles could be replaced by these now.
///
/// # Errors
/// [`Unchanged`].
pub async fn may_change_roles(store: &Store, person: &str, roles: &[Role]) -> Result<(), Unchanged> {
    leave_an_administrator(&store.people().await?, person, roles)
}

/// Replaces somebody's roles. Their sessions end: they come back with a new id and the new roles.
pub async fn change_roles(
    store: &Store,
    by: &str,
    person: &str,
    roles: &[Role],
    now: Timestamp,
) -> Result<(), Unchanged> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let before = tx.person(person).await?.ok_or(Unchanged::NoSuchPerson)?.roles;
    let after = keys(roles);
    if before == after {
        return Ok(());
    }
    leave_an_administrator(&tx.people().await?, person, roles)?;
    tx.set_roles(person, &after).await?;
    end_everything(&mut tx, person).await?;
    record(&mut tx, now, by, &[Fact::RolesChanged { person: person.to_owned(), before, after }]).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether somebody's account could be disabled now.
///
/// # Errors
/// [`Unchanged`].
pub async fn may_disable(store: &Store, person: &str) -> Result<(), Unchanged> {
    leave_an_administrator(&store.people().await?, person, &[])
}

/// Disables or enables an account. Disabling ends its sessions and its links at once.
pub async fn set_active(store: &Store, by: &str, person: &str, active: bool, now: Timestamp) -> Result<(), Unchanged> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let found = tx.person(person).await?.ok_or(Unchanged::NoSuchPerson)?;
    if found.active == active {
        return Ok(());
    }
    if !active {
        leave_an_administrator(&tx.people().await?, person, &[])?;
        for purpose in [Purpose::Invitation, Purpose::Reset] {
            tx.void_links(person, purpose.key(), now).await?;
        }
    }
    tx.set_active(person, active).await?;
    end_everything(&mut tx, person).await?;
    let person = person.to_owned();
    let fact = if active { Fact::PersonEnabled { person } } else { Fact::PersonDisabled { person } };
    record(&mut tx, now, by, &[fact]).await?;
    tx.commit().await?;
    Ok(())
}

/// Refuses to take the last administrator of all `people` away: `person` is to act with these roles alone from now on.
fn leave_an_administrator(people: &[Person], person: &str, roles: &[Role]) -> Result<(), Unchanged> {
    if roles.contains(&Role::Administrator) {
        return Ok(());
    }
    let takes_one = people.iter().any(|p| p.id == person && can_administer(p));
    let others = people.iter().any(|p| p.id != person && can_administer(p));
    if takes_one && !others { Err(Unchanged::LastAdministrator) } else { Ok(()) }
}

/// Ends one session of somebody, named by its hash. False when it is not theirs or gone.
pub async fn end_session(store: &Store, person: &str, session: &str, now: Timestamp) -> Result<bool, StoreError> {
    end_as(store, person, session, Fact::SessionEnded { session: session.to_owned() }, now).await
}

/// Ends the session in which somebody signs out.
pub async fn sign_out(store: &Store, person: &str, session: &str, now: Timestamp) -> Result<bool, StoreError> {
    end_as(store, person, session, Fact::SignedOut { session: session.to_owned() }, now).await
}

/// The end and the entry that tells of it commit together: open streams ask when they hear of the entry.
async fn end_as(store: &Store, person: &str, session: &str, fact: Fact, now: Timestamp) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let theirs = tx.sessions_of(person, now).await?.iter().any(|s| s.id_hash == session);
    if !theirs || !tx.delete_session(session).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    record(&mut tx, now, &actor(person), &[fact]).await?;
    tx.commit().await?;
    Ok(true)
}
