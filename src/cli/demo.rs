//! `backout demo`: the main job on this machine, with real parts: a service that fails, scripts that put it right.

use super::config::{Config, EnvironmentConfig};
use super::serve::{self, Running};
use super::{Failure, runtime};
use crate::app::registering::{self, Entry};
use crate::clock::{Clock, SystemClock};
use crate::demo::people::{self, Sample};
use crate::demo::target::TargetOptions;
use crate::demo::{self, world};
use crate::domain::procedure::TargetKind;
use crate::domain::{Span, Timestamp};
use crate::triggers::probe::ProbeConfig;
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

const ENVIRONMENT: &str = "production";
const COMPONENT: &str = "app";

/// How the sample world is served.
#[derive(Debug, Args)]
pub struct Demo {
    /// Port to serve on; 0 takes a free one.
    #[arg(long, default_value = "8080", value_parser = port)]
    port: u16,
    /// Keep the world in this folder; one that exists goes on. By default a new folder below the system's temporary one.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Time between two progress updates.
    #[arg(long, default_value = "1m", value_parser = beat)]
    beat: String,
    /// `sqlite:PATH` or `postgres://…` instead of the embedded store.
    #[arg(long)]
    database: Option<String>,
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| String::from("write a number from 1 to 65535, or 0 for a free port"))
}

fn beat(text: &str) -> Result<String, String> {
    let span = Span::parse(text)?;
    if span < Span::seconds(16) {
        return Err(String::from("a beat shorter than 16s leaves no time to read a draft; write 20s or 1m"));
    }
    Ok(text.to_owned())
}

/// The hidden subcommand: the target service as a process of its own. It ends when its standard input does, so that it
/// never outlives a sample world that was killed.
pub fn target(root: PathBuf, port: u16) -> Result<(), Failure> {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let options = TargetOptions { port, ..TargetOptions::in_world(&root) };
    runtime()?.block_on(demo::target::run(options)).map_err(Failure::machine)
}

impl Demo {
    pub fn run(self) -> Result<(), Failure> {
        serve::start_log(tracing_subscriber::filter::LevelFilter::WARN)?;
        runtime()?.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), Failure> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => std::env::temp_dir().join(format!("backout-demo-{}", std::process::id())),
        };
        // Before anything is made: a port that is taken leaves no half-made world behind.
        let mend = "choose another with --port, or --port 0 for a free one";
        let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], self.port)), mend).await?;
        super::config::make_private(&data)?;
        let data = data.canonicalize().map_err(Failure::machine)?;
        let root = data.join("world");
        let fresh = !root.exists();
        if fresh {
            world::prepare(&root).map_err(Failure::machine)?;
        }
        let (mut child, target) = start_target(&root).await?;
        let playbook = data.join("playbook.toml");
        std::fs::write(&playbook, demo::playbook::text(&self.beat)).map_err(Failure::machine)?;
        let config = config(&self, &data, &root, &target);
        let running = serve::prepare(&config, listener).await?;
        // The world goes on with the beat that was asked for now.
        let state = &running.state;
        let written = demo::playbook::text(&self.beat);
        state
            .incidents
            .playbooks
            .load(&state.store, &written, "system", SystemClock.now())
            .await
            .map_err(Failure::usage)?;
        let address = running.listener.local_addr().map_err(Failure::machine)?;
        // A free port was asked for: links and origin checks must know the one that was given.
        let running = if self.port == 0 { with_address(running, &config, address)? } else { running };
        let samples = if running.state.store.people().await?.is_empty() {
            let state = &running.state;
            people::add(&state.store, &state.passwords, SystemClock.now()).await.map_err(Failure::machine)?
        } else {
            Vec::new()
        };
        register_history(&running).await?;
        tokio::spawn(follow_deployments(running.state.clone(), root));
        tell(address, &target, &data, &samples);
        let served = serve::serve(running).await;
        let _ = child.start_kill();
        let _ = child.wait().await;
        if self.data.is_none() {
            let _ = std::fs::remove_dir_all(&data);
        }
        served
    }
}

fn with_address(running: Running, config: &Config, address: SocketAddr) -> Result<Running, Failure> {
    let site = Config { listen: address, ..config.clone() }.web_site()?;
    Ok(running.with_site(site))
}

fn config(demo: &Demo, data: &Path, root: &Path, target: &str) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], demo.port)),
        insecure_cookies: true,
        data: data.to_owned(),
        database: demo.database.clone(),
        playbook: Some(data.join("playbook.toml")),
        name: String::from("Sample world"),
        environments: BTreeMap::from([(
            ENVIRONMENT.to_owned(),
            EnvironmentConfig {
                production: true,
                components: vec![COMPONENT.to_owned()],
                directory: root.to_owned(),
                grants: Vec::new(),
                grant_files: BTreeMap::new(),
                version_urls: BTreeMap::from([(COMPONENT.to_owned(), format!("{target}/version"))]),
                grace: Span::seconds(5),
                log_limit: 1 << 20,
            },
        )]),
        probes: vec![ProbeConfig {
            environment: ENVIRONMENT.to_owned(),
            component: COMPONENT.to_owned(),
            url: format!("{target}/"),
            expect_status: 200,
            expect_body: None,
            time_limit: Span::millis(400),
            interval: Span::millis(200),
        }],
        ..Config::default()
    }
}

/// Starts the target service and waits until it has announced its address.
async fn start_target(root: &Path) -> Result<(Child, String), Failure> {
    let ready = TargetOptions::in_world(root).ready_file;
    let _ = std::fs::remove_file(&ready);
    let mut child = Command::new("/proc/self/exe")
        .arg("demo-target")
        .arg(root)
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|fault| Failure::machine(format!("the target service could not be started: {fault}")))?;
    loop {
        if let Ok(address) = std::fs::read_to_string(&ready)
            && address.ends_with('\n')
        {
            return Ok((child, address.trim().to_owned()));
        }
        if let Some(status) = child.try_wait().map_err(Failure::machine)? {
            return Err(Failure::machine(format!("the target service ended at once: {status}")));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The release that has run well for eighteen days, and the backup of the night.
async fn register_history(running: &Running) -> Result<(), Failure> {
    let now = SystemClock.now();
    let entry = |kind, name: &str, at| Entry {
        kind,
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        name: name.to_owned(),
        at,
        checksum: String::new(),
        migrations: String::from("none"),
        note: String::new(),
    };
    let history = [
        entry(TargetKind::Release, world::GOOD_RELEASE, now - Span::hours(18 * 24)),
        entry(TargetKind::Backup, world::BACKUP, now - Span::hours(2)),
    ];
    let (store, at) = (&running.state.store, now - Span::hours(1));
    if !store.registered(ENVIRONMENT, COMPONENT).await?.is_empty() {
        return Ok(());
    }
    for entry in history {
        add(&running.state, &entry, now).await?;
    }
    store.mark_verified("backup", ENVIRONMENT, COMPONENT, world::BACKUP, at).await?;
    Ok(())
}

async fn add(state: &crate::web::AppState, entry: &Entry, now: Timestamp) -> Result<(), Failure> {
    let registered = registering::register(&state.store, &state.incidents.site, "system", entry, now).await;
    match registered {
        Ok(_) | Err(registering::NotRegistered::Duplicate(_)) => Ok(()),
        Err(fault) => Err(Failure::machine(fault)),
    }
}

/// Stands in for the deployment pipeline: a release that began to run is registered, as `backout release add` would.
async fn follow_deployments(state: crate::web::AppState, root: PathBuf) {
    let mut known = String::new();
    loop {
        if let Ok(version) = world::in_service(&root)
            && version != known
        {
            let now = SystemClock.now();
            let entry = Entry {
                kind: TargetKind::Release,
                environment: ENVIRONMENT.to_owned(),
                component: COMPONENT.to_owned(),
                name: version.clone(),
                at: now,
                checksum: String::new(),
                migrations: String::from("none"),
                note: String::from("deployed in the sample world"),
            };
            match add(&state, &entry, now).await {
                Ok(()) => known = version,
                Err(failure) => tracing::warn!(fault = failure.text, "a deployment could not be registered"),
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Where to go and with which account. Written whole and flushed, so that a script can read it.
fn tell(address: SocketAddr, target: &str, data: &Path, samples: &[Sample]) {
    let mut text = format!(
        "\nBackout serves a sample world.\n\n  Backout           http://{address}\n  Target service    {target}/control   (deploy the \
         bad release there: one click)\n  Data              {}\n\n",
        data.display()
    );
    if samples.is_empty() {
        text.push_str("  The people and their passwords are those of the first start.\n");
    } else {
        text.push_str("  Sign in as        login    password\n");
        for sample in samples {
            let roles: Vec<String> = sample.roles.iter().map(ToString::to_string).collect();
            text.push_str(&format!(
                "  {:<16}  {:<7}  {}   ({})\n",
                sample.name,
                sample.login,
                sample.password,
                roles.join(", ")
            ));
        }
    }
    text.push_str("\n  Use a private window for each person. Ctrl-C ends it.\n\n");
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        demo: Demo,
    }

    #[test]
    fn a_port_that_is_none_is_told_with_what_would_be_right() {
        for wrong in ["abc", "70000", "-1", ""] {
            let told = Line::try_parse_from(["demo", &format!("--port={wrong}")]).unwrap_err().to_string();
            assert!(told.contains("write a number from 1 to 65535, or 0 for a free port"), "{wrong}: {told}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_with_its_mend_and_leaves_no_half_made_world() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let data = std::env::temp_dir().join(format!("backout-demo-taken-{port}"));
        let line = Line::try_parse_from(["demo", "--port", &port, "--data", &data.display().to_string()]).unwrap();
        let told = line.demo.serve().await.unwrap_err();
        assert!(told.text.contains("listens on") && told.text.contains("--port 0 for a free one"), "{}", told.text);
        assert_eq!((told.code, data.exists()), (3, false));
    }
}
