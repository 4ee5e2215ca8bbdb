//! Real processes: started, watched, stopped kindly or killed, and never left behind.
//!
//! [`Process`] is any program; [`Backout`] is ours, with a data folder and a port of its own.

use super::folder::{TempDir, end_processes_within};
use super::waiting::{PATIENCE, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncBufReadExt;

/// A port on loopback that nobody listens on and that this test run has not handed out before.
///
/// Taken from below the range the kernel gives to outgoing connections, so that none of those can take it between this
/// call and the server's own.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static STEPS: AtomicU16 = AtomicU16::new(0);
    // Two runs at once start at different places.
    let start = (std::process::id().wrapping_mul(97) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = STEPS.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + step) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

/// A running program whose output is kept, line by line. Killed and reaped when dropped; what it printed is shown if the
/// test is failing.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
    name: String,
}

impl Process {
    /// Starts `command` with nothing on its standard input.
    pub fn start(command: &mut Command) -> Process {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(
                |fault| panic!("{name} cannot be started ({fault}); ./test.sh installs what is missing"),
            );
        let output = Arc::new(Mutex::new(Vec::new()));
        keep_lines(child.stdout.take().expect("its output is piped"), &output);
        keep_lines(child.stderr.take().expect("its errors are piped"), &output);
        Process { child, output, name }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything printed so far, to either stream.
    pub fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be asked")
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait_for(within, &what, async || self.ended()).await
    }

    /// Waits for a printed line that contains `part`, and returns that line. A program that ends without it is a fault
    /// told at once.
    pub async fn line_with(&mut self, part: &str, within: Duration) -> String {
        let what = format!("{} to print {part:?}", self.name);
        wait_for(within, &what, async || {
            // Asked before the lines are read: once both readers are done, no line is missed.
            let over = self.ended().is_some() && Arc::strong_count(&self.output) == 1;
            let lines = self.output.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let found = lines.into_iter().find(|line| line.contains(part));
            assert!(found.is_some() || !over, "{} ended without printing {part:?}", self.name);
            found
        })
        .await
    }

    /// Pulls the plug: the program gets no chance to do anything more (SIGKILL).
    pub fn kill_hard(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }

    /// What a terminal says that goes away, and an operator who changed a file (SIGHUP).
    pub fn hang_up(&self) {
        let id = Pid::from_raw(self.id() as i32).expect("a process has an id above zero");
        kill_process(id, Signal::HUP).expect("our own child can be signalled");
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub async fn stop(&mut self, within: Duration) -> ExitStatus {
        if self.ended().is_none() {
            let id = Pid::from_raw(self.id() as i32).expect("a process has an id above zero");
            kill_process(id, Signal::TERM).expect("our own child can be signalled");
        }
        self.wait(within).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, and its id belongs to nobody else before it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what {} printed ---\n{}\n---", self.name, self.output());
        }
    }
}

/// This test binary started again as a server that a test may kill: its function `test` alone, with what it is to know in
/// the environment variable `name`. Comes back once it printed the line `ready`; killed when dropped.
pub async fn own_server(test: &str, name: &str, told: &str) -> tokio::process::Child {
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("a running program has a path"))
        .args(["--exact", test, "--nocapture"])
        .env(name, told)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this binary can be started again");
    let mut lines = tokio::io::BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    while lines.next_line().await.unwrap().expect("the server says that it is ready") != "ready" {}
    child
}

/// Reads `stream` to its end on a thread of its own, so that a full pipe never stops the program.
fn keep_lines(stream: impl Read + Send + 'static, output: &Arc<Mutex<Vec<String>>>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            output.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

/// The real program, serving on loopback with a data folder of its own.
///
/// Dropping it ends it and everything it started, detached supervisors included.
#[derive(Debug)]
pub struct Backout {
    process: Process,
    address: SocketAddr,
    data: Arc<TempDir>,
}

impl Backout {
    /// `backout serve` with a new data folder, ready to answer.
    pub async fn serve() -> Backout {
        Backout::serve_over(Arc::new(TempDir::new()), &[]).await
    }

    /// `backout serve` over a data folder that may have a past, with further environment variables; ready to answer.
    pub async fn serve_over(data: Arc<TempDir>, environment: &[(&str, &str)]) -> Backout {
        let mut backout = Backout::start(data, &["serve"], environment);
        backout.ready().await;
        backout
    }

    /// Starts the program with these arguments and does not wait for anything.
    pub fn start(data: Arc<TempDir>, arguments: &[&str], environment: &[(&str, &str)]) -> Backout {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Backout::command(data.path());
        command.args(arguments).env("BACKOUT_LISTEN", address.to_string());
        command.envs(environment.iter().copied());
        Backout { process: Process::start(&mut command), address, data }
    }

    /// The program as a bare command over a data folder, for the subcommands that do something and end.
    pub fn command(data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backout"));
        // Nothing of the developer's own settings reaches a test.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BACKOUT_")) {
            command.env_remove(name);
        }
        command.current_dir(data).env("BACKOUT_DATA", data);
        command
    }

    /// Waits until `/readyz` answers 200; a program that ends before that is a fault told at once.
    pub async fn ready(&mut self) {
        let client = local_client();
        let address = self.url("/readyz");
        wait_until(PATIENCE, "backout to be ready", async || {
            if let Some(status) = self.process.ended() {
                panic!("backout ended ({status}) before it was ready");
            }
            client.get(&address).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An address of its own, `path` starting with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its data folder; a clone of it keeps the folder for a successor.
    pub fn data(&self) -> Arc<TempDir> {
        Arc::clone(&self.data)
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Pulls the plug (SIGKILL). What it had detached lives on, as it would after a crash.
    pub fn kill_hard(&mut self) {
        self.process.kill_hard();
    }

    /// Stops it kindly (SIGTERM) and waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.process.stop(PATIENCE).await
    }
}

impl Drop for Backout {
    fn drop(&mut self) {
        // A successor over the same folder still needs what runs there.
        if Arc::strong_count(&self.data) == 1 {
            end_processes_within(self.data.path());
        }
    }
}

/// An HTTP client for servers on this machine: no proxy, no redirects followed, no cookies kept.
pub fn local_client() -> reqwest::Client {
    choose_tls_provider();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a plain client can be built")
}

/// reqwest asks for one TLS provider for the whole process even where it speaks plain HTTP alone.
pub fn choose_tls_provider() {
    // An error says that another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
