//! Rust source cut into words, for rules that read it: comments, strings and characters do not count.

/// One word or sign of the source, with its line from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The words and signs of `source`. `::` is one sign, every other sign stands alone.
pub fn tokens(source: &str) -> Vec<Token> {
    let bare: Vec<char> = without_comments_and_strings(source).chars().collect();
    let (mut tokens, mut line, mut at) = (Vec::new(), 1, 0);
    while at < bare.len() {
        let first = bare[at];
        let length = if is_word(first) {
            bare[at..].iter().take_while(|sign| is_word(**sign)).count()
        } else if bare[at..].starts_with(&[':', ':']) {
            2
        } else {
            1
        };
        if first == '\n' {
            line += 1;
        } else if !first.is_whitespace() {
            tokens.push(Token { text: bare[at..at + length].iter().collect(), line });
        }
        at += length;
    }
    tokens
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// `source` with blanks where comments, strings and characters stood; lines stay where they are.
fn without_comments_and_strings(source: &str) -> String {
    let signs: Vec<char> = source.chars().collect();
    let mut bare = String::with_capacity(source.len());
    let mut at = 0;
    while at < signs.len() {
        let length = comment(&signs[at..])
            .or_else(|| raw_string(&signs[at..], at.checked_sub(1).map(|before| signs[before])))
            .or_else(|| quoted(&signs[at..]))
            .unwrap_or(0);
        if length == 0 {
            bare.push(signs[at]);
            at += 1;
        } else {
            bare.extend(signs[at..at + length].iter().map(|sign| if *sign == '\n' { '\n' } else { ' ' }));
            at += length;
        }
    }
    bare
}

/// How many signs the comment that begins here is long; comments in comments belong to it.
fn comment(rest: &[char]) -> Option<usize> {
    if rest.starts_with(&['/', '/']) {
        return Some(rest.iter().take_while(|sign| **sign != '\n').count());
    }
    if !rest.starts_with(&['/', '*']) {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let step = match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => 1,
            ('*', Some('/')) => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            break;
        }
    }
    Some(at.min(rest.len()))
}

/// How many signs the raw string that begins here is long: `r"…"`, `r#"…"#`, `br#"…"#`.
fn raw_string(rest: &[char], before: Option<char>) -> Option<usize> {
    // An `r` at the end of a word, or before a raw name such as r#type, begins none.
    if before.is_some_and(is_word) {
        return None;
    }
    let prefix = rest.iter().take_while(|sign| matches!(sign, 'b' | 'c' | 'r')).count();
    let hashes = rest[prefix..].iter().take_while(|sign| **sign == '#').count();
    let opening = prefix + hashes;
    if prefix == 0 || rest[prefix - 1] != 'r' || rest.get(opening) != Some(&'"') {
        return None;
    }
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let inner = rest[opening + 1..].windows(end.len()).position(|window| window == end.as_slice());
    Some(inner.map_or(rest.len(), |inner| opening + 1 + inner + end.len()))
}

/// How many signs the string or character that begins here is long. A lifetime such as `'a` is none.
fn quoted(rest: &[char]) -> Option<usize> {
    let quote = *rest.first().filter(|sign| matches!(sign, '"' | '\''))?;
    if quote == '\'' && rest.get(1) != Some(&'\\') && rest.get(2) != Some(&'\'') {
        return None;
    }
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    Some((at + 1).min(rest.len()))
}
