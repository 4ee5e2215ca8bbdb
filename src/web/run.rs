//! A run's page: its command, its state, and the whole log as it was printed.
//!
//! What a script prints is data. Escape codes, other control characters and marks that turn the direction of writing
//! are made visible; markup is text.

use super::AppState;
use super::error::{WebError, page};
use super::incident::{Sight, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::room::runs::RunWord;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::domain::Timestamp;
use crate::domain::state::{Attempt, Run, RunId};
use crate::domain::words::{command_line, end_words};
use crate::store::LogChunk;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/runs/{run}", Capability::ReadLogs, get),
        Route::get("/incidents/{id}/runs/{run}/log.txt", Capability::ReadLogs, get_text),
    ]
}

/// How many chunks are read at once.
const CHUNKS: i64 = 500;

#[derive(Template)]
#[template(path = "run.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    run: String,
    title: String,
    state: RunWord,
    command: String,
    directory: String,
    /// What its host calls itself, and that host's identifier.
    host: String,
    host_id: String,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    took: String,
    time_limit: String,
    end: String,
    word: String,
    digest: String,
    cut: bool,
    /// How many lines its end spoke of; more than are here while they are being copied. 0 before its end.
    told: i64,
    lines: Vec<Line>,
}

impl View {
    fn here(&self) -> i64 {
        self.lines.len() as i64
    }
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Option<Timestamp>,
    /// `line-warn` for the error stream, `line-note` for the supervisor's word.
    pub class: &'static str,
    /// The stream in a word, where it is not the output.
    pub stream: &'static str,
    /// With nothing in it that acts.
    pub text: String,
}

async fn get(
    State(app): State<AppState>,
    who: SignedIn,
    Path((id, run)): Path<(String, String)>,
) -> Result<Html<String>, WebError> {
    let looked = look(&app, &id).await?;
    let (attempt, run) = looked.incident.run(&RunId(run)).ok_or_else(WebError::not_found)?;
    let bytes = log(&app, &run.id).await?;
    let host = host_name(&app, &run.host).await?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(&looked, &facts, &who);
    page(&view(&sight, attempt, run, host, &bytes))
}

/// The log as plain text, for keeping: times, streams and text, with what would act made visible.
async fn get_text(
    State(app): State<AppState>,
    _: SignedIn,
    Path((id, run)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let looked = look(&app, &id).await?;
    let (_, run) = looked.incident.run(&RunId(run)).ok_or_else(WebError::not_found)?;
    let mut text = String::new();
    for line in lines(&log(&app, &run.id).await?) {
        let at = line.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let stream = if line.stream.is_empty() { "output" } else { line.stream };
        text.push_str(&format!("{at} {stream}: {}\n", line.text));
    }
    let name = format!("attachment; filename=\"{}.log.txt\"", run.id);
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}

/// What a host that carries out runs calls itself; its identifier until it has said so.
pub async fn host_name(app: &AppState, id: &str) -> Result<String, WebError> {
    Ok(app.store.host(id).await?.map_or_else(|| id.to_owned(), |host| host.name))
}

/// The bytes of every chunk that is here.
async fn log(app: &AppState, run: &RunId) -> Result<Vec<u8>, WebError> {
    let mut bytes = Vec::new();
    let mut from = 0;
    loop {
        let chunks: Vec<LogChunk> = app.store.log_from(&run.0, from, CHUNKS).await?;
        let Some(last) = chunks.last() else { return Ok(bytes) };
        from = last.first_line + last.count;
        for chunk in &chunks {
            bytes.extend_from_slice(&chunk.bytes);
        }
    }
}

fn view(sight: &Sight, attempt: &Attempt, run: &Run, host: String, bytes: &[u8]) -> View {
    let header = IncidentHeader::of(sight, Page::Elsewhere);
    let action = attempt.plan().and_then(|plan| plan.actions.iter().find(|action| action.name == run.action));
    let outcome = run.outcome.as_ref();
    View {
        layout: Layout::in_incident(sight, &header.tab(&run.id.0), &format!("/runs/{}", run.id)),
        id: sight.incident.id.clone(),
        run: run.id.0.clone(),
        title: action.map_or_else(|| run.action.clone(), |action| action.title.clone()),
        state: RunWord::of(run.state),
        command: action.map_or(String::new(), |action| command_line(&action.argv)),
        directory: action.map_or(String::new(), |action| action.directory.clone()),
        host,
        host_id: run.host.clone(),
        started_at: run.starting_at,
        ended_at: run.ended_at,
        took: (run.ended_at.unwrap_or(sight.now) - run.starting_at).to_string(),
        time_limit: run.time_limit.in_words(),
        end: outcome.map_or(String::new(), |outcome| end_words(&outcome.end)),
        word: run.word.clone().unwrap_or_default(),
        digest: outcome.map_or(String::new(), |outcome| outcome.log_sha256.clone()),
        cut: outcome.is_some_and(|outcome| outcome.log_cut),
        told: outcome.map_or(0, |outcome| outcome.lines),
        lines: lines(bytes),
        header,
    }
}

/// Reads framed lines: `[number] microseconds stream[+] text`. A line that is not framed is shown as it is: nothing of a
/// log is ever left out.
pub fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = bytes.split(|byte| *byte == b'\n').map(line).collect();
    // What stands after the last line end is no line, unless there is something.
    if lines.last().is_some_and(|line| line.at.is_none() && line.text.is_empty()) {
        lines.pop();
    }
    lines
}

fn line(bytes: &[u8]) -> Line {
    let text = String::from_utf8_lossy(bytes);
    let framed = framed(&text).or_else(|| {
        let (number, rest) = text.split_once(' ')?;
        number.bytes().all(|digit| digit.is_ascii_digit()).then(|| framed(rest)).flatten()
    });
    match framed {
        Some((at, stream, text)) => {
            let (class, stream) = match stream {
                'e' => ("line-warn", "errors"),
                'x' => ("line-note", "supervisor"),
                _ => ("", ""),
            };
            Line { at: Some(at), class, stream, text: visible(text) }
        }
        None => Line { at: None, class: "", stream: "", text: visible(&text) },
    }
}

/// `1772680468000000 o text`; a `+` after the stream says that the line goes on in the next.
fn framed(text: &str) -> Option<(Timestamp, char, &str)> {
    let (at, rest) = text.split_once(' ')?;
    let at = at.parse::<i64>().ok().filter(|at| *at > 1_000_000_000_000)?;
    let (stream, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let letter = stream.strip_suffix('+').unwrap_or(stream);
    let stream = match letter {
        "o" => 'o',
        "e" => 'e',
        "x" => 'x',
        _ => return None,
    };
    Some((Timestamp(at), stream, text))
}

/// The text with everything that acts on a terminal or turns the direction of writing made visible.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => shown.push('\t'),
            // A bar that draws itself anew with each percent.
            control if u32::from(control) < 0x20 => {
                shown.push(char::from_u32(0x2400 + u32::from(control)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => shown.push('␡'),
            turning if is_invisible(turning) => shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(turning))),
            other => shown.push(other),
        }
    }
    shown
}

/// C1 controls, marks that turn or hide writing, and separators that end a line for some programs.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[test]
    fn framed_lines_are_read_with_and_without_their_number_and_nothing_is_left_out() {
        let log =
            b"1 1772680468000000 o restoring 1 of 9\n1772680469000000 e+ oh\nnot framed\n7 1772680470000000 x \n\n";
        let read = lines(log);
        let texts: Vec<(&str, &str)> = read.iter().map(|line| (line.stream, line.text.as_str())).collect();
        let expected = [("", "restoring 1 of 9"), ("errors", "oh"), ("", "not framed"), ("supervisor", ""), ("", "")];
        assert_eq!(texts, expected);
        assert_eq!(read[0].at, Some(Timestamp(1_772_680_468_000_000)));
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn nothing_that_a_script_prints_acts() {
        assert_eq!(visible("a\u{1b}[31mred\r\u{7}"), "a␛[31mred␍␇");
        assert_eq!(visible("user\u{202e}txt.exe\u{2066}"), "user⟨U+202E⟩txt.exe⟨U+2066⟩");
        assert_eq!(visible("a\u{9b}b\u{200b}\u{2028}"), "a⟨U+009B⟩b⟨U+200B⟩⟨U+2028⟩");
        assert_eq!(visible("tab\tand Ω 漢 🙂"), "tab\tand Ω 漢 🙂");
    }

    #[tokio::test]
    async fn the_whole_log_is_shown_and_downloads_for_those_who_may_read_it() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        let run = world.runs(&id, "app-rollback").await;
        let chunk = b"1 1772680468000000 o <script>alert(1)</script>\n2 1772680469000000 e \x1b[31mlow disk\xff\n";
        let path = format!("/incidents/{id}/runs/{run}");
        let mut helen = world.signed_in("helen").await;
        world.ends(&id, &run, 0).await;
        let room = format!("/incidents/{id}");
        assert!(helen.get(&path).await.words().contains("Runs on deploy-1"), "a host that said nothing yet");
        world.app.store.saw_host("deploy-1", "blue", world.app.clock.now()).await.unwrap();
        assert!(helen.get(&path).await.words().contains("Runs on blue host deploy-1"));
        for page in [&path, &room] {
            let early = helen.get(page).await.words();
            let told = "Loading run output: 0 of 2 lines are here, the others are being copied from blue";
            assert!(early.contains(told), "{early}");
        }
        world.app.store.append_log(&run.0, 0, 2, chunk).await.unwrap();
        for page in [&path, &room] {
            assert!(!helen.get(page).await.body.contains("Loading run output"), "{page}: they are here");
        }
        world.app.store.append_log(&run.0, 2, 1, b"3 1772680470000000 o replica 1/6\n").await.unwrap();
        let page = helen.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(!page.body.contains("<script>alert"), "markup never acts");
        let words = page.words();
        for part in ["Succeeded", "exit 0", "--version 4.11.3", "␛[31mlow disk", "replica 1/6", "3 lines"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let text = helen.get(&format!("{path}/log.txt")).await;
        assert_eq!(text.body.lines().count(), 3);
        assert!(text.body.contains("2026-03-05T03:14:29Z errors: ␛[31mlow disk"), "{}", text.body);
        for login in ["sam", "olga"] {
            let mut browser = world.signed_in(login).await;
            assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN, "{login}");
            assert_eq!(browser.get(&format!("{path}/log.txt")).await.status, StatusCode::FORBIDDEN, "{login}");
        }
        let stranger = helen.get(&format!("/incidents/{id}/runs/RB-0001-1-9")).await;
        assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    }
}
