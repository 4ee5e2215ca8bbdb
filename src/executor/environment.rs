//! Which environment a script sees: a fixed search path, a fixed locale, and the names that the playbook grants.
//!
//! Nothing is inherited. Names that change *how a program is loaded or which code it runs* are refused even when granted:
//! whoever sets `LD_PRELOAD`, `BASH_ENV` or `PYTHONPATH` chooses the code, and the approval was for the script.

use crate::domain::grant;
use std::fmt;

/// Where programs are looked up: the system's folders only.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Untranslated messages, text as UTF-8.
pub const LC_ALL: &str = "C.UTF-8";

/// Why a granted name or its value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentFault {
    /// Not letters, digits and underscores, or it begins with a digit.
    NotAName(String),
    /// It would choose which code runs, or is set by Backout.
    Refused(String),
    /// The value holds a NUL, which no process can be given. The value is not repeated here: it may be a secret.
    Nul(String),
}

impl fmt::Display for EnvironmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvironmentFault::NotAName(name) => {
                write!(f, "{name:?} is no name for an environment variable: use letters, digits and underscores")
            }
            EnvironmentFault::Refused(name) => write!(
                f,
                "the environment variable {name} may not be granted: it decides which code runs, or is set by Backout"
            ),
            EnvironmentFault::Nul(name) => write!(f, "the value of the environment variable {name} holds a NUL byte"),
        }
    }
}

impl std::error::Error for EnvironmentFault {}

/// Whether a name may be granted to a script.
///
/// # Errors
/// [`EnvironmentFault`] names the fault.
pub fn check_name(name: &str) -> Result<(), EnvironmentFault> {
    if !grant::is_variable_name(name) {
        return Err(EnvironmentFault::NotAName(name.to_owned()));
    }
    if grant::steers_code(name) {
        return Err(EnvironmentFault::Refused(name.to_owned()));
    }
    Ok(())
}

/// Whether a name with this value may be granted.
///
/// # Errors
/// [`EnvironmentFault`] names the fault, never the value.
pub fn check(name: &str, value: &str) -> Result<(), EnvironmentFault> {
    check_name(name)?;
    if value.contains('\0') { Err(EnvironmentFault::Nul(name.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_choose_code_are_refused_even_when_granted() {
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "GIT_SSH_COMMAND", "PYTHONPATH", "PATH"] {
            assert_eq!(check_name(name), Err(EnvironmentFault::Refused(name.to_owned())));
        }
        for name in ["NODE_OPTIONS", "PERL5LIB", "RUBYOPT", "IFS", "SHELLOPTS", "GLIBC_TUNABLES", "BASH_FUNC_ls"] {
            assert_eq!(check_name(name), Err(EnvironmentFault::Refused(name.to_owned())));
        }
    }

    #[test]
    fn plain_names_pass_and_odd_ones_do_not() {
        for name in ["DEPLOY_TOKEN", "KUBECONFIG", "_x", "HOME", "ENVIRONMENT"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in ["", "1A", "A=B", "A B", "Ä", "A\0", "BASH_FUNC_ls%%"] {
            assert_eq!(check_name(name), Err(EnvironmentFault::NotAName(name.to_owned())));
        }
    }

    #[test]
    fn a_fault_never_repeats_the_value() {
        let fault = check("TOKEN", "se\0cret").unwrap_err();
        assert_eq!(fault, EnvironmentFault::Nul("TOKEN".to_owned()));
        assert!(!fault.to_string().contains("cret"));
    }
}
