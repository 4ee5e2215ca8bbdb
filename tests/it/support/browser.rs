//! A real Chromium, driven by its own driver.
//!
//! [`Browser`] is one driver process; [`Browser::open`] gives a [`Page`]: a Chromium with an empty profile, looking at
//! the world as a [`Look`] says. Everything either started ends with the [`Browser`], also when a test fails.
//!
//! ```ignore
//! let browser = Browser::start().await;
//! let page = browser.open(Look::phone().dark()).await;
//! page.visit(&server.url("/")).await;
//! page.click("button[name=start]").await;
//! page.shows("Rollback in progress").await;
//! page.has_a_clean_console().await;
//! page.passes_axe().await;
//! ```

use super::folder::{TempDir, end_processes_within};
use super::process::{Process, local_client};
use super::waiting::{PATIENCE, wait_until};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Browsers are heavy: this many at once, however many tests run side by side.
static PLACES: Semaphore = Semaphore::const_new(3);

/// What Chromium is told, beside its profile. It runs as root in a container, asks nobody outside, and uses no graphics
/// card.
const SWITCHES: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
];

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// CSS pixels.
    width: u32,
    height: u32,
    /// A finger instead of a mouse, and the page's own viewport settings obeyed.
    phone: bool,
    dark: bool,
    calm: bool,
    forced_colours: bool,
    javascript: bool,
}

impl Look {
    /// 1440 by 900, light, with JavaScript.
    pub fn desktop() -> Look {
        Look {
            width: 1440,
            height: 900,
            phone: false,
            dark: false,
            calm: false,
            forced_colours: false,
            javascript: true,
        }
    }

    /// A big screen on a wall: 1920 by 1080.
    pub fn wall() -> Look {
        Look { width: 1920, height: 1080, ..Look::desktop() }
    }

    /// 390 by 844 with a finger, light, with JavaScript.
    pub fn phone() -> Look {
        Look { width: 390, height: 844, phone: true, ..Look::desktop() }
    }

    /// Another width in CSS pixels, such as 320 for the narrowest that must work.
    pub fn wide(self, width: u32) -> Look {
        Look { width, ..self }
    }

    pub fn dark(self) -> Look {
        Look { dark: true, ..self }
    }

    /// The viewer asked for reduced motion.
    pub fn calm(self) -> Look {
        Look { calm: true, ..self }
    }

    /// The viewer's system forces its own few colours.
    pub fn forced_colours(self) -> Look {
        Look { forced_colours: true, ..self }
    }

    /// The page's scripts do not run. The test's own still do.
    pub fn without_javascript(self) -> Look {
        Look { javascript: false, ..self }
    }
}

/// A driver process and all Chromiums opened through it.
#[derive(Debug)]
pub struct Browser {
    driver: Process,
    address: String,
    folder: TempDir,
    pages: AtomicU32,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts a driver on a free port and waits until it listens.
    ///
    /// Waits for a place first, so that tests side by side do not starve each other. Hence one browser a test: two that
    /// each hold one and wait for a second would wait for ever, and two pages of one browser share nothing anyway.
    pub async fn start() -> Browser {
        let place = PLACES.acquire().await.expect("the places are never closed");
        let folder = TempDir::new();
        // Chromium inherits the folder as its own: that is how all its processes are found in the end.
        let mut command = Command::new("chromedriver");
        command.args(["--port=0", "--log-level=SEVERE"]).current_dir(folder.path()).env("TMPDIR", folder.path());
        let mut driver = Process::start(&mut command);
        let line = driver.line_with("started successfully on port", PATIENCE).await;
        let port = line.trim_end_matches('.').rsplit(' ').next().unwrap_or_default();
        let address = format!("http://127.0.0.1:{port}");
        Browser { driver, address, folder, pages: AtomicU32::new(0), _place: place }
    }

    /// Opens a Chromium of its own, with an empty profile: pages share no cookies.
    pub async fn open(&self, look: Look) -> Page {
        self.open_with(look, &[]).await
    }

    /// The same with further switches.
    pub async fn open_with(&self, look: Look, switches: &[String]) -> Page {
        let number = self.pages.fetch_add(1, Ordering::Relaxed);
        let session = WebDriver::builder(
            &self.address,
            self.capabilities(number, switches).expect("capabilities are plain JSON"),
        )
        .client(local_client())
        .await
        .unwrap_or_else(|fault| panic!("Chromium did not open: {fault}\n{}", self.driver.output()));
        let page = Page { session: Some(session) };
        page.look_as(look).await;
        page
    }

    fn capabilities(&self, number: u32, switches: &[String]) -> WebDriverResult<ChromeCapabilities> {
        let mut wanted = ChromeCapabilities::new();
        for switch in SWITCHES.into_iter().chain(switches.iter().map(String::as_str)) {
            wanted.add_arg(switch)?;
        }
        let profile = self.folder.join(&format!("profile-{number}"));
        wanted.add_arg(&format!("--user-data-dir={}", profile.display()))?;
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        Ok(wanted)
    }

    /// The folder that all its processes work in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end_processes_within(self.folder.path());
    }
}

/// One Chromium window. Everything thirtyfour offers is there through it (`page.find(By::Css("h1"))`); the methods here
/// are the sentences that tests need most, and panic with what was wrong.
///
/// Its Chromium ends with the [`Browser`]; [`close`](Page::close) it where many are opened one after the other.
#[derive(Debug)]
pub struct Page {
    /// There until the page is closed or dropped.
    session: Option<WebDriver>,
}

impl Deref for Page {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        self.session.as_ref().expect("a page has its session until it is closed")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Left to itself the session would now be ended by a request that blocks this thread, and with it the very
        // runtime that keeps the connection: a minute lost. The browser ends all its processes anyway.
        if let Some(session) = self.session.take() {
            let _ = session.leak();
        }
    }
}

impl Page {
    /// Looks at the same page in another way from now on.
    pub async fn look_as(&self, look: Look) {
        self.take(look).await.unwrap_or_else(|fault| panic!("Chromium cannot look as {look:?}: {fault}"));
    }

    async fn take(&self, look: Look) -> WebDriverResult<()> {
        let tools = self.cdp();
        let size = json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": look.phone });
        tools.send_raw("Emulation.setDeviceMetricsOverride", size).await?;
        tools.send_raw("Emulation.setTouchEmulationEnabled", json!({ "enabled": look.phone })).await?;
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": if look.dark { "dark" } else { "light" } },
            { "name": "prefers-reduced-motion", "value": if look.calm { "reduce" } else { "no-preference" } },
            { "name": "forced-colors", "value": if look.forced_colours { "active" } else { "none" } },
        ] });
        tools.send_raw("Emulation.setEmulatedMedia", media).await?;
        tools.send_raw("Emulation.setScriptExecutionDisabled", json!({ "value": !look.javascript })).await?;
        Ok(())
    }

    /// From now on the page is seen as paper shows it, printed by somebody who reads on dark screens.
    pub async fn look_as_paper(&self) {
        let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        let media = json!({ "media": "print", "features": dark });
        self.cdp().send_raw("Emulation.setEmulatedMedia", media).await.expect("Chromium looks as paper");
    }

    /// The size of letters that the viewer set in the browser, as a multiple of the usual one.
    pub async fn letters(&self, times: u32) {
        let sizes = json!({ "fontSizes": { "standard": 16 * times, "fixed": 13 * times } });
        self.cdp().send_raw("Page.setFontSizes", sizes).await.expect("Chromium sets its letters");
    }

    /// Runs a script at the beginning of every page from now on, before the page's own.
    pub async fn begins_each_page_with(&self, script: &str) {
        let wanted = json!({ "source": script });
        let told = self.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", wanted).await;
        told.expect("Chromium takes a script");
    }

    /// Goes to an absolute address and waits until it is loaded.
    pub async fn visit(&self, address: &str) {
        self.goto(address).await.unwrap_or_else(|fault| panic!("{address} does not open: {fault}"));
    }

    /// The visible words of the first element that fits the CSS selector.
    pub async fn words(&self, css: &str) -> String {
        self.the(css).await.text().await.unwrap_or_else(|fault| panic!("{css} has no words: {fault}"))
    }

    /// Clicks on the first element that fits the CSS selector.
    pub async fn click(&self, css: &str) {
        self.the(css).await.click().await.unwrap_or_else(|fault| panic!("{css} cannot be clicked: {fault}"));
    }

    /// Replaces what stands in a field.
    pub async fn fill(&self, css: &str, words: &str) {
        let field = self.the(css).await;
        field.clear().await.unwrap_or_else(|fault| panic!("{css} cannot be emptied: {fault}"));
        field.send_keys(words).await.unwrap_or_else(|fault| panic!("{css} cannot be filled: {fault}"));
    }

    /// The first element that fits the CSS selector; waits until there is one.
    pub async fn the(&self, css: &str) -> WebElement {
        self.until(&format!("an element {css}"), async || self.find(By::Css(css)).await.is_ok()).await;
        self.find(By::Css(css)).await.unwrap_or_else(|fault| panic!("{css} went away: {fault}"))
    }

    /// Waits until the page shows these words anywhere.
    pub async fn shows(&self, words: &str) {
        self.until(&format!("the page to show {words:?}"), async || self.all_words().await.contains(words)).await;
    }

    /// Waits for any condition; a failure tells what the page shows instead.
    pub async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, wait_until(PATIENCE * 2, what, async || condition().await)).await;
        if waited.is_err() {
            let address = self.current_url().await.map(String::from).unwrap_or_default();
            panic!("waited {PATIENCE:?} in vain for {what}; {address} shows:\n{}", self.all_words().await);
        }
    }

    /// All visible words; none while the page is changing.
    pub async fn all_words(&self) -> String {
        match self.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// What went to the console since this was last asked: scripts' messages, failed loads, refusals by the content
    /// security policy.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.browser_log().await.expect("Chromium tells its console");
        entries.into_iter().map(|entry| format!("{}: {}", entry.level, entry.message)).collect()
    }

    /// Fails if anything went to the console.
    pub async fn has_a_clean_console(&self) {
        let messages = self.console().await;
        assert!(messages.is_empty(), "the console is not empty:\n{}", messages.join("\n"));
    }

    /// What axe finds wrong with the page as it is now: all its rules, and the target size of WCAG 2.2.
    pub async fn axe(&self) -> Vec<Violation> {
        self.axe_asked_for("{ rules: { 'target-size': { enabled: true } } }").await
    }

    /// What axe finds wrong with the colours alone: for a page that was looked at before in another scheme.
    pub async fn axe_on_colours(&self) -> Vec<Violation> {
        self.axe_asked_for("{ runOnly: ['color-contrast'] }").await
    }

    async fn axe_asked_for(&self, what: &str) -> Vec<Violation> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/npm/node_modules/axe-core/axe.min.js");
        let source = std::fs::read_to_string(&path)
            .unwrap_or_else(|fault| panic!("axe is not at {} ({fault}); ./test.sh installs it", path.display()));
        if self.value_of("typeof axe").await == "undefined" {
            self.execute(source, Vec::new()).await.expect("axe can be put into the page");
        }
        let run = format!(
            "const done = arguments[arguments.length - 1];
            axe.run(document, {{ resultTypes: ['violations'], ...{what} }})
               .then(found => done({{ found: found.violations, rules: found.passes.length }}),
                     fault => done({{ fault: String(fault) }}));"
        );
        let told = self.execute_async(run, Vec::new()).await.expect("axe answers");
        let told = told.json();
        assert!(told["rules"].as_u64() > Some(0), "axe checked nothing: {told}");
        Vec::deserialize(&told["found"]).expect("axe tells its findings in its known form")
    }

    /// Fails if axe finds anything.
    pub async fn passes_axe(&self) {
        let found: Vec<String> = self.axe().await.iter().map(Violation::to_string).collect();
        assert!(found.is_empty(), "axe finds fault:\n{}", found.join("\n"));
    }

    /// Saves a picture of the whole page, as far down as it goes, and returns its path: a PNG in `$BACKOUT_PICTURES`, or
    /// in the ignored folder `pictures/`.
    pub async fn picture(&self, name: &str) -> PathBuf {
        // What stays at the top of the screen belongs at the top of the picture.
        self.value_of("scrollTo({ top: 0, behavior: 'instant' })").await;
        let wanted = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.cdp().send_raw("Page.captureScreenshot", wanted).await.expect("Chromium takes a picture");
        keep(&format!("{name}.png"), &taken)
    }

    /// How many sheets of paper the page takes.
    pub async fn sheets(&self) -> usize {
        let printed = self.cdp().send_raw("Page.printToPDF", json!({ "preferCSSPageSize": true })).await;
        let printed = printed.expect("Chromium prints");
        let data = printed["data"].as_str().expect("a paper is text in base64");
        let bytes = data_encoding::BASE64.decode(data.as_bytes()).expect("a paper is text in base64");
        String::from_utf8_lossy(&bytes).matches("/Type /Page\n").count()
    }

    /// Where the viewer is, as the browser's time zone says it, such as `Europe/Berlin`.
    pub async fn is_in(&self, zone: &str) {
        let told = self.cdp().send_raw("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
        told.expect("Chromium takes a time zone");
    }

    /// Saves the page as it comes out on paper: a PDF beside the pictures.
    pub async fn paper(&self, name: &str) -> PathBuf {
        let wanted = json!({ "preferCSSPageSize": true, "printBackground": true });
        let printed = self.cdp().send_raw("Page.printToPDF", wanted).await.expect("Chromium prints");
        keep(&format!("{name}.pdf"), &printed)
    }

    /// Presses keys, into whatever has the focus then: an element that was asked for before may be gone by the time of the
    /// press.
    pub async fn types(&self, keys: &str) {
        self.action_chain().send_keys(keys).perform().await.expect("keys can be pressed");
    }

    /// The value of a JavaScript expression in the page. Works without the page's own JavaScript too.
    pub async fn value_of(&self, expression: &str) -> Value {
        let script = format!("return {expression};");
        let value = self.execute(script, Vec::new()).await;
        value.unwrap_or_else(|fault| panic!("{expression} has no value: {fault}")).json().clone()
    }

    /// Whether our own script is at work here and no form is under way. Never where scripts do not run.
    pub async fn has_settled(&self) -> bool {
        let script = "return document.documentElement.dataset.script === 'on' && document.readyState === 'complete' \
                      && document.querySelector('form[aria-busy]') === null;";
        self.execute(script, Vec::new()).await.is_ok_and(|told| told.json().as_bool() == Some(true))
    }

    /// Ends this Chromium now.
    pub async fn close(mut self) {
        let session = self.session.take().expect("a page has its session until it is closed");
        session.quit().await.expect("Chromium closes");
    }
}

/// Saves what Chromium answered with: a file in base64.
fn keep(name: &str, answer: &Value) -> PathBuf {
    let folder = std::env::var_os("BACKOUT_PICTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures"), PathBuf::from);
    let data = answer["data"].as_str().expect("a picture is text in base64");
    let bytes = data_encoding::BASE64.decode(data.as_bytes()).expect("a picture is text in base64");
    let path = folder.join(name);
    std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, bytes)).expect("pictures can be saved");
    path
}

/// One rule of axe that the page breaks.
#[derive(Debug, Deserialize)]
pub struct Violation {
    /// The rule's name, such as `color-contrast`.
    #[serde(rename = "id")]
    pub rule: String,
    pub help: String,
    pub nodes: Vec<Offender>,
}

/// One element that breaks it.
#[derive(Debug, Deserialize)]
pub struct Offender {
    pub html: String,
    #[serde(rename = "failureSummary", default)]
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.rule, self.help)?;
        for Offender { html, why } in &self.nodes {
            write!(out, "\n  {html}\n    {}", why.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}
