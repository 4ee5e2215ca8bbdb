//! New lines of a run's log, made once for everyone who may read them.

use super::super::run::{Line, lines};
use crate::store::{LogChunk, Store, StoreError};
use askama::Template;
use axum::body::Bytes;

/// Chunks that are read at once.
const CHUNKS: i64 = 64;

#[derive(Template)]
#[template(source = r#"{%- include "_log_line.html" -%}"#, ext = "html")]
struct Shown<'a> {
    run: &'a str,
    number: i64,
    line: &'a Line,
}

/// Some lines of one run that follow one another, as the data of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    pub run: String,
    /// The number of the first line, from 0.
    pub first: i64,
    /// Where each line begins in `data`.
    begins: Vec<usize>,
    data: Bytes,
}

impl Lines {
    /// What is stored of a run from `line` on, as far as one look reaches; nothing when nothing new is there.
    pub async fn read(store: &Store, run: &str, line: i64) -> Result<Option<Lines>, StoreError> {
        let chunks = store.log_from(run, line, CHUNKS).await?;
        let Some(first) = chunks.first().map(|chunk| chunk.first_line) else { return Ok(None) };
        let made = Lines::made(run, first, &chunks);
        Ok((made.next() > line).then(|| made.from(line)))
    }

    fn made(run: &str, first: i64, chunks: &[LogChunk]) -> Lines {
        let (mut begins, mut data, mut number) = (Vec::new(), String::new(), first);
        for line in chunks.iter().flat_map(|chunk| lines(&chunk.bytes)) {
            begins.push(data.len());
            let shown = Shown { run, number, line: &line }.render().unwrap_or_default();
            data.push_str("data: ");
            // Nothing of a line may end the message, whatever the markup around it.
            data.push_str(shown.replace(['\n', '\r'], " ").trim());
            data.push('\n');
            number += 1;
        }
        data.push('\n');
        Lines { run: run.to_owned(), first, begins, data: Bytes::from(data) }
    }

    /// The number of the line after the last.
    pub fn next(&self) -> i64 {
        self.first + self.begins.len() as i64
    }

    /// The same from a later line on; shares the bytes.
    pub fn from(&self, line: i64) -> Lines {
        let skipped = usize::try_from(line - self.first).unwrap_or(0).min(self.begins.len());
        let at = self.begins.get(skipped).copied().unwrap_or(self.data.len());
        let begins = self.begins[skipped..].iter().map(|begin| begin - at).collect();
        Lines { run: self.run.clone(), first: self.first + skipped as i64, begins, data: self.data.slice(at..) }
    }

    /// The message without its place in the order.
    pub fn message(&self) -> [Bytes; 2] {
        [Bytes::from_static(b"event: log\n"), self.data.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(first_line: i64, bytes: &[u8]) -> LogChunk {
        let count = bytes.iter().filter(|byte| **byte == b'\n').count() as i64;
        LogChunk { run: "r".into(), first_line, count, bytes: bytes.to_vec() }
    }

    #[test]
    fn a_part_of_the_lines_is_the_same_message_from_a_later_line_on() {
        let chunks = [chunk(3, b"1772680468000000 o <b>\n1772680469000000 e two\rdata: x\n"), chunk(5, b"three\n")];
        let all = Lines::made("r", 3, &chunks);
        assert_eq!((all.first, all.next()), (3, 6));
        let text = String::from_utf8(all.data.to_vec()).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("data: <p")).count(), 3, "{text}");
        assert!(text.contains("id=\"line-r-3\" data-into=\"log-r\"") && text.contains("&#60;b&#62;"), "{text}");
        let rest = all.from(5);
        assert_eq!((rest.first, rest.next()), (5, 6));
        assert_eq!(rest.data, &text.as_bytes()[text.find("data: <p class=\"line \" id=\"line-r-5\"").unwrap()..]);
        assert_eq!(all.from(4).from(5), rest);
        assert!(text.ends_with("\n\n"));
    }
}
