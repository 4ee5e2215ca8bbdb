//! What a rollback will do: the draft that people choose, and the fixed plan that approvals are bound to.
//!
//! A fixed plan is stored, shown, hashed and executed as the same bytes: canonical JSON after RFC 8785, integers only.
//! Its digest is SHA-256 over `"backout-plan-1\0"` and those bytes (D7).

use super::procedure::{ActionMode, Decision, Pace, Procedure, RollbackType, Slot, StartMode, TargetKind};
use super::{Severity, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// What people choose before a plan is submitted (D5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    pub kind: RollbackType,
    pub environment: String,
    /// Empty means the whole environment.
    pub components: Vec<String>,
    pub scope: Vec<String>,
    pub targets: Vec<Target>,
    /// What is *not* covered, in words.
    pub not_covered: Vec<String>,
    /// What happens if this fails, in words (D15).
    pub fallback: String,
    /// Demanded where the rules say that no rollback is required.
    pub reason: String,
    /// `None` takes the authority's own.
    pub start: Option<StartMode>,
}

/// What is rolled back to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub kind: TargetKind,
    pub component: String,
    pub name: String,
    /// As the register has it; empty when it has none.
    pub checksum: String,
    /// What runs now, where the register knows.
    pub from: Option<String>,
    /// Typed by hand although no register knows it; recorded as such.
    pub free_text: bool,
}

/// One action of a fixed plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedAction {
    pub name: String,
    pub title: String,
    pub executor: String,
    /// The host or runner label that carries it out.
    pub place: String,
    /// The environment's directory, where the program runs.
    pub directory: String,
    /// The program's path below the directory, then its arguments.
    pub argv: Vec<String>,
    /// Every script file it declares, with the SHA-256 of its bytes.
    pub scripts: Vec<ScriptFile>,
    /// Names of environment variables that it is granted; never their values.
    pub grants: Vec<String>,
    pub time_limit: Span,
    pub mode: ActionMode,
    pub group: Option<String>,
    pub pace: Pace,
    pub needs: Vec<String>,
    /// Commands for people to copy, where no machine carries it out.
    pub by_hand: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptFile {
    pub path: String,
    pub sha256: String,
}

/// The whole effective plan. Whatever could change what happens is in here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedPlan {
    pub format: u32,
    pub incident: String,
    pub attempt: u32,
    pub escalates: Option<u32>,
    pub kind: RollbackType,
    pub severity: Severity,
    pub decision: Decision,
    pub rule: String,
    pub slots: Vec<Slot>,
    pub playbook: String,
    pub environment: String,
    pub components: Vec<String>,
    pub scope: Vec<String>,
    pub targets: Vec<Target>,
    pub actions: Vec<PlannedAction>,
    pub start: StartMode,
    pub phrase: String,
    pub fallback: String,
    pub not_covered: Vec<String>,
    pub reason: String,
}

impl FixedPlan {
    /// The bytes that are stored, shown, hashed and executed.
    ///
    /// # Errors
    /// An integer beyond 2^53 - 1, which canonical JSON cannot hold: a time limit of centuries.
    pub fn fixed(&self) -> Result<String, PlanFault> {
        let value = serde_json::to_value(self).expect("a plan has only strings, integers, lists and maps");
        canonical_json(&value)
    }

    /// As [`FixedPlan::fixed`], for a plan that was fixed or read before.
    pub fn canonical(&self) -> String {
        self.fixed().expect("a fixed plan has exact integers only")
    }

    /// Reads stored bytes. Anything that is not exactly a plan in canonical form is refused.
    pub fn read(bytes: &str) -> Result<FixedPlan, PlanFault> {
        let value: Value = serde_json::from_str(bytes).map_err(|fault| PlanFault::NotJson(fault.to_string()))?;
        let canonical = canonical_json(&value)?;
        if canonical != bytes {
            return Err(PlanFault::NotCanonical { first_difference: first_difference(&canonical, bytes) });
        }
        let plan: FixedPlan = serde_json::from_value(value).map_err(|fault| PlanFault::NotAPlan(fault.to_string()))?;
        // Fields too many or too few are no plan: what is read is what would be written, byte for byte.
        let written = plan.fixed()?;
        if written != bytes {
            return Err(PlanFault::NotCanonical { first_difference: first_difference(&written, bytes) });
        }
        Ok(plan)
    }

    /// What one of its actions acts on. An action is named as in the playbook, and by its component where the plan has
    /// several targets of the kind. `None` for a name that the playbook does not know.
    pub fn target_of(&self, procedure: &Procedure, action: &str) -> Option<&Target> {
        let (name, component) = action.split_once('/').map_or((action, None), |(name, of)| (name, Some(of)));
        let kind = procedure.action(name)?.target;
        self.targets.iter().find(|target| target.kind == kind && component.is_none_or(|of| target.component == of))
    }

    /// The phrase that who authorises types (D21): the target's name if there is one, else the environment's.
    pub fn phrase_for(draft: &Draft) -> String {
        match draft.targets.as_slice() {
            [only] => only.name.clone(),
            _ => draft.environment.clone(),
        }
    }
}

/// Does a rollback of this kind do anything with targets of that kind?
pub fn acts_on(procedure: &Procedure, kind: RollbackType, target: TargetKind) -> bool {
    procedure.actions.iter().any(|action| action.target == target && action.types.contains(&kind))
}

/// The backup to which a rollback of this kind brings a component's data back. One that is named and that nothing acts on
/// brings back nothing.
pub fn restored<'a>(
    procedure: &Procedure,
    kind: RollbackType,
    targets: &'a [Target],
    component: &str,
) -> Option<&'a Target> {
    targets
        .iter()
        .find(|target| target.kind == TargetKind::Backup && target.component == component)
        .filter(|_| acts_on(procedure, kind, TargetKind::Backup))
}

/// Does what was typed match the phrase? Case and surrounding space do not count.
pub fn phrase_matches(typed: &str, phrase: &str) -> bool {
    typed.trim().to_lowercase() == phrase.trim().to_lowercase()
}

fn first_difference(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()))
}

/// What is wrong with bytes that should be a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanFault {
    NotJson(String),
    NotInteger(String),
    NotCanonical { first_difference: usize },
    NotAPlan(String),
}

impl std::fmt::Display for PlanFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PlanFault::NotJson(fault) => write!(f, "not JSON: {fault}"),
            PlanFault::NotInteger(number) => {
                write!(f, "the number {number} is not an integer; plans have integers only")
            }
            PlanFault::NotCanonical { first_difference } => {
                write!(f, "not in canonical form (RFC 8785): differs first at byte {first_difference}")
            }
            PlanFault::NotAPlan(fault) => write!(f, "not a plan: {fault}"),
        }
    }
}

impl std::error::Error for PlanFault {}

/// SHA-256 over `"backout-plan-1\0"` and the canonical bytes, in hexadecimal.
pub fn digest(bytes: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"backout-plan-1\0");
    hash.update(bytes.as_bytes());
    hex(&hash.finalize())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// RFC 8785 for integers, strings, booleans, null, lists and maps. Floating-point numbers are refused.
pub fn canonical_json(value: &Value) -> Result<String, PlanFault> {
    let mut text = String::new();
    write_canonical(value, &mut text)?;
    Ok(text)
}

fn write_canonical(value: &Value, text: &mut String) -> Result<(), PlanFault> {
    /// RFC 8785 takes ECMAScript numbers: integers are exact only up to 2^53 - 1.
    const LARGEST_EXACT: i64 = 9_007_199_254_740_991;
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(yes) => text.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => match number.as_i64() {
            Some(integer) if integer.abs() <= LARGEST_EXACT => {
                write!(text, "{integer}").expect("writing to a string cannot fail");
            }
            _ => return Err(PlanFault::NotInteger(number.to_string())),
        },
        // serde_json escapes exactly what RFC 8785 wants, in the same form.
        Value::String(string) => text.push_str(&Value::String(string.clone()).to_string()),
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_canonical(item, text)?;
            }
            text.push(']');
        }
        Value::Object(map) => {
            // Keys sort by their UTF-16 code units, not by UTF-8 bytes.
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (position, key) in keys.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write_canonical(&map[key], text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn canonical_form_sorts_keys_by_utf16_and_escapes_as_the_rfc_says() {
        let value = json!({"\u{20ac}": "Euro", "\r": "CR", "1": 1, "\u{1f600}": "face", "\u{fb33}": "dalet", "\u{80}": "\u{1}\"\\/"});
        assert_eq!(
            canonical_json(&value).unwrap(),
            "{\"\\r\":\"CR\",\"1\":1,\"\u{80}\":\"\\u0001\\\"\\\\/\",\"\u{20ac}\":\"Euro\",\"\u{1f600}\":\"face\",\"\u{fb33}\":\"dalet\"}"
        );
    }

    #[test]
    fn numbers_that_are_not_exact_integers_are_refused() {
        for value in [json!(1.5), json!(9_007_199_254_740_992_i64), json!(u64::MAX)] {
            assert!(canonical_json(&value).is_err(), "{value} must be refused");
        }
        assert_eq!(canonical_json(&json!([0, -7, 9_007_199_254_740_991_i64])).unwrap(), "[0,-7,9007199254740991]");
    }

    #[test]
    fn the_digest_is_bound_to_its_own_purpose() {
        let bytes = "{}";
        let plain = hex(&Sha256::digest(bytes.as_bytes()));
        assert_ne!(digest(bytes), plain);
        assert_eq!(digest(bytes).len(), 64);
    }

    #[test]
    fn a_typed_phrase_forgives_case_and_space_only() {
        assert!(phrase_matches("  4.11.3\n", "4.11.3"));
        assert!(phrase_matches("Production", "production"));
        assert!(!phrase_matches("4.11", "4.11.3"));
        assert!(!phrase_matches("", "4.11.3"));
    }
}
