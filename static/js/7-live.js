/* Following along: one stream a page. What all viewers share comes in its messages; what differs from person to person is
   fetched anew, once for several entries, at a random moment so that a thousand viewers do not ask at once. */

/** No word from the server for so long: what is shown may be old. */
const STALE = 15_000;
/** So long that it must be said across the whole page. */
const LOST = 60_000;

let stream = null;
/** Where the stream stands: the id of the last message. A new connection goes on from there. */
let position = null;
let lastSeq = 0;
let spread = 0;
let tries = 0;
let triedAt = 0;
/** Whether the connection is known to be broken, and whether an old page has still to catch up. */
let broken = false;
let checking = false;
/** Whether the server refused the stream, since it last stood. */
let refused = false;
/** Whether those who do not see the page heard that it may be old. */
let saidLost = false;
/** While catching up after a break: how many entries came. */
let caught = null;
let praiseUntil = 0;
/** The last word of any kind, by two clocks: one may be set, the other stand still while the machine sleeps. */
let newsAt = Date.now();
let newsSteady = performance.now();
let eventAt = Date.parse(document.querySelector("#timeline-rows time")?.dateTime) || null;

const newsAge = () => Math.max(Date.now() - newsAt, performance.now() - newsSteady);
const isDoubtful = () => document.body.dataset.live !== undefined && (broken || checking || newsAge() >= STALE);
/** The last entry that the page itself shows. */
const shownSeq = () => Number.parseInt(new URL(document.body.dataset.live, location.href).searchParams.get("after"), 10) || 0;

function hear() {
  newsAt = Date.now();
  newsSteady = performance.now();
}

function connect() {
  stream?.close();
  stream = null;
  if (document.body.dataset.live === undefined) return;
  const address = new URL(document.body.dataset.live, location.href);
  if (position !== null) address.searchParams.set("after", position);
  const opened = new EventSource(address);
  stream = opened;
  triedAt = Date.now();
  opened.addEventListener("open", () => {
    refused = false;
    if (broken) catchUp();
    hear();
    tickLive();
  });
  opened.addEventListener("error", () => {
    if (opened !== stream) return;
    // Closed, and not about to try again: the server answered, and with no stream. Whether the session has ended is asked
    // once; a server that is down is not asked for pages.
    const ask = opened.readyState === EventSource.CLOSED && !refused;
    refused ||= ask;
    lose();
    if (ask) refreshSoon();
  });
  for (const [name, take] of Object.entries(MESSAGES)) {
    opened.addEventListener(name, (message) => {
      if (opened !== stream) return;
      hear();
      if (message.lastEventId !== "") position = message.lastEventId;
      take(message.data);
    });
  }
}

const MESSAGES = {
  entry(data) {
    const seq = Number.parseInt(position, 10);
    if (seq <= lastSeq) return;
    lastSeq = seq;
    if (caught !== null) caught += 1;
    if (seq <= shownSeq()) return;
    eventAt = serverNow();
    watchChanges(() => parseFragments(data).forEach(place));
    refreshSoon();
  },
  log: (data) => parseFragments(data).forEach(addToLog),
  measures: (data) => parseFragments(data).forEach(place),
  presence: (data) => parseFragments(data).forEach(place),
  ping(data) {
    const told = JSON.parse(data);
    skew = told.now / 1000 - Date.now();
    spread = told.spread;
  },
  resync: () => refresh(),
  bye: () => lose(),
};

/** Puts a shared part where the page has it. What the page has no place for is not for it. */
function place(fragment) {
  const old = document.getElementById(fragment.id);
  if (old) return old.closest("[data-digest]") ? undefined : morph(old, fragment);
  const list = document.getElementById(fragment.dataset.into);
  // A timeline that shows only some kinds is told by its own page.
  if (!list || location.search !== "") return;
  if (readsTimeline()) heldRows.add(fragment.id);
  else {
    fragment.classList.add("fresh");
    list.prepend(document.importNode(fragment, true));
  }
  for (const task of afterMorph) task();
}

/** The connection is gone: said at once, tried again soon, and each time a little later. */
function lose() {
  stream?.close();
  stream = null;
  broken = true;
  tries += 1;
  const wait = Math.min(500 * 2 ** tries, 10_000) * (0.5 + Math.random() / 2);
  triedAt = Date.now() + wait;
  setTimeout(() => stream === null && connect(), wait);
  // Nobody stands at a wall to reload it: whether it has ended is asked at once.
  if (document.querySelector("[data-wall]")) refreshSoon(200);
  tickLive();
}

/** After a break, or when a page is looked at again: it counts as old until it was fetched anew. */
async function catchUp() {
  checking = true;
  caught ??= 0;
  const state = await refresh();
  if (state === "failed") return;
  broken = checking = false;
  if (tries > 0) praiseUntil = Date.now() + 5000;
  tries = 0;
  tickLive();
}

function lookAgain() {
  if (document.body.dataset.live === undefined) return;
  checking = true;
  tickLive();
  connect();
  catchUp();
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && lookAgain());
addEventListener("pageshow", ({ persisted }) => persisted && lookAgain());
addEventListener("pagehide", () => stream?.close());
addEventListener("online", lookAgain);
addEventListener("offline", () => stream && lose());

/* ---- Fetching the page anew. */

let refreshTimer = null;
let refreshing = null;
let wantedAgain = false;

function refreshSoon(wait = Math.random() * spread) {
  refreshTimer ??= setTimeout(() => {
    refreshTimer = null;
    refresh();
  }, wait);
}

/** Answers `shown`, `changed` (a plan that somebody reads would have changed), `ended` (the session) or `failed`. */
function refresh() {
  if (refreshing) wantedAgain = true;
  refreshing ??= fetchUntilCurrent().finally(() => (refreshing = null));
  return refreshing;
}

async function fetchUntilCurrent() {
  let state;
  do {
    wantedAgain = false;
    state = await fetchPage();
  } while (wantedAgain && state !== "failed" && state !== "ended");
  if (state === "failed" && document.body.dataset.page !== undefined) refreshSoon(2000 + Math.random() * 2000);
  return state;
}

async function fetchPage() {
  const wanted = document.body.dataset.page;
  if (wanted === undefined) return "failed";
  const address = wanted === location.pathname ? wanted + location.search : wanted;
  try {
    const headers = { "Backout-Refresh": "1", accept: "text/html" };
    const answer = await fetch(address, { headers, cache: "no-store", signal: AbortSignal.timeout(10_000) });
    // A wall that has ended: nothing of it stays on the screen.
    if (answer.status === 410) {
      location.reload();
      return "ended";
    }
    const page = parsePage(await answer.text());
    if (page.querySelector("header.bar") === null) {
      if (answer.status !== 401 && !answer.redirected) return "failed";
      tellSessionOver();
      return "ended";
    }
    if (toldBy(page).person !== told.person) location.reload();
    // Meanwhile an answer may have made another page of it.
    if (!answer.ok || document.body.dataset.page !== wanted) return "failed";
    sessionGoesOn();
    return watchChanges(() => showPage(page)) ? "shown" : "changed";
  } catch {
    return "failed";
  }
}

/* ---- What is said aloud: a new stage, something new for me, the end of a run. */

function sights() {
  const words = (element) => element?.textContent.trim().replace(/\s+/g, " ") ?? "";
  const runs = [...document.querySelectorAll("[id^='run-RB']")].map((run) => [run.id, words(run.querySelector(".tag"))]);
  const reminded = [...document.querySelectorAll("[data-reminded]")].map(words).join("; ");
  return { reminded, state: words(document.getElementById("state")), mine: words(document.querySelector(".next-you h2")), runs: new Map(runs) };
}

function watchChanges(change) {
  const before = sights();
  const result = change();
  const after = sights();
  if (after.state !== before.state && after.state !== "") say(`Now: ${after.state}`);
  if (after.mine !== before.mine && after.mine !== "") {
    say(`For you: ${after.mine}`);
    alertPerson();
  }
  if (after.reminded !== before.reminded && after.reminded !== "") {
    say(after.reminded, true);
    alertPerson();
  }
  for (const [run, word] of after.runs) {
    if (word === before.runs.get(run) || !/succeeded|failed|stopped|lost/i.test(word)) continue;
    say(`${run.replace("run-", "Run ")}: ${word}`, /failed|lost/i.test(word));
  }
  return result;
}

/* ---- How live the page is: it never pretends. */

function tickLive() {
  const follows = document.body.dataset.live !== undefined;
  const age = newsAge();
  const old = follows && (checking || age >= STALE);
  if (follows && age >= STALE && stream !== null && Date.now() - triedAt > 10_000) lose();
  const lost = follows && age >= STALE;
  if (lost && !saidLost) say("Connection lost. What is shown may be old.", true);
  saidLost = lost;
  document.documentElement.classList.toggle("is-stale", old);
  showLiveWords(follows, old || broken, age);
  showLostBanner(follows && age >= LOST);
}

function liveWords(old, age) {
  if (sessionOver) return "Not live: signed out";
  if (age >= STALE) return `No news for ${Math.floor(age / 1000)}\u00a0s`;
  if (broken) return `Not live since ${timeOfDay(newsAt + skew).slice(0, 5)}`;
  if (old) return "Catching up";
  if (Date.now() < praiseUntil) return caughtWords();
  return eventAt === null ? "Live" : `Live, last event ${agoWords(serverNow() - eventAt)}`;
}

function caughtWords() {
  const number = caught ?? 0;
  return `Up to date again, ${number} ${number === 1 ? "event" : "events"} caught up`;
}

/** In each place that the page has for it, else in the bar. */
function showLiveWords(follows, old, age) {
  if (!document.querySelector("[data-live-state]")) {
    document.getElementById("clock")?.before(make("p", { class: "live", "data-live-state": "", "data-own": "", id: "live-state" }));
  }
  const words = follows ? liveWords(old, age) : "";
  for (const it of document.querySelectorAll("[data-live-state]")) {
    it.hidden = !follows;
    it.classList.toggle("live-stale", old);
    // The head has a line for each half: "Live", and below it "last event 2 s ago".
    const [short, ...detail] = words.split(", ");
    const part = { short, detail: detail.join(", ") }[it.dataset.liveState] ?? words;
    if (it.dataset.liveState === "detail") {
      setWords(it, part);
      continue;
    }
    const sign = old ? "waiting" : "live";
    if (it.dataset.sign !== sign) it.replaceChildren(icon(sign), make("span"));
    it.dataset.sign = sign;
    setWords(it.lastElementChild, part);
  }
  if (caught !== null && !old && Date.now() >= praiseUntil) caught = null;
}

function showLostBanner(lost) {
  const shown = document.getElementById("connection");
  if (lost && !sessionOver) {
    const detail = `Last word ${timeOfDay(newsAt + skew)}. Reconnecting, try ${Math.max(tries, 1)}. What you typed is safe.`;
    if (shown) return setWords(shown.querySelector("p:last-child"), detail);
    const reload = make("button", { type: "button", class: "button" }, "Reload");
    reload.addEventListener("click", () => location.reload());
    bannerAcross("Connection", "connection", "warn", "waiting", "You may be looking at old data", detail, reload);
  } else if (shown?.classList.contains("banner-warn") && !isDoubtful()) {
    bannerAcross("Connection", "connection", "ok", "done", caughtWords(), "What is shown is what the server knows now.");
    say(caughtWords());
  } else if (shown?.classList.contains("banner-ok") && Date.now() >= praiseUntil) shown.remove();
}
