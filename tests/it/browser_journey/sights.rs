//! What every key page must hold, looked at where the journey passes it: nothing for axe to find, nothing on the
//! console, nothing to scroll sideways, valid HTML; on a desk, in the dark, on a phone, in forced colours, with spaced text.
//!
//! Faults are gathered and told together at the end. With `BACKOUT_PICTURES` set, a picture of every page is kept there.

use super::forced_and_spaced;
use crate::support::browser::{Look, Page};
use crate::support::html::faults_in_html;
use crate::support::process::local_client;
use std::sync::{Mutex, PoisonError};

/// The browser's own remarks: about an answer 401 that asks for the password again, about refusals that a journey
/// provokes, and about password fields.
const BROWSERS_OWN: [&str; 3] = ["status of 401", "status of 422", "[DOM]"];

/// What it says of a stream that ends because the journey pulled the server's plug.
const STREAM_CUT: [&str; 2] = ["net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_CONNECTION_REFUSED"];

/// Whether a message on the console is the browser's remark and no fault of a page.
fn is_the_browsers_own(message: &str) -> bool {
    let cut = message.contains("/live?") && STREAM_CUT.iter().any(|cut| message.contains(cut));
    cut || BROWSERS_OWN.iter().any(|own| message.contains(own))
}

/// Narrow enough for the smallest telephones, and for a desk at 400 %.
const NARROW: [u32; 2] = [390, 320];

/// The pages that were passed.
pub struct Sights {
    judged: bool,
    pages: Mutex<Vec<(String, String)>>,
    faults: Mutex<Vec<String>>,
}

impl Sights {
    /// Pages are looked at closely.
    pub fn judged() -> Sights {
        Sights { judged: true, pages: Mutex::default(), faults: Mutex::default() }
    }

    /// Pages are passed by.
    pub fn unjudged() -> Sights {
        Sights { judged: false, pages: Mutex::default(), faults: Mutex::default() }
    }

    pub fn are_judged(&self) -> bool {
        self.judged
    }

    /// Looks at the page as it is now.
    pub async fn add(&self, page: &Page, name: &str) {
        if !self.judged {
            return;
        }
        // No colour is on its way to another while it is looked at.
        let desk = Look::desktop().calm();
        self.console(page, name).await;
        self.keep_source(page, name).await;
        for (look, word) in [(desk, "desktop"), (desk.dark(), "dark"), (Look::phone().calm(), "phone")] {
            page.look_as(look).await;
            // The dark scheme changes colours and nothing else.
            let found = if word == "dark" { page.axe_on_colours().await } else { page.axe().await };
            self.faults(found.iter().map(|violation| format!("{name}, {word}: {violation}")));
            if word == "phone" {
                self.targets(page, name).await;
            }
            keep_picture(page, &format!("{name}-{word}")).await;
        }
        for width in NARROW {
            page.look_as(Look::phone().calm().wide(width)).await;
            let reaches = page.value_of("document.documentElement.scrollWidth").await.as_u64().unwrap();
            if reaches > u64::from(width) {
                let culprits = page.value_of(&wider_than(width)).await;
                self.fault(format!("{name} scrolls sideways at {width} px: it reaches to {reaches} px by {culprits}"));
            }
        }
        page.look_as(desk).await;
        self.large_text(page, name).await;
        self.words(page, name).await;
        let forced = forced_and_spaced::in_forced_colours(page).await;
        self.faults(forced.iter().map(|fault| format!("{name}, forced colours: {fault}")));
        let spaced = forced_and_spaced::with_spaced_text(page).await;
        self.faults(spaced.iter().map(|fault| format!("{name}, spaced text: {fault}")));
        page.look_as(desk).await;
    }

    /// What a finger presses is 44 px high, but for links within a sentence.
    async fn targets(&self, page: &Page, name: &str) {
        let small = page.value_of(SMALL_TARGETS).await;
        for target in small.as_array().into_iter().flatten() {
            self.fault(format!("{name}, phone: lower than 44 px: {target}"));
        }
    }

    /// With letters twice as large nothing scrolls sideways.
    async fn large_text(&self, page: &Page, name: &str) {
        page.letters(2).await;
        let reaches = page.value_of("document.documentElement.scrollWidth - innerWidth").await.as_i64().unwrap();
        if reaches > 0 {
            let culprits = page.value_of(&wider_than(1440)).await;
            self.fault(format!("{name} scrolls sideways by {reaches} px at 200 % text, by {culprits}"));
        }
        page.letters(1).await;
    }

    /// Words are for people: no name of the program's own, no full stop twice.
    async fn words(&self, page: &Page, name: &str) {
        for words in page.value_of(ODD_WORDS).await.as_array().into_iter().flatten() {
            self.fault(format!("{name}, words: {words}"));
        }
    }

    async fn console(&self, page: &Page, name: &str) {
        for message in page.console().await {
            if !is_the_browsers_own(&message) {
                self.fault(format!("{name}, console: {message}"));
            }
        }
    }

    /// The source as the server sends it; a page that answered a form has none to ask for again.
    async fn keep_source(&self, page: &Page, name: &str) {
        let cookies = page.get_all_cookies().await.unwrap();
        let cookies: Vec<String> = cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let address = page.current_url().await.unwrap();
        let answer = local_client().get(address).header("cookie", cookies.join("; ")).send().await.unwrap();
        let source = answer.text().await.unwrap();
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), source));
    }

    fn fault(&self, words: String) {
        self.faults([words]);
    }

    fn faults(&self, all: impl IntoIterator<Item = String>) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(all);
    }

    /// Fails when any page had any fault.
    pub fn are_sound(&self) {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !pages.is_empty() {
            let pages: Vec<(&str, &str)> = pages.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            faults.extend(faults_in_html(&pages));
        }
        assert!(faults.is_empty(), "{} faults in the pages:\n{}", faults.len(), faults.join("\n"));
    }
}

impl Drop for Sights {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("--- faults of pages, up to here ---\n{}\n---", faults.join("\n"));
        }
    }
}

/// Saves a picture of the page as it is looked at, for whoever asked for pictures; and its paper, if it is made for that.
pub async fn keep_picture(page: &Page, name: &str) {
    if std::env::var_os("BACKOUT_PICTURES").is_some() {
        page.picture(name).await;
        if name.ends_with("-desktop") && page.value_of("document.querySelector('[data-print]') !== null").await == true
        {
            page.paper(name).await;
        }
    }
}

/// Controls that are seen and lower than a finger needs. A box or circle counts with the label around it.
const SMALL_TARGETS: &str = "[...document.querySelectorAll('button, summary, select, textarea, input, .button, .menu a, nav a')] \
     .filter(it => it.type !== 'hidden' && it.checkVisibility({ visibilityProperty: true, opacityProperty: true })) \
     .map(it => ['checkbox', 'radio'].includes(it.type) ? (it.closest('label') ?? it.labels[0] ?? it) : it) \
     .map(it => [it, it.getBoundingClientRect()]).filter(([it, box]) => box.width > 1 && box.height > 1 && box.height < 43.5) \
     .map(([it, box]) => Math.round(box.height) + ' px: ' + it.outerHTML.slice(0, 140))";

/// Text outside of code, logs and fields in which a word has an underscore, or a full stop follows another.
const ODD_WORDS: &str = "(() => { const odd = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); \
     while (walk.nextNode()) { const it = walk.currentNode; \
       if (it.parentElement.closest('code, pre, .mono, .log, textarea, script, style')) continue; \
       if (/[a-z]_[a-z]|[^.]\\.\\.(?!\\.)|\\. \\.|\\.[;,]/.test(it.data)) odd.push(it.data.trim().slice(0, 160)); } \
     return odd; })()";

/// The innermost elements that reach beyond the width.
fn wider_than(width: u32) -> String {
    format!(
        "[...document.body.querySelectorAll('*')].filter(it => it.getBoundingClientRect().right > {width} + 1 \
         && ![...it.children].some(child => child.getBoundingClientRect().right > {width} + 1)) \
         .slice(0, 5).map(it => it.outerHTML.slice(0, 120))"
    )
}
