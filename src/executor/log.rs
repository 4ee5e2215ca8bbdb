//! A run's output, as framed lines in one file.
//!
//! ```text
//! <n> <microseconds since 1970> <stream>[+] <the script's bytes>\n
//! 17 1772680468000000 o restoring table 4 of 9
//! ```
//! `n` counts from 1 without a gap over all streams. The stream is `o` (output), `e` (errors) or `x` (a note by the
//! supervisor). A `+` says that the script wrote *no* line end here: the line was longer than [`LINE_BYTES`] and goes on in
//! the stream's next line, or the output stopped in the middle of a line. The bytes are the script's own, whatever they
//! are; only a line end cannot be among them. So the script's output can be put together again exactly.
//!
//! One process writes (the supervisor, each write whole lines), anybody reads. A line without its line end is not there yet.

use super::folder::Folder;
use super::outcome::CannotTell;
use crate::clock::Clock;
use crate::domain::Timestamp;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// The longest piece of a line in one frame.
pub const LINE_BYTES: usize = 16 * 1024;
/// The most that one call of `read_log` returns.
pub const PART_BYTES: usize = 256 * 1024;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The script's standard output.
    Out,
    /// The script's standard error.
    Err,
    /// The supervisor: a cut, a time limit, a signal sent.
    Note,
}

impl Stream {
    /// The letter in the file.
    pub fn letter(self) -> char {
        match self {
            Stream::Out => 'o',
            Stream::Err => 'e',
            Stream::Note => 'x',
        }
    }
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Counts from 1, without a gap.
    pub n: u64,
    pub at: Timestamp,
    pub stream: Stream,
    /// The script's bytes without the line end. May be no UTF-8, and may hold escape codes and markup.
    pub bytes: Vec<u8>,
    /// False when the script wrote no line end here.
    pub ended: bool,
}

/// Some whole lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPart {
    pub lines: Vec<LogLine>,
    /// Where the next call goes on. Equal to `from_byte` when there is nothing new.
    pub next_byte: u64,
}

/// Cuts a stream of bytes into lines of at most [`LINE_BYTES`].
#[derive(Debug, Default)]
pub struct LineCutter {
    held: Vec<u8>,
}

impl LineCutter {
    /// Hands each line that is complete to `line`, with whether the script ended it.
    pub fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8], bool)) {
        for segment in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ended) = match segment.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (segment, false),
            };
            self.held.extend_from_slice(text);
            let mut from = 0;
            while self.held.len() - from > LINE_BYTES {
                line(&self.held[from..from + LINE_BYTES], false);
                from += LINE_BYTES;
            }
            self.held.drain(..from);
            if ended {
                line(&self.held, true);
                self.held.clear();
            }
        }
    }

    /// Hands over what stands there without a line end.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8], bool)) {
        if !self.held.is_empty() {
            line(&self.held, false);
            self.held.clear();
        }
    }
}

/// The only writer of a log: numbers, frames, counts, digests, and keeps the limit.
#[derive(Debug)]
pub struct LogWriter<C: Clock> {
    file: File,
    clock: C,
    digest: Sha256,
    bytes: u64,
    lines: u64,
    limit: u64,
    cut: bool,
    closed: bool,
    /// Frames that are not written yet: one write for all lines of one read.
    frames: Vec<u8>,
    framed_lines: u64,
}

/// What a finished log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    pub lines: u64,
    /// SHA-256 of the whole file, in hexadecimal digits.
    pub sha256: String,
    /// Whether output is missing: the limit was reached, or the disk took no more.
    pub cut: bool,
}

impl<C: Clock> LogWriter<C> {
    /// `file` is new, empty and opened to append.
    pub fn new(file: File, limit: u64, clock: C) -> LogWriter<C> {
        LogWriter {
            file,
            clock,
            digest: Sha256::new(),
            bytes: 0,
            lines: 0,
            limit,
            cut: false,
            closed: false,
            frames: Vec::new(),
            framed_lines: 0,
        }
    }

    /// Frames a line of the script. Beyond the limit one note says so, and the rest is dropped: the script is never held up.
    pub fn line(&mut self, stream: Stream, text: &[u8], ended: bool) {
        if self.cut || self.closed {
            return;
        }
        let before = self.frames.len();
        self.frame(stream, text, ended);
        if self.bytes + self.frames.len() as u64 > self.limit {
            self.frames.truncate(before);
            self.framed_lines -= 1;
            self.cut = true;
            let note = format!("the log is cut here: more than {} bytes are not kept; the script goes on", self.limit);
            self.frame(Stream::Note, note.as_bytes(), true);
        }
    }

    /// A line by the supervisor, written at once and beyond the limit too: there are only a few.
    pub fn note(&mut self, text: &str) {
        if !self.closed {
            self.frame(Stream::Note, text.as_bytes(), true);
            self.flush();
        }
    }

    /// Whether the script's output is dropped from now on.
    pub fn is_cut(&self) -> bool {
        self.cut || self.closed
    }

    fn frame(&mut self, stream: Stream, text: &[u8], ended: bool) {
        self.framed_lines += 1;
        let (n, at) = (self.lines + self.framed_lines, self.clock.now().0);
        let mark = if ended { "" } else { "+" };
        self.frames.extend_from_slice(format!("{n} {at} {}{mark} ", stream.letter()).as_bytes());
        self.frames.extend_from_slice(text);
        self.frames.push(b'\n');
    }

    /// Writes what is framed. A disk that takes no more cuts the log after its last whole line.
    pub fn flush(&mut self) {
        let mut written = 0;
        while written < self.frames.len() {
            match self.file.write(&self.frames[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let complete = written == self.frames.len();
        let whole = self.frames[..written].iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        self.digest.update(&self.frames[..whole]);
        self.bytes += whole as u64;
        self.lines += self.frames[..whole].iter().filter(|b| **b == b'\n').count() as u64;
        self.frames.clear();
        self.framed_lines = 0;
        if !complete {
            self.cut = true;
            // Readers take whole lines only, so nobody has seen the half one.
            let _ = self.file.set_len(self.bytes);
        }
    }

    /// Ends the log: nothing is written after this.
    pub fn close(&mut self) -> LogEnd {
        self.flush();
        self.closed = true;
        let synced = self.file.sync_all().is_ok();
        let sha256 = data_encoding::HEXLOWER.encode(&self.digest.clone().finalize());
        LogEnd { lines: self.lines, sha256, cut: self.cut || !synced }
    }
}

/// The whole lines of a run's log from a byte on. No log yet: no lines.
///
/// # Errors
/// [`CannotTell::NotALineStart`] when `from_byte` is not where a line begins.
pub fn read_part(folder: &Folder, name: &str, from_byte: u64) -> Result<LogPart, CannotTell> {
    let nothing = LogPart { lines: Vec::new(), next_byte: from_byte };
    let Some(mut file) = folder.open_to_read(name)? else {
        return if from_byte == 0 { Ok(nothing) } else { Err(CannotTell::NotALineStart(from_byte)) };
    };
    let mut bytes = Vec::new();
    if from_byte > 0 {
        // The byte before must be a line end.
        file.seek(SeekFrom::Start(from_byte - 1))?;
        file.take(1 + PART_BYTES as u64).read_to_end(&mut bytes)?;
        if bytes.first() != Some(&b'\n') {
            return Err(CannotTell::NotALineStart(from_byte));
        }
        bytes.remove(0);
    } else {
        file.take(PART_BYTES as u64).read_to_end(&mut bytes)?;
    }
    let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else { return Ok(nothing) };
    let mut lines = Vec::new();
    for frame in bytes[..end].split(|b| *b == b'\n') {
        lines.push(parse_frame(frame).ok_or_else(|| {
            CannotTell::Damaged(format!(
                "the log has a line that is no frame, within {PART_BYTES} bytes of {from_byte}"
            ))
        })?);
    }
    Ok(LogPart { lines, next_byte: from_byte + end as u64 + 1 })
}

fn parse_frame(frame: &[u8]) -> Option<LogLine> {
    let mut parts = frame.splitn(4, |b| *b == b' ');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<i64>().ok();
    let (n, at) = (u64::try_from(number()?).ok()?, Timestamp(number()?));
    let (stream, ended) = match parts.next()? {
        b"o" => (Stream::Out, true),
        b"o+" => (Stream::Out, false),
        b"e" => (Stream::Err, true),
        b"e+" => (Stream::Err, false),
        b"x" => (Stream::Note, true),
        _ => return None,
    };
    Some(LogLine { n, at, stream, bytes: parts.next()?.to_vec(), ended })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use proptest::prelude::*;

    fn lines_of(chunks: &[Vec<u8>]) -> Vec<(Vec<u8>, bool)> {
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        for chunk in chunks {
            cutter.push(chunk, |text, ended| lines.push((text.to_vec(), ended)));
        }
        cutter.finish(|text, ended| lines.push((text.to_vec(), ended)));
        lines
    }

    #[test]
    fn a_long_line_is_cut_into_marked_pieces() {
        let mut long = vec![b'a'; 2 * LINE_BYTES + 1];
        long.push(b'\n');
        let lengths: Vec<_> = lines_of(&[long]).iter().map(|(text, ended)| (text.len(), *ended)).collect();
        assert_eq!(lengths, [(LINE_BYTES, false), (LINE_BYTES, false), (1, true)]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_stays_whole() {
        let mut line = vec![b'a'; LINE_BYTES];
        line.push(b'\n');
        assert_eq!(lines_of(&[line]).len(), 1);
    }

    proptest! {
        #[test]
        fn any_output_in_any_chunks_comes_together_again(
            chunks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..300), 0..20)
        ) {
            let mut together = Vec::new();
            for (text, ended) in lines_of(&chunks) {
                prop_assert!(!text.contains(&b'\n') && text.len() <= LINE_BYTES);
                together.extend_from_slice(&text);
                if ended { together.push(b'\n'); }
            }
            prop_assert_eq!(together, chunks.concat());
        }
    }

    fn temporary(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("backout-log-{name}-{}", crate::clock::fresh_id()));
        Folder::make(&path).unwrap()
    }

    fn writer(folder: &Folder, limit: u64) -> LogWriter<ManualClock> {
        let file = folder.create("log", true, rustix::fs::Mode::RUSR).unwrap();
        LogWriter::new(file, limit, ManualClock::at(Timestamp(7)))
    }

    #[test]
    fn what_is_written_is_read_again_byte_for_byte() {
        let folder = temporary("round");
        let mut log = writer(&folder, 10_000);
        log.line(Stream::Out, b"one  two ", true);
        log.line(Stream::Err, b"\xff\0 \x1b[31m", true);
        log.line(Stream::Out, b"", true);
        log.note("a note");
        log.line(Stream::Out, b"no end", false);
        let end = log.close();
        let part = read_part(&folder, "log", 0).unwrap();
        let read: Vec<_> = part.lines.iter().map(|l| (l.n, l.stream, l.bytes.as_slice(), l.ended)).collect();
        assert_eq!(
            read,
            [
                (1, Stream::Out, b"one  two ".as_slice(), true),
                (2, Stream::Err, b"\xff\0 \x1b[31m", true),
                (3, Stream::Out, b"", true),
                (4, Stream::Note, b"a note", true),
                (5, Stream::Out, b"no end", false),
            ]
        );
        let file = folder.read("log").unwrap().unwrap();
        assert_eq!(end, LogEnd { lines: 5, sha256: super::super::order::sha256_hex(&file), cut: false });
        assert_eq!(part.next_byte, file.len() as u64);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn half_a_line_is_not_there_yet_and_a_cursor_must_stand_at_a_line() {
        let folder = temporary("half");
        std::fs::write(folder.path().join("log"), b"1 7 o whole\n2 7 o ha").unwrap();
        let part = read_part(&folder, "log", 0).unwrap();
        assert_eq!((part.lines.len(), part.next_byte), (1, 12));
        assert_eq!(read_part(&folder, "log", 12).unwrap(), LogPart { lines: Vec::new(), next_byte: 12 });
        assert!(matches!(read_part(&folder, "log", 5), Err(CannotTell::NotALineStart(5))));
        assert!(matches!(read_part(&folder, "log", 500), Err(CannotTell::NotALineStart(500))));
        std::fs::write(folder.path().join("log"), b"garbage\n").unwrap();
        assert!(matches!(read_part(&folder, "log", 0), Err(CannotTell::Damaged(_))));
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn beyond_the_limit_one_note_says_so_and_later_notes_still_come() {
        let folder = temporary("limit");
        let mut log = writer(&folder, 100);
        for _ in 0..50 {
            log.line(Stream::Out, b"0123456789", true);
        }
        log.note("stopping");
        let end = log.close();
        log.note("after the end");
        let part = read_part(&folder, "log", 0).unwrap();
        let notes: Vec<_> = part.lines.iter().filter(|line| line.stream == Stream::Note).collect();
        assert_eq!(notes.len(), 2);
        assert!(String::from_utf8_lossy(&notes[0].bytes).contains("more than 100 bytes"));
        let numbers: Vec<_> = part.lines.iter().map(|line| line.n).collect();
        assert_eq!(numbers, (1..=end.lines).collect::<Vec<_>>());
        assert!(end.cut);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn a_disk_that_takes_no_more_cuts_the_log_and_nothing_breaks() {
        let full = File::options().append(true).open("/dev/full").unwrap();
        let mut log = LogWriter::new(full, 1_000, ManualClock::at(Timestamp(7)));
        log.line(Stream::Out, b"lost", true);
        log.flush();
        log.note("lost too");
        let end = log.close();
        assert_eq!((end.lines, end.cut), (0, true));
    }
}
