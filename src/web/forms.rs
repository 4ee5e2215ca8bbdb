//! Forms: what may be in one, what is wrong with it, and showing it again as it was typed.
//!
//! A form names its [`Field`]s once. Anything else in the body, a field sent twice, or bytes that are no text never
//! come from a page of ours and are refused whole (422). What a person can get wrong becomes a [`Fault`]: the field,
//! what is wrong, and what would be right; the page is then shown again (422) with everything as it was typed, apart
//! from passwords.

use super::csrf::FromOwnPage;
use super::error::WebError;
use crate::domain::{Span, Timestamp};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use std::collections::BTreeMap;

/// One field that a form may carry.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    /// As the page calls it.
    pub label: &'static str,
    /// The most characters.
    pub limit: usize,
    /// Whether it may be sent several times (tick boxes of one name).
    pub many: bool,
    /// Whether it is never shown again.
    pub secret: bool,
}

impl Field {
    pub const fn text(name: &'static str, label: &'static str, limit: usize) -> Field {
        Field { name, label, limit, many: false, secret: false }
    }

    pub const fn secret(name: &'static str, label: &'static str, limit: usize) -> Field {
        Field { secret: true, ..Field::text(name, label, limit) }
    }

    pub const fn many(name: &'static str, label: &'static str, limit: usize) -> Field {
        Field { many: true, ..Field::text(name, label, limit) }
    }
}

/// A form: its fields, and how a value is read from them.
pub trait Form: Sized + Send {
    const FIELDS: &'static [Field];

    /// Reads the value, telling `faults` what is wrong. `None` needs at least one fault.
    fn read(typed: &Typed, faults: &mut Faults) -> Option<Self>;
}

/// One thing that is wrong with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    /// As the page calls the field; empty where the fault is nobody's in particular.
    pub label: &'static str,
    /// What is wrong and what would be right, as whole sentences.
    pub text: String,
}

/// Everything that is wrong with a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn add(&mut self, field: &'static str, text: impl std::fmt::Display) {
        self.0.push(Fault { field, label: "", text: text.to_string() });
    }

    /// One fault of this form.
    pub fn one<F: Form>(field: &'static str, text: impl std::fmt::Display) -> Faults {
        let mut faults = Faults::default();
        faults.add(field, text);
        faults.named::<F>()
    }

    /// Each with its field as the form's page calls it, and the first of each field alone.
    pub fn named<F: Form>(self) -> Faults {
        let mut named: Vec<Fault> = Vec::new();
        for fault in self.0 {
            if named.iter().all(|earlier| earlier.field != fault.field) {
                let label = F::FIELDS.iter().find(|field| field.name == fault.field).map_or("", |field| field.label);
                named.push(Fault { label, ..fault });
            }
        }
        Faults(named)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with this field; empty when nothing is.
    pub fn of(&self, field: &str) -> &str {
        self.0.iter().find(|fault| fault.field == field).map_or("", |fault| &fault.text)
    }
}

/// What was typed, by field.
#[derive(Debug, Clone, Default)]
pub struct Typed(BTreeMap<String, Vec<String>>);

impl Typed {
    /// As if these had been typed: to show what is known in a form's fields.
    pub fn of<const N: usize>(fields: [(&str, String); N]) -> Typed {
        Typed(fields.into_iter().map(|(name, text)| (name.to_owned(), vec![text])).collect())
    }

    /// As typed; empty when the field was not sent.
    pub fn text(&self, field: &str) -> &str {
        self.0.get(field).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// Whether the field was sent at all: an empty text is not an absent one.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Every value of a field that may be sent several times.
    pub fn all(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    /// Whether a tick box of this name and value was ticked.
    pub fn ticked(&self, field: &str, value: &str) -> bool {
        self.all(field).iter().any(|v| v == value)
    }

    /// The text without space around it, which must not be empty.
    pub fn required(&self, field: &'static str, faults: &mut Faults, mend: &str) -> Option<String> {
        let text = self.text(field).trim();
        if text.is_empty() {
            faults.add(field, format_args!("It is empty. {mend}"));
            return None;
        }
        Some(text.to_owned())
    }

    /// Everything but the secrets, to be shown again.
    fn without_secrets(mut self, fields: &[Field]) -> Typed {
        for field in fields.iter().filter(|field| field.secret) {
            self.0.remove(field.name);
        }
        self
    }
}

/// A form that was read after its origin was checked: its value, or what is wrong; and what was typed.
#[derive(Debug)]
pub struct Checked<T> {
    pub value: Result<T, Faults>,
    /// Without the secrets.
    pub typed: Typed,
}

impl<S: Send + Sync, T: Form> FromRequest<S> for Checked<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &S) -> Result<Checked<T>, WebError> {
        if request.extensions().get::<FromOwnPage>().is_none() {
            return Err(WebError::internal(&"a form was read before its origin was checked"));
        }
        let body = Bytes::from_request(request, state).await.map_err(|refused| {
            let title = "The form could not be read";
            WebError::new(refused.status(), title, "Nothing was stored. Shorten the text and send it again.")
        })?;
        check(&body)
    }
}

/// Reads a form from its bytes.
pub fn check<T: Form>(body: &[u8]) -> Result<Checked<T>, WebError> {
    let typed = parse(body, T::FIELDS).map_err(|fault| {
        let detail = format!("{fault} Nothing was changed. Go back, load the page again and send the form from it.");
        WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "This form is not as its page sends it", &detail)
    })?;
    let (mut faults, mut readable) = (Faults::default(), true);
    for field in T::FIELDS {
        let longest = typed.all(field.name).iter().map(|value| value.chars().count()).max().unwrap_or_default();
        if longest > field.limit {
            // Judging a password costs, and more with its length.
            readable &= !field.secret;
            faults.add(field.name, format_args!("It has {longest} characters. Use at most {}.", field.limit));
        }
    }
    // All faults at once: what is too long keeps nobody from hearing the rest.
    let value = match readable.then(|| T::read(&typed, &mut faults)).flatten() {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(faults.named::<T>()),
    };
    Ok(Checked { value, typed: typed.without_secrets(T::FIELDS) })
}

fn parse(body: &[u8], fields: &[Field]) -> Result<Typed, String> {
    if body.iter().any(|b| *b == 0 || !b.is_ascii()) {
        return Err("It holds bytes that are not encoded.".to_owned());
    }
    let mut typed = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.contains(['\0', '\u{fffd}']) {
            return Err("It holds bytes that are no text.".to_owned());
        }
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(format!("It holds a field {:?} that this form does not have.", shortened(&name)));
        };
        let values = typed.entry(field.name.to_owned()).or_default();
        if !field.many && !values.is_empty() {
            return Err(format!("It holds the field {:?} twice.", field.name));
        }
        let value = value.into_owned();
        values.push(if field.secret { value } else { value.replace(turns_writing, "") });
    }
    Ok(Typed(typed))
}

/// Marks that turn the direction of writing for what follows them: one in a note would let another person's name or a
/// number beside it be read backwards. They are dropped and not refused: nobody can see them, so nobody could remove
/// them, and pasted text brings them along. Letters of every direction stay.
fn turns_writing(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

/// `2026-03-05T03:14`, always UTC, as a browser's field for it sends; a blank instead of the `T`, and seconds, are read
/// too. Nothing where nothing was typed.
///
/// # Errors
/// What is wrong with it, in words.
pub fn instant(text: &str) -> Result<Option<Timestamp>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Whoever types a zone of their own must not be read as if they had not.
    let at: jiff::Timestamp =
        format!("{text}Z").parse().map_err(|_| "It is no date and time. Write it as 2026-03-05T03:14, in UTC.")?;
    Ok(Some(Timestamp(at.as_microsecond())))
}

/// As [`instant`], or a time of day, `02:53`, which is the newest one before `now`; `UTC` may follow.
///
/// # Errors
/// As for [`instant`].
pub fn instant_by(text: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    let text = text.trim().trim_end_matches("UTC").trim_end();
    let (date, clock) = text.split_once([' ', 'T']).unwrap_or(("", text));
    if clock.is_empty() {
        return instant(text);
    }
    let day = if date.is_empty() { now.date() } else { date.to_owned() };
    let at = instant(&format!("{day}T{:0>5}", clock.trim()))?;
    Ok(at.map(|at| if date.is_empty() && at > now { at - Span::hours(24) } else { at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Note {
        text: String,
        tags: Vec<String>,
    }

    impl Form for Note {
        const FIELDS: &'static [Field] = &[
            Field::text("text", "Text", 10),
            Field::many("tag", "Tags", 5),
            Field::secret("password", "Password", 20),
        ];

        fn read(typed: &Typed, faults: &mut Faults) -> Option<Note> {
            let text = typed.required("text", faults, "Say what was seen.")?;
            Some(Note { text, tags: typed.all("tag").to_vec() })
        }
    }

    #[test]
    fn a_form_is_read_as_its_page_sends_it() {
        let note = check::<Note>(b"text=a+b&tag=x&tag=y").unwrap().value.unwrap();
        assert_eq!(note, Note { text: "a b".into(), tags: vec!["x".into(), "y".into()] });
    }

    #[test]
    fn a_fault_names_the_field_and_what_would_be_right_and_keeps_what_was_typed() {
        let form = check::<Note>(b"text=+&tag=x&password=hunter2").unwrap();
        let faults = form.value.unwrap_err();
        assert_eq!(faults.of("text"), "It is empty. Say what was seen.");
        assert!(form.typed.ticked("tag", "x"));
        assert_eq!(form.typed.text("password"), "", "secrets are not shown again");
        assert_eq!(faults.0[0].label, "Text", "a summary names the field as its page does");
        let both = check::<Note>(b"text=+&tag=123456").unwrap().value.unwrap_err();
        assert!(!both.of("text").is_empty() && !both.of("tag").is_empty(), "all at once: {both:?}");
        let long = check::<Note>(b"text=12345678901").unwrap().value.unwrap_err();
        assert_eq!(long.of("text"), "It has 11 characters. Use at most 10.");
    }

    #[test]
    fn what_turns_the_direction_of_writing_is_not_taken_in_and_bars_nobody() {
        for mark in ["%E2%80%AA", "%E2%80%AE", "%E2%81%A6", "%E2%81%A9"] {
            let note = check::<Note>(format!("text=by+{mark}ayaM&tag=x{mark}").as_bytes()).unwrap();
            assert_eq!(note.typed.text("text"), "by ayaM", "{mark}: stored as it was typed, and read in that order");
            assert_eq!(note.value.unwrap(), Note { text: "by ayaM".into(), tags: vec!["x".into()] });
        }
        let hebrew = check::<Note>(b"text=%D7%A9%D7%9D%E2%80%8F&tag=x").unwrap();
        assert_eq!(
            hebrew.typed.text("text"),
            "\u{5e9}\u{5dd}\u{200f}",
            "a language written from the right stays whole"
        );
    }

    #[test]
    fn what_no_page_sends_is_refused_whole() {
        for body in
            ["text=a&role=administrator", "text=a&text=b", "text=a&id=", "text=%ff", "text=%00", "text=a&=", "&Text=a"]
        {
            let refused = check::<Note>(body.as_bytes()).unwrap_err();
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        }
        assert!(check::<Note>("text=é".as_bytes()).is_err());
    }

    #[test]
    fn an_instant_is_read_as_a_browser_sends_it_in_utc() {
        let read = |text| instant(text).unwrap().map(|at| at.to_string());
        for text in ["2026-03-05T03:14", "2026-03-05 03:14", "2026-03-05T03:14:00"] {
            assert_eq!(read(text).as_deref(), Some("2026-03-05T03:14:00Z"), "{text}");
        }
        assert_eq!(read(" "), None);
        for wrong in ["yesterday", "2026-13-05T03:14", "03:14", "2026-03-05", "2026-03-05T03:14+02:00"] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_without_a_day_is_the_newest_that_has_passed() {
        let now = Timestamp(1_772_680_468_000_000);
        for (typed, read) in [
            ("02:53", Some("2026-03-05T02:53:00Z")),
            ("2:53 UTC", Some("2026-03-05T02:53:00Z")),
            ("23:10", Some("2026-03-04T23:10:00Z")),
            ("2026-03-01 23:10", Some("2026-03-01T23:10:00Z")),
            ("2026-03-01 9:10", Some("2026-03-01T09:10:00Z")),
            ("2026-03-06 23:10", Some("2026-03-06T23:10:00Z")),
            ("25:00", None),
            ("noon", None),
            ("02:53+02:00", None),
            ("2026-03-05", None),
            ("2026-02-30 01:00", None),
        ] {
            let at = instant_by(typed, now).ok().flatten().map(|at| at.to_string());
            assert_eq!(at.as_deref(), read, "{typed}");
        }
        assert_eq!(instant_by("", now), Ok(None));
    }
}
