//! Which environment variables a playbook may grant to a script.
//!
//! The playbook asks when it is read and the executor when a run starts: one list, so that no playbook loads with a grant
//! that its run would refuse.

/// Families of names that load or steer code.
const STEERING_PREFIXES: [&str; 12] =
    ["LD_", "DYLD_", "GIT_", "PYTHON", "PERL", "RUBY", "NODE_", "BASH_", "GLIBC_", "GCONV_", "MALLOC_", "LUA_"];
/// Single names that load or steer code, or that Backout sets itself.
const STEERING_NAMES: [&str; 22] = [
    "PATH",
    "LC_ALL",
    "ENV",
    "IFS",
    "PS4",
    "CDPATH",
    "SHELLOPTS",
    "BASHOPTS",
    "PROMPT_COMMAND",
    "GLOBIGNORE",
    "POSIXLY_CORRECT",
    "LOCPATH",
    "NLSPATH",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
];

/// Letters, digits and underscores of ASCII, not beginning with a digit.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether whoever sets the variable chooses which code runs, or Backout sets it itself: then it is never granted.
pub fn steers_code(name: &str) -> bool {
    STEERING_NAMES.contains(&name) || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
