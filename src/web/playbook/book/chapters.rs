//! Each chapter's entries, out of the procedure.

use super::phrases::{measured, next_contact, noticed, percent, span, window};
use super::{Chapter, Entry, Line};
use crate::domain::procedure::{
    ActionDefinition, ActionMode, Authority, Checklist, Detection, Evidence, ExecutorDefinition, ExecutorKind, Pace,
    Phase, Procedure, Rule, Sending, SlotKind, StartMode, TargetKind, When,
};
use crate::web::incident::{names, sentence};

/// All that have something to say, in the page's order.
pub(super) fn of(procedure: &Procedure) -> Vec<Chapter> {
    let it = Reader(procedure);
    let chapters = vec![
        ("overview", "Overview", it.overview()),
        ("triggers", "Triggers", it.triggers()),
        ("rules", "Decision rules", it.rules()),
        ("authority", "Who must agree", it.authorities()),
        ("roles", "Roles and teams", it.roles()),
        ("types", "Types of rollback", it.types()),
        ("checklists", "Before the rollback", it.checklists(true)),
        ("steps", "Steps of the rollback", it.checklists(false)),
        ("verification", "Verification", it.verification()),
        ("communication", "Communication", it.communication()),
        ("texts", "Texts", it.texts()),
        ("assessments", "Assessments", it.assessments()),
        ("testing", "Testing", it.testing()),
        ("documents", "Documents and retention", it.documents()),
        ("execution", "Actions and executors", it.execution()),
        ("practices", "Good practice", it.practices()),
        ("contacts", "Contacts and links", it.contacts()),
    ];
    let written = chapters.into_iter().filter(|(_, _, entries)| !entries.is_empty());
    written.map(|(id, title, entries)| Chapter { id, title, entries }).collect()
}

struct Reader<'a>(&'a Procedure);

impl Reader<'_> {
    fn overview(&self) -> Vec<Entry> {
        let procedure = self.0;
        let said = procedure.sections.iter().filter_map(|section| section.text.clone());
        vec![
            Entry::new("itself", "The procedure")
                .line("Title", &procedure.title)
                .line("Version", &procedure.version)
                .line("Date", &procedure.date)
                .line("Status", &procedure.status)
                .list("", said.map(bullet)),
            Entry::new("times", "What holds for every rollback")
                .line(
                    "Progress updates",
                    format!(
                        "every {}, from the opening at {} or worse, otherwise from the start of the first run",
                        span(procedure.updates.every),
                        procedure.updates.from
                    ),
                )
                .line(
                    "Draft of an update",
                    format!("stands ready {} before its time", span(procedure.updates.draft_before)),
                )
                .line(
                    "What makes it go out",
                    match procedure.updates.sent {
                        Sending::ByItself => "its time: it goes out by itself".to_owned(),
                        Sending::ByPerson => format!(
                            "a person's word; left unsent it is a recorded miss, and {} is asked after {}",
                            next_contact(&procedure.updates.next_contact),
                            span(procedure.updates.next_contact_after)
                        ),
                    },
                )
                .line(
                    "Slower updates",
                    format!(
                        "may be promised by the incident commander after {}, at most every {}",
                        span(procedure.updates.slow_after),
                        span(procedure.updates.slowest)
                    ),
                )
                .line("Approvals", format!("expire {} after they were given", span(procedure.approvals.expire_after)))
                .line(
                    "Previous stable release",
                    format!("ran at least {} without an incident", span(procedure.previous_stable.ran_at_least)),
                ),
        ]
    }

    fn triggers(&self) -> Vec<Entry> {
        let categories = self.0.categories.iter();
        categories
            .map(|category| {
                let triggers = self.0.triggers.iter().filter(|trigger| trigger.category == category.name);
                let advice = format!("{}, {}", category.decision, category.severity);
                let raised = if category.automatic { "by a detector, or by hand" } else { "by hand" };
                let own = if category.always_own_incident { "always opens an incident of its own" } else { "" };
                Entry::new(&category.name, &category.title)
                    .with_note(sentence(&advice))
                    .line("Raised", raised)
                    .line("Marked", category.marks.clone().unwrap_or_default())
                    .line("Joining", own)
                    .list("Triggers", triggers.map(|one| trigger(&one.text, &one.detection)))
            })
            .collect()
    }

    fn rules(&self) -> Vec<Entry> {
        let rules = self.0.rules.iter().enumerate();
        rules.map(|(place, rule)| self.rule(place, rule)).collect()
    }

    fn rule(&self, place: usize, rule: &Rule) -> Entry {
        let severity = rule.severity.map_or_else(String::new, |severity| format!(", {severity}"));
        Entry::new(&rule.name, &rule.text)
            .with_note(format!("rule {}", place + 1))
            .list("When", self.when(&rule.when).into_iter().map(bullet))
            .line("Then", format!("{}{severity}", sentence(&rule.decision.to_string())))
    }

    fn authorities(&self) -> Vec<Entry> {
        self.0.authorities.iter().map(|authority| self.authority(authority)).collect()
    }

    fn authority(&self, authority: &Authority) -> Entry {
        let slots = authority.slots.iter().map(|slot| {
            let kind = match slot.kind {
                SlotKind::Approve => "approves",
                SlotKind::Review => "judges and signs",
                SlotKind::InformBefore => "is told before",
                SlotKind::InformAfter => "is told afterwards",
            };
            let instead = slot.substitute.as_ref().map(|role| format!("if nobody can be had, {}", self.who(role)));
            noted(format!("{} {kind}", self.who(&slot.role)), instead)
        });
        Entry::new(&authority.name, &authority.text)
            .list("When", self.when(&authority.when).into_iter().map(bullet))
            .list("Who", slots)
            .line(
                "Ratified afterwards by",
                authority.ratified_by.as_ref().map_or_else(String::new, |role| self.who(role)),
            )
            .line("Reason", if authority.needs_reason { "must be written" } else { "" })
            .line(
                "Starts",
                match authority.start {
                    StartMode::AtAuthorisation => "with the last approval",
                    StartMode::OnCommand => "when somebody gives the word",
                },
            )
    }

    /// A role's or a team's own title.
    fn who(&self, name: &str) -> String {
        let team = || self.0.responders.iter().find(|team| team.name == name).map(|team| team.title.clone());
        self.0.role(name).map(|role| role.title.clone()).or_else(team).unwrap_or_else(|| name.to_owned())
    }

    fn when(&self, when: &When) -> Vec<String> {
        let mut asked = Vec::new();
        let titles = |list: &[String], title: &dyn Fn(&str) -> String| {
            names(list.iter().map(|name| format!("“{}”", title(name))).collect(), "or")
        };
        if !when.category.is_empty() {
            let title = |name: &str| self.0.category(name).map_or_else(|| name.to_owned(), |it| it.title.clone());
            asked.push(format!("the cause is {}", titles(&when.category, &title)));
        }
        if !when.trigger.is_empty() {
            let title = |name: &str| self.0.trigger(name).map_or_else(|| name.to_owned(), |it| it.text.clone());
            asked.push(format!("the trigger is {}", titles(&when.trigger, &title)));
        }
        let words = |list: Vec<String>| names(list, "or");
        if !when.severity.is_empty() {
            asked.push(format!("the severity is {}", words(when.severity.iter().map(ToString::to_string).collect())));
        }
        if !when.decision.is_empty() {
            asked.push(format!("the advice is {}", words(when.decision.iter().map(ToString::to_string).collect())));
        }
        match when.outage {
            Some(true) => asked.push("the outage is complete".to_owned()),
            Some(false) => asked.push("the outage is not complete".to_owned()),
            None => {}
        }
        if let Some(share) = when.users_affected_ppm {
            asked.push(format!("at least {} of the users are affected", percent(share)));
        }
        if let Some(age) = when.release_younger_than {
            asked.push(format!("the running release is younger than {}", span(age)));
        }
        if !when.weekday.is_empty() {
            const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
            let days = when.weekday.iter().filter_map(|day| DAYS.get(usize::from(*day).wrapping_sub(1)));
            asked.push(format!("it is {}", words(days.map(ToString::to_string).collect())));
        }
        if let Some((from, to)) = when.hours {
            asked.push(format!("it is between {from:02}:00 and {to:02}:00 UTC"));
        }
        if asked.is_empty() {
            asked.push("always".to_owned());
        }
        asked
    }

    fn roles(&self) -> Vec<Entry> {
        let roles = self.0.roles.iter().map(|role| {
            Entry::new(&format!("role/{}", role.name), &role.title)
                .line("Duty in Backout", role.duty.to_string())
                .list("May and must", role.authority.iter().map(|line| bullet(&line.text)))
        });
        let teams = self.0.responders.iter().map(|team| {
            Entry::new(&format!("team/{}", team.name), &team.title)
                .line("Duty in Backout", "ticks its items, and approves nothing")
        });
        roles.chain(teams).collect()
    }

    fn types(&self) -> Vec<Entry> {
        self.0
            .types
            .iter()
            .map(|kind| {
                let used = kind.when_used.iter().map(|used| {
                    let categories =
                        used.categories.iter().filter_map(|name| self.0.category(name)).map(|it| &it.title);
                    let triggers = used.triggers.iter().filter_map(|name| self.0.trigger(name)).map(|it| &it.text);
                    let proposed = names(categories.chain(triggers).cloned().collect(), "or");
                    let proposed = if proposed.is_empty() { proposed } else { format!("proposed for: {proposed}") };
                    noted(&used.text, [proposed])
                });
                Entry::new(kind.kind.key(), &kind.title)
                    .list("Scope", kind.scope.iter().map(|line| bullet(&line.text)))
                    .list("When used", used)
            })
            .collect()
    }

    fn checklists(&self, before: bool) -> Vec<Entry> {
        let lists = self.0.checklists.iter().filter(|list| (list.phase == Phase::Before) == before);
        lists.map(|list| self.checklist(list)).collect()
    }

    fn checklist(&self, list: &Checklist) -> Entry {
        let step = match list.phase {
            Phase::Before => String::new(),
            Phase::Step(number) => format!("step {number}"),
        };
        let window = list.window.map(window).unwrap_or_default();
        let note = [step, window].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let entry = Entry::new(&list.name, &list.title).with_note(note);
        list.groups.iter().fold(entry, |entry, group| {
            let condition = group.condition.as_ref().map_or_else(String::new, |condition| format!(" ({condition})"));
            let label = format!("{}{condition}", group.title.as_deref().unwrap_or("Items"));
            entry.list(
                &label,
                group.items.iter().map(|item| {
                    let only = names(item.types.iter().map(|kind| kind.key().to_owned()).collect(), "or");
                    noted(
                        &item.text,
                        [
                            item.owner.as_ref().map_or_else(String::new, |owner| self.who(owner)),
                            item.condition.clone().unwrap_or_default(),
                            if item.required || item.condition.is_some() {
                                String::new()
                            } else {
                                "not required".to_owned()
                            },
                            if only.is_empty() { only } else { format!("only for {only}") },
                            item.evidence.as_ref().map_or_else(String::new, |evidence| self.evidence(evidence)),
                        ],
                    )
                }),
            )
        })
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let what = match evidence {
            Evidence::Trigger => "the trigger’s evidence is frozen".to_owned(),
            Evidence::PreviousStable => "the register knows a previous stable release".to_owned(),
            Evidence::TargetRegistered => "the target stands in the register".to_owned(),
            Evidence::BackupVerified => "the plan’s backup was verified, or the newest where it has none".to_owned(),
            Evidence::ScriptsPresent => "the scripts were found".to_owned(),
            Evidence::PlanSubmitted => "a plan is submitted".to_owned(),
            Evidence::Authorised => "everyone who must agree has agreed".to_owned(),
            Evidence::TeamPresent => "the incident commander has taken the place".to_owned(),
            Evidence::Frozen => "deployments are frozen".to_owned(),
            Evidence::Run(action) => {
                let title = self.0.action(action).map_or(action.as_str(), |action| action.title.as_str());
                format!("“{title}” ended well")
            }
            Evidence::UpdateSent => "a progress update went out".to_owned(),
            Evidence::Metric(condition) => condition.in_words(),
        };
        format!("ticked by itself when {what}")
    }

    fn verification(&self) -> Vec<Entry> {
        let verification = &self.0.verification;
        let criteria = verification.criteria.iter().map(|criterion| {
            noted(
                &criterion.text,
                [
                    criterion.condition.as_ref().map_or_else(String::new, measured),
                    if criterion.proves_version {
                        "the running version is read back".to_owned()
                    } else {
                        String::new()
                    },
                    if criterion.always_applies { "always applies".to_owned() } else { String::new() },
                ],
            )
        });
        let indicators = verification.indicators.iter().map(|indicator| {
            let compared = indicator.compares.as_ref().map(|series| {
                format!("{} is compared with its value at the start", crate::domain::words::series_words(series))
            });
            noted(&indicator.text, compared)
        });
        let mut entries = Vec::new();
        if !verification.criteria.is_empty() {
            entries.push(Entry::new("criteria", "Success criteria").list("", criteria));
        }
        if !verification.indicators.is_empty() {
            entries.push(Entry::new("indicators", "Failure indicators").list("", indicators));
        }
        if !verification.escalation.text.is_empty() {
            entries.push(Entry::new("escalation", "If it fails").list("", [bullet(&verification.escalation.text)]));
        }
        entries
    }

    fn communication(&self) -> Vec<Entry> {
        self.0
            .communication
            .iter()
            .map(|phase| {
                let side = if phase.internal { "internal" } else { "external" };
                let window = phase.window.map(window).unwrap_or_default();
                let messages = phase.messages.iter().map(|message| {
                    let with = message.message.as_ref().map(|name| format!("text “{name}”"));
                    let to = format!("to {}", message.audience.replace('_', " "));
                    noted(&message.text, [to, message.condition.clone().unwrap_or_default(), with.unwrap_or_default()])
                });
                let note = if window.is_empty() { side.to_owned() } else { format!("{side}, {window}") };
                Entry::new(&phase.name, &phase.title).with_note(note).list("Messages", messages)
            })
            .collect()
    }

    fn texts(&self) -> Vec<Entry> {
        let messages = self.0.messages.iter();
        messages
            .map(|message| {
                Entry::new(&message.name, &sentence(&message.name.replace(['-', '_'], " ")))
                    .text("Text", &message.template)
            })
            .collect()
    }

    fn assessments(&self) -> Vec<Entry> {
        let forms = self.0.assessments.iter();
        forms
            .map(|form| {
                Entry::new(&form.name, &form.title)
                    .line("Written by", self.who(&form.role))
                    .list("Sections", form.sections.iter().map(|section| bullet(&section.title)))
            })
            .collect()
    }

    fn testing(&self) -> Vec<Entry> {
        let drills = self.0.drills.iter().map(|drill| {
            Entry::new(&format!("drill/{}", drill.name), &drill.title)
                .with_note(format!("every {}", span(drill.every)))
                .list("Parts", drill.parts.iter().map(|part| bullet(&part.text)))
        });
        let scenarios = self.0.scenarios.iter().map(|scenario| {
            Entry::new(&format!("scenario/{}", scenario.name), &scenario.title)
                .list("Steps", scenario.steps.iter().map(|step| bullet(&step.text)))
        });
        drills.chain(scenarios).collect()
    }

    fn documents(&self) -> Vec<Entry> {
        let documents = self.0.documents.iter();
        documents
            .map(|document| {
                let floor =
                    document.legal_floor.map_or_else(String::new, |floor| format!("by law at least {}", span(floor)));
                let sections = document.sections.iter().map(|section| {
                    noted(
                        &section.title,
                        [if section.typed { "written by a person".to_owned() } else { "writes itself".to_owned() }],
                    )
                });
                Entry::new(&document.name, &document.title)
                    .line("Kept", document.keep.map_or_else(|| "without an end".to_owned(), span))
                    .line("Never shorter", floor)
                    .list("Sections", sections)
            })
            .collect()
    }

    fn execution(&self) -> Vec<Entry> {
        let actions = self.0.actions.iter().map(|action| self.action(action));
        let executors = self.0.executors.iter().map(executor);
        actions.chain(executors).collect()
    }

    fn action(&self, action: &ActionDefinition) -> Entry {
        let executor = |name: &String| self.0.executor(name).map_or_else(|| name.clone(), |it| it.title.clone());
        let needs =
            action.needs.iter().map(|name| self.0.item(name).map_or(name.as_str(), |(_, _, item)| item.text.as_str()));
        let elsewhere = action.by_environment.iter().map(|(place, name)| format!("in {place}: {}", executor(name)));
        Entry::new(&format!("action/{}", action.name), &action.title)
            .with_note("action")
            .line("Executor", executor(&action.executor))
            .line("Types", names(action.types.iter().map(|kind| kind.key().to_owned()).collect(), "and"))
            .line(
                "Target",
                match action.target {
                    TargetKind::Release => "a release",
                    TargetKind::Backup => "a backup",
                    TargetKind::Config => "a configuration",
                },
            )
            .line(
                "Starts",
                match action.mode {
                    ActionMode::Automatic => "by itself, in its turn",
                    ActionMode::OnCommand => "on the technical lead’s word",
                },
            )
            .line(
                "Side by side with",
                action.group.as_ref().map_or_else(String::new, |group| format!("the group {group}")),
            )
            .line(
                "Pace",
                match action.pace {
                    Pace::AtOnce => "at once".to_owned(),
                    Pace::Rolling(step) => format!("rolling, {step} at a time"),
                },
            )
            .line("Needs ticked", needs.collect::<Vec<_>>().join("; "))
            .line("Instead", names(action.alternatives.iter().map(executor).collect(), "or"))
            .list("Otherwise", elsewhere.map(bullet))
            .line(
                "Way back",
                action.return_leg.as_ref().map_or_else(String::new, |name| {
                    self.0.action(name).map_or_else(|| name.clone(), |it| it.title.clone())
                }),
            )
            .line("Destroys", if action.destructive { "what was written since the target" } else { "" })
    }

    fn practices(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for practice in &self.0.practices {
            let key = format!("practice/{}", practice.phase);
            if !entries.iter().any(|entry| entry.key == key) {
                let of_phase = self.0.practices.iter().filter(|other| other.phase == practice.phase);
                let title = sentence(&practice.phase.replace(['_', '-'], " "));
                entries.push(Entry::new(&key, &title).list("", of_phase.map(|other| bullet(&other.text))));
            }
        }
        if !self.0.after_tasks.is_empty() {
            let tasks = self
                .0
                .after_tasks
                .iter()
                .map(|task| noted(&task.text, [self.who(&task.owner), format!("within {}", span(task.within))]));
            entries.push(Entry::new("after", "Owed afterwards").list("", tasks));
        }
        entries
    }

    fn contacts(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for contact in &self.0.contacts {
            let key = format!("contacts/{}", contact.group);
            if !entries.iter().any(|entry| entry.key == key) {
                let of_group = self.0.contacts.iter().filter(|other| other.group == contact.group);
                let title = sentence(&contact.group.replace(['_', '-'], " "));
                let reach =
                    |reach: &str| if reach.is_empty() { "not filled in yet".to_owned() } else { reach.to_owned() };
                entries.push(
                    Entry::new(&key, &title).list("", of_group.map(|other| noted(&other.title, [reach(&other.reach)]))),
                );
            }
        }
        if !self.0.links.is_empty() {
            let links = self.0.links.iter().map(|link| {
                let about = link.component.as_ref().map(|part| format!("for {part}")).unwrap_or_default();
                noted(&link.title, [link.kind.to_string(), link.target.clone(), about])
            });
            entries.push(Entry::new("links", "Links").list("", links));
        }
        entries
    }
}

fn executor(executor: &ExecutorDefinition) -> Entry {
    let entry = Entry::new(&format!("executor/{}", executor.name), &executor.title).with_note("executor");
    match &executor.kind {
        ExecutorKind::Process { program, args, grant, time_limit } => entry
            .line("Program", program)
            .list("Arguments", args.iter().map(typed))
            .line("Granted variables", grant.join(", "))
            .line("Time limit", span(*time_limit)),
        ExecutorKind::People { commands } => {
            entry.line("Carried out", "by people").list("Commands to copy", commands.iter().map(typed))
        }
    }
}

fn bullet(text: impl Into<String>) -> Line {
    Line { text: text.into(), note: String::new(), code: String::new() }
}

fn noted(text: impl Into<String>, notes: impl IntoIterator<Item = String>) -> Line {
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    Line { text: text.into(), note: notes.join("; "), code: String::new() }
}

/// What a machine reads, exactly.
fn typed(code: impl Into<String>) -> Line {
    Line { text: String::new(), note: String::new(), code: code.into() }
}

/// A trigger: its words, how it is noticed, and the query where one measures it.
fn trigger(text: &str, detection: &Detection) -> Line {
    let code = match detection {
        Detection::Metric { query: Some(query), .. } => query.clone(),
        _ => String::new(),
    };
    Line { code, ..noted(text, noticed(detection)) }
}
