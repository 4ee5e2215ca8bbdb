//! Two looks that some people need: the few colours that their system forces, and text that they spaced out themselves
//! (WCAG 1.4.12). Each answers what it finds wrong with a page, one sentence a fault.

use crate::support::browser::{Look, Page};

const TAB: &str = "\u{e004}";

/// In forced colours every word and shape is still seen, what can be pressed has an edge, and the focus a ring.
pub async fn in_forced_colours(page: &Page) -> Vec<String> {
    page.look_as(Look::desktop().calm().forced_colours()).await;
    let mut found: Vec<String> = page.axe_on_colours().await.iter().map(ToString::to_string).collect();
    found.extend(told(page, SHAPES).await);
    // A key was the last thing pressed, so that the ring shows wherever the focus is led next.
    page.active_element().await.unwrap().send_keys(TAB).await.unwrap();
    found.extend(told(page, RINGS).await);
    found
}

/// With text spaced out nothing is cut off, covers its neighbour or scrolls sideways, at a desk and on a phone.
pub async fn with_spaced_text(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    page.value_of(SPACED_OUT).await;
    for (look, word) in [(Look::desktop().calm(), "desktop"), (Look::phone().calm(), "phone")] {
        page.look_as(look).await;
        found.extend(told(page, CRAMPED).await.into_iter().map(|fault| format!("{word}, {fault}")));
    }
    page.value_of("document.adoptedStyleSheets.pop() && null").await;
    found
}

async fn told(page: &Page, question: &str) -> Vec<String> {
    let answer = page.value_of(question).await;
    answer.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
}

/// Icons stand out from what is behind them, whatever is pressed or filled in has an edge, and every state has a word. A row
/// that is pressed to tick it has the edge around its box; circles and boxes are the browser's own.
const SHAPES: &str = "(() => { const faults = []; \
     const rgb = (colour) => { const parts = colour.match(/^rgba?\\(([^)]+)\\)$/)?.[1].split(/[ ,/]+/).map(Number); \
       return !parts || parts[3] === 0 ? null : parts.slice(0, 3); }; \
     const light = (colour) => { const [r, g, b] = colour.map(it => it / 255).map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4); \
       return 0.2126 * r + 0.7152 * g + 0.0722 * b; }; \
     const contrast = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); }; \
     const behind = (it) => it === null ? [255, 255, 255] : rgb(getComputedStyle(it).backgroundColor) ?? behind(it.parentElement); \
     const shown = (it) => it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && it.getBoundingClientRect().width > 1; \
     for (const it of [...document.querySelectorAll('svg.icon')].filter(shown)) { const colour = rgb(getComputedStyle(it).color); \
       if (colour && contrast(colour, behind(it.parentElement)) < 3) faults.push('an icon is not seen: ' + it.parentElement.outerHTML.slice(0, 140)); } \
     for (const it of [...document.querySelectorAll('button:not(.check-tick), .button, .tag, .banner, .tick-mark, input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea')].filter(shown)) { \
       const { borderTopWidth, borderTopStyle } = getComputedStyle(it); \
       if (borderTopStyle === 'none' || parseFloat(borderTopWidth) === 0) faults.push('nothing shows its edge: ' + it.outerHTML.slice(0, 140)); } \
     for (const it of [...document.querySelectorAll('.tag, .badge, .stage, .here, .away')].filter(shown)) \
       if (it.textContent.trim() === '') faults.push('a state without a word: ' + it.outerHTML.slice(0, 140)); \
     return faults; })()";

/// One of each kind of what can be focused, and the ring around it; a row that ticks has it around its box.
const RINGS: &str = "(() => { const faults = [], seen = new Set(); \
     const able = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')]; \
     for (const it of able.filter(it => it.checkVisibility({ visibilityProperty: true }))) { const kind = it.tagName + '.' + it.className; \
       if (seen.has(kind)) continue; seen.add(kind); it.focus({ preventScroll: true }); \
       if (document.activeElement !== it) continue; \
       const { outlineStyle, outlineWidth } = getComputedStyle(it.querySelector('.tick-mark') ?? it); \
       if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) faults.push('the focus is not seen: ' + it.outerHTML.slice(0, 140)); } \
     document.activeElement?.blur(); return faults; })()";

/// As WCAG 1.4.12 has it.
const SPACED_OUT: &str = "(() => { const sheet = new CSSStyleSheet(); \
     sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } \
       p { margin-block-end: 2em !important }'); \
     document.adoptedStyleSheets.push(sheet); return null; })()";

/// Text that is cut off by its box, or lies over other text. What scrolls in its own box, or stays while the page scrolls,
/// may lie over others; what only readers of the page hear may be cut, and what stands whole in the heading or, as a row of
/// the timeline, on its own page.
const CRAMPED: &str = "(() => { const faults = [], root = document.documentElement; \
     if (root.scrollWidth > innerWidth) faults.push('it scrolls sideways by ' + (root.scrollWidth - innerWidth) + ' px'); \
     const heard = (it) => it !== null && (getComputedStyle(it).clipPath !== 'none' || heard(it.parentElement)); \
     const unseen = (it) => it.closest('svg, .skip, option') || !it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || heard(it); \
     const titles = [...document.querySelectorAll('h1')].map(it => it.textContent.trim()); \
     const elsewhere = (it) => titles.includes(it.textContent.trim()) || getComputedStyle(it).webkitLineClamp !== 'none'; \
     const stays = (it) => it !== null && (['fixed', 'sticky'].includes(getComputedStyle(it).position) || stays(it.parentElement)); \
     const cuts = (it) => ['hidden', 'clip'].includes(it); \
     for (const it of document.body.querySelectorAll('*')) { if (it.textContent.trim() === '' || elsewhere(it) || unseen(it)) continue; \
       const { overflowX, overflowY } = getComputedStyle(it); \
       if (cuts(overflowX) && it.scrollWidth > it.clientWidth + 1 || cuts(overflowY) && it.scrollHeight > it.clientHeight + 1) \
         faults.push('text is cut off: ' + it.outerHTML.slice(0, 140)); } \
     const boxes = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange(); \
     while (walk.nextNode()) { const it = walk.currentNode; \
       if (it.data.trim() === '' || unseen(it.parentElement) || stays(it.parentElement)) continue; \
       range.selectNodeContents(it); \
       for (const box of range.getClientRects()) { let [left, top, right, bottom] = [box.left + 2, box.top + 3, box.right - 2, box.bottom - 3]; \
         for (let up = it.parentElement; up; up = up.parentElement) if (getComputedStyle(up).overflow !== 'visible' && up !== document.body && up !== root) { \
           const edge = up.getBoundingClientRect(); \
           [left, top, right, bottom] = [Math.max(left, edge.left), Math.max(top, edge.top), Math.min(right, edge.right), Math.min(bottom, edge.bottom)]; } \
         if (right > left && bottom > top) boxes.push({ it, left, top, right, bottom }); } } \
     boxes.sort((one, other) => one.top - other.top); \
     for (let at = 0; at < boxes.length; at++) for (let next = at + 1; next < boxes.length && boxes[next].top < boxes[at].bottom; next++) { \
       const [one, other] = [boxes[at], boxes[next]]; \
       if (one.it !== other.it && one.left < other.right && other.left < one.right) \
         faults.push('“' + one.it.data.trim().slice(0, 60) + '” and “' + other.it.data.trim().slice(0, 60) + '” lie over each other'); } \
     return faults.slice(0, 12); })()";
