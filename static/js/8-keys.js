/* Keys. They lead, open and tick; none of them authorises, stops or escalates. Off in fields, and off by the account. */

const PLACES = { n: ["/", "Now"], r: ["/rollbacks", "Rollbacks"], a: ["/audit", "Audit log"] };
const linkTo = (path) => document.querySelector(`header.bar a[href="${path}"]`);
/* What the keys reach: looked for when one is pressed, and when the help lists those that would do something here. */
const KEY_ROWS = "main :is(.check, .row, .signature, .event, tbody tr)";
const TICK = "form:is([action$='/items'], [action$='/criteria']) button[value=done]";
const EVIDENCE_FIELD = ":is([name=note], [name=evidence])";
const EVIDENCE_LINK = "a:is([href*='/evidence/'], [href*='/runs/'])";
const UPDATE_WORDS = "#write-update textarea";
const UPDATE_PAGE = "body:not(:has([data-digest])) a[data-write-update]";

const rowList = () => [...document.querySelectorAll(KEY_ROWS)].filter((row) => row.checkVisibility());
const focusedRow = () => document.activeElement?.closest(KEY_ROWS) ?? null;

let goPressed = false;

/* Each with its words, what it does, and what must be on the page for it: the help lists no key that would do nothing. */
const KEYS = {
  "?": ["This help", () => showHelp(), "body"],
  "/": ["Filter", () => reach(document.querySelector("main [data-filter]")), "main [data-filter]"],
  n: ["Next action", () => reach(document.querySelector("#next a.button, #next button") ?? document.getElementById("next")), "#next"],
  u: ["Write a progress update", () => writeUpdate(), `${UPDATE_WORDS}, ${UPDATE_PAGE}`],
  j: ["Next row", () => step(1), KEY_ROWS],
  k: ["Row before", () => step(-1), KEY_ROWS],
  x: ["Tick the row", () => tick(focusedRow()), `main ${TICK}`],
  e: ["Evidence of the row", () => openEvidence(focusedRow()), `${KEY_ROWS} :is(${EVIDENCE_FIELD}, ${EVIDENCE_LINK})`],
  l: ["End of the log", () => document.querySelectorAll(".log").forEach(followLog), ".log"],
};

/** On its own page into its words, else there; but never away from what somebody is about to sign. */
function writeUpdate() {
  const words = document.querySelector(UPDATE_WORDS);
  if (words) reach(words);
  else document.querySelector(UPDATE_PAGE)?.click();
}

function reach(element) {
  if (!element) return;
  element.closest("details")?.setAttribute("open", "");
  element.scrollIntoView({ block: "center" });
  giveFocus(element);
}

function step(by) {
  const rows = rowList();
  const at = rows.indexOf(focusedRow());
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  if (next) giveFocus(next);
}

/** Presses the row's own tick, and no other button whatever: the two addresses take ticks alone. */
function tick(row) {
  const button = row?.querySelector(TICK);
  if (!button) return;
  button.closest("details")?.setAttribute("open", "");
  button.form.requestSubmit(button);
}

function openEvidence(row) {
  const field = row?.querySelector(EVIDENCE_FIELD);
  const link = row?.querySelector(EVIDENCE_LINK);
  if (field) reach(field);
  else link?.click();
}

function showHelp() {
  document.getElementById("keys")?.remove();
  const places = Object.entries(PLACES).filter(([, [path]]) => linkTo(path)).map(([key, [, words]]) => [`g ${key}`, words]);
  const lines = [...places, ...Object.entries(KEYS).filter(([, [, , needs]]) => document.querySelector(needs)).map(([key, [words]]) => [key, words]), ["Esc", "Close"]];
  const list = make("dl", { class: "facts" }, ...lines.map(([key, words]) => make("div", {}, make("dt", {}, words), make("dd", {}, make("kbd", {}, key)))));
  const close = make("button", { class: "button" }, "Close");
  const hint = make("p", { class: "hint" }, "No key authorises, stops or escalates. Your account can switch them off.");
  const dialog = make("dialog", { id: "keys", class: "keys card", "aria-labelledby": "keys-heading", "data-own": "" },
    make("h2", { id: "keys-heading" }, "Keys"), list, hint, make("form", { method: "dialog" }, close));
  document.body.append(dialog);
  dialog.showModal();
}

function escape() {
  const menu = document.activeElement?.closest("details[open]") ?? document.querySelector("details.menu[open]");
  if (!menu || menu.contains(document.activeElement?.closest(CONTROLS) ?? null)) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) return escape();
  if (told.keys === "off" || event.target.closest?.(`${CONTROLS}, [contenteditable], dialog[open]`)) return;
  if (goPressed) {
    goPressed = false;
    const place = PLACES[event.key];
    if (place) linkTo(place[0])?.click();
    return;
  }
  if (event.key === "g") return setGo();
  const key = KEYS[event.key];
  if (!key) return;
  event.preventDefault();
  key[1]();
});

function setGo() {
  goPressed = true;
  setTimeout(() => (goPressed = false), 1500);
}
