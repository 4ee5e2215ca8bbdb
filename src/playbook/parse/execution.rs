//! What carries a rollback out: executors with their arguments, and the actions that plans are made of.

use super::TYPES;
use super::communication::check_template;
use crate::domain::grant;
use crate::domain::procedure::*;
use crate::playbook::reader::{Reader, Words};
use crate::playbook::sheet::Noun;
use std::ops::Range;
use std::path::{Component, Path};

/// What a plan can fill into an argument.
const IN_ARGUMENTS: [&str; 5] = ["environment", "component", "release", "backup", "config"];

/// An executor with what its arguments ask for, to be compared with the targets of the actions that use it.
pub(super) struct ReadExecutor {
    pub(super) definition: ExecutorDefinition,
    variables: Vec<String>,
}

pub(super) fn executors(top: &mut Reader<'_>) -> Vec<ReadExecutor> {
    top.tables("executor", "an executor", |executor| {
        let name = executor.name(Noun::Executor);
        let title = executor.text("title");
        let (kind, variables) = match executor.word("kind", &[("process", true), ("people", false)]) {
            true => process(executor),
            false => people(executor),
        };
        let seed = executor.texts("seed").into_iter().map(|(line, _)| line).collect();
        ReadExecutor { definition: ExecutorDefinition { name, title, kind, seed }, variables }
    })
}

fn process(executor: &mut Reader<'_>) -> (ExecutorKind, Vec<String>) {
    let program = executor.text("program");
    if let Some(at) = executor.place_of("program") {
        refuse_stray_program(executor, &program, &at);
    }
    let arguments = executor.texts("args");
    let variables = arguments.iter().flat_map(|(argument, at)| {
        refuse_two_in_one(executor, argument, at);
        check_template(executor.sheet, argument, at, &IN_ARGUMENTS).into_iter().map(|(name, _)| name)
    });
    let variables = variables.collect();
    let args = arguments.into_iter().map(|(argument, _)| argument).collect();
    let grant = executor.texts("grant");
    for (variable, at) in &grant {
        refuse_ungrantable(executor, variable, at);
    }
    let grant = grant.into_iter().map(|(variable, _)| variable).collect();
    let time_limit = executor.span("time_limit");
    (ExecutorKind::Process { program, args, grant, time_limit }, variables)
}

/// Only names are granted, and none by which somebody else would choose the code that was approved.
fn refuse_ungrantable(executor: &Reader<'_>, variable: &str, at: &Range<usize>) {
    if !grant::is_variable_name(variable) {
        let message = format!("`{variable}` is no name of an environment variable");
        executor.sheet.fault(at, message, "write only its name, such as \"REGION\"; its value is never in a playbook");
    } else if grant::steers_code(variable) {
        let message = format!("`{variable}` may not be granted: it decides which code runs, or is set by Backout");
        executor.sheet.fault(at, message, "leave it out");
    }
}

/// The program lies below the environment's own directory, whatever the plan says.
fn refuse_stray_program(executor: &Reader<'_>, program: &str, at: &Range<usize>) {
    let below = Path::new(program).components().all(|part| matches!(part, Component::Normal(_)));
    let fixed = !program.contains("{{") && !program.contains("{%");
    if !below || program.contains('\\') {
        let message = format!("`{program}` is not below the environment's directory");
        executor.sheet.fault(
            at,
            message,
            "write a relative path without `.` and `..`, such as \"scripts/deploy/rollback.sh\"",
        );
    } else if !fixed {
        let message = format!("the program `{program}` depends on a variable");
        executor.sheet.fault(at, message, "name one program; variables belong into `args`");
    } else if program.contains(char::is_whitespace) {
        let message = format!("the program `{program}` holds a space");
        executor.sheet.fault(at, message, "write arguments into `args`, one text each");
    }
}

/// No shell splits `"--version {{ release }}"` into two.
fn refuse_two_in_one(executor: &Reader<'_>, argument: &str, at: &Range<usize>) {
    let option = argument
        .split_once(' ')
        .filter(|(option, value)| option.starts_with('-') && !option.contains(['=', '{']) && !value.trim().is_empty());
    if let Some((option, value)) = option {
        let message = format!("`{argument}` would be passed as one argument");
        executor.sheet.fault(at, message, format!("write \"{option}\", \"{}\"", value.trim()));
    }
}

fn people(executor: &mut Reader<'_>) -> (ExecutorKind, Vec<String>) {
    let commands = executor.texts("commands");
    let variables = commands.iter().flat_map(|(command, at)| {
        check_template(executor.sheet, command, at, &IN_ARGUMENTS).into_iter().map(|(name, _)| name)
    });
    let variables = variables.collect();
    let commands = commands.into_iter().map(|(command, _)| command).collect();
    (ExecutorKind::People { commands }, variables)
}

const TARGETS: Words<'_, TargetKind> =
    &[("release", TargetKind::Release), ("backup", TargetKind::Backup), ("config", TargetKind::Config)];

pub(super) fn actions(top: &mut Reader<'_>, executors: &[ReadExecutor]) -> Vec<ActionDefinition> {
    top.tables("action", "an action", |action| {
        let definition = self::action(action);
        refuse_unfilled(action, &definition, executors);
        if definition.types.is_empty() && !action.has("types") {
            let at = action.at.clone();
            let message = format!("action `{}` belongs to no type of rollback", definition.name);
            action.sheet.missing(&at, message, "add types = [\"full\"]");
        }
        definition
    })
}

fn action(action: &mut Reader<'_>) -> ActionDefinition {
    ActionDefinition {
        name: action.name(Noun::Action),
        title: action.text("title"),
        executor: action.reference("executor", Noun::Executor),
        types: action.words("types", TYPES),
        target: action.word("target", TARGETS),
        mode: action.word("mode", &[("automatic", ActionMode::Automatic), ("on-command", ActionMode::OnCommand)]),
        group: action.text_if_any("group"),
        needs: action.references("needs", Noun::Item),
        pace: pace(action),
        alternatives: action.references("alternatives", Noun::Executor),
        by_environment: action.references_by_word("by_environment", Noun::Executor),
        return_leg: action.reference_if_any("return_leg", Noun::Action),
        destructive: action.flag("destructive", false),
    }
}

/// `"at-once"` or `{ rolling = 2 }`.
fn pace(action: &mut Reader<'_>) -> Pace {
    let sheet = action.sheet;
    let at_once = |text: &str, at: Range<usize>| {
        if text != "at-once" {
            sheet.fault(&at, format!("`pace` cannot be `{text}`"), "write \"at-once\" or { rolling = 2 }");
        }
        Some(Pace::AtOnce)
    };
    let rolling =
        |pace: &mut Reader<'_>| Some(Pace::Rolling(u32::try_from(pace.number("rolling", 1..=10_000)).unwrap_or(1)));
    action.text_or_table("pace", "the pace", at_once, rolling).unwrap_or(Pace::AtOnce)
}

/// An action knows its environment and its own target; an executor that asks for more would fail when it is needed.
fn refuse_unfilled(action: &Reader<'_>, definition: &ActionDefinition, executors: &[ReadExecutor]) {
    let own = definition.target.key();
    let by_environment = definition.by_environment.iter().map(|(_, name)| (name, "by_environment"));
    let alternatives = definition.alternatives.iter().map(|name| (name, "alternatives"));
    for (name, key) in [(&definition.executor, "executor")].into_iter().chain(alternatives).chain(by_environment) {
        let Some(executor) = executors.iter().find(|executor| executor.definition.name == *name) else { continue };
        let strange =
            executor.variables.iter().find(|variable| TargetKind::from_key(variable).is_some() && *variable != own);
        if let Some(variable) = strange {
            let message = format!("executor `{name}` uses `{variable}`, but this action's target is a {own}");
            let mend = format!("let the target be \"{variable}\", or use `{own}` in the executor's arguments");
            action.sheet.fault_about(action.place_or_table(key).start, name, message, mend);
        }
    }
}
