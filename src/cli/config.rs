//! The configuration: one TOML file, environment variables over it, secrets from neither (O3).

use super::Failure;
use crate::app::site::{Environment, Site};
use crate::domain::Span;
use crate::domain::decide::is_plain_name;
use crate::store::{Address, Store};
use crate::triggers::probe::ProbeConfig;
use crate::web;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Every setting with its meaning; the file's keys are the fields' names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen. `BACKOUT_LISTEN`.
    pub listen: SocketAddr,
    /// The address people type; links and origin checks use it. `BACKOUT_PUBLIC_URL`; by default the listening one.
    pub public_url: Option<String>,
    /// Allows plain http, on a loopback address only. `BACKOUT_INSECURE_COOKIES=1`.
    pub insecure_cookies: bool,
    /// Where the embedded store and the run folders lie. `BACKOUT_DATA`.
    pub data: PathBuf,
    /// `sqlite:PATH` or `postgres://…`. `BACKOUT_DATABASE`; by default a SQLite file in `data`.
    pub database: Option<String>,
    /// The playbook's file; without one the stored or the default playbook serves. `BACKOUT_PLAYBOOK`.
    pub playbook: Option<PathBuf>,
    /// The organisation's name, on the sign-in page. `BACKOUT_NAME`.
    pub name: String,
    /// What plans say about where they are carried out; servers over the same directories share it. `BACKOUT_LABEL`.
    pub label: String,
    /// Proxies whose word about a visitor's address is taken: `["10.0.0.0/8"]`. `BACKOUT_TRUSTED_PROXIES`, by comma.
    pub trusted_proxies: Vec<String>,
    /// The most live pages that are open at once; by default 12,000, or three of five files that the process may have
    /// open where that is less.
    pub streams: Option<usize>,
    pub environments: BTreeMap<String, EnvironmentConfig>,
    pub probes: Vec<ProbeConfig>,
}

/// An executor profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// Drills can never reach a production environment.
    #[serde(default = "yes")]
    pub production: bool,
    pub components: Vec<String>,
    /// Scripts are found below it and run in it. An absolute path.
    pub directory: PathBuf,
    /// Names of variables that actions may be granted; values come from the server's environment.
    #[serde(default)]
    pub grants: Vec<String>,
    /// Or from files, by name.
    #[serde(default)]
    pub grant_files: BTreeMap<String, PathBuf>,
    /// Addresses that answer with the running version, by component.
    #[serde(default)]
    pub version_urls: BTreeMap<String, String>,
    #[serde(default = "usual_grace", with = "crate::domain::time::as_text")]
    pub grace: Span,
    #[serde(default = "usual_log_limit")]
    pub log_limit: u64,
}

fn yes() -> bool {
    true
}

fn usual_grace() -> Span {
    Span::seconds(10)
}

fn usual_log_limit() -> u64 {
    10 << 20
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            insecure_cookies: false,
            data: PathBuf::from("backout-data"),
            database: None,
            playbook: None,
            name: String::from("Backout"),
            label: String::from("server"),
            trusted_proxies: Vec::new(),
            streams: None,
            environments: BTreeMap::new(),
            probes: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file, then the environment over it.
    ///
    /// # Errors
    /// Names the file with line and column, or the variable, with the fault and the mend.
    pub fn load(file: Option<&Path>) -> Result<Config, Failure> {
        let mut config = match file {
            Some(path) => {
                let file = path.display();
                let text = std::fs::read_to_string(path).map_err(|fault| match fault.kind() {
                    ErrorKind::NotFound => Failure::usage(format!(
                        "the configuration {file} is not there; name another with --config, or serve without one"
                    )),
                    _ => Failure::usage(format!("the configuration {file} cannot be read: {fault}")),
                })?;
                toml::from_str(&text).map_err(|fault| Failure::usage(format!("the configuration {file}:\n{fault}")))?
            }
            None => Config::default(),
        };
        config.take_environment(|name| std::env::var(name).ok())?;
        Ok(config)
    }

    fn take_environment(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
        if let Some(listen) = variable("BACKOUT_LISTEN") {
            self.listen = listen.parse().map_err(|_| {
                Failure::usage(format!("BACKOUT_LISTEN is “{listen}”; write an address and a port: 127.0.0.1:8080"))
            })?;
        }
        if let Some(flag) = variable("BACKOUT_INSECURE_COOKIES") {
            self.insecure_cookies = match flag.as_str() {
                "1" | "true" => true,
                "0" | "false" | "" => false,
                _ => return Err(Failure::usage(format!("BACKOUT_INSECURE_COOKIES is “{flag}”; write 1 or 0"))),
            };
        }
        self.public_url = variable("BACKOUT_PUBLIC_URL").or(self.public_url.take());
        self.database = variable("BACKOUT_DATABASE").or(self.database.take());
        self.playbook = variable("BACKOUT_PLAYBOOK").map(PathBuf::from).or(self.playbook.take());
        if let Some(data) = variable("BACKOUT_DATA") {
            self.data = PathBuf::from(data);
        }
        if let Some(name) = variable("BACKOUT_NAME") {
            self.name = name;
        }
        if let Some(label) = variable("BACKOUT_LABEL") {
            self.label = label;
        }
        if let Some(proxies) = variable("BACKOUT_TRUSTED_PROXIES") {
            self.trusted_proxies =
                proxies.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        }
        Ok(())
    }

    pub fn database(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite:{}", self.data.join("backout.db").display()))
    }

    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// How many live pages may be open.
    pub fn streams(&self) -> usize {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        self.streams.unwrap_or_else(|| web::live::STREAMS.min(files / 5 * 3))
    }

    /// The site as the pages need it.
    ///
    /// # Errors
    /// A public URL or a proxy network that cannot be.
    pub fn web_site(&self) -> Result<web::Site, Failure> {
        let proxies = self
            .trusted_proxies
            .iter()
            .map(|text| text.parse().map_err(|fault| Failure::usage(format!("trusted_proxies: {fault}"))))
            .collect::<Result<Vec<web::Network>, _>>()?;
        let site = web::Site::new(&self.public_url(), self.insecure_cookies, proxies).map_err(Failure::usage)?;
        Ok(site.named(&self.name))
    }

    /// The site as decisions and runs need it.
    ///
    /// # Errors
    /// Every fault at once, one a line.
    pub fn site(&self, host: String) -> Result<Site, Failure> {
        let mut faults = Vec::new();
        let mut environments = BTreeMap::new();
        for (name, config) in &self.environments {
            match config.profile(name) {
                Ok(profile) => {
                    environments.insert(name.clone(), profile);
                }
                Err(mut more) => faults.append(&mut more),
            }
        }
        for probe in &self.probes {
            let known = environments.get(&probe.environment).is_some_and(|it| it.components.contains(&probe.component));
            if !known {
                faults.push(format!(
                    "probes: {}/{} is no configured environment and component",
                    probe.environment, probe.component
                ));
            }
        }
        if !is_plain_name(&self.label) {
            faults.push(format!("label: “{}” is not a plain name; use letters, digits, dot and dash", self.label));
        }
        if !faults.is_empty() {
            return Err(Failure::usage(faults.join("\n")));
        }
        let probed: BTreeSet<_> =
            self.probes.iter().map(|probe| (probe.environment.clone(), probe.component.clone())).collect();
        Ok(Site { environments, probed, host, label: self.label.clone() })
    }

    /// Opens the store for a server, making the data folder where it is missing and migrating what is older.
    ///
    /// # Errors
    /// The folder's or the store's.
    pub async fn store(&self) -> Result<Store, Failure> {
        make_private(&self.data)?;
        Ok(Store::open(&self.database()).await?)
    }

    /// Opens the store for a command that writes while a server, perhaps an older one, may serve it: makes what is missing and
    /// migrates nothing.
    ///
    /// # Errors
    /// The folder's or the store's; the store is of an older schema.
    pub async fn store_beside_server(&self) -> Result<Store, Failure> {
        make_private(&self.data)?;
        Ok(Store::open_beside_server(&self.database()).await?)
    }

    /// Opens the store that is there for whoever only reads: nothing is made and nothing changed.
    ///
    /// # Errors
    /// Besides the store's: there is no file, with the places where another one is named.
    pub async fn store_to_look(&self) -> Result<Store, Failure> {
        let address = self.database();
        if let Address::Sqlite(path) = Address::parse(&address)?
            && !path.exists()
        {
            return Err(Failure::usage(format!(
                "there is no database at {}: name another one by --config, `database` or BACKOUT_DATABASE, or `data` or BACKOUT_DATA",
                path.display()
            )));
        }
        Ok(Store::open_to_look(&address).await?)
    }
}

impl EnvironmentConfig {
    fn profile(&self, name: &str) -> Result<Environment, Vec<String>> {
        let mut faults = Vec::new();
        for part in std::iter::once(name).chain(self.components.iter().map(String::as_str)) {
            if !is_plain_name(part) {
                faults.push(format!(
                    "environments.{name}: “{part}” is not a plain name; use letters, digits, dot and dash"
                ));
            }
        }
        if self.components.is_empty() {
            faults.push(format!("environments.{name}: components is empty; name at least one"));
        }
        let directory = match self.directory.canonicalize() {
            Ok(path) if self.directory.is_absolute() && path.is_dir() => path,
            Ok(_) => {
                faults.push(format!(
                    "environments.{name}: directory “{}” must be an absolute path of a folder",
                    self.directory.display()
                ));
                PathBuf::new()
            }
            Err(fault) => {
                faults.push(format!("environments.{name}: directory “{}”: {fault}", self.directory.display()));
                PathBuf::new()
            }
        };
        let mut grants = BTreeMap::new();
        for variable in &self.grants {
            match std::env::var(variable) {
                Ok(value) => {
                    grants.insert(variable.clone(), value);
                }
                Err(_) => faults
                    .push(format!("environments.{name}: grants names {variable}, which is not in the environment")),
            }
        }
        for (variable, path) in &self.grant_files {
            match std::fs::read_to_string(path) {
                Ok(value) => {
                    grants.insert(variable.clone(), value.trim_end_matches('\n').to_owned());
                }
                Err(fault) => faults.push(format!("environments.{name}: grant_files.{variable}: {fault}")),
            }
        }
        for variable in grants.keys() {
            if let Err(fault) = crate::executor::environment::check_name(variable) {
                faults.push(format!("environments.{name}: {fault}"));
            }
        }
        if let Some(unknown) = self.version_urls.keys().find(|component| !self.components.contains(component)) {
            faults.push(format!("environments.{name}: version_urls names the unknown component “{unknown}”"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Environment {
            production: self.production,
            components: self.components.clone(),
            directory,
            grants,
            version_urls: self.version_urls.clone(),
            grace: self.grace,
            log_limit: self.log_limit,
        })
    }
}

/// A folder that only its owner can enter.
///
/// # Errors
/// The machine's.
pub fn make_private(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|fault| Failure::machine(format!("the folder {}: {fault}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_told_with_its_mend() {
        let told = Config::load(Some(Path::new("/none-such/backout.toml"))).unwrap_err();
        assert!(told.code == 2 && told.text.contains("is not there; name another with --config"), "{}", told.text);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut config: Config = toml::from_str("listen = \"127.0.0.1:1\"\nname = \"A\"").unwrap();
        config.take_environment(|name| (name == "BACKOUT_LISTEN").then(|| "127.0.0.1:2".to_owned())).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.name, "A");
    }

    #[test]
    fn unknown_keys_and_bad_values_are_named() {
        let unknown = toml::from_str::<Config>("lisen = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(unknown.contains("lisen") && unknown.contains("line 1"), "{unknown}");
        let mut config = Config::default();
        let bad = config.take_environment(|name| (name == "BACKOUT_LISTEN").then(|| "nowhere".to_owned())).unwrap_err();
        assert!(bad.text.contains("BACKOUT_LISTEN") && bad.text.contains("127.0.0.1:8080"), "{}", bad.text);
    }

    #[test]
    fn every_fault_of_the_environments_is_told_at_once() {
        let text = "[environments.production]\ncomponents = [\"-x\"]\ndirectory = \"relative\"\ngrants = [\"BACKOUT_SURELY_UNSET\"]";
        let config: Config = toml::from_str(text).unwrap();
        let faults = config.site("host".into()).unwrap_err().text;
        for part in ["-x", "relative", "BACKOUT_SURELY_UNSET"] {
            assert!(faults.contains(part), "{faults}");
        }
    }
}
