//! A person at a browser of their own. They find things as people do: a button by its words, a field by its label.

use super::demo::Demo;
use super::sights::Sights;
use crate::support::browser::{Browser, Look, Page};
use crate::support::process::local_client;
use crate::support::waiting::{PATIENCE, wait_until};
use std::sync::Arc;
use std::time::Duration;
use thirtyfour::prelude::*;

/// An update may be a whole beat away, and a restart lie in between.
const LONG: Duration = Duration::from_secs(60);

pub struct Person {
    pub page: Page,
    pub login: &'static str,
    pub name: &'static str,
    password: String,
    /// `http://127.0.0.1:PORT`.
    site: String,
    sights: Arc<Sights>,
}

impl Person {
    /// Opens a browser that is signed in nowhere.
    pub async fn arrives(
        browser: &Browser,
        look: Look,
        demo: &Demo,
        (login, name): (&'static str, &'static str),
        sights: &Arc<Sights>,
    ) -> Person {
        Person::sits_at(browser.open(look).await, demo, (login, name), sights)
    }

    /// At a browser that is open already.
    pub fn sits_at(
        page: Page,
        demo: &Demo,
        (login, name): (&'static str, &'static str),
        sights: &Arc<Sights>,
    ) -> Person {
        let password = demo.password(login);
        Person { page, login, name, password, site: demo.url(""), sights: Arc::clone(sights) }
    }

    pub async fn signs_in(&self) {
        self.goes_to("/sign-in").await;
        self.fills("Sign-in name", self.login).await;
        self.fills("Password", &self.password).await;
        self.presses("Sign in").await;
        self.sees("Active rollbacks").await;
    }

    pub async fn goes_to(&self, path: &str) {
        self.page.visit(&format!("{}{path}", self.site)).await;
    }

    /// What the page before these eyes looks like, under `name`.
    pub async fn looks_at(&self, name: &str) {
        self.sights.add(&self.page, name).await;
    }

    /// Where this browser is: path and anchor.
    pub async fn place(&self) -> String {
        let address = self.page.current_url().await.map(String::from).unwrap_or_default();
        address.strip_prefix(&self.site).unwrap_or(&address).to_owned()
    }

    /// Presses the button, or follows the link that is drawn as one, whose words begin so.
    pub async fn presses(&self, words: &str) {
        self.presses_within("//main", words).await;
    }

    /// The same within one element, such as `criterion-error-rate-low`.
    pub async fn presses_in(&self, id: &str, words: &str) {
        self.presses_within(&format!("//*[@id='{id}']"), words).await;
    }

    pub async fn presses_within(&self, place: &str, words: &str) {
        let begins = format!("[starts-with(normalize-space(.), \"{words}\")]");
        let path = format!("({place}//button{begins} | {place}//a{begins} | {place}//summary{begins})[1]");
        self.clicks(By::XPath(path), words).await;
    }

    /// Presses the button that fits the CSS selector, where several have the same words.
    pub async fn presses_the(&self, css: &str) {
        self.clicks(By::Css(css), css).await;
    }

    /// Clicks; a button of a form is only done when its answer is there: on another page, or on the same one changed in
    /// its place by the page's own script.
    ///
    /// A live page may change between the look and the click, and its head stays above what scrolls: as people do, this
    /// looks again, and brings what it presses to the middle first.
    async fn clicks(&self, by: By, what: &str) {
        let mut pressed = None;
        self.page
            .until(&format!("{} to press {what:?}", self.name), async || {
                let Ok(found) = self.page.find(by.clone()).await else { return false };
                let Ok(tag) = found.tag_name().await else { return false };
                let middle = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });";
                let Ok(argument) = found.to_json() else { return false };
                if self.page.execute(middle, vec![argument]).await.is_err() || found.click().await.is_err() {
                    return false;
                }
                pressed = Some((found, tag));
                true
            })
            .await;
        let (found, tag) = pressed.expect("it was pressed");
        if tag == "button" {
            let what = format!("the answer to {what:?}, pressed by {}", self.name);
            self.page.until(&what, async || found.is_enabled().await.is_err() || self.page.has_settled().await).await;
        }
    }

    /// Types into the field whose label begins so.
    pub async fn fills(&self, label: &str, text: &str) {
        self.fills_within("//main", label, text).await;
    }

    pub async fn fills_in(&self, id: &str, label: &str, text: &str) {
        self.fills_within(&format!("//*[@id='{id}']"), label, text).await;
    }

    pub async fn fills_within(&self, place: &str, label: &str, text: &str) {
        let path = format!("({place}//label[starts-with(normalize-space(.), \"{label}\")])[1]");
        let named = self.find(&path, label).await.attr("for").await.unwrap();
        let named = named.unwrap_or_else(|| panic!("the label {label:?} names no field"));
        self.page.fill(&format!("[id='{named}']"), text).await;
    }

    /// Ticks the box or the circle whose label begins so.
    pub async fn chooses(&self, label: &str) {
        let path = format!("(//label[starts-with(normalize-space(.), \"{label}\")])[1]");
        let found = self.find(&path, label).await;
        found.click().await.unwrap_or_else(|fault| panic!("{} cannot choose {label:?}: {fault}", self.name));
    }

    /// Takes the entry of a list whose label begins so.
    pub async fn takes_from(&self, label: &str, entry: &str) {
        let path = format!("(//label[starts-with(normalize-space(.), \"{label}\")])[1]");
        let named = self.find(&path, label).await.attr("for").await.unwrap().expect("a label names its field");
        let option = format!("//select[@id='{named}']/option[starts-with(normalize-space(.), \"{entry}\")]");
        self.find(&option, entry).await.click().await.unwrap();
    }

    async fn find(&self, path: &str, what: &str) -> WebElement {
        let by = || By::XPath(path);
        let what = format!("{what:?} before {}", self.name);
        self.page.until(&what, async || self.page.find(by()).await.is_ok()).await;
        self.page.find(by()).await.unwrap()
    }

    /// Waits until the page before these eyes shows the words.
    pub async fn sees(&self, words: &str) {
        self.page.shows(words).await;
    }

    /// How many elements fit the CSS selector.
    pub async fn counts(&self, css: &str) -> usize {
        self.page.find_all(By::Css(css)).await.map_or(0, |found| found.len())
    }

    /// Everything that an element says, also what is folded away.
    pub async fn text_of(&self, css: &str) -> String {
        let element = self.page.the(css).await;
        let text = element.prop("textContent").await.unwrap().unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Opens a page again and again until the element shows the words.
    pub async fn waits_at(&self, path: &str, css: &str, words: &str) {
        let what = format!("{path} to show {} {words:?} in {css}", self.name);
        self.waits_until(path, css, &what, |shown| shown.contains(words)).await;
    }

    /// Opens a page again and again until the element is there without the words.
    pub async fn waits_without(&self, path: &str, css: &str, words: &str) {
        let what = format!("{path} to show {} no {words:?} in {css}", self.name);
        self.waits_until(path, css, &what, |shown| !shown.is_empty() && !shown.contains(words)).await;
    }

    async fn waits_until(&self, path: &str, css: &str, what: &str, fits: impl Fn(&str) -> bool) {
        let mut last = String::new();
        let waited = tokio::time::timeout(
            LONG,
            wait_until(LONG * 2, what, async || {
                self.goes_to(path).await;
                last = match self.page.find(By::Css(css)).await {
                    Ok(found) => found.text().await.unwrap_or_default(),
                    Err(_) => String::new(),
                };
                fits(&last)
            }),
        )
        .await;
        if waited.is_err() {
            panic!("waited in vain for {what}; it shows {last:?}, and the page\n{}", self.page.all_words().await);
        }
    }

    /// Confirms with the password that it is still the same person, where that is asked, and presses the button that
    /// does what was sent. Tells whether it was asked.
    pub async fn confirms_identity_if_asked(&self) -> bool {
        if !self.page.all_words().await.contains("Confirm that it is you") {
            return false;
        }
        self.fills("Password", &self.password).await;
        self.presses("Confirm").await;
        self.sees("one press remains").await;
        let named = self.page.find(By::Css("main .button-primary")).await.unwrap().text().await.unwrap();
        self.presses(&named).await;
        true
    }

    /// What the server sends this person for a path: the bytes that a download has, and a page before any script.
    pub async fn downloads(&self, path: &str) -> String {
        let cookies = self.page.get_all_cookies().await.unwrap();
        let cookies: Vec<String> = cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let request = local_client().get(format!("{}{path}", self.site)).header("cookie", cookies.join("; "));
        let answer = request.timeout(PATIENCE).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} for {}", self.name);
        answer.text().await.unwrap()
    }
}
