//! `backout doctor`: every problem of an installation with its mend, before `serve` meets it.

use super::config::Config;
use super::{Failure, runtime};
use crate::app::catalogue::{ALWAYS_GIVEN, read_script};
use crate::app::playbooks::Playbooks;
use crate::domain::condition::{Direction, Series};
use crate::domain::procedure::{Detection, ExecutorKind, Procedure, Trigger};
use crate::domain::{Role, Span};
use crate::playbook;
use crate::store::{Address, Person, Store, StoreError, newest_schema};
use crate::triggers::probe::ProbeConfig;
use rustix::fs::Access;
use std::path::Path;

/// One line of the answer.
struct Finding {
    good: bool,
    text: String,
}

fn good(text: impl Into<String>) -> Finding {
    Finding { good: true, text: text.into() }
}

fn bad(text: impl Into<String>) -> Finding {
    Finding { good: false, text: text.into() }
}

pub fn run(config: Config) -> Result<(), Failure> {
    let findings = runtime()?.block_on(look(&config));
    let problems = findings.iter().filter(|finding| !finding.good).count();
    for finding in &findings {
        println!("{}  {}", if finding.good { "ok     " } else { "problem" }, finding.text);
    }
    match problems {
        0 => Ok(()),
        1 => Err(Failure::no("1 problem")),
        count => Err(Failure::no(format!("{count} problems"))),
    }
}

async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match config.web_site() {
        Ok(site) => good(format!("public address {}", site.origin())),
        Err(failure) => bad(failure.text),
    });
    match config.site("doctor".to_owned()) {
        Ok(site) if site.environments.is_empty() => {
            findings
                .push(bad("no environment is configured; add [environments.production] with components and directory"));
        }
        Ok(site) => findings
            .push(good(format!("environments: {}", site.environments.keys().cloned().collect::<Vec<_>>().join(", ")))),
        Err(failure) => findings.extend(failure.text.lines().map(bad)),
    }
    let procedure = match &config.playbook {
        Some(path) => match playbook::read_file(path) {
            Ok(text) => match playbook::parse(&text) {
                Ok(procedure) => {
                    findings.push(good(format!("playbook {} has no faults", path.display())));
                    Some(procedure)
                }
                Err(faults) => {
                    let count = faults.len();
                    findings.push(bad(format!(
                        "playbook {}: {count} faults; see `backout playbook check`",
                        path.display()
                    )));
                    None
                }
            },
            Err(fault) => {
                findings.push(bad(format!("playbook {}: {fault}", path.display())));
                None
            }
        },
        None => Some(playbook::default_procedure()),
    };
    if let Some(procedure) = &procedure {
        findings.extend(scripts(config, procedure));
        findings.extend(never_measured(config, procedure));
    }
    findings.push(data_folder(&config.data));
    findings.extend(store(config).await);
    findings
}

/// Can the server write there, as far as whoever asks is the server's user?
fn data_folder(data: &Path) -> Finding {
    let path = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let Some(there) = path.ancestors().find(|folder| folder.exists()) else {
        return bad(format!("data: {} is below nothing that exists; name another folder", path.display()));
    };
    if !there.is_dir() {
        return bad(format!("data: {} is no folder; name another one as `data`", there.display()));
    }
    match rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => good(format!("data folder {}", path.display())),
        Err(fault) => bad(format!(
            "data: nothing can be written in {}: {fault}; give it to the server's user, or name another folder as `data`",
            there.display()
        )),
    }
}

/// The store, looked at and left as it is: an older server may be serving it, and whoever asks may be somebody else than
/// the server's user, who could not write what was made here.
async fn store(config: &Config) -> Vec<Finding> {
    let address = config.database();
    if let Ok(Address::Sqlite(path)) = Address::parse(&address)
        && !path.exists()
    {
        return vec![bad(format!(
            "there is no database at {} yet: `backout serve` makes it; then add people and releases",
            path.display()
        ))];
    }
    let looked = async {
        let store = Store::open_to_look(&address).await?;
        let database = store.head().await?.schema;
        Ok::<_, StoreError>((store, database, newest_schema()))
    };
    match looked.await {
        Ok((store, database, binary)) if database < binary => {
            let older = format!(
                "the store has schema {database}: the server of this program brings it to {binary} when it starts"
            );
            vec![good(older), chain(&store).await]
        }
        Ok((store, database, binary)) if database > binary => {
            vec![bad(StoreError::SchemaTooNew { database, binary }.to_string()), chain(&store).await]
        }
        Ok((store, ..)) => {
            let mut findings = stored(&store).await;
            findings.extend(in_use(&store, config).await);
            findings
        }
        Err(fault) => vec![bad(format!("store: {fault}"))],
    }
}

/// Is the playbook of the file the one that serves new incidents?
async fn in_use(store: &Store, config: &Config) -> Option<Finding> {
    let path = config.playbook.as_ref()?;
    let playbooks = Playbooks::from_file(config.playbook.clone());
    let (hash, _) = playbooks.current_read(&mut store.read().await.ok()?).await.ok()?;
    let path = path.display();
    playbooks
        .trouble(&hash)
        .await
        .map(|_| bad(format!("playbook {path} is not the one in use; take it with: backout playbook load {path}")))
}

/// A probe gives up at its limit: no answer ever took longer, so that a trigger beyond it would never fire.
fn never_measured(config: &Config, procedure: &Procedure) -> Vec<Finding> {
    let slow = |trigger: &Trigger| match &trigger.detection {
        Detection::Metric { condition, .. } if condition.series == Series::ResponseTime => {
            (condition.direction == Direction::Above).then_some((trigger.text.clone(), Span(condition.threshold)))
        }
        _ => None,
    };
    let triggers: Vec<(String, Span)> = procedure.triggers.iter().filter_map(slow).collect();
    let beyond = |probe: &ProbeConfig| {
        let limit = probe.time_limit;
        triggers
            .iter()
            .filter(move |(_, threshold)| *threshold >= limit)
            .map(move |(text, threshold)| {
                bad(format!(
                    "probes: {}/{} gives up after {}, so “{text}” never fires; set a time_limit above {}, and an interval of \
                     at least half of it",
                    probe.environment,
                    probe.component,
                    limit.written(),
                    threshold.written()
                ))
            })
            .collect::<Vec<_>>()
    };
    config.probes.iter().flat_map(beyond).collect()
}

/// Can every script that the playbook names be read in every environment?
fn scripts(config: &Config, procedure: &Procedure) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, environment) in &config.environments {
        for executor in &procedure.executors {
            let ExecutorKind::Process { program, grant, .. } = &executor.kind else { continue };
            findings.push(match read_script(&environment.directory, program) {
                Ok(bytes) if bytes.is_empty() => bad(format!("{name}: {program} is empty")),
                Ok(_) => good(format!("{name}: {program} is there")),
                Err(fault) => bad(format!("{name}: {fault}; put it there, or change the executor {}", executor.name)),
            });
            let configured = |variable: &&String| {
                ALWAYS_GIVEN.contains(&variable.as_str())
                    || environment.grants.contains(variable)
                    || environment.grant_files.contains_key(*variable)
            };
            for missing in grant.iter().filter(|variable| !configured(variable)) {
                findings.push(bad(format!(
                    "{name}: {missing} is granted by the playbook; add it to grants or grant_files"
                )));
            }
        }
    }
    findings
}

async fn stored(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    match store.settings_in_effect().await {
        Ok(settings) => {
            let words: Vec<String> = settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
            findings.push(good(format!("store at schema {}: {}", newest_schema(), words.join(", "))));
        }
        Err(fault) => findings.push(bad(format!("store: {fault}"))),
    }
    findings.push(chain(store).await);
    match store.people().await {
        Ok(people) => {
            let wanted = [
                (Role::IncidentCommander, 2),
                (Role::TechnicalLead, 1),
                (Role::Management, 1),
                (Role::Administrator, 1),
            ];
            findings.extend(wanted.map(|(role, least)| filled(&people, role, least)));
        }
        Err(fault) => findings.push(bad(format!("people: {fault}"))),
    }
    match store.registered_all().await {
        Ok(register) if register.iter().any(|line| line.kind == "release") => {
            findings.push(good(format!("{} entries in the register", register.len())));
        }
        Ok(_) => findings.push(bad("no release is registered, so nothing can be proposed; use `backout release add`")),
        Err(fault) => findings.push(bad(format!("register: {fault}"))),
    }
    findings
}

/// Are there as many people in a role as a rollback asks for? Who has chosen no password yet cannot come when called.
fn filled(people: &[Person], role: Role, least: usize) -> Finding {
    let holders = people.iter().filter(|person| person.active && person.roles.iter().any(|it| it == role.key()));
    let (ready, invited): (Vec<&Person>, Vec<&Person>) = holders.partition(|person| person.password.is_some());
    let (found, invited) = (ready.len(), invited.len());
    if found >= least {
        return good(format!("{found} in the role {role}"));
    }
    let without = match invited {
        0 => {
            return bad(format!(
                "{found} in the role {role}, {least} wanted; use `backout user add`, or the people page"
            ));
        }
        1 => "1 invited, who has chosen no password yet".to_owned(),
        more => format!("{more} invited, none has chosen a password yet"),
    };
    let mend = if found + invited >= least {
        "they open their links; `backout user link LOGIN` prints a new one"
    } else {
        "they open their links, and you add more with `backout user add`"
    };
    bad(format!("{found} in the role {role}, {least} wanted; {without}: {mend}"))
}

async fn chain(store: &Store) -> Finding {
    match store.verify().await {
        Ok(Ok(verified)) => good(format!("audit chain holds over {} entries", verified.entries)),
        Ok(Err(fault)) => bad(format!("audit chain: {fault}")),
        Err(fault) => bad(format!("audit chain: {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::store::pretend_schema;

    fn told(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|it| format!("{} {}", if it.good { "ok" } else { "problem" }, it.text)).collect()
    }

    /// Whoever asks may be root, and an older server may be serving the store.
    #[tokio::test]
    async fn whoever_asks_makes_nothing_and_migrates_nothing() {
        let data = std::env::temp_dir().join(format!("backout-doctor-{}", crate::clock::fresh_id()));
        let config = Config { data: data.clone(), ..Config::default() };
        let before = told(look(&config).await).join("\n");
        assert!(before.contains(&format!("ok data folder {}", data.display())), "{before}");
        assert!(before.contains("yet: `backout serve` makes it"), "{before}");
        assert!(!data.exists(), "nothing was made");

        drop(config.store().await.unwrap());
        let made = told(look(&config).await).join("\n");
        assert!(made.contains(&format!("ok store at schema {}: ", newest_schema())), "{made}");
        assert!(made.contains("problem 0 in the role administrator"), "{made}");

        let file = data.join("backout.db");
        for (schema, words) in [(1, "ok the store has schema 1"), (9999, "problem the database has schema 9999")] {
            pretend_schema(&config.database(), schema).await;
            let other = told(look(&config).await).join("\n");
            assert!(other.contains(words) && other.contains("ok audit chain holds over 0 entries"), "{other}");
            assert!(!other.contains("in the role"), "what another program keeps is not read: {other}");
        }
        let below = data_folder(&file.join("data"));
        assert!(!below.good && below.text.contains("backout.db is no folder"), "{}", below.text);
        std::fs::remove_dir_all(&data).unwrap();
    }

    #[test]
    fn who_is_invited_is_counted_apart_from_who_can_sign_in() {
        let person = |number: usize, password: Option<&str>, active| Person {
            id: format!("p{number}"),
            login: format!("p{number}"),
            name: String::new(),
            password: password.map(str::to_owned),
            roles: vec![Role::IncidentCommander.key().to_owned()],
            active,
            epoch: 0,
            created_at: Timestamp(0),
            password_changed_at: None,
            settings: String::new(),
        };
        let told = |passwords: &[Option<&str>]| {
            let people: Vec<Person> = passwords.iter().enumerate().map(|(n, it)| person(n, *it, true)).collect();
            let finding = filled(&people, Role::IncidentCommander, 2);
            format!("{} {}", finding.good, finding.text)
        };
        let none = "false 0 in the role incident commander, 2 wanted; ";
        assert_eq!(told(&[]), format!("{none}use `backout user add`, or the people page"));
        let invited = "2 invited, none has chosen a password yet: they open their links; `backout user link LOGIN` prints a new one";
        assert_eq!(told(&[None, None]), format!("{none}{invited}"));
        let one = "1 invited, who has chosen no password yet: they open their links, and you add more with `backout user add`";
        assert_eq!(told(&[None]), format!("{none}{one}"));
        assert_eq!(
            told(&[Some("set"), None]).split(": ").next().unwrap(),
            "false 1 in the role incident commander, 2 wanted; 1 invited, who has chosen no password yet"
        );
        assert_eq!(told(&[Some("set"), Some("set"), None]), "true 2 in the role incident commander");
        let left = [person(0, None, false), person(1, Some("set"), false)];
        let gone = filled(&left, Role::IncidentCommander, 1).text;
        assert_eq!(gone, "0 in the role incident commander, 1 wanted; use `backout user add`, or the people page");
    }

    #[test]
    fn a_trigger_beyond_what_its_probe_waits_for_is_told() {
        let told = |limit: i64| {
            let probe = serde_json::json!({
                "environment": "production", "component": "web", "url": "https://app.example/health",
                "time_limit": format!("{limit}s"), "interval": "6s",
            });
            let config = Config { probes: vec![serde_json::from_value(probe).unwrap()], ..Config::default() };
            let findings = never_measured(&config, &playbook::default_procedure());
            findings.into_iter().map(|finding| finding.text).collect::<Vec<_>>()
        };
        assert_eq!(
            told(10),
            [
                "probes: production/web gives up after 10s, so “Response time >10 seconds for >5 minutes” never fires; set a time_limit above \
              10s, and an interval of at least half of it"
            ]
        );
        assert_eq!(told(11), [""; 0]);
    }
}
