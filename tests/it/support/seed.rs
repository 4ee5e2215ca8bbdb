//! The written procedure that Backout was made for, read line by line.
//!
//! Every heading, bullet and numbered item of it is a requirement, so each can be asked for by its line.
//!
//! **How is counted.** A heading is a line that starts with one to six `#` and a space. There are 84 such lines, but
//! three of them stand inside the code blocks of "Automation Scripts", where `#` opens a shell comment: they are
//! [`Mark::ScriptCaption`], and 81 are true headings. A bullet is a line that, after any indentation, starts with `- `:
//! the check boxes `- [ ] ` and the half-lost tick marks `- ? ` among them, 197. A numbered item starts, without
//! indentation, with digits, a point and a space: 35.

/// The procedure's text as it was given, the customer's name taken out.
pub const PROCEDURE: &str = include_str!("../seed/procedure.md");

/// What kind of requirement a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A heading, with its level from 1 to 6.
    Heading(usize),
    /// The comment over a script inside a code block.
    ScriptCaption,
    Bullet,
    Numbered,
}

/// One requirement of the procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Line in the file, from 1.
    pub line: usize,
    pub mark: Mark,
    /// The line's words, without its marker, its check box and its bold signs.
    pub text: String,
}

/// Every requirement of [`PROCEDURE`], from top to bottom.
pub fn requirements() -> impl Iterator<Item = Requirement> {
    requirements_of(PROCEDURE)
}

/// Every requirement of a text that is written as [`PROCEDURE`] is.
pub fn requirements_of(text: &str) -> impl Iterator<Item = Requirement> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with("```") {
            in_code = !in_code;
            return None;
        }
        let (mark, words) = marked(line, in_code)?;
        Some(Requirement { line: index + 1, mark, text: words.replace("**", "").trim().to_owned() })
    })
}

fn marked(line: &str, in_code: bool) -> Option<(Mark, &str)> {
    let level = line.bytes().take_while(|&byte| byte == b'#').count();
    if (1..=6).contains(&level)
        && let Some(words) = line[level..].strip_prefix(' ')
    {
        return Some((if in_code { Mark::ScriptCaption } else { Mark::Heading(level) }, words));
    }
    if in_code {
        return None;
    }
    if let Some(words) = line.trim_start().strip_prefix("- ") {
        let words = words.strip_prefix("[ ] ").or_else(|| words.strip_prefix("? ")).unwrap_or(words);
        return Some((Mark::Bullet, words));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let words = line[digits..].strip_prefix(". ")?;
    (digits > 0).then_some((Mark::Numbered, words))
}
