//! The sample world as whoever tries Backout out starts it: the real program, a real target service, real scripts.

use crate::support::databases::Database;
use crate::support::folder::{TempDir, end_processes_within};
use crate::support::process::{Backout, Process, free_port, local_client};
use crate::support::waiting::{PATIENCE, wait_until};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;

/// The time between two progress updates.
const BEAT: &str = "20s";

/// `backout demo` over a data folder and a database of its own.
pub struct Demo {
    process: Process,
    folder: TempDir,
    port: u16,
    database: String,
    /// By login, as the first start told them.
    passwords: BTreeMap<String, String>,
    target: String,
}

impl Demo {
    pub async fn start(database: &Database) -> Demo {
        let (folder, port) = (TempDir::new(), free_port());
        let process = launch(&folder, port, &database.address);
        let mut demo = Demo {
            process,
            folder,
            port,
            database: database.address.clone(),
            passwords: BTreeMap::new(),
            target: String::new(),
        };
        demo.ready().await;
        for line in demo.process.output().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [_, _, login, password, ..] = words[..]
                && password.split('-').count() == 4
            {
                demo.passwords.insert(login.to_owned(), password.to_owned());
            }
        }
        assert_eq!(demo.passwords.len(), 3, "three people are told with their passwords:\n{}", demo.process.output());
        demo
    }

    /// Pulls the plug, and starts the program again over what it left.
    pub async fn crashes_and_comes_back(&mut self) {
        self.process.kill_hard();
        self.process = launch(&self.folder, self.port, &self.database);
        self.ready().await;
    }

    async fn ready(&mut self) {
        let line = self.process.line_with("/control", PATIENCE).await;
        let address = line.split_whitespace().find(|word| word.starts_with("http://"));
        self.target = address.expect("the target's address is told").trim_end_matches("/control").to_owned();
        let (client, address) = (local_client(), self.url("/sign-in"));
        wait_until(PATIENCE, "the demo to answer", async || {
            client.get(&address).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// An address of Backout, `path` starting with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Where releases are deployed with one click.
    pub fn control(&self) -> String {
        format!("{}/control", self.target)
    }

    pub fn password(&self, login: &str) -> String {
        self.passwords[login].clone()
    }

    /// Every start of a script that ever happened, a line each: written by the scripts, not by Backout.
    pub fn script_starts(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.world("starts.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Waits until that many scripts have started, ever.
    pub async fn has_started_scripts(&self, count: usize) {
        wait_until(PATIENCE, &format!("script {count} to start"), async || self.script_starts().len() >= count).await;
    }

    /// Which release the world's own link names.
    pub fn release_in_service(&self) -> String {
        let link = std::fs::read_link(self.world("current")).unwrap();
        link.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// Which configuration the world's own link names.
    pub fn configuration_in_use(&self) -> String {
        std::fs::read_link(self.world("config/current")).unwrap().to_string_lossy().into_owned()
    }

    /// Puts a file into the sample world, as whoever owns that world can.
    pub fn places(&self, path: &str, text: &str) {
        std::fs::write(self.world(path), text).unwrap();
    }

    fn world(&self, path: &str) -> PathBuf {
        self.folder.join("demo/world").join(path)
    }

    /// Runs a subcommand over the demo's own database; standard output is its answer.
    pub fn backout(&self, arguments: &[&str]) -> String {
        let mut command = Backout::command(self.folder.path());
        let Output { status, stdout, stderr } =
            command.args(arguments).env("BACKOUT_DATABASE", &self.database).output().unwrap();
        assert!(status.success(), "backout {arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// Keeps a file beside the demo, as a download would lie beside a browser.
    pub fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        end_processes_within(self.folder.path());
    }
}

fn launch(folder: &TempDir, port: u16, database: &str) -> Process {
    let mut command = Backout::command(folder.path());
    command.args(["demo", "--beat", BEAT, "--port", &port.to_string(), "--database", database]);
    command.arg("--data").arg(folder.join("demo"));
    Process::start(&mut command)
}
