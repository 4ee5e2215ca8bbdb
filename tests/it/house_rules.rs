//! The rules of the house that a machine can see.
//!
//! [`ROOMS`] is the table of ARCHITECTURE.md and of `src/lib.rs` that says which module may use which. Beside it: who may speak SQL, what the
//! pure core may touch, no sleeping in tests, no unescaped output and nothing inline in templates. Each rule is also
//! shown a planted fault that it must find.

use crate::support::rust_text::{Token, tokens};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate and the others it may use. Those that wire the whole are [`EVERYTHING`].
const ROOMS: [(&str, &[&str]); 13] = [
    ("access", &["domain", "store", "clock"]),
    ("api", &["app", "store", "access", "domain", "clock"]),
    ("app", &["domain", "playbook", "store", "clock"]),
    ("cli", EVERYTHING),
    ("clock", &["domain"]),
    ("demo", EVERYTHING),
    ("domain", &[]),
    ("executor", &["domain", "store", "clock"]),
    ("playbook", &["domain"]),
    ("store", &["domain", "clock"]),
    ("triggers", &["domain", "store", "clock"]),
    // The pages' router also serves the machines' addresses; the interface itself knows of no page.
    ("web", &["api", "app", "store", "access", "domain", "clock"]),
    ("worker", &["app", "store", "executor", "triggers", "domain", "clock"]),
];

/// Every module but `cli`, which nobody imports.
const EVERYTHING: &[&str] =
    &["access", "api", "app", "clock", "demo", "domain", "executor", "playbook", "store", "triggers", "web", "worker"];

/// The crates that the pure core may use.
const PURE: [&str; 3] = ["serde", "serde_json", "sha2"];

/// File and module names that say nothing.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "helpers", "manager", "service", "common", "misc"];

/// A rule that is broken, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

// ---- the house itself ----

#[test]
fn every_module_uses_only_those_it_may_use() {
    assert_none(faults_in(&["src"], "rs", misused_modules));
}

#[test]
fn sql_is_spoken_in_the_store_alone_and_the_domain_is_pure() {
    let crates = dependencies();
    assert_none(faults_in(&["src"], "rs", |path, text| misused_crates(path, text, &crates)));
}

#[test]
fn no_test_sleeps() {
    assert_none(faults_in(&["src", "tests"], "rs", sleeps));
}

#[test]
fn templates_escape_everything_and_hold_nothing_inline() {
    assert_none(faults_in(&["templates"], "", template_faults));
}

#[test]
fn every_file_is_named_after_what_it_holds() {
    assert_none(faults_in(&["src", "tests"], "rs", |path, _| empty_name(path)));
}

#[test]
fn the_table_names_every_module() {
    let root = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let words = tokens(&root);
    let modules = words.windows(2).filter(|pair| pair[0].text == "mod").map(|pair| pair[1].text.as_str());
    for module in modules {
        assert!(
            allowed(module).is_some(),
            "src/lib.rs has the module {module}: give it a row in ROOMS and in ARCHITECTURE.md"
        );
    }
}

#[test]
fn both_tables_for_readers_are_the_one_that_is_enforced() {
    for (file, column) in [("ARCHITECTURE.md", 1), ("src/lib.rs", 2)] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let mut told = rooms_in(&text, column);
        told.sort();
        let enforced: Vec<(String, Vec<String>)> =
            ROOMS.iter().map(|(room, uses)| ((*room).to_owned(), sorted(uses.iter().copied()))).collect();
        assert_eq!(told, enforced, "the table of {file} and ROOMS differ");
    }
}

// ---- the rules ----

fn misused_modules(path: &str, text: &str) -> Vec<Fault> {
    let Some(room) = room_of(path) else { return Vec::new() };
    let may_use = allowed(&room).unwrap_or_default();
    let words = production(path, tokens(text));
    used_modules(path, &words)
        .into_iter()
        .filter(|(used, _)| *used != room && allowed(used).is_some() && !may_use.contains(&used.as_str()))
        .map(|(used, line)| {
            let list = if may_use.is_empty() { "nothing of ours".to_owned() } else { may_use.join(", ") };
            let rule = format!("`{room}` uses `{used}`, but it may use only {list} (see the table in ARCHITECTURE.md)");
            Fault { path: path.to_owned(), line, rule }
        })
        .collect()
}

fn misused_crates(path: &str, text: &str, crates: &[String]) -> Vec<Fault> {
    let Some(room) = room_of(path) else { return Vec::new() };
    let words = production(path, tokens(text));
    let declared_here = |word: &str| words.windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == word);
    let starts_path = |at: usize| {
        words.get(at + 1).is_some_and(|next| next.text == "::" || (at > 0 && words[at - 1].text == "use"))
            && (at == 0 || words[at - 1].text != "::")
    };
    let mut faults = Vec::new();
    for at in (0..words.len()).filter(|at| starts_path(*at)) {
        let Token { text: word, line } = &words[at];
        let is_crate = crates.contains(word) && !declared_here(word);
        let rule = if room == "domain" && is_crate && !PURE.contains(&word.as_str()) {
            format!("the domain is pure, but it uses `{word}`; it may use std, {}", PURE.join(", "))
        } else if is_crate && word == "sqlx" && room != "store" {
            format!("`{room}` uses `sqlx`, but SQL belongs to `store` alone")
        } else {
            continue;
        };
        faults.push(Fault { path: path.to_owned(), line: *line, rule });
    }
    faults
}

fn sleeps(path: &str, text: &str) -> Vec<Fault> {
    let words = tokens(text);
    let tested = if is_test_file(path) { words } else { test_blocks(&words).concat() };
    tested
        .windows(2)
        .filter(|pair| pair[0].text == "sleep" && pair[1].text == "(")
        .map(|pair| Fault {
            path: path.to_owned(),
            line: pair[0].line,
            rule: "a test sleeps: wait for a condition (support::waiting) or turn the clock".to_owned(),
        })
        .collect()
}

fn template_faults(path: &str, text: &str) -> Vec<Fault> {
    let fault = |at: usize, rule: &str| Fault {
        path: path.to_owned(),
        line: text[..at].matches('\n').count() + 1,
        rule: rule.to_owned(),
    };
    let mut faults = Vec::new();
    for (at, _) in text.match_indices('|') {
        let filter = text[at + 1..].trim_start();
        if filter
            .strip_prefix("safe")
            .is_some_and(|rest| !rest.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_'))
        {
            faults.push(fault(at, "output is not escaped (`|safe`)"));
        }
    }
    faults.extend(text.match_indices("autoescape").map(|(at, _)| fault(at, "escaping is switched off (`autoescape`)")));
    let lower = text.to_ascii_lowercase();
    for (at, _) in lower.match_indices("<style") {
        faults.push(fault(at, "an inline style sheet: styles belong to static/"));
    }
    for (at, _) in lower.match_indices("<script") {
        let tag = &lower[at..at + lower[at..].find('>').unwrap_or(lower.len() - at)];
        if !tag.split_ascii_whitespace().any(|part| part.starts_with("src=")) {
            faults.push(fault(at, "an inline script: scripts belong to static/"));
        }
    }
    for (at, _) in lower.match_indices("javascript:") {
        faults.push(fault(at, "a script in an address"));
    }
    for (at, name) in attributes(&without_template_code(&lower)) {
        if name == "style" {
            faults.push(fault(at, "an inline style: give it a class"));
        } else if name.len() > 4 && name.starts_with("on") && name.bytes().all(|byte| byte.is_ascii_lowercase()) {
            faults.push(fault(at, &format!("an inline handler (`{name}`): listen from static/")));
        }
    }
    faults
}

fn empty_name(path: &str) -> Vec<Fault> {
    let parts = path.trim_end_matches(".rs").split('/');
    let empty = parts.filter(|part| EMPTY_NAMES.contains(part));
    empty
        .map(|name| Fault { path: path.to_owned(), line: 1, rule: format!("the name `{name}` says nothing") })
        .collect()
}

// ---- reading ----

/// The rows of the table whose heading ends with `may use`: each module, and what stands of others in the cell `column`.
fn rooms_in(text: &str, column: usize) -> Vec<(String, Vec<String>)> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let rows = lines.skip_while(|line| !line.ends_with("may use |")).skip(2).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let uses = told_uses(cells[column]);
        let rooms = cells[0].split(", ").map(|room| room.trim_matches(['[', ']', '`']).to_owned());
        rooms.map(move |room| (room, uses.clone())).collect::<Vec<_>>()
    })
    .collect()
}

/// `app, store (reads), clock: because …`: the modules that a cell names, in alphabetical order.
fn told_uses(cell: &str) -> Vec<String> {
    let list = cell.split([';', ':']).next().unwrap_or_default();
    match list.split(' ').next() {
        Some("nothing") => Vec::new(),
        Some("everything") => sorted(EVERYTHING.iter().copied()),
        _ => sorted(list.split(", ").map(|name| name.split(' ').next().unwrap_or_default())),
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

fn allowed(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, uses)| *uses)
}

/// The top module that a file of `src/` belongs to. The two roots belong to none: they hold the whole.
fn room_of(path: &str) -> Option<String> {
    let inner = path.strip_prefix("src/")?.trim_end_matches(".rs");
    let room = inner.split('/').next()?;
    (!matches!(inner, "main" | "lib")).then(|| room.to_owned())
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// What runs in production: a test may set its scene with any module.
fn production(path: &str, words: Vec<Token>) -> Vec<Token> {
    if is_test_file(path) {
        return Vec::new();
    }
    let lines = |block: &[Token]| Some(block.first()?.line..=block.last()?.line);
    let tests: Vec<_> = test_blocks(&words).into_iter().filter_map(lines).collect();
    words.into_iter().filter(|word| !tests.iter().any(|test| test.contains(&word.line))).collect()
}

/// The bodies of all `#[cfg(test)] mod name { … }`.
fn test_blocks(words: &[Token]) -> Vec<&[Token]> {
    const OPENING: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let starts = texts.windows(OPENING.len()).enumerate().filter(|(_, window)| *window == OPENING);
    starts
        .filter(|(at, _)| texts.get(at + OPENING.len() + 1) == Some(&"{"))
        .map(|(at, _)| {
            let body = at + OPENING.len() + 1;
            &words[body..body + block_length(&texts[body..])]
        })
        .collect()
}

/// How many words the block that opens at the first one is long, its closing brace included.
fn block_length(texts: &[&str]) -> usize {
    let mut depth = 0;
    for (at, text) in texts.iter().enumerate() {
        depth += match *text {
            "{" => 1,
            "}" => -1,
            _ => 0,
        };
        if depth == 0 {
            return at + 1;
        }
    }
    texts.len()
}

/// The top modules named by `crate::…`, or by as many `super::` as lead to the root, with their lines.
fn used_modules(path: &str, words: &[Token]) -> Vec<(String, usize)> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let file_depth = inner.split('/').count();
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let (mut found, mut braces, mut modules) = (Vec::new(), 0usize, Vec::new());
    for at in 0..words.len() {
        match text(at) {
            "{" => {
                if at >= 2 && text(at - 2) == "mod" {
                    modules.push(braces);
                }
                braces += 1;
            }
            "}" => {
                braces = braces.saturating_sub(1);
                if modules.last() == Some(&braces) {
                    modules.pop();
                }
            }
            "crate" if text(at + 1) == "::" => found.extend(heads(words, at + 2)),
            "super" if at == 0 || text(at - 1) != "::" => {
                let climbs = (0..).take_while(|n| text(at + 2 * n) == "super" && text(at + 2 * n + 1) == "::").count();
                if climbs == file_depth + modules.len() {
                    found.extend(heads(words, at + 2 * climbs));
                }
            }
            _ => {}
        }
    }
    found
}

/// The first names of a path that goes on at `at`: one word, or each of a group in braces.
fn heads(words: &[Token], at: usize) -> Vec<(String, usize)> {
    let Some(first) = words.get(at) else { return Vec::new() };
    if first.text != "{" {
        return vec![(first.text.clone(), first.line)];
    }
    let (mut depth, mut names) = (0, Vec::new());
    for (place, word) in words.iter().enumerate().skip(at) {
        match word.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," => {}
            _ if depth == 1 && matches!(words[place - 1].text.as_str(), "{" | ",") => {
                names.push((word.text.clone(), word.line));
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// The attributes of a page that have a value, with their places.
fn attributes(page: &str) -> Vec<(usize, String)> {
    page.match_indices('=')
        .filter_map(|(at, _)| {
            let before = page[..at].trim_end();
            let start = before.rfind(|sign: char| sign.is_whitespace() || "\"'<>/".contains(sign))? + 1;
            Some((start, before[start..].to_owned()))
        })
        .collect()
}

/// A template with blanks where its own code stood (`{{ … }}`, `{% … %}`, `{# … #}`); places stay the same.
fn without_template_code(text: &str) -> String {
    let (mut page, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, end)) =
        [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].iter().filter_map(|(open, end)| Some((rest.find(open)?, *end))).min()
    {
        let length = rest[at + 2..].find(end).map_or(rest.len() - at, |inner| inner + 4);
        page.push_str(&rest[..at]);
        page.extend(rest[at..at + length].bytes().map(|_| ' '));
        rest = &rest[at + length..];
    }
    page + rest
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names that the crate's dependencies have in its source.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let table = manifest["dependencies"].as_table().unwrap();
    table.keys().map(|name| name.replace('-', "_")).collect()
}

/// Reads every file under `folders` with this ending and collects what `rule` finds. Each folder has at least one.
fn faults_in(folders: &[&str], ending: &str, rule: impl Fn(&str, &str) -> Vec<Fault>) -> Vec<Fault> {
    let mut paths = Vec::new();
    for folder in folders {
        let known = paths.len();
        collect(&root().join(folder), &mut paths);
        assert!(paths[known..].iter().any(|path| ends(path, ending)), "nothing to read in {folder}");
    }
    paths.sort();
    let read = paths.iter().filter(|path| ends(path, ending));
    read.flat_map(|path| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        rule(name, &fs::read_to_string(path).unwrap_or_else(|fault| panic!("{name} is not readable text: {fault}")))
    })
    .collect()
}

fn ends(path: &Path, ending: &str) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(ending))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { collect(&path, paths) } else { paths.push(path) }
    }
}

fn assert_none(faults: Vec<Fault>) {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(lines.is_empty(), "house rules are broken:\n{}", lines.join("\n"));
}

// ---- every rule finds its planted fault ----

fn lines_of(faults: &[Fault]) -> Vec<usize> {
    faults.iter().map(|fault| fault.line).collect()
}

#[test]
fn a_forbidden_module_is_found_however_it_is_written() {
    let planted = "use crate::domain::Span;\nuse crate::{\n    clock::Clock,\n    web::{Page, store},\n};\n\
                   fn f() { crate::app::submit() }\nuse super::cli;\nmod inner { use super::super::worker; use super::super::x; }\n\
                   // crate::api\nconst A: &str = \"crate::api\";\n";
    let faults = misused_modules("src/store/mod.rs", planted);
    assert_eq!(lines_of(&faults), [4, 6, 7, 8], "{faults:?}");
    let expected =
        "src/store/mod.rs:4: `store` uses `web`, but it may use only domain, clock (see the table in ARCHITECTURE.md)";
    assert_eq!(faults[0].to_string(), expected);
}

#[test]
fn nobody_but_the_main_file_uses_the_command_line() {
    assert_eq!(misused_modules("src/demo/world.rs", "use crate::cli::Wiring;").len(), 1);
    assert_eq!(misused_modules("src/main.rs", "use backout::cli; use crate::cli;"), []);
    assert_eq!(misused_modules("src/cli/serve.rs", "use crate::{web, worker}; use super::super::api;"), []);
}

#[test]
fn a_test_inside_a_module_may_set_its_scene_with_others() {
    let planted = "use crate::web;\n#[cfg(test)]\nmod tests {\n    use crate::web;\n}\nuse crate::app;\n\
                   #[cfg(test)]\nmod more_tests {\n    use crate::web;\n}\n";
    assert_eq!(lines_of(&misused_modules("src/domain/plan.rs", planted)), [1, 6]);
    assert_eq!(misused_modules("src/domain/decide/tests.rs", planted), []);
}

#[test]
fn sql_outside_the_store_and_impurity_in_the_domain_are_found() {
    let crates = ["sqlx", "serde", "tokio", "jiff"].map(str::to_owned);
    let planted = "use serde::Serialize;\nuse sqlx::Row;\nfn f() { tokio::spawn(x) }\nlet url = own::tokio::x;\n\
                   mod jiff;\npub use jiff::Span;\n";
    assert_eq!(lines_of(&misused_crates("src/domain/plan.rs", planted, &crates)), [2, 3]);
    assert_eq!(lines_of(&misused_crates("src/web/room.rs", planted, &crates)), [2]);
    assert_eq!(misused_crates("src/store/ledger.rs", planted, &crates), []);
}

#[test]
fn a_sleeping_test_is_found() {
    let planted =
        "fn f() {\n  tokio::time::sleep(second).await;\n  // sleep(1)\n  let s = \"sleep(2)\"; sleep_until(3);\n}\n";
    assert_eq!(lines_of(&sleeps("tests/it/flow.rs", planted)), [2]);
    assert_eq!(sleeps("src/worker/mod.rs", planted), [], "a duty may wait; only a test may not");
    let inline = format!("#[cfg(test)]\nmod tests {{\n{planted}}}\n");
    assert_eq!(lines_of(&sleeps("src/worker/mod.rs", &inline)), [4]);
}

#[test]
fn unescaped_and_inline_parts_of_a_template_are_found() {
    let planted = [
        "{{ words|safe }}",
        "{{ words | safe }}",
        "{% autoescape false %}",
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        "<p class=\"a\" style=\"color: red\">",
        "<button\n  onclick = \"go()\">",
        "<a href=\"javascript:go()\">",
    ];
    for fault in planted {
        let found = template_faults("templates/room.html", fault);
        assert_eq!(found.len(), 1, "{fault} should be one fault: {found:?}");
    }
    assert_eq!(lines_of(&template_faults("templates/room.html", planted[6])), [2]);
    let good = "<script src=\"/static/live.js\" defer></script><link rel=\"stylesheet\" href=\"/static/a.css\">\n\
                {% let once = 1 %}{{ words|safely }}{% if on == x %}<p data-style=\"x\" data-on-call=\"y\">{# style=\"\" #}</p>";
    assert_eq!(template_faults("templates/room.html", good), []);
}

#[test]
fn an_empty_name_is_found() {
    assert_eq!(empty_name("src/web/helpers.rs").len(), 1);
    assert_eq!(empty_name("src/common/mod.rs").len(), 1);
    assert_eq!(empty_name("src/web/room.rs"), []);
}
