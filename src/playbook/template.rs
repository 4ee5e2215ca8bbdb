//! Texts and command arguments with variables: `{{ release }}`.
//!
//! Undefined variables are errors, never empty texts: a rollback to version "" must not start. Nothing is escaped,
//! because the result is an argument or a plain text and no shell or page ever reads it as its own language.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

/// Why a template could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderFault {
    /// Line in the template, from 1, where it is known.
    pub line: Option<usize>,
    pub message: String,
}

impl fmt::Display for RenderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template cannot be filled: {}", self.message)
    }
}

impl std::error::Error for RenderFault {}

impl From<minijinja::Error> for RenderFault {
    fn from(error: minijinja::Error) -> Self {
        let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        RenderFault { line: error.line(), message }
    }
}

/// Fills a template. Every variable that it uses must be among `values`.
pub fn render(template: &str, values: &BTreeMap<&str, String>) -> Result<String, RenderFault> {
    let environment: &Environment<'_> = &STRICT;
    let template = environment.template_from_str(template)?;
    if let Some(missing) = template.undeclared_variables(false).into_iter().find(|name| !values.contains_key(&**name)) {
        return Err(RenderFault { line: None, message: format!("nothing fills `{missing}`") });
    }
    Ok(template.render(values)?)
}

/// The variables that a template uses, or why it is none.
pub(super) fn variables(template: &str) -> Result<BTreeSet<String>, RenderFault> {
    let environment: &Environment<'_> = &STRICT;
    let template = environment.template_from_str(template)?;
    Ok(template.undeclared_variables(false).into_iter().collect())
}

/// One for all: it holds rules and no templates.
static STRICT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("the usual braces with another rule for the last line"));
    environment
});

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<&'static str, String> {
        BTreeMap::from([("release", "v1.4.2; rm -rf /".to_owned()), ("note", String::new())])
    }

    #[test]
    fn a_value_stands_in_the_result_as_it_is() {
        assert_eq!(render("--version={{ release }}", &values()).unwrap(), "--version=v1.4.2; rm -rf /");
        assert_eq!(render("{{ '<b>' }}{% if note %}{{ note }}{% endif %}\n", &values()).unwrap(), "<b>\n");
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let values = BTreeMap::from([("release", "{{ note }}".to_owned())]);
        assert_eq!(render("{{ release }}", &values).unwrap(), "{{ note }}");
    }

    #[test]
    fn what_nobody_fills_is_refused_even_in_a_branch_not_taken() {
        for template in ["{{ relase }}", "{% if note %}{{ relase }}{% endif %}"] {
            assert_eq!(render(template, &values()).unwrap_err().message, "nothing fills `relase`");
        }
    }

    #[test]
    fn a_broken_template_says_so() {
        assert!(render("{{ release", &values()).is_err());
        assert!(render("{{ release | nonsense }}", &values()).is_err());
    }
}
