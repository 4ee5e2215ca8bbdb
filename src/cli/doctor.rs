//! `backout doctor`: every problem of an installation with its mend, before `serve` meets it.

use super::config::Config;
use super::{Failure, runtime};
use crate::app::catalogue::{ALWAYS_GIVEN, read_script};
use crate::app::playbooks::Playbooks;
use crate::domain::condition::{Direction, Series};
use crate::domain::procedure::{Detection, ExecutorKind, Procedure, Trigger};
use crate::domain::{Role, Span};
use crate::playbook;
use crate::store::{Store, newest_schema};
use crate::triggers::probe::ProbeConfig;

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
    match config.store().await {
        Ok(store) => {
            findings.extend(stored(&store).await);
            findings.extend(in_use(&store, config).await);
        }
        Err(failure) => findings.push(bad(format!("store: {}", failure.text))),
    }
    findings
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
            findings.push(good(format!("store opens at schema {}: {}", newest_schema(), words.join(", "))));
        }
        Err(fault) => findings.push(bad(format!("store: {fault}"))),
    }
    match store.verify().await {
        Ok(Ok(verified)) => findings.push(good(format!("audit chain holds over {} entries", verified.entries))),
        Ok(Err(fault)) => findings.push(bad(format!("audit chain: {fault}"))),
        Err(fault) => findings.push(bad(format!("audit chain: {fault}"))),
    }
    match store.people().await {
        Ok(people) => {
            let count = |role: Role| {
                people
                    .iter()
                    .filter(|person| {
                        person.active && person.password.is_some() && person.roles.iter().any(|it| it == role.key())
                    })
                    .count()
            };
            for (role, least) in [
                (Role::IncidentCommander, 2),
                (Role::TechnicalLead, 1),
                (Role::Management, 1),
                (Role::Administrator, 1),
            ] {
                let found = count(role);
                findings.push(if found >= least {
                    good(format!("{found} in the role {role}"))
                } else {
                    bad(format!(
                        "{found} in the role {role}, {least} wanted; use `backout user add`, or the people page"
                    ))
                });
            }
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

#[cfg(test)]
mod tests {
    use super::*;

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
