//! A team, its service, and an application over a given database: everything an incident needs to be lived through.
//!
//! The world's folder is the sample world, the playbook is the default one, and people come through the store. Several
//! [`App`]s may be opened over one world: on PostgreSQL they are replicas, on SQLite restarts.

use super::databases::Database;
use super::folder::{TempDir, end_processes_within};
use super::waiting::{wait_for, wait_until};
use async_trait::async_trait;
use backout::app::playbooks::Playbooks;
use backout::app::registering::{self, Entry};
use backout::app::site::{Environment, Site};
use backout::app::{Accepted, App, Raised, SubmitError};
use backout::clock::{Clock, ManualClock, SystemClock};
use backout::demo::world;
use backout::domain::actor::Actor;
use backout::domain::command::{Approve, Command};
use backout::domain::decide::open_items;
use backout::domain::event::{Event, Recorded, RunEnd, RunOutcome, TriggerSeen};
use backout::domain::procedure::TargetKind;
use backout::domain::refusal::{Refusal, RefusalKind};
use backout::domain::state::{Attempt, AttemptNo, AttemptStatus, Incident};
use backout::domain::{PersonId, Role, Severity, Span, Strength, Timestamp};
use backout::executor::{
    Cancelled, CannotTell, Executor, Finished, Forestalled, LogPart, Look, Remains, RunOrder, StartFailed, Supervisor,
    Why,
};
use backout::playbook::DEFAULT;
use backout::store::{NewPerson, Store};
use backout::worker::runs::Runs;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Commands incidents.
pub const IC: &str = "ida";
/// Commands incidents too.
pub const IC2: &str = "ivo";
pub const TL: &str = "tom";
pub const TL2: &str = "tea";
pub const MANAGEMENT: &str = "mia";
/// Holds two roles: incident commander and management.
pub const DUO: &str = "duo";
pub const OBSERVER: &str = "olaf";

const PEOPLE: [(&str, &[Role]); 7] = [
    (IC, &[Role::IncidentCommander]),
    (IC2, &[Role::IncidentCommander]),
    (TL, &[Role::TechnicalLead]),
    (TL2, &[Role::TechnicalLead]),
    (MANAGEMENT, &[Role::Management]),
    (DUO, &[Role::IncidentCommander, Role::Management]),
    (OBSERVER, &[Role::Observer]),
];

pub const ENVIRONMENT: &str = "production";
pub const COMPONENT: &str = "app";
pub const HOST: &str = "the-host";
pub const SCRIPT: &str = "scripts/deploy/rollback.sh";

/// 2026-03-05, 12:00 UTC: where a manual clock begins.
pub const NOON: Timestamp = Timestamp(1_772_712_000_000_000);

/// A rollback script for tests: notes by which run it was started, prints forty lines in a tenth of a second, and puts
/// the release into service.
pub const QUICK: &str = "#!/bin/sh\necho \"$0\" >>starts.log\ni=0\nwhile [ $i -lt 40 ]; do i=$((i+1)); echo \"line $i\"
  if [ $((i % 8)) = 0 ]; then echo \"error $i\" >&2; sleep 0.01; fi; done
ln -sfn \"releases/$2\" current\n";

/// Someone who confirmed the password a moment ago.
pub fn person(name: &str) -> Actor {
    Actor::person(&PersonId(name.to_owned()), Some(Strength::Password))
}

/// The folder and the database of one installation.
pub struct IncidentWorld {
    pub database: Database,
    pub folder: TempDir,
    pub clock: Arc<dyn Clock>,
}

impl IncidentWorld {
    /// Under the machine's clock, for real processes.
    pub async fn new(database: Database) -> IncidentWorld {
        IncidentWorld::under(database, Arc::new(SystemClock)).await
    }

    /// Under a clock that stands at noon.
    pub async fn at_noon(database: Database) -> (IncidentWorld, ManualClock) {
        let clock = ManualClock::at(NOON);
        (IncidentWorld::under(database, Arc::new(clock.clone())).await, clock)
    }

    async fn under(database: Database, clock: Arc<dyn Clock>) -> IncidentWorld {
        let folder = TempDir::new();
        world::prepare(&folder.join("world")).unwrap();
        world::deploy(&folder.join("world"), world::BAD_RELEASE).unwrap();
        let this = IncidentWorld { database, folder, clock };
        let app = this.app().await;
        let now = this.clock.now();
        app.playbooks.load(&app.store, DEFAULT, "system", now).await.unwrap();
        for (name, roles) in PEOPLE {
            let roles = roles.iter().map(|role| role.key().to_owned()).collect();
            let (id, login, created_at) = (name.to_owned(), name.to_owned(), now);
            app.store
                .insert_person(&NewPerson { id, login, name: name.to_owned(), password: None, roles, created_at })
                .await
                .unwrap();
        }
        let registered = [
            (TargetKind::Release, "4.11.2", 20 * 24),
            (TargetKind::Release, world::GOOD_RELEASE, 10 * 24),
            (TargetKind::Release, world::BAD_RELEASE, 1),
            (TargetKind::Backup, world::BACKUP, 12),
            (TargetKind::Config, world::CONFIGS[0], 48),
        ];
        for (kind, name, hours) in registered {
            let entry = Entry {
                kind,
                environment: ENVIRONMENT.to_owned(),
                component: COMPONENT.to_owned(),
                name: name.to_owned(),
                at: now - Span::hours(hours),
                checksum: format!("sum-of-{name}"),
                migrations: "none".to_owned(),
                note: String::new(),
            };
            registering::register(&app.store, &app.site, "pipeline", &entry, now).await.unwrap();
        }
        app.store.close().await;
        this
    }

    /// The service's own folder.
    pub fn root(&self) -> PathBuf {
        self.folder.join("world").canonicalize().unwrap()
    }

    pub fn runs_folder(&self) -> PathBuf {
        self.folder.join("runs")
    }

    pub fn site(&self) -> Site {
        site(&self.root())
    }

    /// A store and an application of their own: a replica, or a server after its restart.
    pub async fn app(&self) -> App {
        self.app_with(self.site()).await
    }

    pub async fn app_with(&self, site: Site) -> App {
        App::new(self.database.open().await, self.clock.clone(), site, Playbooks::default())
    }

    /// Two that act at once: replicas on PostgreSQL, each a host of its own; two users of the one server on SQLite.
    pub async fn two(&self) -> (App, App) {
        let first = self.app().await;
        let host = "the-other-host".to_owned();
        let replica = Site { host, ..self.site() };
        let other = if self.is_postgres() { self.app_with(replica).await } else { first.clone() };
        (first, other)
    }

    pub fn is_postgres(&self) -> bool {
        self.database.address.starts_with("postgres")
    }

    /// The real executor, with the real program as its supervisor.
    pub fn supervisor(&self) -> Supervisor {
        supervisor(&self.runs_folder())
    }

    /// Replaces the deployment's script.
    pub fn write_script(&self, text: &str) {
        let path = self.root().join(SCRIPT);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A line for every start of a script.
    pub fn starts(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.root().join("starts.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The text of a file in the service's folder, once its last line is whole.
    pub fn trace(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.root().join(name)).ok().filter(|text| text.ends_with('\n'))
    }
}

impl Drop for IncidentWorld {
    /// Leaves no script and no supervisor behind, also when a test failed in the middle.
    fn drop(&mut self) {
        end_processes_within(self.folder.path());
    }
}

/// What the operator configured.
pub fn site(root: &Path) -> Site {
    let production = Environment {
        production: true,
        components: vec![COMPONENT.to_owned(), "worker".to_owned()],
        directory: root.to_owned(),
        grants: BTreeMap::new(),
        version_urls: BTreeMap::new(),
        grace: Span::seconds(2),
        log_limit: 1 << 20,
    };
    Site {
        environments: BTreeMap::from([(ENVIRONMENT.to_owned(), production)]),
        probed: BTreeSet::new(),
        host: HOST.to_owned(),
        label: "here".to_owned(),
    }
}

pub fn supervisor(runs: &Path) -> Supervisor {
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_backout"));
    Supervisor::new(runs, Arc::new(SystemClock)).unwrap().with_exe(exe)
}

/// A trigger as a watcher tells of it.
pub fn trigger(name: &str, at: Timestamp) -> Raised {
    Raised {
        title: String::new(),
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        trigger: TriggerSeen {
            name: name.to_owned(),
            text: String::new(),
            category: String::new(),
            fingerprint: format!("{name}/{ENVIRONMENT}/{COMPONENT}"),
            saw: "34 % of the requests failed".to_owned(),
            evidence: "{}".to_owned(),
            seen_at: at,
        },
        severity: None,
        outage: false,
        users_affected_ppm: None,
    }
}

/// One incident as a test walks through it: says what it asks, and gives the incident afterwards.
#[derive(Clone)]
pub struct Room {
    pub app: App,
    pub id: String,
}

impl Room {
    /// A measured trigger opens a P0, whose rollback is proposed and submitted at once.
    pub async fn p0(app: &App) -> Room {
        let room = Room::raised(app, trigger("error-rate", app.clock.now())).await;
        assert_eq!(room.attempt().await.status(), AttemptStatus::Submitted, "an immediate rollback arrives ready");
        room
    }

    /// A P0 that never joins another one: a security breach.
    pub async fn own_p0(app: &App, number: usize) -> Room {
        let mut raised = trigger("data-breach", app.clock.now());
        raised.trigger.fingerprint = format!("breach-{number}");
        Room::raised(app, raised).await
    }

    /// A considered rollback, submitted by the commander: wants lead, commander and management, and starts on command.
    pub async fn considered(app: &App) -> Room {
        let mut raised = trigger("user-complaints", app.clock.now());
        raised.trigger.fingerprint = backout::clock::fresh_id();
        let room = Room::raised(app, raised).await;
        room.take_command().await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        room.must(IC, Command::SubmitPlan { attempt: 1 }).await;
        room
    }

    pub async fn raised(app: &App, raised: Raised) -> Room {
        let accepted = app.raise(Actor::SYSTEM, raised, None).await.unwrap();
        Room { app: app.clone(), id: accepted.incident.id.clone() }
    }

    /// The same incident through another replica.
    pub fn through(&self, app: &App) -> Room {
        Room { app: app.clone(), id: self.id.clone() }
    }

    pub async fn ask(&self, who: &str, command: Command) -> Result<Accepted, SubmitError> {
        self.app.submit(&self.id, person(who), command, None).await
    }

    pub async fn must(&self, who: &str, command: Command) -> Arc<Incident> {
        let words = format!("{who}: {command:?}");
        self.ask(who, command).await.unwrap_or_else(|fault| panic!("{words}: {fault}")).incident
    }

    /// What a refused command was answered with.
    pub async fn refusal(&self, who: &str, command: Command) -> Refusal {
        refusal_of(self.ask(who, command).await)
    }

    pub async fn now(&self) -> Arc<Incident> {
        self.app.incident(&self.id).await.unwrap()
    }

    pub async fn attempt(&self) -> Attempt {
        self.now().await.current().cloned().unwrap()
    }

    pub async fn digest(&self) -> String {
        self.attempt().await.submitted.map_or_else(String::new, |submitted| submitted.digest)
    }

    pub async fn take_command(&self) {
        self.must(IC, Command::TakeRole { role: Role::IncidentCommander }).await;
    }

    /// Fills a slot, waiving what is open when the commander does.
    pub async fn approval(&self, slot: &str) -> Command {
        let looked = self.app.look(&self.id).await.unwrap();
        let attempt = looked.incident.current().unwrap();
        let submitted = attempt.submitted.as_ref().expect("a plan is submitted");
        let scripts = backout::app::catalogue::Scripts(&self.app.site);
        let facts = looked.gathered.facts(&scripts);
        // What the machine proves at the approval itself is not waived.
        let open = open_items(&facts, attempt).into_iter().filter(|item| item.evidence.is_none());
        let waive: Vec<String> =
            if slot == "incident_commander" { open.map(|item| item.name.clone()).collect() } else { Vec::new() };
        Command::Approve(Approve {
            attempt: attempt.number,
            digest: submitted.digest.clone(),
            slot: slot.to_owned(),
            starts: None,
            phrase: submitted.plan.phrase.clone(),
            comment: String::new(),
            waive_reason: if waive.is_empty() { String::new() } else { "every minute counts".to_owned() },
            waive,
        })
    }

    pub async fn approve(&self, who: &str, slot: &str) -> Arc<Incident> {
        let command = self.approval(slot).await;
        self.must(who, command).await
    }

    /// Commander, lead and management all agree.
    pub async fn approve_all(&self) {
        for (who, slot) in [(TL, "technical_lead"), (IC, "incident_commander"), (MANAGEMENT, "management")] {
            self.approve(who, slot).await;
        }
    }

    pub async fn journal(&self) -> Vec<Recorded> {
        self.app.journal(&self.id).await.unwrap()
    }

    /// How often an event of this kind stands in the journal.
    pub async fn count(&self, kind: &str) -> usize {
        self.journal().await.iter().filter(|recorded| recorded.event.kind() == kind).count()
    }

    /// How many events fit.
    pub async fn find_all(&self, fits: impl Fn(&Event) -> bool) -> usize {
        self.journal().await.iter().filter(|recorded| fits(&recorded.event)).count()
    }

    /// Waits until the current attempt is in this state.
    pub async fn reaches(&self, status: AttemptStatus) -> Attempt {
        let what = format!("attempt of {} to be {status}", self.id);
        wait_for(Duration::from_secs(40), &what, async || {
            Some(self.attempt().await).filter(|attempt| attempt.status() == status)
        })
        .await
    }

    /// Ends whatever is under way, so that the environment is free for the next incident.
    pub async fn clear(&self) {
        let attempt = self.attempt().await;
        for run in attempt.live_runs() {
            let outcome = RunOutcome { end: RunEnd::Exited(1), lines: 0, log_sha256: String::new(), log_cut: false };
            let finish = Command::FinishRun { run: run.id.clone(), outcome };
            // Its own host may have been quicker.
            if let Err(fault) = self.app.submit(&self.id, Actor::SYSTEM, finish, None).await {
                assert_eq!(refusal_of(Err::<(), _>(fault)).kind, RefusalKind::AlreadyDone);
            }
        }
        let number = attempt.number;
        if self.now().await.commander.as_ref().is_none_or(|commander| commander.0 != IC) {
            self.take_command().await;
        }
        let reason = "the test is over".to_owned();
        match self.attempt().await.status() {
            AttemptStatus::Draft | AttemptStatus::Submitted => {
                self.must(IC, Command::WithdrawPlan { attempt: number, reason }).await;
            }
            AttemptStatus::Halted | AttemptStatus::Verifying => {
                self.must(IC, Command::DeclareFailed { attempt: number, reason }).await;
            }
            AttemptStatus::Executing => {
                self.must(IC, Command::Stop { attempt: number, reason }).await;
            }
            _ => {}
        }
        assert!(self.attempt().await.status().is_terminal());
    }
}

pub fn refusal_of<T>(answer: Result<T, SubmitError>) -> Refusal {
    match answer {
        Err(SubmitError::Refused(refusal)) => refusal,
        Err(fault) => panic!("it should have been refused in words: {fault}"),
        Ok(_) => panic!("it should have been refused"),
    }
}

/// Told in words that it was done already, or why it cannot be done any more.
pub fn is_told(refusal: &Refusal) -> bool {
    !refusal.because.is_empty()
        && !refusal.mend.is_empty()
        && matches!(
            refusal.kind,
            RefusalKind::AlreadyDone | RefusalKind::Phase | RefusalKind::DigestMismatch | RefusalKind::Blocked
        )
}

/// The severity that stands in an incident now.
pub async fn severity(room: &Room) -> Severity {
    room.now().await.severity
}

/// The whole ledger is unbroken, and each incident's summary row says what its journal says.
pub async fn assert_whole(store: &Store) {
    store.verify().await.unwrap().unwrap_or_else(|fault| panic!("{fault}"));
    for row in store.recent(1_000, None).await.unwrap() {
        assert_eq!(row.version, store.version(&App::stream(&row.incident)).await.unwrap(), "{}", row.incident);
    }
}

/// Starts nothing and counts what it was asked to start; every run ends well at once.
#[derive(Default)]
pub struct CountingExecutor {
    orders: Mutex<Vec<RunOrder>>,
}

impl CountingExecutor {
    pub fn starts(&self) -> usize {
        self.orders.lock().unwrap().len()
    }

    fn knows(&self, run: &str) -> bool {
        self.orders.lock().unwrap().iter().any(|order| order.run == run)
    }
}

#[async_trait]
impl Executor for CountingExecutor {
    async fn start(&self, order: &RunOrder) -> Result<(), StartFailed> {
        order.check().map_err(StartFailed::Order)?;
        if self.knows(&order.run) {
            return Err(StartFailed::AlreadyClaimed);
        }
        self.orders.lock().unwrap().push(order.clone());
        Ok(())
    }

    async fn look(&self, run: &str) -> Result<Look, CannotTell> {
        if !self.knows(run) {
            return Ok(Look::NotClaimed);
        }
        Ok(Look::Finished(Finished {
            exit_code: Some(0),
            signal: None,
            why: Why::Exited,
            lines: 0,
            log_sha256: String::new(),
            log_cut: false,
            started_at: NOON,
            ended_at: NOON,
        }))
    }

    async fn forestall(&self, run: &str) -> Result<Forestalled, CannotTell> {
        let look = self.look(run).await?;
        Ok(if look == Look::NotClaimed { Forestalled::NothingStarted } else { Forestalled::Exists(look) })
    }

    async fn cancel(&self, run: &str) -> Result<Cancelled, CannotTell> {
        Ok(Cancelled::Nothing(self.look(run).await?))
    }

    async fn kill_remains(&self, _: &str) -> Result<Remains, CannotTell> {
        Ok(Remains::None)
    }

    async fn read_log(&self, _: &str, from_byte: u64) -> Result<LogPart, CannotTell> {
        Ok(LogPart { lines: Vec::new(), next_byte: from_byte })
    }
}

/// A driver of runs over a counting executor.
pub fn counted_runs(app: &App) -> (Runs, Arc<CountingExecutor>) {
    let executor = Arc::new(CountingExecutor::default());
    (Runs::new(app.clone(), executor.clone()), executor)
}

/// Lets these drivers look a few times, and waits until nothing that they claimed is under way any more.
pub async fn drive(app: &App, drivers: &[&Runs]) {
    for _ in 0..3 {
        for runs in drivers {
            runs.step().await.unwrap();
        }
    }
    wait_until(Duration::from_secs(20), "every run to be over", async || {
        for row in app.store.open_all().await.unwrap() {
            let incident = app.incident(&row.incident).await.unwrap();
            if incident.attempts.iter().any(|attempt| attempt.live_runs().next().is_some()) {
                return false;
            }
        }
        true
    })
    .await;
}

/// The number of the attempt that every test begins with.
pub const FIRST: AttemptNo = 1;
