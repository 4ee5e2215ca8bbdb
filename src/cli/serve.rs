//! `backout serve`: pages, interfaces, workers, in one process.

use super::config::{Config, make_private};
use super::{Failure, runtime};
use crate::access::password::{Parameters, Passwords};
use crate::access::{accounts, record};
use crate::app::App;
use crate::app::playbooks::Playbooks;
use crate::clock::{self, Clock, SystemClock};
use crate::executor::Supervisor;
use crate::playbook;
use crate::store::Store;
use crate::triggers::probe::{Probe, ProbeClient, ReadBackClient};
use crate::web::{self, AppState};
use crate::worker;
use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Everything that runs while a server does.
pub struct Running {
    pub state: AppState,
    pub listener: TcpListener,
    /// Held as long as the process lives: one server for each data folder.
    _lock: File,
}

impl Running {
    /// The same under another public address.
    pub fn with_site(mut self, site: web::Site) -> Running {
        self.state.site = Arc::new(site);
        self
    }
}

pub fn run(config: Config) -> Result<(), Failure> {
    start_log(LevelFilter::INFO)?;
    runtime()?.block_on(async {
        let free = "end what listens there, or name another address: `listen` in the configuration, or BACKOUT_LISTEN";
        // Before anything is made: a port that is taken leaves no folder behind.
        let listener = listen(config.listen, free).await?;
        let running = prepare(&config, listener).await?;
        let link = accounts::setup_link(
            &running.state.store,
            SystemClock.now(),
            |path| running.state.site.link(path),
            &config.data.join("setup-link"),
        )
        .await
        .map_err(Failure::machine)?;
        if let Some(link) = link {
            let file = config.data.join("setup-link");
            eprintln!(
                "No administrator can sign in yet. The link in {} adds the first; it works once, for 15 minutes.",
                file.display()
            );
            if std::io::stderr().is_terminal() {
                eprintln!("  {link}");
            }
        }
        tracing::info!(address = %running.listener.local_addr().map_err(Failure::machine)?, "serving");
        serve(running).await
    })
}

/// JSON lines on standard error. `BACKOUT_LOG` sets the level by module; what it leaves out has the usual one.
pub fn start_log(usual: LevelFilter) -> Result<(), Failure> {
    let asked = std::env::var("BACKOUT_LOG").unwrap_or_default();
    let levels = log_levels(&asked, usual)?;
    let lines = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    let _ = tracing_subscriber::registry().with(lines).with(levels).try_init();
    Ok(())
}

fn log_levels(asked: &str, usual: LevelFilter) -> Result<Targets, Failure> {
    if asked.is_empty() {
        return Ok(Targets::new().with_default(usual));
    }
    let levels: Targets = asked.parse().map_err(|fault| {
        Failure::usage(format!(
            "BACKOUT_LOG is “{asked}”: {fault}; write a level, or modules: warn,backout::worker=debug"
        ))
    })?;
    let default = levels.default_level().unwrap_or(usual);
    Ok(levels.with_default(default))
}

/// Takes an address. `mend` says what to do where it is taken.
pub async fn listen(address: SocketAddr, mend: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|fault| match fault.kind() {
        ErrorKind::AddrInUse => Failure::machine(format!("something listens on {address} already; {mend}")),
        _ => Failure::machine(format!("{address} cannot be listened on: {fault}; {mend}")),
    })
}

/// Opens the store, loads the playbook and starts the workers. The address is taken before, so that a taken port is told
/// before anything else happens.
pub async fn prepare(config: &Config, listener: TcpListener) -> Result<Running, Failure> {
    // Before anything else: without it a hang-up ends the process.
    let hang_ups = signal(SignalKind::hangup()).map_err(Failure::machine)?;
    let web_site = config.web_site()?;
    make_private(&config.data)?;
    let lock = only_server(&config.data)?;
    let host = host_id(&config.data)?;
    let site = config.site(host)?;
    let store = config.store().await?;
    let clock = Arc::new(SystemClock);
    let playbooks = Playbooks::from_file(config.playbook.clone());
    first_playbook(&store, &playbooks).await?;
    let app = App::new(store, clock.clone(), site, playbooks);
    tokio::spawn(load_at_hang_up(app.clone(), hang_ups));
    let runs = config.data.join("runs");
    let supervisor = Supervisor::new(&runs, clock)
        .map_err(|fault| Failure::machine(format!("the folder {}: {fault}", runs.display())))?;
    start_workers(&app, config, supervisor)?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let passwords = Passwords::new(Parameters::PRODUCTION, cores);
    let live = web::live::Live::of(config.streams());
    Ok(Running { state: AppState { live, ..AppState::new(web_site, app, passwords) }, listener, _lock: lock })
}

/// A store without a playbook takes the server's file, or the default one. Where one is in use, it stays: whoever wants
/// another loads it. A file that differs or has faults is told to administrators, and never stops a start.
async fn first_playbook(store: &Store, playbooks: &Playbooks) -> Result<(), Failure> {
    let now = SystemClock.now();
    let current = playbooks.current_read(&mut store.read().await?).await;
    match (current, playbooks.file()) {
        (Ok((hash, _)), Some(file)) => {
            if let Some(trouble) = playbooks.trouble(&hash).await {
                tracing::warn!(file = %file.display(), ?trouble, "the playbook in the store is another and stays in use");
            }
            Ok(())
        }
        (Ok(_), None) => Ok(()),
        (Err(_), Some(file)) => {
            let text = playbook::read_file(file)
                .map_err(|fault| Failure::usage(format!("the playbook {}: {fault}", file.display())))?;
            playbooks.load_first(store, &text, "system", now).await.map(|_| ()).map_err(Failure::usage)
        }
        (Err(_), None) if store.playbooks().await?.is_empty() => {
            playbooks.load_first(store, playbook::DEFAULT, "system", now).await.map(|_| ()).map_err(Failure::usage)
        }
        (Err(_), None) => Ok(()),
    }
}

/// Each hang-up signal loads the server's own file (P4). Whatever it holds, the server goes on.
async fn load_at_hang_up(app: App, mut hang_ups: Signal) {
    while hang_ups.recv().await.is_some() {
        let Some(file) = app.playbooks.file() else {
            tracing::warn!("a hang-up loads the playbook's file, and the configuration names none");
            continue;
        };
        match app.playbooks.load_file(&app.store, file, "system", app.clock.now()).await {
            Ok(hash) => tracing::info!(file = %file.display(), hash, "the playbook is in use for new incidents"),
            Err(fault) => tracing::warn!(file = %file.display(), %fault, "the playbook in use stays"),
        }
    }
}

fn start_workers(app: &App, config: &Config, supervisor: Supervisor) -> Result<(), Failure> {
    let client = ProbeClient::new().map_err(Failure::machine)?;
    for probe in &config.probes {
        let probe = Probe::new(probe.clone(), client.clone())
            .map_err(|fault| Failure::usage(format!("probes: {}/{}: {fault}", probe.environment, probe.component)))?;
        tokio::spawn(worker::probes::keep(app.clone(), probe));
    }
    tokio::spawn(worker::run_folders::keep(app.clone(), supervisor.clone()));
    tokio::spawn(worker::runs::Runs::new(app.clone(), Arc::new(supervisor)).keep());
    tokio::spawn(worker::deadlines::keep(app.clone()));
    tokio::spawn(worker::versions::keep(app.clone(), ReadBackClient::new(client)));
    tokio::spawn(worker::tidying::keep(app.clone()));
    tokio::spawn(tell_refused_strangers(app.clone()));
    Ok(())
}

/// Tries of strangers are counted and told once a minute, also when none follows.
async fn tell_refused_strangers(app: App) {
    worker::keep_on("strangers", || {
        let app = app.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            record::tell_refused_strangers(&app.store, app.clock.now()).await
        }
    })
    .await;
}

/// Serves until the process is told to stop; runs under way go on without it.
pub async fn serve(running: Running) -> Result<(), Failure> {
    let router = web::router(running.state.clone());
    let live = running.state.live.clone();
    let told = async move {
        told_to_stop().await;
        // Streams never end by themselves: without a good-bye the server would wait for them.
        live.stop();
    };
    web::serve(running.listener, router, told).await.map_err(Failure::machine)?;
    running.state.store.close().await;
    Ok(())
}

async fn told_to_stop() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// One server for each data folder: two would take each other's runs for abandoned.
fn only_server(data: &Path) -> Result<File, Failure> {
    let path = data.join("serve.lock");
    let told = |fault: std::io::Error| Failure::machine(format!("{}: {fault}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(told)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failure::machine(format!("another server uses the data folder {}; stop it first", data.display()))
    })?;
    Ok(file)
}

/// This host's own identifier, kept in its data folder.
fn host_id(data: &Path) -> Result<String, Failure> {
    let path = data.join("host-id");
    let told = |fault: std::io::Error| Failure::machine(format!("{}: {fault}", path.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => {
            let id = clock::fresh_id();
            let mut file = File::create(&path).map_err(told)?;
            file.write_all(id.as_bytes()).and_then(|()| file.sync_all()).map_err(told)?;
            Ok(id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_the_level_that_was_asked_for_and_else_the_usual_one() {
        let shows = |asked: &str, module: &str, level: &tracing::Level| {
            log_levels(asked, LevelFilter::INFO).unwrap_or_else(|_| panic!("{asked}")).would_enable(module, level)
        };
        for (asked, module, debug, info) in [
            ("", "backout::app", false, true),
            ("warn", "backout::app", false, false),
            ("backout::worker=debug", "backout::worker::runs", true, true),
            ("backout::worker=debug", "backout::app", false, true),
            ("warn,backout::worker=debug", "backout::app", false, false),
        ] {
            let shown = (shows(asked, module, &tracing::Level::DEBUG), shows(asked, module, &tracing::Level::INFO));
            assert_eq!(shown, (debug, info), "“{asked}” for {module}");
        }
        let refused = log_levels("backout=loud", LevelFilter::INFO).err().unwrap();
        assert!(refused.text.starts_with("BACKOUT_LOG is “backout=loud”"), "{}", refused.text);
    }

    #[tokio::test]
    async fn a_taken_address_is_told_with_its_mend() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let told = listen(address, "name another").await.err().unwrap();
        assert_eq!(told.text, format!("something listens on {address} already; name another"));
    }
}
