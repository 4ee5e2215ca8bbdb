//! The scripts on disk and the playbook's templates, as the pure core asks for them.
//!
//! A script is read without following a link in its last part, below the environment's directory, and only if it is a
//! regular file of a sensible size.

use super::site::Site;
use crate::domain::Span;
use crate::domain::decide::is_plain_name;
use crate::domain::facts::Catalogue;
use crate::domain::plan::{Draft, PlannedAction, ScriptFile, Target, hex};
use crate::domain::procedure::{ActionDefinition, ExecutorKind, Procedure};
use crate::playbook;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

/// The largest script that is accepted, in bytes.
const LARGEST_SCRIPT: u64 = 1 << 20;

/// What every script is given by Backout itself: a playbook may name it, and nobody needs to configure it.
pub const ALWAYS_GIVEN: [&str; 2] = ["PATH", "LC_ALL"];

/// The catalogue over the site's directories.
pub struct Scripts<'a>(pub &'a Site);

/// Reads a script's bytes.
///
/// # Errors
/// A plain sentence that names the path and the fault.
pub fn read_script(directory: &Path, path: &str) -> Result<Vec<u8>, String> {
    let relative = Path::new(path);
    if path.is_empty() || relative.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(format!("the script path {path} leads out of the environment's directory"));
    }
    let whole = directory.join(relative);
    let root = directory.canonicalize().map_err(|fault| format!("{}: {fault}", directory.display()))?;
    let parent = whole.parent().unwrap_or(&whole);
    let real = parent.canonicalize().map_err(|fault| format!("the script {path} is not there: {fault}"))?;
    if !real.starts_with(&root) {
        return Err(format!("the script {path} lies outside the environment's directory"));
    }
    let name = whole.file_name().ok_or_else(|| format!("the script path {path} names no file"))?;
    let flags = rustix::fs::OFlags::RDONLY
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::CLOEXEC;
    let handle = rustix::fs::open(real.join(name), flags, rustix::fs::Mode::empty())
        .map_err(|fault| format!("the script {path} cannot be opened: {fault}"))?;
    let file = File::from(handle);
    let about = file.metadata().map_err(|fault| format!("the script {path}: {fault}"))?;
    if !about.is_file() {
        return Err(format!("the script {path} is not a regular file"));
    }
    if about.len() > LARGEST_SCRIPT {
        return Err(format!("the script {path} has {} bytes and may have {LARGEST_SCRIPT}", about.len()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_SCRIPT + 1).read_to_end(&mut bytes).map_err(|fault| format!("the script {path}: {fault}"))?;
    Ok(bytes)
}

impl Catalogue for Scripts<'_> {
    fn prepare(&self, procedure: &Procedure, draft: &Draft) -> Result<Vec<PlannedAction>, Vec<String>> {
        let mut actions = Vec::new();
        let mut faults = Vec::new();
        for definition in procedure.actions.iter().filter(|action| action.types.contains(&draft.kind)) {
            let targets: Vec<&Target> =
                draft.targets.iter().filter(|target| target.kind == definition.target).collect();
            for target in &targets {
                match self.planned(procedure, draft, definition, target, targets.len() > 1) {
                    Ok(action) => actions.push(action),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        if faults.is_empty() { Ok(actions) } else { Err(faults) }
    }

    fn script(&self, environment: &str, path: &str) -> Option<String> {
        let directory = &self.0.environments.get(environment)?.directory;
        read_script(directory, path).ok().map(|bytes| hex(&Sha256::digest(bytes)))
    }

    fn grace(&self, environment: &str) -> Span {
        self.0.environments.get(environment).map_or(Span::ZERO, |profile| profile.grace)
    }

    fn render(&self, template: &str, values: &BTreeMap<&str, String>) -> Result<String, String> {
        playbook::render(template, values).map_err(|fault| fault.to_string())
    }
}

impl Scripts<'_> {
    fn planned(
        &self,
        procedure: &Procedure,
        draft: &Draft,
        definition: &ActionDefinition,
        target: &Target,
        several: bool,
    ) -> Result<PlannedAction, String> {
        let environment = self
            .0
            .environments
            .get(&draft.environment)
            .ok_or_else(|| format!("the environment {} is not configured", draft.environment))?;
        let named = definition
            .by_environment
            .iter()
            .find(|(name, _)| *name == draft.environment)
            .map_or(&definition.executor, |(_, executor)| executor);
        let executor = procedure.executor(named).ok_or_else(|| format!("the executor {named} is unknown"))?;
        let values = BTreeMap::from([
            ("release", target.name.clone()),
            ("backup", target.name.clone()),
            ("config", target.name.clone()),
            ("environment", draft.environment.clone()),
            ("component", target.component.clone()),
        ]);
        if let Some(odd) = values.values().find(|value| !is_plain_name(value)) {
            return Err(format!("“{odd}” may not become an argument"));
        }
        let render = |template: &String| self.render(template, &values);
        let name = if several { format!("{}/{}", definition.name, target.component) } else { definition.name.clone() };
        let mut action = PlannedAction {
            name,
            title: definition.title.clone(),
            executor: named.clone(),
            place: self.0.label.clone(),
            directory: environment.directory.display().to_string(),
            argv: Vec::new(),
            scripts: Vec::new(),
            grants: Vec::new(),
            time_limit: Span::ZERO,
            mode: definition.mode,
            group: definition.group.clone(),
            pace: definition.pace,
            needs: definition.needs.clone(),
            by_hand: Vec::new(),
        };
        match &executor.kind {
            ExecutorKind::Process { program, args, grant, time_limit } => {
                let grants: Vec<String> =
                    grant.iter().filter(|name| !ALWAYS_GIVEN.contains(&name.as_str())).cloned().collect();
                if let Some(missing) = grants.iter().find(|name| !environment.grants.contains_key(*name)) {
                    return Err(format!("the variable {missing} is granted by the playbook but not configured"));
                }
                let bytes = read_script(&environment.directory, program)?;
                action.argv.push(program.clone());
                action.argv.extend(args.iter().map(render).collect::<Result<Vec<_>, _>>()?);
                action.scripts.push(ScriptFile { path: program.clone(), sha256: hex(&Sha256::digest(&bytes)) });
                action.grants = grants;
                action.time_limit = *time_limit;
            }
            ExecutorKind::People { commands } => {
                action.by_hand = commands.iter().map(render).collect::<Result<Vec<_>, _>>()?;
            }
        }
        Ok(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn scripts_are_read_only_below_their_directory_and_never_through_a_link() {
        let root = std::env::temp_dir().join(format!("backout-scripts-{}", std::process::id()));
        let inside = root.join("inside/scripts");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(inside.join("good.sh"), "#!/bin/sh\n").unwrap();
        std::fs::write(root.join("outside.sh"), "#!/bin/sh\n").unwrap();
        symlink(root.join("outside.sh"), inside.join("link.sh")).unwrap();
        symlink(&root, root.join("inside/way-out")).unwrap();
        let directory = root.join("inside");
        assert_eq!(read_script(&directory, "scripts/good.sh").unwrap(), b"#!/bin/sh\n");
        for path in [
            "../outside.sh",
            "/etc/hostname",
            "scripts/link.sh",
            "way-out/outside.sh",
            "scripts",
            "",
            "scripts/none.sh",
        ] {
            assert!(read_script(&directory, path).is_err(), "{path} must be refused");
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
}
