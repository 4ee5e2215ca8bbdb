//! A small world for tests of pages: a whole site in this process over a real SQLite file, with people, releases, a
//! directory of scripts, and browsers that keep cookies. Nobody sleeps; the clock is turned by hand.

use super::layers::Peer;
use super::{AppState, Site, router};
use crate::access::accounts::{Newcomer, add_with_password};
use crate::access::password::{Parameters, Passwords};
use crate::app::gather::{StoredVersion, probe_series, sample_value, version_key};
use crate::app::playbooks::Playbooks;
use crate::app::site::{Environment, Site as Places};
use crate::app::{App, Raised};
use crate::clock::{self, Clock, ManualClock};
use crate::domain::actor::Actor;
use crate::domain::command::{Approve, Command, Outcome};
use crate::domain::condition;
use crate::domain::decide::open_items;
use crate::domain::event::{Mark, RunEnd, RunOutcome, TriggerSeen};
use crate::domain::plan::Target;
use crate::domain::procedure::{StartMode, TargetKind};
use crate::domain::state::{Incident, RunId};
use crate::domain::{PersonId, Role, Span, Strength, Timestamp};
use crate::store::{Registered, Sample, Store};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::response::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tower::ServiceExt;

pub const PASSWORD: &str = "quiet otter paints seven maps";
const HOST: &str = "backout.example";
/// Cheaper than production, and said so here: these tests are about pages, not about hashing.
const CHEAP: Parameters = Parameters { memory_kib: 64, passes: 1, lanes: 1 };

pub const ENVIRONMENT: &str = "production";
pub const COMPONENT: &str = "crisis-detection";
/// What runs, the previous stable release, and one that is older still.
pub const BAD: &str = "4.12.0";
pub const STABLE: &str = "4.11.3";
pub const OLDER: &str = "4.11.2";
pub const BACKUP: &str = "bk-20260305";

/// Sign-in names with the roles they hold.
pub const PEOPLE: [(&str, &str, &[Role]); 7] = [
    ("maya", "Maya Okafor", &[Role::IncidentCommander]),
    ("noor", "Noor Aziz", &[Role::IncidentCommander]),
    ("tomas", "Tomás Rivera", &[Role::TechnicalLead]),
    ("helen", "Helen Brandt", &[Role::Management]),
    ("sam", "Sam Ellery", &[Role::Support]),
    ("olga", "Olga Lind", &[Role::Observer]),
    ("ada", "Ada Kern", &[Role::Administrator]),
];

pub struct World {
    pub app: AppState,
    pub clock: ManualClock,
    pub router: Router,
    pub folder: PathBuf,
    ids: BTreeMap<String, PersonId>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World {
    /// People, releases and scripts; no incident yet.
    pub async fn new() -> World {
        World::reading_back(BTreeMap::new()).await
    }

    /// The same, and each component can be asked which version runs.
    pub async fn with_versions() -> World {
        let asked = [COMPONENT, "web"].map(|it| (it.to_owned(), "http://127.0.0.1:1/version".to_owned()));
        World::reading_back(BTreeMap::from(asked)).await
    }

    async fn reading_back(version_urls: BTreeMap<String, String>) -> World {
        let folder = std::env::temp_dir().join(format!("backout-pages-{}", clock::fresh_id()));
        for script in ["deploy", "database", "config"] {
            let directory = folder.join("target/scripts").join(script);
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join("rollback.sh"), "#!/bin/sh\nexit 0\n").unwrap();
        }
        let clock = ManualClock::at(Timestamp(1_772_680_468_000_000));
        let store = Store::open(&format!("sqlite:{}", folder.join("test.db").display())).await.unwrap();
        let playbooks = Playbooks::default();
        playbooks.load(&store, include_str!("../../playbooks/default.toml"), "system", clock.now()).await.unwrap();
        let environment = Environment {
            production: true,
            components: vec![COMPONENT.to_owned(), "web".to_owned()],
            directory: folder.join("target"),
            grants: BTreeMap::new(),
            version_urls,
            grace: Span::seconds(10),
            log_limit: 1 << 20,
        };
        let places = Places {
            environments: BTreeMap::from([(ENVIRONMENT.to_owned(), environment)]),
            host: "deploy-1".to_owned(),
            label: "deploy-1".to_owned(),
            probed: [(ENVIRONMENT.to_owned(), COMPONENT.to_owned())].into(),
        };
        let incidents = App::new(store, Arc::new(clock.clone()), places, playbooks);
        let site = Site::new("https://backout.example", false, vec![]).unwrap();
        let app = AppState::new(site, incidents, Passwords::new(CHEAP, 2));
        let mut world = World { router: router(app.clone()), app, clock, folder, ids: BTreeMap::new() };
        world.settle_in().await;
        world
    }

    async fn settle_in(&mut self) {
        let hash = self.app.passwords.hash(PASSWORD).await.unwrap();
        for (login, name, roles) in PEOPLE {
            let newcomer = Newcomer { login: login.into(), name: name.into(), roles: roles.to_vec() };
            let id = add_with_password(&self.app.store, &newcomer, hash.clone(), self.now()).await.unwrap();
            self.ids.insert(login.to_owned(), PersonId(id));
        }
        for (name, hours) in [(OLDER, 900), (STABLE, 430), (BAD, 1)] {
            self.register("release", name, hours, "none").await;
        }
        self.register("backup", BACKUP, 2, "none").await;
    }

    /// Registers something that began to run, or was taken, so many hours ago.
    pub async fn register(&self, kind: &str, name: &str, hours: i64, migrations: &str) {
        let line = Registered {
            checksum: format!("sha256:{name}"),
            added_by: "Jun Watanabe".to_owned(),
            migrations: migrations.to_owned(),
            verified_at: (kind == "backup").then(|| self.now() - Span::hours(1)),
            ..Registered::fresh(kind, ENVIRONMENT, COMPONENT, name, self.now() - Span::hours(hours))
        };
        self.app.store.register(&line).await.unwrap();
    }

    /// A release that ran before runs from now on.
    pub async fn deployed_again(&self, name: &str) {
        let mut tx = self.app.store.begin().await.unwrap();
        assert!(tx.runs_again(ENVIRONMENT, COMPONENT, name, self.now()).await.unwrap());
        tx.commit().await.unwrap();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn turn(&self, by: Span) {
        self.clock.turn(by);
    }

    /// A person's id by sign-in name.
    pub fn id(&self, login: &str) -> PersonId {
        self.ids[login].clone()
    }

    /// The component's probe asks every five seconds, from so many seconds ago until so many seconds ago; `ok` says
    /// whether the answer was right, so many seconds ago.
    pub async fn probed(&self, from: i64, until: i64, ok: impl Fn(i64) -> bool) {
        let series = probe_series(ENVIRONMENT, COMPONENT);
        let samples = (until..=from).step_by(5).map(|ago| Sample {
            series: series.clone(),
            at: self.now() - Span::seconds(ago),
            value: sample_value(&condition::Sample { at: self.now(), ok: ok(ago), micros: 240_000 }),
        });
        self.app.store.insert_samples(&samples.collect::<Vec<_>>()).await.unwrap();
    }

    /// Something asked in a person's name, freshly confirmed, past the pages.
    pub async fn acts(&self, login: &str, incident: &str, command: Command) -> Arc<Incident> {
        let actor = Actor::person(&self.id(login), Some(Strength::Password));
        self.app.incidents.submit(incident, actor, command, None).await.unwrap().incident
    }

    /// Something that Backout does by itself.
    pub async fn system(&self, incident: &str, command: Command) -> Arc<Incident> {
        self.app.incidents.submit(incident, Actor::SYSTEM, command, None).await.unwrap().incident
    }

    /// A signal of this trigger opens an incident; answers its id.
    pub async fn raised(&self, trigger: &str, title: &str) -> String {
        let raised = Raised {
            title: title.to_owned(),
            environment: ENVIRONMENT.to_owned(),
            component: COMPONENT.to_owned(),
            trigger: TriggerSeen {
                name: trigger.to_owned(),
                text: String::new(),
                category: String::new(),
                fingerprint: clock::fresh_id(),
                saw: "no message was flagged for 6 minutes".to_owned(),
                evidence: "{\"flagged\":0,\"markup\":\"<script>alert(1)</script>\"}".to_owned(),
                seen_at: self.now(),
            },
            severity: None,
            outage: false,
            users_affected_ppm: None,
        };
        self.app.incidents.raise(Actor::SYSTEM, raised, None).await.unwrap().incident.id.clone()
    }

    /// A safety-critical P0: its plan stands submitted, Maya commands and Tomás leads.
    pub async fn critical(&self) -> String {
        let id = self.raised("crisis-detection", "Crisis detection stopped flagging messages").await;
        self.acts("maya", &id, Command::TakeRole { role: Role::IncidentCommander }).await;
        self.acts("tomas", &id, Command::TakeRole { role: Role::TechnicalLead }).await;
        id
    }

    /// The same, but the plan that stands submitted restores the backup too.
    pub async fn restoring(&self, start: Option<StartMode>) -> String {
        let id = self.critical().await;
        let mut draft = self.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
        draft.targets.push(Target {
            kind: TargetKind::Backup,
            component: COMPONENT.to_owned(),
            name: BACKUP.to_owned(),
            checksum: String::new(),
            from: None,
            free_text: false,
        });
        draft.reason = "the data is broken".to_owned();
        draft.start = start;
        self.acts("maya", &id, Command::EditPlan { attempt: 1, seen: None, draft }).await;
        self.acts("maya", &id, Command::SubmitPlan { attempt: 1 }).await;
        id
    }

    /// Every action of the authorised plan ran well.
    pub async fn executed(&self, id: &str) {
        self.authorised(id).await;
        let incident = self.app.incidents.incident(id).await.unwrap();
        let attempt = incident.current().unwrap().number;
        for action in &incident.current().unwrap().plan().unwrap().actions {
            let incident = self.app.incidents.incident(id).await.unwrap();
            for item in action.needs.iter().filter(|item| !incident.current().unwrap().is_marked(item)) {
                let mark = Mark::Done { note: String::new() };
                self.acts("tomas", id, Command::Tick { attempt, item: item.clone(), mark }).await;
            }
            let run = self.runs(id, &action.name).await;
            self.turn(Span::seconds(50));
            self.ends(id, &run, 0).await;
        }
    }

    /// The lead ticked every criterion and confirmed success.
    pub async fn succeeded(&self, id: &str) {
        let looked = self.app.incidents.look(id).await.unwrap();
        let (procedure, attempt) = (&looked.gathered.procedure, looked.incident.current().unwrap().number);
        for criterion in &procedure.verification.criteria {
            let mark = Some(Mark::Done { note: "looked at it".to_owned() });
            let command = Command::MarkCriterion { attempt, criterion: criterion.name.clone(), mark };
            self.acts("tomas", id, command).await;
        }
        self.acts("tomas", id, Command::ConfirmSuccess { attempt }).await;
    }

    /// The component says which version of it runs.
    pub async fn says_version(&self, version: &str) {
        let stored = StoredVersion { version: version.to_owned(), at: self.now() };
        let text = serde_json::to_string(&stored).unwrap();
        self.app.store.put_setting(&version_key(ENVIRONMENT, COMPONENT), &text).await.unwrap();
    }

    /// The present attempt's digest.
    pub async fn digest(&self, incident: &str) -> String {
        let incident = self.app.incidents.incident(incident).await.unwrap();
        incident.current().and_then(|attempt| attempt.submitted.clone()).map_or(String::new(), |plan| plan.digest)
    }

    /// Maya authorises, waiving what is open: a plan that starts at authorisation has its start ordered.
    pub async fn authorised(&self, incident: &str) -> Arc<Incident> {
        let looked = self.app.incidents.look(incident).await.unwrap();
        let scripts = crate::app::catalogue::Scripts(&self.app.incidents.site);
        let approve = {
            let facts = looked.gathered.facts(&scripts);
            let attempt = looked.incident.current().unwrap();
            let submitted = attempt.submitted.as_ref().unwrap();
            Approve {
                attempt: attempt.number,
                digest: submitted.digest.clone(),
                slot: "incident_commander".to_owned(),
                starts: None,
                phrase: submitted.plan.phrase.clone(),
                comment: String::new(),
                waive: open_items(&facts, attempt).iter().map(|item| item.name.clone()).collect(),
                waive_reason: "people are in danger".to_owned(),
            }
        };
        self.acts("maya", incident, Command::Approve(approve)).await
    }

    /// The next run is claimed, and runs; answers its id.
    pub async fn runs(&self, incident: &str, action: &str) -> RunId {
        let attempt = self.app.incidents.incident(incident).await.unwrap().current().unwrap().number;
        let claimed =
            self.app.incidents.claim(incident, attempt, action).await.unwrap().expect("nothing stands in the way");
        let run = claimed.run().clone();
        self.system(incident, Command::NoteRunning { run: run.clone() }).await;
        run
    }

    /// The run ends with this exit status.
    pub async fn ends(&self, incident: &str, run: &RunId, exit: i32) -> Arc<Incident> {
        let outcome = RunOutcome { end: RunEnd::Exited(exit), lines: 2, log_sha256: "ab".repeat(32), log_cut: false };
        self.system(incident, Command::FinishRun { run: run.clone(), outcome }).await
    }

    /// Brings the attempt to its success ([`Self::succeeded`]) and closes the incident as rolled back.
    pub async fn verified(&self, incident: &str) -> Arc<Incident> {
        self.succeeded(incident).await;
        let close = Command::Close { outcome: Outcome::RolledBack, reason: "all is well".to_owned() };
        self.acts("maya", incident, close).await
    }

    /// Another playbook comes into use: the default one with some of its words changed.
    pub async fn playbook(&self, changes: &[(&str, &str)]) {
        let mut text = include_str!("../../playbooks/default.toml").to_owned();
        for (usual, other) in changes {
            assert!(text.contains(usual), "the default playbook does not say {usual:?}");
            text = text.replacen(usual, other, 1);
        }
        let playbooks = &self.app.incidents.playbooks;
        playbooks.load(&self.app.store, &text, "system", self.now()).await.unwrap();
    }

    /// A browser in which nobody is signed in, at an address of its own.
    pub fn nobody(&self) -> Browser {
        static BROWSERS: AtomicU32 = AtomicU32::new(0);
        let [_, a, b, c] = BROWSERS.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let address = IpAddr::from([10, a, b, c]);
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), address }
    }

    /// A browser in which this person is signed in, at an address of its own.
    pub async fn signed_in(&self, login: &str) -> Browser {
        let mut browser = self.nobody();
        let answer = browser.post("/sign-in", &[("login", login), ("password", PASSWORD), ("next", "")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{login} signs in: {}", answer.body);
        browser
    }

    /// The same, freshly confirmed.
    pub async fn confirmed(&self, login: &str) -> Browser {
        let mut browser = self.signed_in(login).await;
        let answer = browser.post("/re-authenticate", &[("password", PASSWORD), ("next", "/")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{login} confirms: {}", answer.body);
        browser
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
    }

    /// The words of the page without markup, blanks made one.
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut inside = false;
        for letter in self.body.chars() {
            match letter {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                letter if !inside => words.push(letter),
                _ => {}
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    cookies: BTreeMap<String, String>,
    address: IpAddr,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, String::new()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send(Method::POST, path, form.finish()).await
    }

    /// A page that its own script fetches anew.
    pub async fn refresh(&mut self, path: &str) -> Answer {
        self.send_with(Method::GET, path, String::new(), &[("backout-refresh", "1")]).await
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Answer {
        self.send_with(method, path, body, &[]).await
    }

    async fn send_with(&mut self, method: Method, path: &str, body: String, more: &[(&str, &str)]) -> Answer {
        let (parts, body) = self.ask(method, path, body, more).await;
        let body = to_bytes(body, 8 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Asks, and leaves the body to be read as it comes: for streams.
    pub async fn ask(&mut self, method: Method, path: &str, body: String, more: &[(&str, &str)]) -> (Parts, Body) {
        let mut request = Request::builder().method(method.clone()).uri(path).header("host", HOST);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if method == Method::POST {
            request = request.header("sec-fetch-site", "same-origin");
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", all.join("; "));
        }
        let request = request.extension(Peer(SocketAddr::new(self.address, 40_000))).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        (parts, body)
    }
}
