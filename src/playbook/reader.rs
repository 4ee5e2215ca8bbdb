//! One table of a playbook. The reader remembers which keys were asked for; what is left over is unknown.
//!
//! A fault is noted on the sheet and reading goes on with a placeholder, so that one look finds all faults. Placeholders
//! never leave the module: with any fault there is no procedure.

use super::nearest::{nearest, suggestion};
use super::sheet::{Noun, Sheet};
use super::units::{UnitFault, parse_share, parse_span};
use crate::domain::Span;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const ANY_TEXT: &str = "\"…\"";

/// The words a key may hold, with what they mean.
pub(super) type Words<'w, T> = &'w [(&'w str, T)];

pub(super) struct Reader<'s> {
    pub(super) sheet: &'s Sheet<'s>,
    table: &'s DeTable<'s>,
    /// The table's place: its header, or its braces.
    pub(super) at: Range<usize>,
    /// How messages call it: "trigger `error-rate`".
    what: String,
    asked: Vec<&'static str>,
    /// Keys that are needed and not there, with an example.
    lacking: Vec<(&'static str, String)>,
}

impl<'s> Reader<'s> {
    /// Reads one table by `read` and reports the keys that it did not ask for.
    pub(super) fn over<T>(
        sheet: &'s Sheet<'s>,
        table: &'s DeTable<'s>,
        at: Range<usize>,
        what: &str,
        read: impl FnOnce(&mut Reader<'s>) -> T,
    ) -> T {
        let mut reader = Reader { sheet, table, at, what: what.to_owned(), asked: Vec::new(), lacking: Vec::new() };
        let result = read(&mut reader);
        reader.report_keys();
        result
    }

    /// Says which keys are unknown and which are missing; a mistyped one is not missing as well.
    fn report_keys(&mut self) {
        for (key, _) in self.table.iter() {
            let word = &**key.get_ref();
            if !self.asked.contains(&word) {
                let message = format!("unknown key `{word}` in {}", self.what);
                let mend = suggestion(word, self.asked.iter().copied());
                self.sheet.fault_about(key.span().start, word, message, mend);
                let meant = nearest(word, self.asked.iter().copied());
                self.lacking.retain(|(lacking, _)| Some(*lacking) != meant);
            }
        }
        for (key, example) in &self.lacking {
            let message = format!("`{key}` is missing in {}", self.what);
            self.sheet.missing(&self.at, message, format!("add {key} = {example}"));
        }
    }

    fn find(&mut self, key: &'static str) -> Option<&'s Spanned<DeValue<'s>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.iter().find(|(known, _)| &**known.get_ref() == key).map(|(_, value)| value)
    }

    fn need(&mut self, key: &'static str, example: &str) -> Option<&'s Spanned<DeValue<'s>>> {
        let found = self.find(key);
        if found.is_none() {
            self.lacking.push((key, example.to_owned()));
        }
        found
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.place_of(key).is_some()
    }

    /// How many elements a list has, the faulty ones among them.
    pub(super) fn length_of(&self, key: &str) -> usize {
        let value = self.table.iter().find(|(known, _)| &**known.get_ref() == key).map(|(_, value)| value.get_ref());
        value.and_then(DeValue::as_array).map_or(0, |array| array.len())
    }

    /// Where a key's value stands.
    pub(super) fn place_of(&self, key: &str) -> Option<Range<usize>> {
        self.table.iter().find(|(known, _)| &**known.get_ref() == key).map(|(_, value)| value.span())
    }

    /// Where a key's value stands, or the table where there is none.
    pub(super) fn place_or_table(&self, key: &str) -> Range<usize> {
        self.place_of(key).unwrap_or_else(|| self.at.clone())
    }

    /// The entry's own name: unique, and fit for an address.
    pub(super) fn name(&mut self, noun: Noun) -> String {
        let Some(value) = self.need("name", "\"a-name\"") else { return String::new() };
        let Some(name) = self.as_text("name", value) else { return String::new() };
        let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(fit) {
            let message = format!("`{name}` is no name");
            self.sheet.fault(&value.span(), message, "use small letters, digits, - and _, such as \"error-rate\"");
        }
        if !name.is_empty() {
            self.sheet.give(noun, name, value.span().start);
        }
        self.what = format!("{} `{name}`", noun.word());
        name.to_owned()
    }

    pub(super) fn text(&mut self, key: &'static str) -> String {
        let Some(value) = self.need(key, "\"…\"") else { return String::new() };
        self.as_text(key, value).map(|text| self.not_blank(key, text, value)).unwrap_or_default()
    }

    pub(super) fn text_if_any(&mut self, key: &'static str) -> Option<String> {
        let value = self.find(key)?;
        self.as_text(key, value).map(|text| self.not_blank(key, text, value))
    }

    /// A text that may be empty, and is when it is left out.
    pub(super) fn text_or_empty(&mut self, key: &'static str) -> String {
        self.find(key).and_then(|value| self.as_text(key, value)).unwrap_or_default().to_owned()
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Vec<(String, Range<usize>)> {
        let Some(values) = self.elements(key) else { return Vec::new() };
        values.iter().filter_map(|value| Some((self.as_text(key, value)?.to_owned(), value.span()))).collect()
    }

    pub(super) fn flag(&mut self, key: &'static str, otherwise: bool) -> bool {
        self.flag_if_any(key).unwrap_or(otherwise)
    }

    pub(super) fn flag_if_any(&mut self, key: &'static str) -> Option<bool> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong(key, "true or false", value, "true"),
        }
    }

    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<i64>) -> i64 {
        let example = range.start().to_string();
        let number = self.need(key, &example).and_then(|value| self.as_number(key, value, &range));
        number.unwrap_or(*range.start())
    }

    pub(super) fn numbers(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Vec<i64> {
        let Some(values) = self.elements(key) else { return Vec::new() };
        values.iter().filter_map(|value| self.as_number(key, value, &range)).collect()
    }

    /// A span longer than nothing.
    pub(super) fn span(&mut self, key: &'static str) -> Span {
        self.need(key, "\"5m\"");
        self.span_if_any(key).unwrap_or_default()
    }

    pub(super) fn span_if_any(&mut self, key: &'static str) -> Option<Span> {
        let span = self.span_from_zero(key)?;
        if span == Span::ZERO {
            let at = self.place_or_table(key);
            self.sheet.fault(&at, format!("`{key}` must be longer than nothing"), "write a span such as \"5m\"");
        }
        Some(span)
    }

    /// A span that may be nothing at all.
    pub(super) fn span_from_zero(&mut self, key: &'static str) -> Option<Span> {
        let value = self.find(key)?;
        let text = self.as_quoted(key, value, "a span of time", "\"5m\"")?;
        self.measured(parse_span(text), value)
    }

    /// A share in parts per million.
    pub(super) fn share_if_any(&mut self, key: &'static str) -> Option<i64> {
        let value = self.find(key)?;
        let text = self.as_quoted(key, value, "a share", "\"10%\"")?;
        self.measured(parse_share(text), value)
    }

    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: Words<'_, T>) -> T {
        let example = format!("\"{}\"", words[0].0);
        self.need(key, &example).and_then(|value| self.as_word(key, value, words)).unwrap_or(words[0].1)
    }

    pub(super) fn word_if_any<T: Copy>(&mut self, key: &'static str, words: Words<'_, T>) -> Option<T> {
        self.find(key).and_then(|value| self.as_word(key, value, words))
    }

    pub(super) fn words<T: Copy>(&mut self, key: &'static str, words: Words<'_, T>) -> Vec<T> {
        let Some(values) = self.elements(key) else { return Vec::new() };
        values.iter().filter_map(|value| self.as_word(key, value, words)).collect()
    }

    pub(super) fn reference(&mut self, key: &'static str, noun: Noun) -> String {
        self.need(key, &format!("the name of a {}", noun.word()));
        self.reference_if_any(key, noun).unwrap_or_default()
    }

    pub(super) fn reference_if_any(&mut self, key: &'static str, noun: Noun) -> Option<String> {
        let value = self.find(key)?;
        let name = self.as_text(key, value)?;
        self.sheet.refer(noun, name, value.span().start);
        Some(name.to_owned())
    }

    pub(super) fn references(&mut self, key: &'static str, noun: Noun) -> Vec<String> {
        let names = self.texts(key);
        for (name, at) in &names {
            self.sheet.refer(noun, name, at.start);
        }
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// Every pair of a table whose keys are free: `{ staging = "app-rollback-staging" }`.
    pub(super) fn references_by_word(&mut self, key: &'static str, noun: Noun) -> Vec<(String, String)> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong::<()>(key, "a table", value, "{ staging = \"…\" }");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (word, value) in table.iter() {
            if let Some(name) = self.as_text(key, value) {
                self.sheet.refer(noun, name, value.span().start);
                pairs.push((word.get_ref().to_string(), name.to_owned()));
            }
        }
        pairs
    }

    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        what: &str,
        read: impl FnOnce(&mut Reader<'s>) -> T,
    ) -> Option<T> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Reader::over(self.sheet, table, value.span(), what, read)),
            _ => self.wrong(key, "a table", value, "{ … }"),
        }
    }

    /// A table, or a text instead of it.
    pub(super) fn text_or_table<T>(
        &mut self,
        key: &'static str,
        what: &str,
        from_text: impl FnOnce(&str, Range<usize>) -> Option<T>,
        from_table: impl FnOnce(&mut Reader<'s>) -> Option<T>,
    ) -> Option<T> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::String(text) => from_text(text, value.span()),
            DeValue::Table(table) => Reader::over(self.sheet, table, value.span(), what, from_table),
            _ => self.wrong(key, "a text or a table", value, "\"…\""),
        }
    }

    /// A list of tables, written as `[[key]]` or in brackets. Left out, it is empty.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        what: &str,
        mut read: impl FnMut(&mut Reader<'s>) -> T,
    ) -> Vec<T> {
        let Some(values) = self.elements(key) else { return Vec::new() };
        let mut list = Vec::new();
        for value in values {
            match value.get_ref() {
                DeValue::Table(table) => list.push(Reader::over(self.sheet, table, value.span(), what, &mut read)),
                _ => {
                    self.wrong::<()>(key, "a list of tables", value, "[{ … }]");
                }
            }
        }
        list
    }

    fn elements(&mut self, key: &'static str) -> Option<&'s [Spanned<DeValue<'s>>]> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Array(array) => Some(array.as_ref()),
            DeValue::Table(_) => {
                let message = format!("`{key}` in {} must be a list, not one table", self.what);
                self.sheet.fault(&value.span(), message, format!("write [[{key}]], or [{{ … }}] on one line"));
                Some(std::slice::from_ref(value))
            }
            _ => self.wrong(key, "a list", value, &format!("[{}]", self.sheet.raw(&value.span()))),
        }
    }

    fn as_text(&self, key: &str, value: &'s Spanned<DeValue<'s>>) -> Option<&'s str> {
        self.as_quoted(key, value, "a text", ANY_TEXT)
    }

    fn as_quoted(&self, key: &str, value: &'s Spanned<DeValue<'s>>, kind: &str, example: &str) -> Option<&'s str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) if example == ANY_TEXT => {
                let example = format!("\"{}\"", self.sheet.raw(&value.span()));
                self.wrong(key, "a text in quotation marks", value, &example)
            }
            _ => self.wrong(key, &format!("{kind} in quotation marks"), value, example),
        }
    }

    fn not_blank(&self, key: &str, text: &str, value: &Spanned<DeValue<'s>>) -> String {
        if text.trim().is_empty() {
            let message = format!("`{key}` in {} is empty", self.what);
            self.sheet.fault(&value.span(), message, "write a text, or leave the key out where it may be");
        }
        text.to_owned()
    }

    fn as_number(&self, key: &str, value: &Spanned<DeValue<'s>>, range: &RangeInclusive<i64>) -> Option<i64> {
        let (from, to) = (range.start(), range.end());
        let DeValue::Integer(number) = value.get_ref() else {
            return self.wrong(key, "a whole number", value, &from.to_string());
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let message = format!("`{key}` cannot be {}", self.sheet.raw(&value.span()));
                self.sheet.fault(&value.span(), message, format!("write a whole number from {from} to {to}"));
                None
            }
        }
    }

    fn as_word<T: Copy>(&self, key: &str, value: &'s Spanned<DeValue<'s>>, words: Words<'_, T>) -> Option<T> {
        let text = self.as_text(key, value)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let mend = suggestion(text, words.iter().map(|(word, _)| *word));
            self.sheet.fault_about(value.span().start, text, format!("`{key}` cannot be `{text}`"), mend);
        }
        found
    }

    fn measured<T>(&self, result: Result<T, UnitFault>, value: &Spanned<DeValue<'s>>) -> Option<T> {
        result.map_err(|fault| self.sheet.fault(&value.span(), fault.message, fault.mend)).ok()
    }

    fn wrong<T>(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'s>>, example: &str) -> Option<T> {
        let got = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{key}` in {} must be {wanted}, not {got}", self.what);
        self.sheet.fault(&value.span(), message, format!("write {example}"));
        None
    }
}
