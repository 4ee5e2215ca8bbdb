//! Where to go back to after signing in. The address comes from the visitor, so it may only ever lead to a page of
//! this site: anything else becomes the first page.

/// A path on this site, safe to redirect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    /// Takes `typed` if it is an absolute path on this site, else `/`.
    pub fn from_typed(typed: &str) -> Next {
        Next(if leads_here(typed) { typed.to_owned() } else { "/".to_owned() })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the value of a query parameter.
    pub fn encoded(&self) -> String {
        url::form_urlencoded::byte_serialize(self.0.as_bytes()).collect()
    }
}

/// By hand, byte by byte, and then once more by the parser that browsers agree with.
fn leads_here(path: &str) -> bool {
    let bytes = path.as_bytes();
    let shape = bytes.len() <= 1_024
        && bytes.first() == Some(&b'/')
        && !matches!(bytes.get(1), Some(b'/' | b'\\'))
        && bytes.iter().all(|b| (0x21..0x7f).contains(b) && *b != b'\\');
    if !shape {
        return false;
    }
    // Percent-encoded control characters, slashes and backslashes are decoded by some proxies.
    let lower = path.to_ascii_lowercase();
    let before_query = lower.split(['?', '#']).next().unwrap_or_default();
    if ["%00", "%09", "%0a", "%0d", "%2f", "%5c", "%25"].iter().any(|code| before_query.contains(code)) {
        return false;
    }
    let own = url::Url::parse("https://own.invalid").expect("a constant address");
    own.join(path).is_ok_and(|joined| {
        joined.origin() == own.origin() && !joined.path().starts_with("//") && joined.username().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_this_site_is_kept() {
        for path in ["/", "/rollbacks/RB-0142", "/a?b=c&d=%2Fe", "/people#add", "/search?q=//x", "/~a/@b:c"] {
            assert_eq!(Next::from_typed(path).as_str(), path);
        }
    }

    #[test]
    fn sixty_ways_to_lead_elsewhere_lead_to_the_first_page() {
        let long = format!("/{}", "a".repeat(2_000));
        let payloads = [
            "",
            " ",
            "//x",
            "//x.example",
            "///x.example",
            "////x.example",
            "/\\x.example",
            "\\/x.example",
            "\\\\x.example",
            "/\\/x.example",
            "/%09/x.example",
            "/%0a/x.example",
            "/%0d/x.example",
            "/%00/x.example",
            "/\t/x.example",
            "/\n/x.example",
            "/\r/x.example",
            "/\0/x.example",
            "/ /x.example",
            "https:x",
            "https:/x.example",
            "https://x.example",
            "HTTPS://x.example",
            "http://x.example",
            "https:///x.example",
            "https:\\\\x.example",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "ftp://x.example",
            "mailto:a@x.example",
            "@x.example",
            "user@x.example",
            "x.example",
            "x.example/path",
            ".",
            "..",
            "./x",
            "../x",
            "?next=//x",
            "#//x",
            "/%2f/x.example",
            "/%2F%2Fx.example",
            "/%5cx.example",
            "/%5C%5Cx.example",
            "/%252fx.example",
            "/..//x.example",
            "/.//x.example",
            "/a/..//x.example",
            "//x.example@y.example",
            "//x.example:443",
            "//[::1]",
            "/\u{2028}/x",
            "/\u{ff0f}x.example",
            "/é",
            "\u{feff}/x",
            "\u{200b}//x.example",
            "/x\u{7f}",
            long.as_str(),
        ];
        assert!(payloads.len() >= 60);
        for payload in payloads {
            assert_eq!(Next::from_typed(payload), Next("/".to_owned()), "{payload:?}");
        }
    }
}
