//! How a person wants the pages. Kept with the account as one JSON text, so that it is the same in every browser, and a
//! new wish needs no new column.

use serde::{Deserialize, Serialize};

/// Each wish has a default, which holds until the person says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    /// Whether single letters act as keys outside fields. Some people's software types letters on its own.
    pub keys: bool,
    /// Whether a sound may be made when something waits for the person.
    pub sound: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { theme: Theme::System, keys: true, sound: false }
    }
}

/// Which colours the pages have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the browser says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn key(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn from_key(key: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.key() == key)
    }
}

impl Settings {
    /// What cannot be read (a newer program wrote it) is as if nothing had been said: nobody is locked out by a wish.
    pub fn read(text: &str) -> Settings {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub fn written(&self) -> String {
        serde_json::to_string(self).expect("plain words are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_back_as_they_were_written_and_unsaid_ones_have_their_default() {
        let wishes = Settings { theme: Theme::Dark, keys: false, sound: true };
        assert_eq!(Settings::read(&wishes.written()), wishes);
        assert_eq!(Settings::read(r#"{"theme":"light"}"#), Settings { theme: Theme::Light, ..Settings::default() });
        for odd in ["{}", "", "[]", r#"{"theme":"sepia"}"#, r#"{"newer":1}"#] {
            assert_eq!(Settings::read(odd), Settings::default(), "{odd}");
        }
    }
}
