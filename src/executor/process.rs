//! Executor "process": scripts on this host, each under a detached supervisor.
//!
//! This is the server's side. It keeps nothing in memory: a server that was started a second ago looks at, follows and cancels
//! the runs of its predecessor as well as its own. The files, and what each crash leaves, are described in [`super::records`].

use super::folder::Folder;
use super::identity::{self, ProcessMark};
use super::log::{self, LogPart};
use super::order::{RunOrder, is_plain_name};
use super::outcome::{Cancelled, CannotTell, Forestalled, Look, Remains, ScriptGroup, StartFailed};
use super::records::{self, Claim, Exit, Meta, Purpose, ScriptMark, Spec};
use super::{Executor, OrderFault};
use crate::clock::Clock;
use crate::domain::Span;
use async_trait::async_trait;
use rustix::fs::Mode;
use rustix::process::{Pid, Signal};
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a run may be on its way from the claim to its supervisor before the start is barred.
const LONGEST_START: Span = Span::seconds(60);

/// Before the name of a folder that is being removed. No run's name begins so.
const GOING: &str = ".going-";

/// Starts scripts on this host and tells how they fare.
#[derive(Clone)]
pub struct Supervisor {
    root: PathBuf,
    exe: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Supervisor {
    /// `root` is made if it is not there; it must be on a local disk and belong to this user alone.
    ///
    /// # Errors
    /// A sentence about the folder, with the mend.
    pub fn new(root: &Path, clock: Arc<dyn Clock>) -> io::Result<Supervisor> {
        let root = std::path::absolute(root)?;
        Folder::make(&root)?;
        // Through /proc, so that the very binary that runs now is meant, even after an upgrade has replaced it on the disk.
        Ok(Supervisor { root, exe: PathBuf::from("/proc/self/exe"), clock })
    }

    /// With another binary that has the `supervise` subcommand.
    #[must_use]
    pub fn with_exe(self, exe: PathBuf) -> Supervisor {
        Supervisor { exe, ..self }
    }

    /// The names of all runs that have a folder here, in order.
    ///
    /// # Errors
    /// As for [`Executor::look`].
    pub async fn kept(&self) -> Result<Vec<String>, CannotTell> {
        let this = self.clone();
        Ok(on_a_thread(move || this.kept_blocking()).await??)
    }

    /// Removes the folder of a run that is over, with all that is in it. False when anything of it may still live, or when
    /// there is none. For runs of which the store has everything: afterwards this run was never heard of here.
    ///
    /// # Errors
    /// As for [`Executor::look`]. What a crash leaves half removed goes with the next call, for whatever run.
    pub async fn forget(&self, run: &str) -> Result<bool, CannotTell> {
        let (this, run) = (self.clone(), run.to_owned());
        on_a_thread(move || this.forget_blocking(&run)).await?
    }

    fn kept_blocking(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(left) = name.strip_prefix(GOING).filter(|left| is_plain_name(left)) {
                std::fs::remove_dir_all(self.root.join(format!("{GOING}{left}")))?;
            } else if is_plain_name(&name) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn forget_blocking(&self, run: &str) -> Result<bool, CannotTell> {
        let Some(folder) = self.folder(run)? else { return Ok(false) };
        match self.look_blocking(run)? {
            Look::Finished(_) | Look::NeverStarted { .. } | Look::Lost { remains: None, .. } => {}
            Look::NotClaimed | Look::Starting { .. } | Look::Running { .. } | Look::Lost { .. } => return Ok(false),
        }
        // Held until the folder is gone: no supervisor lives, and none can begin meanwhile.
        let alive = folder.open_file(records::ALIVE, true)?;
        match alive.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // In one step out of every look's sight, so that nobody ever finds half a folder under a run's name.
        let going = self.root.join(format!("{GOING}{run}"));
        std::fs::rename(self.root.join(run), &going)?;
        Folder::open(&self.root)?.sync()?;
        std::fs::remove_dir_all(&going)?;
        Ok(true)
    }

    fn folder(&self, run: &str) -> Result<Option<Folder>, CannotTell> {
        if !is_plain_name(run) {
            return Err(CannotTell::RunId(run.to_owned()));
        }
        Ok(Folder::open(&self.root)?.child(run)?)
    }

    /// Takes the run up. `Ok(None)`: somebody did before. The lock is held by the file that is returned.
    fn claim(&self, run: &str, purpose: Purpose, receipt: &str) -> io::Result<Option<(Folder, File)>> {
        let folder = Folder::open(&self.root)?.make_child(run)?;
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if folder.exists(records::CLAIM)? {
                return Ok(None);
            }
            let alive = folder.open_file(records::ALIVE, true)?;
            match alive.try_lock() {
                Ok(()) => {
                    let claim = Claim {
                        purpose,
                        receipt: receipt.to_owned(),
                        at: self.clock.now(),
                        boot_id: identity::boot_id()?,
                        uptime: identity::uptime()?,
                    };
                    // Not durable yet: the supervisor sees to that before it writes its first record, and as long as there
                    // is none, nothing has begun.
                    let first = folder.place_first(records::CLAIM, &records::to_json(&claim))?;
                    return Ok(first.then_some((folder, alive)));
                }
                // Another one is about to claim, or a look holds the lock for an instant.
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds this run's lock"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Everything of a start that touches the disk; returns the supervisor's process, to be reaped.
    fn start_blocking(&self, order: &RunOrder) -> Result<tokio::process::Child, StartFailed> {
        order.check().map_err(StartFailed::Order)?;
        let claimed = self.claim(&order.run, Purpose::Start, &order.receipt).map_err(StartFailed::BeforeClaim)?;
        let (folder, alive) = claimed.ok_or(StartFailed::AlreadyClaimed)?;
        self.spawn(order, &folder, alive).map_err(StartFailed::AfterClaim)
    }

    fn spawn(&self, order: &RunOrder, folder: &Folder, alive: File) -> io::Result<tokio::process::Child> {
        let scripts = folder.make_child(records::SCRIPT_FOLDER)?;
        let mut copy = scripts.create(&order.script_name, false, Mode::RWXU)?;
        // Nothing here needs to outlast a power failure: after one, a run without `meta.json` never starts.
        copy.write_all(&order.script)?;
        drop(copy);
        folder.place(records::SPEC, &records::to_json(&spec_of(order)))?;
        let errors = folder.create(records::SUPERVISOR_ERRORS, true, Mode::RUSR | Mode::WUSR)?;

        tokio::process::Command::new(&self.exe)
            .arg("supervise")
            .arg(folder.path())
            .current_dir("/")
            .env_clear()
            .envs(&order.env)
            .stdin(alive)
            .stdout(Stdio::null())
            .stderr(errors)
            .kill_on_drop(false)
            .spawn()
    }

    fn look_blocking(&self, run: &str) -> Result<Look, CannotTell> {
        match self.look_at_files(run) {
            // Asking again would never help: this is a run whose outcome cannot be learnt.
            Err(CannotTell::Damaged(what)) => {
                Ok(Look::Lost { why: format!("its files were changed by something else: {what}"), remains: None })
            }
            answer => answer,
        }
    }

    fn look_at_files(&self, run: &str) -> Result<Look, CannotTell> {
        let Some(folder) = self.folder(run)? else { return Ok(Look::NotClaimed) };
        // The lock first: if it was free, nothing below changes any more.
        let held = is_held(&folder)?;
        let claim = match records::read::<Claim>(&folder, records::CLAIM) {
            // The machine failed before the claim was safe on the disk, and so before anything began.
            Err(CannotTell::Damaged(_)) if held == Some(false) && !folder.exists(records::META)? => {
                return Ok(never("the machine failed before it could begin"));
            }
            claim => claim?,
        };
        let Some(claim) = claim else { return Ok(Look::NotClaimed) };
        if claim.purpose == Purpose::Forestall {
            return Ok(never("it was forestalled"));
        }
        if let Some(exit) = records::read::<Exit>(&folder, records::EXIT)? {
            let finished = exit.finished();
            return Ok(finished.map_or_else(|| never("it was cancelled before it began"), Look::Finished));
        }
        let held = held.ok_or_else(|| CannotTell::Damaged(format!("{} is not there", records::ALIVE)))?;
        match records::read::<Meta>(&folder, records::META)? {
            Some(meta) => under_supervision(&folder, &meta, held),
            None if !held => Ok(never(&died_before_the_script(&folder)?)),
            None if took_too_long(&claim.boot_id, claim.uptime, LONGEST_START)? => match bar_the_start(&folder)? {
                Some(meta) => under_supervision(&folder, &meta, held),
                None => Ok(never("its start hung for a minute and was barred")),
            },
            None => Ok(Look::Starting { since: claim.at }),
        }
    }

    fn forestall_blocking(&self, run: &str) -> Result<Forestalled, CannotTell> {
        if !is_plain_name(run) {
            return Err(CannotTell::RunId(run.to_owned()));
        }
        if let Some((folder, _held)) = self.claim(run, Purpose::Forestall, "")? {
            folder.settle(records::CLAIM)?;
            return Ok(Forestalled::NothingStarted);
        }
        let mut look = self.look_blocking(run)?;
        if let (Look::Starting { .. }, Some(folder)) = (&look, self.folder(run)?) {
            if bar_the_start(&folder)?.is_none() {
                return Ok(Forestalled::NothingStarted);
            }
            look = self.look_blocking(run)?;
        }
        Ok(match look {
            Look::NeverStarted { .. } => Forestalled::NothingStarted,
            look => Forestalled::Exists(look),
        })
    }

    fn cancel_blocking(&self, run: &str) -> Result<Cancelled, CannotTell> {
        let look = self.look_blocking(run)?;
        let (Look::Starting { .. } | Look::Running { .. }, Some(folder)) = (&look, self.folder(run)?) else {
            return Ok(Cancelled::Nothing(look));
        };
        if let Some(meta) = bar_the_start(&folder)?
            && meta.boot_id == identity::boot_id()?
        {
            meta.supervisor.signal(Signal::TERM);
        }
        Ok(Cancelled::Asked)
    }

    fn kill_remains_blocking(&self, run: &str) -> Result<Remains, CannotTell> {
        let Look::Lost { remains: Some(group), .. } = self.look_blocking(run)? else { return Ok(Remains::None) };
        let Some(pgid) = Pid::from_raw(group.pgid) else { return Ok(Remains::None) };
        match rustix::process::kill_process_group(pgid, Signal::KILL) {
            Ok(()) => Ok(Remains::Killed(group)),
            Err(_) => Ok(Remains::None),
        }
    }

    fn read_log_blocking(&self, run: &str, from_byte: u64) -> Result<LogPart, CannotTell> {
        match self.folder(run)? {
            Some(folder) => log::read_part(&folder, records::LOG, from_byte),
            None if from_byte == 0 => Ok(LogPart::default()),
            None => Err(CannotTell::NotALineStart(from_byte)),
        }
    }
}

fn spec_of(order: &RunOrder) -> Spec {
    Spec {
        run: order.run.clone(),
        receipt: order.receipt.clone(),
        script_name: order.script_name.clone(),
        script_sha256: order.script_sha256.clone(),
        args: order.args.clone(),
        env_names: order.env.keys().cloned().collect(),
        directory: order.directory.clone(),
        time_limit: order.time_limit,
        grace: order.grace,
        log_limit: order.log_limit,
        limits: order.limits,
    }
}

fn never(why: &str) -> Look {
    Look::NeverStarted { why: why.to_owned() }
}

/// Whether somebody holds the run's lock; `None` when the lock's file is not there.
fn is_held(folder: &Folder) -> io::Result<Option<bool>> {
    let Some(alive) = folder.open_to_read(records::ALIVE)? else { return Ok(None) };
    match alive.try_lock_shared() {
        Ok(()) => Ok(Some(false)),
        Err(TryLockError::WouldBlock) => Ok(Some(true)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Leaves the request to end. `None` proves that the script never begins: whoever comes later finds the request.
fn bar_the_start(folder: &Folder) -> Result<Option<Meta>, CannotTell> {
    match folder.create(records::CANCEL, false, Mode::RUSR) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    folder.sync()?;
    records::read(folder, records::META)
}

fn took_too_long(boot_id: &str, since_uptime: i64, longest: Span) -> io::Result<bool> {
    Ok(identity::boot_id()? != boot_id || identity::uptime()?.saturating_sub(since_uptime) > longest.0)
}

fn died_before_the_script(folder: &Folder) -> io::Result<String> {
    let said = folder.read(records::SUPERVISOR_ERRORS)?.unwrap_or_default();
    let said = String::from_utf8_lossy(&said[..said.len().min(1_000)]).trim().to_owned();
    Ok(match said.as_str() {
        "" => "the process that was to start it ended before it could".to_owned(),
        said => format!("its supervisor ended before the script began: {said}"),
    })
}

/// A run whose supervisor has begun and has written no end.
fn under_supervision(folder: &Folder, meta: &Meta, held: bool) -> Result<Look, CannotTell> {
    if held && !took_too_long(&meta.boot_id, meta.uptime, meta.longest)? {
        return Ok(Look::Running { pid: meta.supervisor.pid, since: meta.at });
    }
    let same_boot = identity::boot_id()? == meta.boot_id;
    let script = records::read::<ScriptMark>(folder, records::SCRIPT)?.map(|mark| mark.leader);
    let remains = script.filter(|leader| same_boot && leader.is_alive()).map(|ProcessMark { pid, .. }| pid);
    let why = match (same_boot, held, script, remains) {
        (false, ..) => "the machine was restarted before the run had ended".to_owned(),
        (true, true, ..) => {
            let pid = meta.supervisor.pid;
            format!("its supervisor (process {pid}) should long have ended it, and does not answer")
        }
        (true, false, None, _) => "its supervisor was killed in the moment in which it started the script".to_owned(),
        (true, false, Some(_), None) => {
            "its supervisor was killed; the script itself has ended, but what it started may still run".to_owned()
        }
        (true, false, Some(_), Some(pid)) => {
            format!("its supervisor was killed; the script still runs, unwatched, as process group {pid}")
        }
    };
    Ok(Look::Lost { why, remains: remains.map(|pgid| ScriptGroup { pgid }) })
}

/// Disk work away from the async threads. Once begun it goes on, even if whoever asked has gone.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

#[async_trait]
impl Executor for Supervisor {
    async fn start(&self, order: &RunOrder) -> Result<(), StartFailed> {
        if !is_plain_name(&order.run) {
            return Err(StartFailed::Order(OrderFault::RunId(order.run.clone())));
        }
        let (this, order) = (self.clone(), order.clone());
        // Reaped in a task of its own: an ended supervisor must not stay behind as a zombie of a server that lives on.
        let started = on_a_thread(move || {
            let mut supervisor = this.start_blocking(&order)?;
            tokio::spawn(async move { supervisor.wait().await });
            Ok(())
        });
        started.await.map_err(StartFailed::AfterClaim)?
    }

    async fn look(&self, run: &str) -> Result<Look, CannotTell> {
        let (this, run) = (self.clone(), run.to_owned());
        on_a_thread(move || this.look_blocking(&run)).await?
    }

    async fn forestall(&self, run: &str) -> Result<Forestalled, CannotTell> {
        let (this, run) = (self.clone(), run.to_owned());
        on_a_thread(move || this.forestall_blocking(&run)).await?
    }

    async fn cancel(&self, run: &str) -> Result<Cancelled, CannotTell> {
        let (this, run) = (self.clone(), run.to_owned());
        on_a_thread(move || this.cancel_blocking(&run)).await?
    }

    async fn kill_remains(&self, run: &str) -> Result<Remains, CannotTell> {
        let (this, run) = (self.clone(), run.to_owned());
        on_a_thread(move || this.kill_remains_blocking(&run)).await?
    }

    async fn read_log(&self, run: &str, from_byte: u64) -> Result<LogPart, CannotTell> {
        let (this, run) = (self.clone(), run.to_owned());
        on_a_thread(move || this.read_log_blocking(&run, from_byte)).await?
    }
}
