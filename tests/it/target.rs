//! The sample service and the scripts that put it right, for real: requests over loopback, bash, a folder on disk.

use backout::demo::target::{Target, TargetOptions};
use backout::demo::world::{self, BACKUP, BAD_RELEASE, CONFIGS, GOOD_RELEASE};
use reqwest::StatusCode;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tokio::sync::oneshot;

/// A laid-out world in a folder of its own that goes with the value.
pub struct TemporaryWorld(PathBuf);

impl TemporaryWorld {
    pub fn new() -> TemporaryWorld {
        let root = std::env::temp_dir().join(format!("backout-world-{}", backout::clock::fresh_id()));
        world::prepare(&root).unwrap();
        TemporaryWorld(root)
    }

    pub fn root(&self) -> &Path {
        &self.0
    }

    fn starts(&self) -> Vec<String> {
        fs::read_to_string(self.0.join("starts.log")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Everything in the world but the log of starts: path to contents, or to where a link points.
    fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs::symlink_metadata(&path).unwrap().file_type();
                if kind.is_symlink() {
                    let to = fs::read_link(&path).unwrap();
                    found.insert(path, to.to_str().unwrap().into());
                } else if kind.is_dir() {
                    walk(&path, found);
                } else {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.0, &mut found);
        found.remove(&self.0.join("starts.log"));
        found
    }

    /// Runs a script as the process executor does: a private copy, the world as directory, a clean environment, no
    /// standard input.
    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        let copy = self.0.with_extension(backout::clock::fresh_id());
        fs::copy(self.0.join(script), &copy).unwrap();
        let output = Command::new("bash")
            .arg(&copy)
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("DEMO_PACE", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        fs::remove_file(&copy).unwrap();
        output
    }
}

impl Drop for TemporaryWorld {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The service, running in this process until the value goes.
pub struct Running {
    pub url: String,
    _end: oneshot::Sender<()>,
}

pub async fn serve(world: &TemporaryWorld) -> Running {
    let target = Target::bind(TargetOptions::in_world(world.root())).await.unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let running = Running { url: target.url(), _end: end };
    tokio::spawn(target.serve(async { drop(ended.await) }));
    running
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn hundred_requests(url: &str) -> Vec<(StatusCode, String)> {
    let client = client();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let request = client.get(url);
        asked.spawn(async move {
            let answer = request.send().await.unwrap();
            let version = answer.headers()["x-version"].to_str().unwrap().to_owned();
            let status = answer.status();
            assert!(answer.text().await.unwrap().contains(&version));
            (status, version)
        });
    }
    asked.join_all().await
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn the_bad_release_fails_its_share_and_the_good_one_never() {
    let world = TemporaryWorld::new();
    let service = serve(&world).await;
    let good = hundred_requests(&service.url).await;
    assert!(good.iter().all(|answer| *answer == (StatusCode::OK, GOOD_RELEASE.to_owned())), "{good:?}");

    world::deploy(world.root(), BAD_RELEASE).unwrap();
    let bad = hundred_requests(&service.url).await;
    assert!(bad.iter().all(|(_, version)| version == BAD_RELEASE));
    let failed = bad.iter().filter(|(status, _)| *status == StatusCode::INTERNAL_SERVER_ERROR).count();
    assert_eq!(failed, 34);
    assert_eq!(bad.iter().filter(|(status, _)| *status == StatusCode::OK).count(), 66);
}

#[tokio::test]
async fn one_click_makes_it_fail_and_only_from_its_own_page() {
    let world = TemporaryWorld::new();
    let service = serve(&world).await;
    let deploy = format!("{}/control/deploy", service.url);
    let form = || client().post(&deploy).header("content-type", "application/x-www-form-urlencoded");

    let page = client().get(format!("{}/control", service.url)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Deploy 4.12.0 (bad)") && page.contains("Deploy 4.11.3 (good)"), "{page}");

    let elsewhere = form().header("origin", "http://attacker.example").body("version=4.12.0").send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let rebound = form().header("host", "attacker.example").header("sec-fetch-site", "same-origin");
    assert_eq!(rebound.body("version=4.12.0").send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    let read = client().get(&deploy).header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(read.status(), StatusCode::METHOD_NOT_ALLOWED);
    let outside =
        form().header("sec-fetch-site", "same-origin").body("version=..%2Freleases%2F4.12.0").send().await.unwrap();
    assert_eq!(outside.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world::in_service(world.root()).unwrap(), GOOD_RELEASE);

    let clicked = form().header("sec-fetch-site", "same-origin").body("version=4.12.0").send().await.unwrap();
    assert_eq!(clicked.status(), StatusCode::SEE_OTHER);
    let runs = client().get(format!("{}/version", service.url)).send().await.unwrap().text().await.unwrap();
    assert_eq!(runs, "4.12.0\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deploy_script_puts_the_good_release_back_and_proves_it_at_the_service() {
    let world = TemporaryWorld::new();
    world::deploy(world.root(), BAD_RELEASE).unwrap();
    let _service = serve(&world).await;
    let output = world.run("scripts/deploy/rollback.sh", &["--version", GOOD_RELEASE, "--environment", "production"]);
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(
        lines,
        [
            "Rolling production back to 4.11.3",
            "[1/5] Release 4.11.3 is there and complete; 4.12.0 is in service",
            "[2/5] The service answers its health check",
            "[3/5] Switched current: 4.12.0 -> 4.11.3, in one step",
            "[4/5] Healthy on 4.11.3, look 1 of 2",
            "[4/5] Healthy on 4.11.3, look 2 of 2",
            "[5/5] Read back: current -> releases/4.11.3",
            "Done: production runs 4.11.3",
        ]
    );
    assert_eq!(text(&output.stderr), "");
    assert_eq!(fs::read_link(world.root().join("current")).unwrap(), Path::new("releases/4.11.3"));
    let starts = world.starts();
    assert_eq!(starts.len(), 1);
    assert!(
        starts[0].ends_with("Z scripts/deploy/rollback.sh '--version' '4.11.3' '--environment' 'production'"),
        "{starts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deploy_script_fails_when_the_service_does_not_run_what_was_asked_for() {
    let world = TemporaryWorld::new();
    let fails = |why: &str| {
        let output =
            world.run("scripts/deploy/rollback.sh", &["--version", GOOD_RELEASE, "--environment", "production"]);
        assert_eq!(output.status.code(), Some(70), "{why}: {output:?}");
        assert!(text(&output.stderr).contains("does not report 4.11.3 as running"), "{why}: {output:?}");
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(world.root().join("run/target.url"), format!("http://{closed}\n")).unwrap();
    fails("nobody answers");

    let elsewhere = TemporaryWorld::new();
    world::deploy(elsewhere.root(), BAD_RELEASE).unwrap();
    let service = serve(&elsewhere).await;
    fs::write(world.root().join("run/target.url"), format!("{}\n", service.url)).unwrap();
    fails("healthy, but another version");
}

#[test]
fn an_unknown_target_or_a_wrong_argument_changes_nothing() {
    let world = TemporaryWorld::new();
    world::deploy(world.root(), BAD_RELEASE).unwrap();
    let before = world.contents();
    let deploy = "scripts/deploy/rollback.sh";
    let database = "scripts/database/rollback.sh";
    let config = "scripts/config/rollback.sh";
    let cases: &[(&str, &[&str], i32)] = &[
        (deploy, &["--version", "4.10.9", "--environment", "production"], 66),
        (deploy, &["--version", "../releases/4.11.3", "--environment", "production"], 64),
        (deploy, &["--version", "..", "--environment", "production"], 64),
        (deploy, &["--version", "-rf", "--environment", "production"], 64),
        (deploy, &["--version", "4.11.3\n4.12.0", "--environment", "production"], 64),
        (deploy, &["--version", "4.11.3; touch x", "--environment", "production"], 64),
        (deploy, &["--version", "", "--environment", "production"], 64),
        (deploy, &["--version", "4.11.3", "--environment", "$(touch x)"], 64),
        (deploy, &["--version", "4.11.3"], 64),
        (deploy, &["--version"], 64),
        (deploy, &["4.11.3"], 64),
        (deploy, &[], 64),
        (database, &["--backup", "nightly-9999", "--verify"], 66),
        (database, &["--backup", "../data"], 64),
        (database, &["--verify"], 64),
        (config, &["--config", "cfg-40"], 66),
        (config, &["--config", "current"], 64),
        (config, &["--config", "../data"], 64),
    ];
    for (script, arguments, code) in cases {
        let output = world.run(script, arguments);
        assert_eq!(output.status.code(), Some(*code), "{script} {arguments:?}: {output:?}");
        assert!(!text(&output.stderr).is_empty(), "{script} {arguments:?} says why");
        assert!(world.contents() == before, "{script} {arguments:?} changed the world");
    }
    assert_eq!(world.starts().len(), cases.len(), "every start counts once, whatever its arguments");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_schema_is_restored_from_the_backup_with_the_state_before_kept() {
    let world = TemporaryWorld::new();
    let service = serve(&world).await;
    let status = async || client().get(&service.url).send().await.unwrap().status();
    let sound = fs::read(world.root().join("data/app.json")).unwrap();
    world::break_schema(world.root()).unwrap();
    let broken = fs::read(world.root().join("data/app.json")).unwrap();
    assert_eq!(status().await, StatusCode::INTERNAL_SERVER_ERROR);

    let output = world.run("scripts/database/rollback.sh", &["--backup", BACKUP, "--verify"]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("[4/4] Verified: SHA-256 "), "{output:?}");
    assert_eq!(fs::read(world.root().join("data/app.json")).unwrap(), sound);
    assert_eq!(status().await, StatusCode::OK);

    let backups = fs::read_dir(world.root().join("backups")).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<PathBuf> =
        backups.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("before-")).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read(kept[0].join("app.json")).unwrap(), broken);
    // What was kept is itself a backup that can be restored.
    let name = kept[0].file_name().unwrap().to_str().unwrap();
    assert!(world.run("scripts/database/rollback.sh", &["--backup", name, "--verify"]).status.success());
    assert_eq!(fs::read(world.root().join("data/app.json")).unwrap(), broken);
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_touched() {
    let world = TemporaryWorld::new();
    let backup = world.root().join("backups").join(BACKUP);
    let sums = fs::read_to_string(backup.join("SHA256SUMS")).unwrap();
    let refused = |why: &str| {
        let before = world.contents();
        let output = world.run("scripts/database/rollback.sh", &["--backup", BACKUP, "--verify"]);
        assert_eq!(output.status.code(), Some(65), "{why}: {output:?}");
        assert!(world.contents() == before, "{why}: the world changed");
    };
    fs::write(backup.join("SHA256SUMS"), "").unwrap();
    refused("no checksum at all");
    fs::copy(backup.join("app.json"), backup.join("other.json")).unwrap();
    fs::write(backup.join("SHA256SUMS"), sums.replace("app.json", "other.json")).unwrap();
    refused("a checksum of something else");
    fs::write(backup.join("SHA256SUMS"), sums).unwrap();
    fs::write(backup.join("app.json"), "{}").unwrap();
    refused("contents that differ");
}

#[test]
fn the_config_script_switches_to_the_earlier_snapshot() {
    let world = TemporaryWorld::new();
    assert_eq!(world::config_in_use(world.root()).as_deref(), Some(CONFIGS[1]));
    let output = world.run("scripts/config/rollback.sh", &["--config", CONFIGS[0]]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_link(world.root().join("config/current")).unwrap(), Path::new(CONFIGS[0]));
    assert!(text(&output.stdout).ends_with("Done: the configuration is cfg-41\n"), "{output:?}");
}

#[test]
fn laying_the_world_out_again_keeps_what_is_in_service() {
    let world = TemporaryWorld::new();
    world::deploy(world.root(), BAD_RELEASE).unwrap();
    world::break_schema(world.root()).unwrap();
    let before = world.contents();
    world::prepare(world.root()).unwrap();
    assert!(world.contents() == before);
}

#[tokio::test]
async fn the_service_takes_its_announcement_back_when_it_ends() {
    let world = TemporaryWorld::new();
    let target = Target::bind(TargetOptions::in_world(world.root())).await.unwrap();
    let announced = world.root().join("run/target.url");
    assert_eq!(fs::read_to_string(&announced).unwrap(), format!("{}\n", target.url()));
    target.serve(std::future::ready(())).await.unwrap();
    assert!(!announced.exists());
}
