//! One message of a stream as bytes, made once and shared by everyone who gets it.

use super::position::Position;
use axum::body::Bytes;
use std::fmt::Display;

/// An event with its data. What people typed may hold any line end: each begins a line of data, so that none can end the
/// message or begin another field.
pub fn message(event: &str, data: &str) -> Bytes {
    let mut text = format!("event: {event}\n");
    for line in data.replace("\r\n", "\n").split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    Bytes::from(text)
}

/// The line that comes before a message with a place in the order.
pub fn id(position: &Position) -> Bytes {
    Bytes::from(format!("id: {position}\n"))
}

/// How long a browser waits before it connects again.
pub fn retry(millis: impl Display) -> Bytes {
    Bytes::from(format!("retry: {millis}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_end_of_the_data_ends_the_message() {
        let made = message("entry", "<p>one\r\ntwo\rid: 9\n\nthree</p>");
        assert_eq!(made, "event: entry\ndata: <p>one\ndata: two\ndata: id: 9\ndata: \ndata: three</p>\n\n");
    }
}
