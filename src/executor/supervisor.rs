//! The supervisor: a small process of its own that runs one script to its end.
//!
//! The server starts its own binary again for each run (`backout supervise FOLDER`). That process leaves the server's
//! session, so that the server may be restarted, upgraded or killed while the script goes on; it is the only one that
//! reads the script's output, and it writes down how the script ended. Whoever serves the pages next finds all in files.
//!
//! ```text
//! server ──spawn, lock as stdin──▶ supervisor ──pipes──▶ script and its process group
//!    ▲                                │
//!    └───────── files of the run ◀────┘
//! ```
//! It uses threads and no async runtime, but for one thread that turns signals into messages, because a signal handler of our
//! own would need `unsafe`. Its memory stays at a few megabytes, and nothing else of the application is set up in it.
//!
//! **What it does not do.** It never asks to be killed with its parent. It does not hold on to a daemon that gave itself a
//! session of its own (`setsid`, as `pg_ctl start` does): that one is meant to outlive the script. Everything else in
//! the script's process group is ended before the run counts as ended. It cannot outlive its control group: a service
//! manager that kills the whole group (systemd without `KillMode=process`) or a container that is stopped ends it
//! too, and the run is lost.

use super::environment;
use super::folder::Folder;
use super::identity::{self, ProcessMark};
use super::log::{LineCutter, LogEnd, LogWriter, Stream};
use super::order::sha256_hex;
use super::outcome::{CannotTell, Why};
use super::records::{self, Claim, Exit, Meta, Purpose, ScriptMark, Spec};
use crate::clock::{Clock, SystemClock};
use crate::domain::{Span, Timestamp};
use rustix::fs::Mode;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};
use std::io::{self, PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long output may still come after the script itself ended.
const DRAIN: Duration = Duration::from_secs(1);
/// How long the ended group may take to vanish.
const VANISH: Duration = Duration::from_secs(1);
/// How long the disk may refuse the last record.
const LAST_RECORD: Duration = Duration::from_secs(20);
/// What [`Meta::longest`] adds to limit and grace: draining, vanishing, the last record, a slow machine.
const SLACK: Span = Span::seconds(30);

/// Runs the script of one run folder to its end. The body of the hidden subcommand; must be the first thing that the
/// process does, because it begins by closing every open file but the standard ones.
pub fn supervise(path: &Path) -> ExitCode {
    match supervise_run(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Standard error is a file of the run; a look quotes it.
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

/// What the threads tell the one that decides.
enum Event {
    /// TERM came: end the script.
    Stop,
    /// The script's first process ended. It is not reaped, so that its group's number stays taken.
    Exited,
    /// One of the two outputs is closed.
    Closed,
}

/// The log with the two unfinished lines, shared with the threads that read the pipes.
struct Output {
    log: LogWriter<SystemClock>,
    out: LineCutter,
    err: LineCutter,
}

type SharedOutput = Arc<Mutex<Output>>;

fn lock(output: &SharedOutput) -> MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

fn supervise_run(path: &Path) -> Result<(), String> {
    close_what_was_inherited();
    let said = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    rustix::process::setsid().map_err(|_| "a supervisor is started by the server, not by hand".to_owned())?;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    // Orphans of the script become our children, so that they can be reaped and seen to be gone.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|e| e.to_string())?;

    let folder = Folder::open(path).map_err(said("the run's folder cannot be opened"))?;
    if !holds_the_lock(&folder).map_err(said("the run's lock cannot be looked at"))? {
        return Err("a supervisor is started by the server, with the run's lock as its standard input".to_owned());
    }
    let spec: Spec = record(&folder, records::SPEC)?;
    let claim: Claim = record(&folder, records::CLAIM)?;
    if claim.purpose != Purpose::Start || claim.receipt != spec.receipt {
        return Err("the claim is not for this order".to_owned());
    }

    let begun = thread::scope(|scope| {
        // Claim and folder become safe on the disk while everything else gets ready.
        let settled = scope.spawn(|| folder.settle(records::CLAIM));
        get_ready(&folder, &spec, move || settled.join().unwrap_or_else(|_| Err(io::Error::other("a thread ended"))))
    });
    let Ready { output, events, inbox } = begun?;
    // From here on the run may count as begun, and every way out writes a last record.
    let ending = match folder.exists(records::CANCEL) {
        Ok(false) => Run { folder: &folder, spec: &spec, output: &output, inbox, events }.play_out(),
        Ok(true) => {
            lock(&output).log.note("cancelled before the script was started");
            Ending::not_started(None, Why::Cancelled)
        }
        Err(error) => Ending::could_not_start(format!("the run's folder cannot be read: {error}")),
    };
    conclude(&folder, &spec, &output, ending)
}

/// What a run needs besides its script.
struct Ready {
    output: SharedOutput,
    events: Sender<Event>,
    inbox: Receiver<Event>,
}

/// Hears signals, opens the log, sets room aside for the last record, and writes the first one after `settled`: whoever
/// finds it finds claim and folder too.
fn get_ready(folder: &Folder, spec: &Spec, settled: impl FnOnce() -> io::Result<()>) -> Result<Ready, String> {
    let said = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let (events, inbox) = channel();
    listen_for_signals(events.clone())?;
    let log = folder.create(records::LOG, true, Mode::RUSR | Mode::WUSR).map_err(said("the log cannot be made"))?;
    folder.reserve(records::EXIT, records::EXIT_BYTES).map_err(said("no room for the last record"))?;
    let log = LogWriter::new(log, spec.log_limit, SystemClock);
    let output = Arc::new(Mutex::new(Output { log, out: LineCutter::default(), err: LineCutter::default() }));

    let meta = Meta {
        receipt: spec.receipt.clone(),
        boot_id: identity::boot_id().map_err(said("/proc cannot be read"))?,
        supervisor: ProcessMark::of(own_pid()).ok_or("/proc does not show this process")?,
        at: SystemClock.now(),
        uptime: identity::uptime().map_err(said("/proc cannot be read"))?,
        longest: Span(spec.time_limit.0.saturating_add(spec.grace.0).saturating_add(SLACK.0)),
    };
    let first = folder.place_after(records::META, &records::to_json(&meta), settled);
    if !first.map_err(said("the first record cannot be written"))? {
        return Err("this run has a supervisor already".to_owned());
    }
    Ok(Ready { output, events, inbox })
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Closes every open file but the three standard ones. Ours are never inherited, but those of whoever started the *server*
/// may be, and a script must not be able to write to a terminal's or a service manager's pipe. Comes first, while
/// nothing here has opened a file of its own.
fn close_what_was_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // The listing's own number is among them and closed already.
        let _ = nix::unistd::close(number);
    }
}

/// Standard input must be the very file whose lock says that this run is alive.
fn holds_the_lock(folder: &Folder) -> io::Result<bool> {
    let mine = rustix::fs::fstat(io::stdin())?;
    let alive = rustix::fs::fstat(folder.open_file(records::ALIVE, false)?)?;
    Ok((mine.st_dev, mine.st_ino) == (alive.st_dev, alive.st_ino))
}

fn record<T: serde::de::DeserializeOwned>(folder: &Folder, name: &str) -> Result<T, String> {
    match records::read(folder, name) {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err(format!("{name} is not there")),
        Err(CannotTell::Damaged(what)) => Err(what),
        Err(fault) => Err(fault.to_string()),
    }
}

/// TERM and INT ask for the script's end; HUP means nothing here. Returns when the handlers are in place.
fn listen_for_signals(events: Sender<Event>) -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let (ready, is_ready) = channel();
    let listen = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let Ok(runtime) = runtime.map_err(|error| drop(ready.send(Err(error)))) else { return };
        runtime.block_on(async {
            let handlers = || {
                let term = signal(SignalKind::terminate())?;
                io::Result::Ok((term, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?))
            };
            let (mut term, mut int, mut hup) = match handlers() {
                Ok(handlers) => handlers,
                Err(error) => return drop(ready.send(Err(error))),
            };
            let _ = ready.send(Ok(()));
            loop {
                let stop = tokio::select! {
                    _ = term.recv() => true,
                    _ = int.recv() => true,
                    _ = hup.recv() => false,
                };
                if stop && events.send(Event::Stop).is_err() {
                    return;
                }
            }
        });
    };
    let spawned = thread::Builder::new().name("signals".to_owned()).spawn(listen);
    spawned.map_err(|error| format!("no thread for signals: {error}"))?;
    match is_ready.recv() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("signals cannot be handled: {error}")),
        Err(_) => Err("the thread for signals ended".to_owned()),
    }
}

/// How it ended, before the log is closed.
struct Ending {
    started_at: Option<Timestamp>,
    status: Option<ExitStatus>,
    why: Why,
}

impl Ending {
    fn not_started(started_at: Option<Timestamp>, why: Why) -> Ending {
        Ending { started_at, status: None, why }
    }

    fn could_not_start(reason: String) -> Ending {
        // The last record has a fixed room.
        let reason = reason.chars().take(400).collect();
        Ending::not_started(Some(SystemClock.now()), Why::CouldNotStart(reason))
    }
}

/// One script under way.
struct Run<'a> {
    folder: &'a Folder,
    spec: &'a Spec,
    output: &'a SharedOutput,
    inbox: Receiver<Event>,
    events: Sender<Event>,
}

impl Run<'_> {
    fn play_out(self) -> Ending {
        match self.spawn() {
            Ok((child, started_at, spawned)) => self.watch(child, started_at, spawned),
            Err(reason) => {
                lock(self.output).log.note(&format!("the script could not be started: {reason}"));
                Ending::could_not_start(reason)
            }
        }
    }

    /// Spawns the script and lets its output flow. All threads exist before the limits are set, so that a limit on
    /// processes hits the script and not its supervisor.
    fn spawn(&self) -> Result<(Child, Timestamp, Instant), String> {
        let script = self.checked_script()?;
        if !self.spec.directory.is_dir() {
            return Err(format!("the directory {} is not there", self.spec.directory.display()));
        }
        let (out, to_out) = io::pipe().map_err(|e| e.to_string())?;
        let (err, to_err) = io::pipe().map_err(|e| e.to_string())?;
        let let_out = self.read_behind_gate(out, Stream::Out)?;
        let let_err = self.read_behind_gate(err, Stream::Err)?;
        let tell_leader = self.wait_behind_gate()?;

        let mut command = Command::new(&script);
        command.args(&self.spec.args).current_dir(&self.spec.directory).env_clear();
        for name in &self.spec.env_names {
            command.env(name, std::env::var_os(name).unwrap_or_default());
        }
        command.env("PATH", environment::PATH).env("LC_ALL", environment::LC_ALL);
        command.stdin(Stdio::null()).stdout(to_out).stderr(to_err).process_group(0);

        confine(self.spec).map_err(|error| format!("its limits cannot be set: {error}"))?;
        let started_at = SystemClock.now();
        let child = spawn_patiently(&mut command).map_err(|error| format!("it cannot be executed: {error}"))?;
        let spawned = Instant::now();
        // Our ends of the pipes, or they would never close.
        drop(command);

        let leader = ProcessMark::of(child.id() as i32).unwrap_or(ProcessMark { pid: child.id() as i32, start: 0 });
        let mark = ScriptMark { leader, at: started_at };
        if let Err(error) = self.folder.place(records::SCRIPT, &records::to_json(&mark)) {
            eprintln!("the script's process group could not be recorded: {error}");
        }
        let _ = (let_out.send(()), let_err.send(()), tell_leader.send(leader.pid));
        Ok((child, started_at, spawned))
    }

    /// The private copy, checked once more against what was approved.
    fn checked_script(&self) -> Result<std::path::PathBuf, String> {
        let scripts = self.folder.child(records::SCRIPT_FOLDER).map_err(|e| e.to_string())?;
        let scripts = scripts.ok_or("the script's private copy is not there")?;
        let bytes = scripts.read(&self.spec.script_name).map_err(|e| e.to_string())?;
        let bytes = bytes.ok_or("the script's private copy is not there")?;
        if sha256_hex(&bytes) != self.spec.script_sha256 {
            return Err("the script's private copy was changed".to_owned());
        }
        Ok(scripts.path().join(&self.spec.script_name))
    }

    /// A thread that moves one pipe into the log once it is told to.
    fn read_behind_gate(&self, mut pipe: PipeReader, stream: Stream) -> Result<Sender<()>, String> {
        let (open, gate) = channel();
        let (output, events) = (Arc::clone(self.output), self.events.clone());
        let read = move || {
            if gate.recv().is_err() {
                return;
            }
            let mut bytes = vec![0; 64 * 1024];
            loop {
                match pipe.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(count) => lock(&output).take_in(stream, &bytes[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            let _ = events.send(Event::Closed);
        };
        thread::Builder::new().name("output".to_owned()).spawn(read).map_err(|e| e.to_string())?;
        Ok(open)
    }

    /// A thread that tells the script's end, without reaping it.
    fn wait_behind_gate(&self) -> Result<Sender<i32>, String> {
        let (open, gate) = channel();
        let events = self.events.clone();
        let wait = move || {
            let Some(leader) = gate.recv().ok().and_then(Pid::from_raw) else { return };
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(rustix::process::waitid(WaitId::Pid(leader), options), Err(rustix::io::Errno::INTR)) {}
            let _ = events.send(Event::Exited);
        };
        thread::Builder::new().name("wait".to_owned()).spawn(wait).map_err(|e| e.to_string())?;
        Ok(open)
    }

    /// Waits for the end, or brings it about: TERM to the group when the time is up or somebody asks, KILL after the grace.
    fn watch(&self, mut child: Child, started_at: Timestamp, spawned: Instant) -> Ending {
        let group = Pid::from_child(&child);
        let mut why = Why::Exited;
        let mut closed = 0;
        let mut deadline = spawned.checked_add(duration(self.spec.time_limit));
        let mut killed = false;
        loop {
            let event = next_event(&self.inbox, deadline);
            // Somebody who came to the end by itself is not called timed out or cancelled.
            if !matches!(event, Some(Event::Closed)) && has_exited(group) {
                break;
            }
            match event {
                Some(Event::Exited) => break,
                Some(Event::Closed) => closed += 1,
                Some(Event::Stop) if why != Why::Exited => {}
                Some(Event::Stop) => {
                    why = Why::Cancelled;
                    deadline = self.terminate(group, "cancelled");
                }
                None if why == Why::Exited => {
                    why = Why::TimedOut;
                    deadline = self.terminate(group, &format!("the time limit of {} passed", self.spec.time_limit));
                }
                None if !killed => {
                    self.note("the grace is over: KILL to the whole process group");
                    let _ = rustix::process::kill_process_group(group, Signal::KILL);
                    killed = true;
                    deadline = None;
                }
                None => {}
            }
        }
        self.clear_up(group, closed);
        let status = child.wait().ok();
        vanish(group);
        Ending { started_at: Some(started_at), status, why }
    }

    fn note(&self, text: &str) {
        lock(self.output).log.note(text);
    }

    fn terminate(&self, group: Pid, why: &str) -> Option<Instant> {
        self.note(&format!("{why}: TERM to the whole process group, KILL after {}", self.spec.grace));
        let _ = rustix::process::kill_process_group(group, Signal::TERM);
        // A stopped process hears TERM only when it goes on.
        let _ = rustix::process::kill_process_group(group, Signal::CONT);
        Instant::now().checked_add(duration(self.spec.grace))
    }

    /// Takes in the last output for a moment, then ends whatever is left of the group. The first process is not reaped
    /// yet, so the group's number cannot mean anybody else.
    fn clear_up(&self, group: Pid, mut closed: u8) {
        for last in [false, true] {
            let until = Instant::now().checked_add(DRAIN);
            while closed < 2 {
                match next_event(&self.inbox, until) {
                    Some(Event::Closed) => closed += 1,
                    Some(_) => {}
                    None => break,
                }
            }
            if !last {
                if closed < 2 {
                    self.note(
                        "the script ended, yet its output is held open: KILL to what is left of its process group",
                    );
                }
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
        }
    }
}

impl Output {
    fn take_in(&mut self, stream: Stream, bytes: &[u8]) {
        if self.log.is_cut() {
            return;
        }
        let cutter = if stream == Stream::Out { &mut self.out } else { &mut self.err };
        cutter.push(bytes, |text, ended| self.log.line(stream, text, ended));
        self.log.flush();
    }

    fn close(&mut self) -> LogEnd {
        self.out.finish(|text, ended| self.log.line(Stream::Out, text, ended));
        self.err.finish(|text, ended| self.log.line(Stream::Err, text, ended));
        self.log.close()
    }
}

/// The next event; `None` when the deadline came first.
fn next_event(inbox: &Receiver<Event>, deadline: Option<Instant>) -> Option<Event> {
    let Some(deadline) = deadline else { return inbox.recv().ok() };
    inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.0).unwrap_or(0))
}

fn has_exited(leader: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    matches!(rustix::process::waitid(WaitId::Pid(leader), options), Ok(Some(_)))
}

/// Reaps what is left of the group until nothing is, so that an ended run has no process any more.
fn vanish(group: Pid) {
    let until = Instant::now() + VANISH;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    while Instant::now() < until {
        match rustix::process::waitid(WaitId::Pgid(Some(group)), options) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => thread::sleep(Duration::from_millis(2)),
            Err(_) => return,
        }
    }
}

/// What the script inherits: no new rights through set-uid programs, no core dumps, its limits.
fn confine(spec: &Spec) -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    at_most(Resource::Core, 0)?;
    if let Some(bytes) = spec.limits.file_bytes {
        // The supervisor lives under the same limit and must be able to write the log.
        at_most(Resource::Fsize, bytes.max(spec.log_limit.saturating_add(1 << 20)))?;
    }
    if let Some(files) = spec.limits.open_files {
        at_most(Resource::Nofile, files.max(32))?;
    }
    if let Some(processes) = spec.limits.processes {
        at_most(Resource::Nproc, processes)?;
    }
    Ok(())
}

fn at_most(resource: Resource, wanted: u64) -> io::Result<()> {
    let allowed = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Some(wanted.min(allowed));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: limit, maximum: limit })?)
}

/// Another process may for an instant still hold the copy open for writing (a server that forks while it writes), which
/// the kernel refuses to execute. Nothing ran then, so it is tried again.
fn spawn_patiently(command: &mut Command) -> io::Result<Child> {
    let until = Instant::now() + Duration::from_secs(2);
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < until => {
                thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
}

/// Closes the log and writes the last record. A disk that refuses is asked again for a while: without this record
/// the run is lost.
fn conclude(folder: &Folder, spec: &Spec, output: &SharedOutput, ending: Ending) -> Result<(), String> {
    let end = lock(output).close();
    let exit = Exit {
        receipt: spec.receipt.clone(),
        started_at: ending.started_at,
        ended_at: SystemClock.now(),
        exit_code: ending.status.and_then(|status| status.code()),
        signal: ending.status.and_then(|status| status.signal()),
        why: ending.why,
        lines: end.lines,
        log_sha256: end.sha256,
        log_cut: end.cut,
    };
    let until = Instant::now() + LAST_RECORD;
    loop {
        match folder.place_reserved(records::EXIT, &records::to_json(&exit)) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= until => return Err(format!("the last record cannot be written: {error}")),
            Err(_) => thread::sleep(Duration::from_millis(200)),
        }
    }
}
