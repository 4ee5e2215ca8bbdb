//! The folder that the sample service lives in, laid out as many real services are: numbered releases beside each
//! other and one link that says which is in service.
//!
//! ```text
//! releases/4.11.3/release.json   good          current -> releases/4.11.3
//! releases/4.12.0/release.json   bad
//! data/app.json                  what the service works on; a broken schema makes every request fail
//! backups/nightly-0305/          app.json with SHA256SUMS
//! config/cfg-41/ config/cfg-42/  snapshots     config/current -> cfg-42
//! scripts/…                      the rollback scripts, which find everything from this folder
//! run/target.url                 the running service's address
//! starts.log                     a line for every start of a script
//! ```
//!
//! Every switch is a link made beside the old one and renamed over it: a reader sees the one or the other, never none.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The release that works; in service at first.
pub const GOOD_RELEASE: &str = "4.11.3";
/// The release that fails a third of all requests, slowly.
pub const BAD_RELEASE: &str = "4.12.0";
/// The backup that [`prepare`] lays down.
pub const BACKUP: &str = "nightly-0305";
/// The configuration snapshots, older first; the newer is in use at first.
pub const CONFIGS: [&str; 2] = ["cfg-41", "cfg-42"];

/// The rollback scripts: their path below the root, and their text.
pub const SCRIPTS: [(&str, &str); 3] = [
    ("scripts/deploy/rollback.sh", include_str!("../../scripts/deploy/rollback.sh")),
    ("scripts/database/rollback.sh", include_str!("../../scripts/database/rollback.sh")),
    ("scripts/config/rollback.sh", include_str!("../../scripts/config/rollback.sh")),
];

/// How a release behaves: `release.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub version: String,
    /// The share of requests that fail, in parts per million.
    pub error_share_ppm: u32,
    /// How long every answer takes.
    pub latency_ms: u64,
}

/// What the service works on: `data/app.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    pub schema: u32,
    pub records: Vec<String>,
}

/// Why the world could not be read or changed.
#[derive(Debug)]
pub enum WorldFault {
    /// No such release below `releases/`; nothing was changed.
    UnknownRelease(String),
    /// The link `current` is missing or names no release.
    NothingInService,
    /// A file is there and says nothing sensible.
    Unreadable {
        path: PathBuf,
        what: String,
    },
    Disk {
        path: PathBuf,
        source: io::Error,
    },
}

impl fmt::Display for WorldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorldFault::UnknownRelease(version) => write!(f, "there is no release {version:?} below releases/"),
            WorldFault::NothingInService => f.write_str("no release is in service: the link current names none"),
            WorldFault::Unreadable { path, what } => write!(f, "{} cannot be understood: {what}", path.display()),
            WorldFault::Disk { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for WorldFault {}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> WorldFault {
    move |source| WorldFault::Disk { path: path.to_owned(), source }
}

/// Lays the world out. What is in service, in use and in the data stays as it is when it is there already; releases,
/// snapshots, the backup and the scripts are written anew.
///
/// # Errors
/// [`WorldFault::Disk`] with the path that could not be written.
pub fn prepare(root: &Path) -> Result<(), WorldFault> {
    for release in [
        Release { version: GOOD_RELEASE.into(), error_share_ppm: 0, latency_ms: 12 },
        Release { version: BAD_RELEASE.into(), error_share_ppm: 340_000, latency_ms: 180 },
    ] {
        write_json(&root.join("releases").join(&release.version).join("release.json"), &release)?;
    }
    for (config, greeting) in CONFIGS.iter().zip(["Welcome", "Welcome back"]) {
        write_json(&root.join("config").join(config).join("app.json"), &serde_json::json!({ "greeting": greeting }))?;
    }
    let data = Data { schema: 41, records: vec!["Ada".into(), "Grace".into(), "Margaret".into()] };
    let kept = write_json(&root.join("backups").join(BACKUP).join("app.json"), &data)?;
    let sum = data_encoding::HEXLOWER.encode(&Sha256::digest(&kept));
    write(&root.join("backups").join(BACKUP).join("SHA256SUMS"), format!("{sum}  app.json\n").as_bytes())?;
    for (path, text) in SCRIPTS {
        let path = root.join(path);
        write(&path, text.as_bytes())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(disk(&path))?;
    }
    let run = root.join("run");
    fs::create_dir_all(&run).map_err(disk(&run))?;
    if !root.join("data/app.json").exists() {
        write_json(&root.join("data/app.json"), &data)?;
    }
    if root.join("config/current").symlink_metadata().is_err() {
        switch(&root.join("config/current"), Path::new(CONFIGS[1]))?;
    }
    if root.join("current").symlink_metadata().is_err() {
        deploy(root, GOOD_RELEASE)?;
    }
    Ok(())
}

/// Puts a release into service, as a deployment would.
///
/// # Errors
/// [`WorldFault::UnknownRelease`] with nothing changed; [`WorldFault::Disk`].
pub fn deploy(root: &Path, version: &str) -> Result<(), WorldFault> {
    // A single plain name: with a slash or dots it could point out of the folder.
    let plain = version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !plain || !root.join("releases").join(version).join("release.json").is_file() {
        return Err(WorldFault::UnknownRelease(version.to_owned()));
    }
    switch(&root.join("current"), &Path::new("releases").join(version))
}

/// Breaks the data as a failed migration would: the schema moved on, the records are gone.
///
/// # Errors
/// [`WorldFault::Disk`].
pub fn break_schema(root: &Path) -> Result<(), WorldFault> {
    write_json(&root.join("data/app.json"), &serde_json::json!({ "schema": "42-half-migrated" })).map(drop)
}

/// The version that `current` names.
///
/// # Errors
/// [`WorldFault::NothingInService`].
pub fn in_service(root: &Path) -> Result<String, WorldFault> {
    let link = fs::read_link(root.join("current")).map_err(|_| WorldFault::NothingInService)?;
    let named = link.strip_prefix("releases").ok().and_then(Path::to_str).filter(|name| !name.is_empty());
    named.map(str::to_owned).ok_or(WorldFault::NothingInService)
}

/// How the release that is in service behaves.
///
/// # Errors
/// [`WorldFault::NothingInService`], or what is wrong with its `release.json`.
pub fn release_in_service(root: &Path) -> Result<Release, WorldFault> {
    let version = in_service(root)?;
    let path = root.join("releases").join(&version).join("release.json");
    let release: Release = read_json(&path)?;
    if release.version != version {
        let what = format!("it says {:?} and lies in {version}", release.version);
        return Err(WorldFault::Unreadable { path, what });
    }
    Ok(release)
}

/// The data, when its schema is sound.
///
/// # Errors
/// [`WorldFault::Unreadable`] when it is not.
pub fn data(root: &Path) -> Result<Data, WorldFault> {
    read_json(&root.join("data/app.json"))
}

/// The name of the configuration in use, when there is one.
pub fn config_in_use(root: &Path) -> Option<String> {
    fs::read_link(root.join("config/current")).ok()?.to_str().map(str::to_owned)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, WorldFault> {
    let bytes = fs::read(path).map_err(disk(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|fault| WorldFault::Unreadable { path: path.to_owned(), what: fault.to_string() })
}

/// Writes pretty JSON and gives back its bytes.
fn write_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, WorldFault> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|fault| WorldFault::Unreadable { path: path.to_owned(), what: fault.to_string() })?;
    bytes.push(b'\n');
    write(path, &bytes)?;
    Ok(bytes)
}

/// Writes a file in one step: a reader sees the old text or the new one, never half.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), WorldFault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(disk(folder))?;
    let next = beside(path);
    fs::write(&next, bytes).and_then(|()| fs::rename(&next, path)).map_err(disk(path))
}

/// Points a link somewhere else in one step.
fn switch(link: &Path, to: &Path) -> Result<(), WorldFault> {
    let next = beside(link);
    // Left over from a process that died in between; nobody else has this name.
    let _ = fs::remove_file(&next);
    symlink(to, &next).and_then(|()| fs::rename(&next, link)).map_err(disk(link))
}

/// A name beside `path` that no other process and no other call uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", crate::clock::fresh_id()))
}
