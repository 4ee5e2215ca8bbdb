//! Which line of the written procedure each entry comes from, chapter by chapter in the playbook's order.

use crate::domain::procedure::*;

/// One entry's line of the written procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed<'p> {
    /// The kind of entry, by the field of [`Procedure`] that holds it. Within one chapter the lines keep their order.
    pub chapter: &'static str,
    pub line: &'p str,
}

/// Every line that an entry of the playbook says it comes from.
pub fn seeds(procedure: &Procedure) -> Vec<Seed<'_>> {
    let mut all = Gathered { chapter: "", seeds: Vec::new() };
    all.chapter("sections", |all| procedure.sections.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("updates", |all| all.add(&procedure.updates.seed));
    all.chapter("roles", |all| {
        for role in &procedure.roles {
            all.add(&role.seed);
            all.lines(&role.authority);
        }
    });
    all.chapter("responders", |all| procedure.responders.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("contacts", |all| procedure.contacts.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("categories", |all| procedure.categories.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("triggers", |all| procedure.triggers.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("rules", |all| procedure.rules.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("authorities", |all| procedure.authorities.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("types", |all| {
        for kind in &procedure.types {
            all.add(&kind.seed);
            all.lines(&kind.scope);
            kind.when_used.iter().for_each(|it| all.add(&it.seed));
        }
    });
    all.chapter("checklists", |all| procedure.checklists.iter().for_each(|list| all.checklist(list)));
    all.chapter("verification", |all| {
        procedure.verification.criteria.iter().for_each(|it| all.add(&it.seed));
        procedure.verification.indicators.iter().for_each(|it| all.add(&it.seed));
        all.add(&procedure.verification.escalation.seed);
    });
    all.chapter("communication", |all| {
        for phase in &procedure.communication {
            all.add(&phase.seed);
            phase.messages.iter().for_each(|it| all.add(&it.seed));
        }
    });
    all.chapter("messages", |all| procedure.messages.iter().for_each(|it| all.add(&it.seed)));
    for assessment in &procedure.assessments {
        all.chapter("assessments", |all| assessment.sections.iter().for_each(|it| all.add(&it.seed)));
    }
    all.chapter("drills", |all| {
        for drill in &procedure.drills {
            all.add(&drill.seed);
            all.lines(&drill.parts);
        }
    });
    all.chapter("scenarios", |all| {
        for scenario in &procedure.scenarios {
            all.add(&scenario.seed);
            all.lines(&scenario.steps);
        }
    });
    all.chapter("documents", |all| {
        for document in &procedure.documents {
            all.add(&document.seed);
            document.sections.iter().for_each(|it| all.add(&it.seed));
        }
        procedure.documents.iter().for_each(|it| all.add(&it.keep_seed));
    });
    all.chapter("executors", |all| {
        procedure.executors.iter().flat_map(|it| &it.seed).for_each(|line| all.push(line));
    });
    all.chapter("practices", |all| procedure.practices.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("after_tasks", |all| procedure.after_tasks.iter().for_each(|it| all.add(&it.seed)));
    all.chapter("links", |all| procedure.links.iter().for_each(|it| all.add(&it.seed)));
    all.seeds
}

struct Gathered<'p> {
    chapter: &'static str,
    seeds: Vec<Seed<'p>>,
}

impl<'p> Gathered<'p> {
    fn chapter(&mut self, chapter: &'static str, gather: impl FnOnce(&mut Self)) {
        self.chapter = chapter;
        gather(self);
    }

    fn push(&mut self, line: &'p str) {
        self.seeds.push(Seed { chapter: self.chapter, line });
    }

    fn add(&mut self, seed: &'p Option<String>) {
        if let Some(line) = seed {
            self.push(line);
        }
    }

    fn lines(&mut self, lines: &'p [Line]) {
        lines.iter().for_each(|line| self.add(&line.seed));
    }

    fn checklist(&mut self, list: &'p Checklist) {
        self.add(&list.seed);
        for group in &list.groups {
            self.add(&group.seed);
            group.items.iter().for_each(|item| self.add(&item.seed));
        }
    }
}
