//! What people look for in an incident, pinned where everyone sees it (L11): the call, the chat, a runbook.

use super::required;
use crate::domain::event::{Event, Pin};
use crate::domain::refusal::Refusal;
use crate::domain::state::Incident;

/// More would be a list to search in.
const MOST: usize = 12;

const LONGEST_TITLE: usize = 80;
const LONGEST_ADDRESS: usize = 500;

pub fn pin(incident: &Incident, pin: &Pin) -> Result<Vec<Event>, Refusal> {
    let address = pin.address.trim();
    let title = titled_and_addressed(&pin.title, address)?;
    if incident.pins.iter().any(|known| known.address == address) {
        return Err(Refusal::already("this address is pinned"));
    }
    if incident.pins.len() >= MOST {
        return Err(Refusal::blocked(format!("{MOST} links are pinned"), "Take one down first."));
    }
    Ok(vec![Event::LinkPinned(Pin { kind: pin.kind, title, address: address.to_owned() })])
}

pub fn unpin(incident: &Incident, address: &str) -> Result<Vec<Event>, Refusal> {
    match incident.pins.iter().find(|pin| pin.address == address.trim()) {
        Some(pin) => Ok(vec![Event::LinkUnpinned { title: pin.title.clone(), address: pin.address.clone() }]),
        None => Err(Refusal::already("this address is not pinned")),
    }
}

/// The title as it will stand there. What is wrong with either is told at once: nobody mends one to hear of the other.
fn titled_and_addressed(title: &str, address: &str) -> Result<String, Refusal> {
    match (titled(title), check(address)) {
        (Ok(title), Ok(())) => Ok(title),
        (Err(fault), Ok(())) | (Ok(_), Err(fault)) => Err(fault),
        (Err(title), Err(address)) => {
            let because = format!("{}, and {}", title.because, address.because);
            Err(Refusal::input(because, format!("{} {}", title.mend, address.mend)))
        }
    }
}

/// A few words on one line.
fn titled(title: &str) -> Result<String, Refusal> {
    let title = required("title", title)?;
    if title.chars().count() > LONGEST_TITLE || title.contains(['\n', '\t']) {
        return Err(Refusal::input(
            format!("the title is longer than {LONGEST_TITLE} characters, or has several lines"),
            "Say in a few words what opens.",
        ));
    }
    Ok(title)
}

/// Only what opens over an encrypted connection, names its host openly, and carries no sign-in of anybody.
fn check(address: &str) -> Result<(), Refusal> {
    let fault = |because: &str| Err(Refusal::input(because, "Write it as https://meet.example/room."));
    if address.is_empty() {
        return fault("the address is empty");
    }
    let Some(rest) = address.strip_prefix("https://") else {
        return fault("the address does not begin with https://");
    };
    if address.len() > LONGEST_ADDRESS {
        return fault("the address is longer than 500 characters");
    }
    if !address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>`{}|\\^".contains(&byte)) {
        return fault("the address holds a blank or a sign that no address holds");
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return fault("the address carries a sign-in name");
    }
    let name = host.split(':').next().unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if name.is_empty() || !plain || name.starts_with(['.', '-']) {
        return fault("the address names no host");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check, titled_and_addressed};

    #[test]
    fn only_plain_https_addresses_are_pinned() {
        for good in ["https://meet.example/rb-0001", "https://chat.example", "https://docs.example:8443/a?b=c#d"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "meet.example",
            "http://meet.example",
            "HTTPS://meet.example",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a@b.example/",
            "https://maya:secret@meet.example/",
            "https://meet.example/a b",
            "https://meet.example/\"><script>",
            "https://.example",
            "https://[::1]/",
            "https://exämple/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_title_and_address_is_told_at_once() {
        let told = titled_and_addressed(" ", "http://meet.example").unwrap_err();
        assert_eq!(told.because, "the title is empty, and the address does not begin with https://");
        assert!(
            told.mend.contains("Write the title") && told.mend.contains("https://meet.example/room"),
            "{}",
            told.mend
        );
    }
}
