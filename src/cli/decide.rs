//! `backout playbook decide`: which approvals would a made-up case need, and why (D16)?

use super::Failure;
use crate::clock::{Clock, SystemClock};
use crate::domain::Severity;
use crate::domain::procedure::{Procedure, SlotKind};
use crate::domain::rules::{Case, judge};
use clap::Args;

/// A made-up case.
#[derive(Debug, Args)]
pub struct Decide {
    /// The playbook's file; by default the built-in one.
    #[arg(long)]
    pub playbook: Option<std::path::PathBuf>,
    /// A trigger by name; its category counts.
    #[arg(long, conflicts_with = "category")]
    trigger: Option<String>,
    /// A category by name.
    #[arg(long)]
    category: Option<String>,
    /// P0 to P3; by default what the rules say.
    #[arg(long, value_parser = severity)]
    severity: Option<Severity>,
    /// The service is completely out.
    #[arg(long)]
    outage: bool,
    /// Share of users affected, in percent.
    #[arg(long)]
    users_affected: Option<u32>,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::from_key(text).ok_or_else(|| format!("there is no severity {text}; choose P0, P1, P2 or P3"))
}

impl Decide {
    pub fn run(self, procedure: &Procedure) -> Result<(), Failure> {
        let category = match (&self.trigger, &self.category) {
            (Some(name), _) => {
                let trigger = procedure.trigger(name).ok_or_else(|| {
                    let known: Vec<&str> = procedure.triggers.iter().map(|trigger| trigger.name.as_str()).collect();
                    Failure::usage(format!("there is no trigger {name}; known are {}", known.join(", ")))
                })?;
                trigger.category.clone()
            }
            (None, Some(name)) => name.clone(),
            (None, None) => return Err(Failure::usage("say --trigger NAME or --category NAME")),
        };
        if procedure.category(&category).is_none() {
            let known: Vec<&str> = procedure.categories.iter().map(|category| category.name.as_str()).collect();
            return Err(Failure::usage(format!("there is no category {category}; known are {}", known.join(", "))));
        }
        let judgement = judge(
            procedure,
            &Case {
                category,
                triggers: self.trigger.clone().into_iter().collect(),
                severity: self.severity,
                outage: self.outage,
                users_affected_ppm: self.users_affected.map(|percent| i64::from(percent) * 10_000),
                release_age: None,
                now: SystemClock.now(),
            },
        );
        println!("{}: {}", judgement.severity, judgement.advice.decision);
        println!("because: {} (rule {})", judgement.advice.because, judgement.advice.rule);
        println!("{}", judgement.advice.authority);
        for slot in &judgement.advice.slots {
            let how = match slot.kind {
                SlotKind::Approve => "must authorise",
                SlotKind::Review => "must judge and sign",
                SlotKind::InformBefore => "is told before",
                SlotKind::InformAfter => "is told after",
            };
            println!("  {} {how}", slot.role);
        }
        if let Some(role) = &judgement.ratified_by {
            println!("  {role} ratifies afterwards");
        }
        println!("otherwise: {}", judgement.advice.otherwise);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_known_is_a_wrong_word() {
        let procedure = crate::playbook::default_procedure();
        let asked = |trigger: Option<&str>, category: Option<&str>| Decide {
            playbook: None,
            trigger: trigger.map(str::to_owned),
            category: category.map(str::to_owned),
            severity: None,
            outage: false,
            users_affected: None,
        };
        for (trigger, category) in [(Some("perf"), None), (None, Some("perf")), (None, None)] {
            let told = asked(trigger, category).run(&procedure).unwrap_err();
            assert_eq!(told.code, 2, "{trigger:?} {category:?}: {}", told.text);
        }
        assert!(asked(Some("error-rate"), None).run(&procedure).is_ok());
    }
}
