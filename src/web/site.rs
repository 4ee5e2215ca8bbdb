//! Where this site stands on the network: its public address, and whose word is taken about a visitor's address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use url::Url;

/// The public address and what follows from it. Built once at start; a contradiction refuses to start.
#[derive(Debug, Clone)]
pub struct Site {
    /// The address people type, such as `https://backout.example`. Every link and every origin check uses it; what a
    /// request says about its host is only ever compared with it.
    pub public_url: Url,
    /// Organisation and environment, shown on the sign-in page.
    pub place: String,
    /// Proxies whose `X-Forwarded-For` is believed. Empty: the peer's address counts.
    pub trusted_proxies: Vec<Network>,
}

/// Why the site cannot be served as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteFault {
    NotAnAddress(String),
    PlainHttp,
    Path,
}

impl fmt::Display for SiteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SiteFault::NotAnAddress(typed) => {
                write!(f, "The public URL {typed:?} is no web address. Write it as https://backout.example.")
            }
            SiteFault::PlainHttp => f.write_str(
                "The public URL is plain http, which would send session cookies in the clear. Use https, or for a trial on \
                 this machine a loopback address together with insecure cookies.",
            ),
            SiteFault::Path => f.write_str("The public URL has a path. Backout needs a host of its own."),
        }
    }
}

impl std::error::Error for SiteFault {}

impl Site {
    /// `insecure_cookies` is the explicit wish to use plain http; it is granted on a loopback address only.
    pub fn new(public_url: &str, insecure_cookies: bool, trusted_proxies: Vec<Network>) -> Result<Site, SiteFault> {
        let fault = || SiteFault::NotAnAddress(public_url.to_owned());
        let url = Url::parse(public_url).map_err(|_| fault())?;
        let host = url.host().ok_or_else(fault)?;
        let loopback = match host {
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
            url::Host::Domain(name) => name == "localhost",
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback && insecure_cookies => {}
            "http" => return Err(SiteFault::PlainHttp),
            _ => return Err(fault()),
        }
        if url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
            return Err(SiteFault::Path);
        }
        Ok(Site { public_url: url, place: String::new(), trusted_proxies })
    }

    /// The same site with the words that the sign-in page shows beneath its heading.
    pub fn named(mut self, place: &str) -> Site {
        self.place = place.to_owned();
        self
    }

    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// `https://backout.example`, as a browser sends it in `Origin`.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// `backout.example` or `127.0.0.1:8080`, as a browser sends it in `Host`.
    pub fn authority(&self) -> String {
        let host = self.public_url.host_str().unwrap_or_default();
        match self.public_url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// An absolute link to a path of this site.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// A cookie's name: with the prefix that browsers enforce, or without it on plain http.
    pub fn cookie_name(&self, name: &str) -> String {
        if self.is_https() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// The visitor's address. A forwarded address counts only when the peer is a trusted proxy; the right-most one
    /// that is no trusted proxy is taken, since everything left of it was written by the visitor.
    pub fn visitor(&self, peer: IpAddr, forwarded_for: &[&str]) -> IpAddr {
        let trusted = |ip: IpAddr| self.trusted_proxies.iter().any(|network| network.contains(ip));
        if !trusted(peer) {
            return peer;
        }
        let mut visitor = peer;
        for hop in forwarded_for.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Ok(ip) = hop.trim().parse::<IpAddr>() else { break };
            visitor = ip;
            if !trusted(ip) {
                break;
            }
        }
        visitor
    }
}

/// The visitor's address as the rest of the program sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor(pub IpAddr);

impl Default for Visitor {
    fn default() -> Visitor {
        Visitor(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// A network such as `10.0.0.0/8` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                same_start(u128::from(own.to_bits()) << 96, u128::from(ip.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => same_start(own.to_bits(), ip.to_bits(), self.bits),
            _ => false,
        }
    }
}

fn same_start(one: u128, other: u128, bits: u8) -> bool {
    bits == 0 || (one ^ other) >> (128 - u32::from(bits)) == 0
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(typed: &str) -> Result<Network, String> {
        let fault = || format!("{typed:?} is no network. Write it as 10.0.0.0/8 or as one address.");
        let (address, bits) = match typed.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| fault())?)),
            None => (typed, None),
        };
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(fault()) } else { Ok(Network { address, bits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_served_only_on_loopback_and_only_when_asked_for() {
        assert!(Site::new("https://backout.example", false, vec![]).is_ok());
        assert!(Site::new("http://127.0.0.1:8080", true, vec![]).is_ok());
        assert!(Site::new("http://[::1]:8080", true, vec![]).is_ok());
        assert_eq!(Site::new("http://127.0.0.1:8080", false, vec![]).err(), Some(SiteFault::PlainHttp));
        assert_eq!(Site::new("http://backout.example", true, vec![]).err(), Some(SiteFault::PlainHttp));
        assert_eq!(Site::new("https://backout.example/app", false, vec![]).err(), Some(SiteFault::Path));
        assert!(matches!(Site::new("backout", false, vec![]), Err(SiteFault::NotAnAddress(_))));
    }

    #[test]
    fn names_follow_from_the_public_address() {
        let https = Site::new("https://backout.example", false, vec![]).unwrap();
        assert_eq!(
            (https.origin().as_str(), https.authority().as_str()),
            ("https://backout.example", "backout.example")
        );
        assert_eq!(https.cookie_name("backout"), "__Host-backout");
        let plain = Site::new("http://127.0.0.1:8080/", true, vec![]).unwrap();
        assert_eq!((plain.origin().as_str(), plain.authority().as_str()), ("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert_eq!(plain.cookie_name("backout"), "backout");
        assert_eq!(plain.link("/setup/x"), "http://127.0.0.1:8080/setup/x");
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let open = Site::new("https://backout.example", false, vec![]).unwrap();
        assert_eq!(open.visitor(ip("203.0.113.9"), &["198.51.100.7"]), ip("203.0.113.9"));
        let behind = Site { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()], ..open };
        assert_eq!(behind.visitor(ip("203.0.113.9"), &["198.51.100.7"]), ip("203.0.113.9"), "not from the proxy");
        assert_eq!(behind.visitor(ip("10.1.2.3"), &["6.6.6.6, 198.51.100.7, 10.9.9.9"]), ip("198.51.100.7"));
        assert_eq!(behind.visitor(ip("10.1.2.3"), &["6.6.6.6", "198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(behind.visitor(ip("10.1.2.3"), &["not an address"]), ip("10.1.2.3"));
        assert_eq!(behind.visitor(ip("::ffff:10.1.2.3"), &["198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(behind.visitor(ip("fd00::1"), &[]), ip("fd00::1"));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
    }
}
