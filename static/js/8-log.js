/* A log of a run follows its end, unless somebody scrolled up to read: then it says how much came below. */

/** Lines not yet announced, by log; a listener hears of them at most every ten seconds. */
const unspoken = new Map();
/** Logs, by id, in which somebody scrolled up. */
const readInside = new Set();

const atEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 24;

function followLog(log) {
  log.scrollTop = log.scrollHeight;
  document.getElementById(`${log.id}-more`)?.remove();
}

/** Lines come with the id of their log as `data-into`, or as one element of that id which holds them. */
function addToLog(fragment) {
  const log = document.getElementById(fragment.dataset.into ?? fragment.id);
  if (!log) return;
  const lines = fragment.dataset.into ? [fragment] : [...fragment.children];
  const fresh = lines.filter((line) => !line.id || !document.getElementById(line.id));
  const follows = atEnd(log);
  log.append(...fresh.map((line) => document.importNode(line, true)));
  unspoken.set(log.id, (unspoken.get(log.id) ?? 0) + fresh.length);
  if (follows) followLog(log);
  else tellMore(log, fresh.length);
  const all = Number(log.lastElementChild?.id.split("-").at(-1)) + 1;
  countLines(log, all);
  askWhenWhole(log, all);
}

/** The foot says how many lines there are, in the words of the page. */
function countLines(log, all) {
  const count = document.getElementById(log.id.replace(/^log-/, "count-"));
  if (!count || !all) return;
  const lines = all === 1 ? "line" : "lines";
  count.textContent = log.children.length < all ? `The last ${log.children.length} of ${all} ${lines}` : `${all} ${lines}`;
}

/** Lines of a run that has ended were still on their way: with the last of them the page says so no more. */
function askWhenWhole(log, all) {
  const loading = document.getElementById(log.id.replace(/^log-/, "loading-"));
  if (loading && all >= Number(loading.dataset.loads)) refreshSoon();
}

function tellMore(log, count) {
  const id = `${log.id}-more`;
  let button = document.getElementById(id);
  if (!button) {
    button = make("button", { type: "button", class: "button button-small log-more", id, "data-own": "" });
    button.addEventListener("click", () => followLog(log));
    log.after(button);
  }
  button.dataset.count = Number(button.dataset.count ?? 0) + count;
  button.replaceChildren(icon("down"), `${button.dataset.count} new ${button.dataset.count === "1" ? "line" : "lines"}`);
}

document.addEventListener("scroll", ({ target }) => {
  if (!target.matches?.(".log")) return;
  if (!atEnd(target)) return readInside.add(target.id);
  readInside.delete(target.id);
  document.getElementById(`${target.id}-more`)?.remove();
}, true);

/* A newer page may bring lines, or a log that was not there before. */
afterMorph.push(() => [...document.querySelectorAll(".log")].filter(({ id }) => !readInside.has(id)).forEach(followLog));

setInterval(() => {
  for (const [id, count] of unspoken) {
    const last = document.getElementById(id)?.lastElementChild?.textContent.trim();
    if (last) say(`${count} new ${count === 1 ? "line" : "lines"} of the run. The last: ${last}`);
  }
  unspoken.clear();
}, 10_000);

/* The role would read out each line as it comes. */
function hushLogs() {
  for (const log of document.querySelectorAll("[role=log]")) log.setAttribute("aria-live", "off");
}
afterMorph.push(hushLogs);
