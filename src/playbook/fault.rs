//! One fault of a playbook: where it is, what is wrong, what would be right.

use std::fmt;
use std::path::Path;

/// What is wrong at one place of a playbook. Prints as `LINE:COLUMN: message; mend`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// From 1, counted in characters.
    pub column: usize,
    /// The offending text as it stands in the file, shortened to one line.
    pub text: String,
    pub message: String,
    /// What would be right.
    pub mend: String,
}

impl Fault {
    /// Prints as `FILE:LINE:COLUMN: message; mend`, so that an editor can jump there.
    pub fn in_file<'a>(&'a self, file: &'a Path) -> impl fmt::Display + 'a {
        struct InFile<'a>(&'a Fault, &'a Path);
        impl fmt::Display for InFile<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", self.1.display(), self.0)
            }
        }
        InFile(self, file)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.line, self.column, self.message, self.mend)
    }
}
