/* Clocks. The server writes instants; the page counts from them by the server's time, also while nothing comes. */

/** As the server writes spans: `1:12`, `1:02:03`. */
function spanWords(milliseconds) {
  const all = Math.floor(Math.abs(milliseconds) / 1000);
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

function agoWords(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 90) return `${seconds}\u00a0s ago`;
  if (seconds < 90 * 60) return `${Math.floor(seconds / 60)}\u00a0min ago`;
  return seconds < 36 * 3600 ? `${Math.floor(seconds / 3600)}\u00a0h ago` : `${Math.floor(seconds / 86_400)}\u00a0days ago`;
}

const timeOfDay = (milliseconds) => `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`;

/** Amber below this. */
const SOON = 90_000;
/** What goes out by itself leaves at its time, and the word of it is on its way for a moment: only then it is overdue. */
const ON_ITS_WAY = 3000;
/** Deadlines that were seen to be still ahead: only a passing that was watched is announced, and once. */
const awaited = new Set();

function setWords(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function tickCounts(now) {
  for (const time of document.querySelectorAll("time[data-counts=since]")) {
    const prefix = time.textContent.trimStart().startsWith("T+") ? "T+" : "";
    setWords(time, prefix + spanWords(Math.max(0, now - Date.parse(time.dateTime))));
  }
  let title = null;
  const head = document.querySelector("time[role=timer][data-counts=until]");
  for (const time of document.querySelectorAll("time[data-counts=until]")) {
    // The head comes with the stream, and what follows it is fetched later: until then it knows only what is over.
    if ("follows" in time.dataset) {
      if (!head) continue;
      time.dateTime = head.dateTime;
    }
    const left = Date.parse(time.dateTime) - now;
    const overdue = left < -ON_ITS_WAY;
    const words = overdue ? `overdue ${spanWords(left)}` : spanWords(Math.max(0, left));
    setWords(time, words);
    const clock = time.closest(".clock");
    clock?.classList.toggle("clock-due", !overdue && left <= SOON);
    clock?.classList.toggle("clock-late", overdue);
    const line = clock?.querySelector("progress");
    if (line) line.value = Math.max(0, left / 1000);
    if (!overdue) awaited.add(time.dateTime);
    else if (awaited.delete(time.dateTime)) {
      say("The progress update is overdue.", true);
      alertPerson();
    }
    title ??= words;
  }
  const rest = document.title.replace(/^(overdue )?[\d:]+ update due, /, "");
  const wanted = title === null ? rest : `${title} update due, ${rest}`;
  if (document.title !== wanted) document.title = wanted;
}

/** `data-ago` and `data-local` hold an instant; their words are written here, so that without script nothing is missing. */
function fillAges(root) {
  for (const it of root.querySelectorAll("[data-ago]")) setWords(it, agoWords(serverNow() - Date.parse(it.dataset.ago)));
  for (const it of root.querySelectorAll("[data-local]")) {
    const { local, localUntil = local } = it.dataset;
    setWords(it, localWords(Date.parse(local), Date.parse(localUntil)));
  }
}

/** Moments at which the page shows something else though nothing happened: a draft stands ready, or is overdue. */
const turned = new Set();
function turnPage(now) {
  for (const { dataset } of document.querySelectorAll("[data-turns]")) {
    if (now < Date.parse(dataset.turns) || turned.has(dataset.turns)) continue;
    turned.add(dataset.turns);
    refreshSoon();
  }
}

function tickClocks() {
  const now = serverNow();
  turnPage(now);
  const clock = document.querySelector("#clock time");
  if (clock) {
    clock.dateTime = new Date(now).toISOString();
    setWords(clock, timeOfDay(now));
  }
  tickCounts(now);
  fillAges(document);
  tickLive();
  tickSession();
}

/** The viewer's own time, where the zone is another than the page's. */
const zone = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false, timeZoneName: "short" });
function localWords(instant, until = instant) {
  return new Date(instant).getTimezoneOffset() === 0 ? "" : `(${zone.formatRange(instant, until)})`;
}

/* Whoever rests the mouse on a time reads it in their own zone, with its age. */
document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest?.("time[datetime]:not([data-counts])");
  if (!time) return;
  const at = Date.parse(time.dateTime);
  if (at) time.title = [localWords(at).replace(/[()]/g, ""), agoWords(serverNow() - at)].filter(Boolean).join(", ");
});

/* On the server's full seconds, so that all viewers' clocks turn together. */
function nextTick() {
  tickClocks();
  setTimeout(nextTick, 1000 - (serverNow() % 1000) + 5);
}
afterMorph.push(tickClocks);
