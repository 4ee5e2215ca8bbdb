//! `backout playbook`: a team's own procedure, begun, checked, questioned and taken into use.

use super::config::Config;
use super::decide::Decide;
use super::{Failure, runtime};
use crate::app::playbooks::{LoadError, Playbooks};
use crate::clock::{Clock, SystemClock};
use crate::playbook::{DEFAULT, parse, read_file};
use clap::Subcommand;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Playbook {
    /// Write the default procedure to a file, to be edited.
    Init {
        /// Where to write it.
        #[arg(default_value = "playbook.toml")]
        file: PathBuf,
        /// Overwrite an existing file.
        #[arg(long)]
        force: bool,
    },
    /// Report all faults of a playbook at once, each with line, column and mend.
    Check {
        /// The playbook: a TOML file, as `playbook init` writes one.
        file: PathBuf,
    },
    /// Take a playbook into use for new incidents, also while servers run.
    ///
    /// Every server over the same store takes it from there. Incidents that are open keep the version that they opened
    /// with. A file with a fault changes nothing: the playbook in use stays, and administrators see the faults.
    /// A server that is sent SIGHUP does the same with the file of its configuration.
    ///
    /// Example: backout --config /etc/backout/backout.toml playbook load playbook.toml
    Load {
        /// The playbook: a TOML file without a fault, as `playbook check` says.
        file: PathBuf,
    },
    /// Say what the rules advise for a made-up case, and who must agree.
    ///
    /// Example: backout playbook decide --trigger error-rate --severity P1
    Decide(Decide),
}

impl Playbook {
    /// `config` is where the configuration lies; only loading needs one.
    pub fn run(self, config: Option<&Path>) -> Result<(), Failure> {
        let code = match self {
            Playbook::Init { file, force } => init(&file, force),
            Playbook::Check { file } => check(&file),
            Playbook::Load { file } => return runtime()?.block_on(load(&Config::load(config)?, &file)),
            Playbook::Decide(decide) => {
                let text = match &decide.playbook {
                    Some(path) => {
                        read_file(path).map_err(|fault| Failure::no(format!("{}: {fault}", path.display())))?
                    }
                    None => DEFAULT.to_owned(),
                };
                let procedure = parse(&text).map_err(|faults| {
                    Failure::no(format!("the playbook has {} faults; see `backout playbook check`", faults.len()))
                })?;
                return decide.run(&procedure);
            }
        };
        if code == DONE { Ok(()) } else { Err(Failure::told(code)) }
    }
}

/// Done as asked.
const DONE: u8 = 0;
/// Refused, or faults found.
const FAULTY: u8 = 1;

/// Writes the default playbook to `path`. An existing file stays untouched unless `force`. Returns the exit code.
pub fn init(path: &Path, force: bool) -> u8 {
    let written = if force { fs::write(path, DEFAULT) } else { write_new(path) };
    match written {
        Ok(()) => {
            say(
                &mut io::stdout(),
                &format!("{} holds the default playbook; edit it, then check it with", path.display()),
            );
            say(&mut io::stdout(), &format!("  backout playbook check {}", path.display()));
            DONE
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = path.display();
            say(
                &mut io::stderr(),
                &format!("{file} exists and stays as it is; choose another path, or overwrite it with --force"),
            );
            FAULTY
        }
        Err(error) => {
            say(
                &mut io::stderr(),
                &format!("{} cannot be written: {error}; name a folder that exists", path.display()),
            );
            FAULTY
        }
    }
}

fn write_new(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(DEFAULT.as_bytes())
}

/// Takes the file into use, or says every fault of it.
async fn load(config: &Config, file: &Path) -> Result<(), Failure> {
    let store = config.store_beside_server().await?;
    // Faults are kept with the file's whole name: whoever reads them stands elsewhere.
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let playbooks = Playbooks::default();
    let loaded = playbooks.load_file(&store, &file, "system", SystemClock.now()).await;
    match loaded {
        Ok(hash) => {
            let stored = store.playbook(&hash).await?;
            let what = stored.map_or_else(String::new, |it| format!("{}, version {}, ", it.title, it.version));
            say(&mut io::stdout(), &format!("In use for new incidents: {what}content {}.", &hash[..12]));
            say(&mut io::stdout(), "Incidents that are open keep the version that they opened with.");
            Ok(())
        }
        Err(LoadError::Faults(faults)) => {
            for fault in &faults {
                say(&mut io::stdout(), &fault.in_file(&file).to_string());
            }
            say(&mut io::stdout(), "Nothing was loaded; the playbook in use stays.");
            Err(Failure::told(FAULTY))
        }
        Err(fault @ LoadError::Unreadable(..)) => Err(Failure::no(format!("{fault}; the playbook in use stays"))),
        Err(LoadError::Store(fault)) => Err(Failure::machine(fault)),
    }
}

/// Prints every fault of the playbook at `path`, then their count. Returns the exit code: 0 without a fault.
pub fn check(path: &Path) -> u8 {
    check_into(path, &mut io::stdout(), &mut io::stderr())
}

fn check_into(path: &Path, out: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    let file = path.display();
    let text = match read_file(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            say(errors, &format!("{file} is not written in UTF-8; save it in that encoding"));
            return FAULTY;
        }
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            say(errors, &format!("{file} is not read: {error}; shorten it"));
            return FAULTY;
        }
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            say(errors, &format!("{file} is a folder; name the file in it: {}", path.join("playbook.toml").display()));
            return FAULTY;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            say(errors, &format!("{file} is not there; write one with: backout playbook init {file}"));
            return FAULTY;
        }
        Err(error) => {
            say(errors, &format!("{file} cannot be read: {error}; let this user read it, or name another file"));
            return FAULTY;
        }
    };
    match parse(&text) {
        Ok(procedure) => {
            let (triggers, items) = (procedure.triggers.len(), procedure.items().count());
            let (title, version) = (&procedure.title, &procedure.version);
            say(
                out,
                &format!("{file}: no faults; {title}, version {version}: {triggers} triggers, {items} checklist items"),
            );
            DONE
        }
        Err(faults) => {
            for fault in &faults {
                say(out, &fault.in_file(path).to_string());
            }
            let count = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
            say(out, &format!("{file}: {count}"));
            FAULTY
        }
    }
}

/// A reader that has hung up (`| head`) is no reason to fail.
fn say(to: &mut dyn Write, line: &str) {
    let _ = writeln!(to, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes away with the test.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(format!("backout-playbook-{}", crate::clock::fresh_id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn checked(path: &Path) -> (u8, String, String) {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let code = check_into(path, &mut out, &mut errors);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
    }

    #[test]
    fn what_init_writes_has_no_fault() {
        let folder = Folder::new();
        let path = folder.0.join("ours.toml");
        assert_eq!(init(&path, false), DONE);
        assert_eq!(fs::read_to_string(&path).unwrap(), DEFAULT);
        let (code, out, errors) = checked(&path);
        assert_eq!((code, errors.as_str()), (DONE, ""));
        assert!(out.contains("no faults; Rollback Procedures, version 1.0"), "{out}");
    }

    #[test]
    fn init_keeps_what_is_there_until_it_is_forced() {
        let folder = Folder::new();
        let path = folder.0.join("ours.toml");
        fs::write(&path, "mine").unwrap();
        assert_eq!(init(&path, false), FAULTY);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(init(&path, true), DONE);
        assert_eq!(fs::read_to_string(&path).unwrap(), DEFAULT);
    }

    #[test]
    fn check_prints_every_fault_with_its_place_and_their_count() {
        let folder = Folder::new();
        let path = folder.0.join("ours.toml");
        let text = DEFAULT.replace("executor = \"app-rollback\"", "executor = \"app-rolback\"");
        fs::write(&path, text.replace("every = \"5m\"", "every = \"5 minuts\"")).unwrap();
        let (code, out, _) = checked(&path);
        assert_eq!(code, FAULTY);
        let lines: Vec<&str> = out.lines().collect();
        let file = path.display().to_string();
        assert_eq!(lines.len(), 3, "{out}");
        assert!(
            lines[0].starts_with(&file) && lines[0].ends_with("`5 minuts` is no span of time; write \"5m\""),
            "{out}"
        );
        assert!(lines[1].ends_with("unknown executor `app-rolback`; did you mean `app-rollback`?"), "{out}");
        assert_eq!(lines[2], format!("{file}: 2 faults"));
    }

    /// The reader and the executor each ask `domain::grant`: no playbook loads with a grant that its run would refuse.
    #[test]
    fn what_a_playbook_may_grant_is_what_the_executor_takes() {
        let names = "REGION,HOME,TOKEN_2,_X,PATH,LC_ALL,ENV,IFS,PS4,CDPATH,SHELLOPTS,BASHOPTS,PROMPT_COMMAND,GLOBIGNORE,\
                     POSIXLY_CORRECT,LOCPATH,NLSPATH,HOSTALIASES,RESOLV_HOST_CONF,JAVA_TOOL_OPTIONS,_JAVA_OPTIONS,\
                     JDK_JAVA_OPTIONS,PHPRC,PHP_INI_SCAN_DIR,OPENSSL_CONF,OPENSSL_MODULES,LD_PRELOAD,DYLD_X,GIT_DIR,\
                     PYTHONPATH,PERL5LIB,RUBYOPT,NODE_OPTIONS,BASH_ENV,GLIBC_TUNABLES,GCONV_PATH,MALLOC_X,LUA_PATH,\
                     2X,A-B,ld_preload,Path,";
        for name in names.split(',') {
            let limit = "time_limit = \"10m\"\n";
            let text = DEFAULT.replacen(limit, &format!("grant = [{name:?}]\n{limit}"), 1);
            let taken = crate::executor::environment::check_name(name).is_ok();
            assert_eq!(parse(&text).is_ok(), taken, "{name}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = Folder::new();
        let (code, out, errors) = checked(&folder.0.join("missing.toml"));
        assert_eq!((code, out.as_str()), (FAULTY, ""));
        assert!(errors.contains("missing.toml is not there; write one with"), "{errors}");
        let (code, _, errors) = checked(&folder.0);
        let inside = folder.0.join("playbook.toml").display().to_string();
        assert!(
            code == FAULTY && errors.ends_with(&format!("is a folder; name the file in it: {inside}\n")),
            "{errors}"
        );
        let binary = folder.0.join("binary.toml");
        fs::write(&binary, [0xff, 0xfe]).unwrap();
        assert!(checked(&binary).2.contains("is not written in UTF-8"));
        let huge = folder.0.join("huge.toml");
        fs::write(&huge, "#".repeat((1 << 20) + 1)).unwrap();
        let (code, _, errors) = checked(&huge);
        assert!(code == FAULTY && errors.contains("huge.toml is not read: it is larger than 1 MiB"), "{errors}");
    }
}
