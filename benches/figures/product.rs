//! An installation to measure: a folder, a database, people with passwords, and the real program serving it.

use crate::http::Browser;
use backout::access::accounts::{Newcomer, add_with_password};
use backout::access::password::{Parameters, Passwords};
use backout::access::session::{KEPT, Kept, id_hash};
use backout::app::App;
use backout::app::playbooks::Playbooks;
use backout::app::registering::{Entry, register};
use backout::app::site::{Environment, Site};
use backout::clock::{Clock, SystemClock, fresh_id};
use backout::domain::procedure::TargetKind;
use backout::domain::{PersonId, Role, Span};
use backout::store::{NewPerson, NewSession, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower_sessions::session::Id;

pub const ENVIRONMENT: &str = "production";
pub const COMPONENT: &str = "app";
/// The session's cookie over plain http.
pub const COOKIE: &str = backout::web::session::COOKIE;
const PASSWORD: &str = "quiet otter paints seven maps";
/// Where the default playbook's executor finds the deployment's script.
const SCRIPT: &str = "scripts/deploy/rollback.sh";

/// The program, built by the same cargo with the same profile.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_backout");

/// A folder that goes away with the measurement.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("backout-figures-{}", fresh_id()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is served, and this program's own way into it.
pub struct Installation {
    pub folder: Folder,
    pub database: String,
    pub address: SocketAddr,
    pub site: Site,
}

impl Installation {
    /// On a SQLite file of its own, or on the given database.
    pub fn new(database: Option<String>) -> Installation {
        let folder = Folder::new();
        let root = folder.path().join("world");
        let script = root.join(SCRIPT);
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        write_script(&script, "#!/bin/sh\nexit 0\n");
        let database =
            database.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("data/backout.db").display()));
        let address = free_address();
        let production = Environment {
            production: true,
            components: vec![COMPONENT.to_owned()],
            directory: root.canonicalize().unwrap(),
            grants: BTreeMap::new(),
            version_urls: BTreeMap::new(),
            grace: Span::seconds(2),
            log_limit: 10 << 20,
        };
        let site = Site {
            environments: BTreeMap::from([(ENVIRONMENT.to_owned(), production)]),
            probed: BTreeSet::new(),
            host: "figures".to_owned(),
            label: "server".to_owned(),
        };
        let config = format!(
            "listen = \"{address}\"\ninsecure_cookies = true\ndata = \"{}\"\ndatabase = \"{database}\"\n\
             trusted_proxies = [\"127.0.0.1/32\"]\n\n[environments.{ENVIRONMENT}]\ncomponents = [\"{COMPONENT}\"]\n\
             directory = \"{}\"\n",
            folder.path().join("data").display(),
            root.canonicalize().unwrap().display(),
        );
        fs::write(folder.path().join("backout.toml"), config).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o700)).unwrap();
        Installation { folder, database, address, site }
    }

    /// Replaces the deployment's script.
    pub fn write_script(&self, text: &str) {
        write_script(&self.script(), text);
    }

    pub fn script(&self) -> PathBuf {
        self.folder.path().join("world").join(SCRIPT)
    }

    /// The application over the same database, in this process: what is prepared through it is not measured.
    pub async fn app(&self) -> App {
        let store = Store::open(&self.database).await.unwrap();
        App::new(store, Arc::new(SystemClock), self.site.clone(), Playbooks::default())
    }

    /// Playbook, an administrator, releases: what an installation has before its first incident.
    pub async fn settle(&self, app: &App) {
        let now = SystemClock.now();
        app.playbooks.load(&app.store, backout::playbook::DEFAULT, "system", now).await.unwrap();
        for (name, hours) in [("4.11.2", 20 * 24), ("4.11.3", 10 * 24), ("4.12.0", 1)] {
            let entry = Entry {
                kind: TargetKind::Release,
                environment: ENVIRONMENT.to_owned(),
                component: COMPONENT.to_owned(),
                name: name.to_owned(),
                at: now - Span::hours(hours),
                checksum: String::new(),
                migrations: "none".to_owned(),
                note: String::new(),
            };
            register(&app.store, &self.site, "figures", &entry, now).await.unwrap();
        }
        self.people(app, "root", 1, &[Role::Administrator]).await;
    }

    /// People `NAME1`, `NAME2`, … who share one password; answers their ids.
    pub async fn people(&self, app: &App, name: &str, count: usize, roles: &[Role]) -> Vec<PersonId> {
        let passwords = Passwords::new(Parameters::PRODUCTION, 2);
        let hash = passwords.hash(PASSWORD).await.unwrap();
        let mut ids = Vec::new();
        for number in 1..=count {
            let login = format!("{name}{number}");
            let newcomer = Newcomer { login, name: format!("{name} {number}"), roles: roles.to_vec() };
            ids.push(PersonId(
                add_with_password(&app.store, &newcomer, hash.clone(), SystemClock.now()).await.unwrap(),
            ));
        }
        ids
    }

    /// So many people who are signed in, each with one session: its cookie. Put straight into the store, since a thousand
    /// sign-ins would spend minutes on passwords.
    pub async fn crowd(&self, app: &App, count: usize) -> Vec<String> {
        let now = SystemClock.now();
        let mut tx = app.store.begin().await.unwrap();
        let mut cookies = Vec::new();
        for number in 1..=count {
            let person = NewPerson {
                id: fresh_id(),
                login: format!("viewer{number}-{}", fresh_id()),
                name: format!("Viewer {number}"),
                password: None,
                roles: vec!["technical_lead".to_owned()],
                created_at: now,
            };
            tx.insert_person(&person).await.unwrap();
            let stored = tx.person(&person.id).await.unwrap().unwrap();
            let kept = Kept::begin(&stored, "figures", now);
            let id = Id::default();
            let session = NewSession {
                id_hash: id_hash(&id),
                person: Some(person.id),
                data: serde_json::json!({ KEPT: kept }).to_string(),
                created_at: now,
                expires_at: now + Span::minutes(30),
                user_agent: "figures".to_owned(),
            };
            assert!(tx.create_session(&session).await.unwrap());
            cookies.push(id.to_string());
        }
        tx.commit().await.unwrap();
        cookies
    }

    /// A browser with one of these sessions.
    pub fn browser_of(&self, cookie: &str) -> Browser {
        Browser::new(self.address).with_cookie(COOKIE, cookie)
    }

    /// Starts `backout serve` and answers once the process runs, not once it is ready.
    pub fn spawn(&self) -> Served {
        let log = File::options().create(true).append(true).open(self.folder.path().join("serve.log")).unwrap();
        let child = Command::new(PROGRAM)
            .arg("--config")
            .arg(self.folder.path().join("backout.toml"))
            .arg("serve")
            .env_remove("BACKOUT_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Served { child, address: self.address }
    }

    /// Starts it and waits until it is ready.
    pub fn serve(&self) -> Served {
        let mut served = self.spawn();
        served.until_ready();
        served
    }

    /// A browser in which this person is signed in, as if from a machine of its own.
    pub fn signed_in(&self, login: &str, number: usize) -> Browser {
        let [_, a, b, c] = u32::try_from(number).unwrap().to_be_bytes();
        let mut browser = Browser::new(self.address).from(&format!("10.{a}.{b}.{c}"));
        let answer = browser.post("/sign-in", &[("login", login), ("password", PASSWORD), ("next", "")]).unwrap();
        assert_eq!(answer.status, 303, "{login} signs in: {}", answer.text());
        browser
    }

    /// Confirms that it is still the same person.
    pub fn confirm(&self, browser: &mut Browser) {
        let answer = browser.post("/re-authenticate", &[("password", PASSWORD), ("next", "/")]).unwrap();
        assert_eq!(answer.status, 303, "the password is confirmed: {}", answer.text());
    }
}

fn write_script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// An address on which nobody listens at this moment.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A server process; ended when dropped.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
}

impl Served {
    pub fn of(child: Child, address: SocketAddr) -> Served {
        Served { child, address }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks again and again until the answer is "ready".
    pub fn until_ready(&mut self) {
        let begun = Instant::now();
        loop {
            let mut browser = Browser::new(self.address);
            if browser.get("/readyz").is_ok_and(|answer| answer.status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended before it was ready: {status}");
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the server is not ready after a minute");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(15) {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}
