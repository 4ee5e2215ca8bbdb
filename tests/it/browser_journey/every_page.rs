//! Every page that there is, looked at once more when all has happened: found by following links as people do, so that
//! a page which nothing leads to is a fault as well.

use super::Cast;
use super::person::Person;
use axum::http::Method;
use backout::access::capability::Capability;
use backout::web::routes::table;
use std::collections::BTreeMap;

/// Pages that no link leads to, and why.
const WITHOUT_LINK: [&str; 8] = [
    // Streams: the page's script opens them.
    "/live",
    "/incidents/{id}/live",
    "/wall/live",
    // A screen comes there by a link that is shown once.
    "/wall",
    "/wall/open/{token}",
    // How a page is printed.
    "/incidents/{id}/print.css",
    // One-time links, which reach people by other ways.
    "/setup/{token}",
    "/welcome/{token}",
];

/// Pages that are led to only while something runs, or by the server itself.
const BY_ADDRESS: [(&str, &str); 2] =
    [("/incidents/{id}/stop", "/incidents/RB-0001/stop"), ("/re-authenticate", "/re-authenticate")];

/// What a link brings instead of a page.
const DOWNLOADS: [&str; 4] = [".json", ".md", ".toml", ".txt"];

pub async fn is_found_and_sound(cast: &Cast) {
    let Cast { maya, tomas, helen, sights, .. } = cast;
    another_playbook_is_loaded(cast).await;
    let mut found = found_by_links(tomas).await;
    for (pattern, address) in BY_ADDRESS {
        found.entry(pattern).or_insert_with(|| address.to_owned());
    }
    for route in table().iter().filter(|route| route.method == Method::GET && route.capability != Capability::Machine) {
        let known = route.path == "/sign-in" || WITHOUT_LINK.contains(&route.path) || found.contains_key(route.path);
        assert!(known, "nothing leads to {}", route.path);
    }
    assert!(found.contains_key("/playbook/compare"), "the list of versions leads to what differs");
    let incident = helen.raises("Memory leaks detected", "It grows once more.").await;
    helen.enters(&incident).await;
    sights.add(&helen.page, "room-waiting").await;
    helen.presses_the("#next .remind button").await;
    helen.sees("You reminded").await;
    maya.goes_to("/").await;
    maya.sees("Helen Brandt reminded you").await;
    sights.add(&maya.page, "now-reminded").await;
    maya.enters(&incident).await;
    sights.add(&maya.page, "room-reminded").await;
    a_wall_is_sound(cast).await;
    for (pattern, address) in &found {
        if !DOWNLOADS.iter().any(|end| pattern.ends_with(end)) {
            tomas.goes_to(address).await;
            sights.add(&tomas.page, &format!("every{}", pattern.replace(['/', '{', '}'], "-"))).await;
        }
    }
}

/// One that says something else, so that there is a difference to look at.
async fn another_playbook_is_loaded(Cast { demo, tomas, sights, .. }: &Cast) {
    let versions = tomas.downloads("/playbook/versions").await;
    let current = links(&versions).into_iter().find(|link| link.starts_with("/playbook/") && link.len() > 60);
    let text = tomas.downloads(&format!("{}/playbook.toml", current.expect("one is in use"))).await;
    let other = text.replacen("expire_after = \"30m\"", "expire_after = \"20m\"", 1);
    assert_ne!(other, text);
    let file = demo.keep("another-playbook.toml", &other);
    demo.backout(&["playbook", "load", file.to_str().unwrap()]);
    tomas.goes_to("/playbook/compare").await;
    tomas.sees("expire 20 minutes after").await;
    sights.add(&tomas.page, "playbook-compared").await;
}

/// Makes a link for a big screen, opens it, and looks at what hangs there.
async fn a_wall_is_sound(cast: &Cast) {
    let Cast { tomas, sights, .. } = cast;
    tomas.goes_to("/walls").await;
    tomas.fills("Where the screen stands", "The operations room").await;
    tomas.presses_in("make", "Make a link").await;
    tomas.confirms_identity_if_asked().await;
    tomas.sees("This link is shown once").await;
    let link = tomas.page.the("#link").await.prop("value").await.unwrap().expect("the link stands in its field");
    tomas.page.visit(&link).await;
    sights.add(&tomas.page, "wall-open").await;
    tomas.presses("Open it on this screen").await;
    tomas.page.until("the wall", async || tomas.place().await == "/wall").await;
    tomas.sees("Memory leaks detected").await;
    sights.add(&tomas.page, "wall").await;
}

/// The first address of each line of the table that somebody who starts at the first page comes to.
async fn found_by_links(who: &Person) -> BTreeMap<&'static str, String> {
    let patterns: Vec<&'static str> =
        table().iter().filter(|route| route.method == Method::GET).map(|route| route.path).collect();
    let mut found = BTreeMap::from([("/", "/".to_owned())]);
    let mut to_read = vec!["/".to_owned()];
    while let Some(address) = to_read.pop() {
        let page = who.downloads(&address).await;
        for link in links(&page) {
            // An address that is written out whole is meant before one with a gap: `/incidents/new`.
            let fitting = patterns.iter().filter(|pattern| fits(pattern, &link));
            let Some(&pattern) = fitting.min_by_key(|pattern| pattern.matches('{').count()) else { continue };
            if WITHOUT_LINK.contains(&pattern) || found.contains_key(pattern) {
                continue;
            }
            if !pattern.starts_with("/static/") {
                found.insert(pattern, link.clone());
                to_read.push(link);
            }
        }
    }
    found
}

/// The addresses of our own that a page links to, without what stands behind `#`.
fn links(page: &str) -> Vec<String> {
    let ours = page.split("<a ").skip(1).filter_map(|tag| tag.split_once("href=\"")).map(|(_, rest)| rest);
    let whole = ours.filter_map(|rest| rest.split(['"', '#']).next()).filter(|link| link.starts_with('/'));
    whole.map(|link| link.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

fn fits(pattern: &str, link: &str) -> bool {
    let path = link.split('?').next().unwrap_or_default();
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || part.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[test]
fn a_link_is_known_by_its_pattern() {
    assert!(fits("/incidents/{id}", "/incidents/RB-0001?x=1") && !fits("/incidents/{id}", "/incidents/RB-0001/plan"));
    assert!(fits("/", "/") && !fits("/incidents/{id}", "/incidents/"));
    assert_eq!(links("<a class=\"x\" href=\"/a?b=1&amp;c=2#d\">…</a><a href=\"https://x\">"), ["/a?b=1&c=2"]);
}
