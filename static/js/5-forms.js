/* Forms go by themselves: sent in the background, the answer put into the page, the focus led to the result. Whatever is
   not surely ours to do (files, passwords, pages without a bar) is left to the browser. */

/** What was sent and has no answer yet, by form: the same bytes go again, so that two tries have one effect. */
const unanswered = new WeakMap();

const actionOf = (form, button) => new URL(button?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);
const isPost = (form) => form.getAttribute("method")?.toLowerCase() === "post";
const isBusy = (form) => form.getAttribute("aria-busy") === "true";

function leaveToBrowser(form, action) {
  return (
    form.matches("[data-plain], [enctype='multipart/form-data'], [target]") || form.querySelector("[type=password], [type=file]") !== null ||
    document.querySelector("header.bar") === null || action.pathname === "/sign-out" || action.origin !== location.origin
  );
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!isPost(form) || event.defaultPrevented) return;
  const action = actionOf(form, button);
  if (action.pathname === "/sign-out") forgetDrafts();
  if (isBusy(form) || !everythingMatches(form)) return event.preventDefault();
  form.setAttribute("aria-busy", "true");
  if (leaveToBrowser(form, action)) return;
  event.preventDefault();
  send(form, button, action);
});

/* A page that comes back from the browser's memory is not sending any more. */
addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach((form) => form.removeAttribute("aria-busy")));

const stateOf = (control) => (control.matches("[type=checkbox], [type=radio]") ? control.checked
  : control.localName === "select" ? [...control.options].map((option) => option.selected).join() : control.value);

function pack(form, button, action) {
  const states = new Map([...form.querySelectorAll(CONTROLS)].map((control) => [control, stateOf(control)]));
  return { action, body: new URLSearchParams(new FormData(form, button)).toString(), states };
}

async function send(form, button, action) {
  document.getElementById(`${form.getAttribute("id")}-trouble`)?.remove();
  const changesProduction = button?.matches(".button-destructive, .button-danger") ?? false;
  if (changesProduction && isDoubtful() && !(await isStillSo(form))) return form.removeAttribute("aria-busy");
  const parcel = unanswered.get(form) ?? pack(form, button, action);
  unanswered.set(form, parcel);
  flying.add(form);
  let gone = false;
  try {
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" };
    const answer = await fetch(parcel.action, { method: "POST", body: parcel.body, headers, signal: AbortSignal.timeout(30_000) });
    const page = parsePage(await answer.text());
    flying.delete(form);
    gone = receive(form, parcel, answer, page);
  } catch (fault) {
    flying.delete(form);
    const detail = "What you typed is kept. Press the button again when you are online: whether the first try arrived or not, it counts once.";
    trouble(form, "No answer came from the server", detail);
  }
  if (!gone) form.removeAttribute("aria-busy");
}

/** Takes in what the server answered. True when the browser is on its way to another page. */
function receive(form, parcel, answer, page) {
  const place = new URL(answer.url);
  if (page.querySelector("header.bar") === null) {
    // A page of its own about what went wrong: shown beside the form, so that nothing typed is lost.
    const over = answer.status === 401 || place.pathname === "/sign-in";
    if (over) tellSessionOver();
    const certain = answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429;
    if (certain || over) unanswered.delete(form);
    const words = (css) => page.querySelector(`main ${css}`)?.textContent.trim() ?? "";
    if (over) trouble(form, "Not sent: your session has ended", "What you typed is kept. Sign in again, then press the button again.");
    else trouble(form, words("h1") || `The server answered ${answer.status}`, words("p:not(.logo)"));
    return false;
  }
  unanswered.delete(form);
  if (answer.ok) forgetDraft(form);
  // What was changed while the form was under way is newer than what was sent, and stays.
  for (const [control, state] of parcel.states) if (stateOf(control) === state) reset(control);
  if (answer.redirected && place.pathname !== location.pathname) {
    location.assign(answer.url);
    return true;
  }
  const path = focusPath();
  if (form.contains(document.activeElement)) document.activeElement.blur();
  handled.delete(form.closest("details:not(.fold)"));
  const again = [...page.querySelectorAll("form")].some((other) => other.getAttribute("action") === form.getAttribute("action"));
  const trail = trailOf(form);
  if (answer.redirected || again) showPage(page, true);
  else becomePage(page);
  leadToResult(trail, path);
  return false;
}

/** An answer that is another page altogether, such as the question whether it is still you. */
function becomePage(page) {
  takeHead(page);
  const own = [...document.body.children].filter((element) => !element.matches("[data-own], [data-fixed]") && served.has(element));
  own.forEach((element) => element.remove());
  const fixed = document.querySelector("body > [data-fixed]");
  for (const element of [...page.body.children].filter((one) => !one.matches("[data-fixed]"))) {
    const come = document.importNode(element, true);
    served.add(come);
    document.body.insertBefore(come, fixed);
  }
  for (const name of ["data-live", "data-page"]) {
    const value = page.body.getAttribute(name);
    if (value === null) document.body.removeAttribute(name);
    else document.body.setAttribute(name, value);
  }
  for (const task of afterMorph) task();
}

/** The elements around a form, outwards, by id: where its result is to be looked for. */
function trailOf(form) {
  const trail = [];
  for (let at = form.parentElement; at; at = at.parentElement) if (at.hasAttribute("id")) trail.push(at.getAttribute("id"));
  return trail;
}

/* To what is wrong, else to what was asked for, else to the heading of the part that the form stood in. Not when somebody
   types elsewhere meanwhile. */
function leadToResult(trail, path) {
  const elsewhere = document.activeElement !== document.body && !path.includes(document.activeElement);
  if (elsewhere) return;
  const wrong = document.querySelector("#faults, #refused, main [data-focus]");
  const part = trail.map((id) => document.getElementById(id)).find((element) => element !== null);
  const heading = part?.matches("li, tr, .card-body") ? part : part?.querySelector("h1, h2, h3") ?? document.querySelector("main h1, main h2");
  if (wrong ?? heading) giveFocus(wrong ?? heading);
}

/** Tells beside the form why it was not done. It stays until the form is sent again. */
function trouble(form, fact, detail) {
  const made = banner(`${form.getAttribute("id")}-trouble`, "crit", "attention", fact, detail);
  made.setAttribute("role", "alert");
  form.append(made);
}

/** Asks the server first, where the page may be old: whether the form is still there, and for the same plan. */
async function isStillSo(form) {
  const state = await refresh();
  if (state === "failed") trouble(form, "Not sent: there is no connection", "This page may be old, so nothing is sent from it. Try again when it is live.");
  if (state === "shown" && !form.isConnected) say("Not sent: things have changed meanwhile.", true);
  return state === "shown" && form.isConnected;
}

/* ---- Type to confirm: the field says whether it fits, and the button stays pressable and explains what is missing. */

const plainWords = (words) => words.trim().toLowerCase();
const fits = (field) => plainWords(field.value) === plainWords(field.dataset.phrase);

function showMatch(field, pressed = false) {
  const id = `${field.id}-match`;
  const note = document.getElementById(id) ?? make("p", { id, class: "match", "data-own": "" });
  if (!note.isConnected) field.after(note);
  const missing = pressed ? `Type ${field.dataset.phrase} here first` : "Does not match yet";
  setWords(note, fits(field) ? "Matches" : field.value === "" && !pressed ? "" : missing);
  note.classList.toggle("match-yes", fits(field));
  if (!field.getAttribute("aria-describedby")?.split(" ").includes(id)) field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), id].filter(Boolean).join(" "));
}

function everythingMatches(form) {
  const wrong = [...form.querySelectorAll("[data-phrase]")].find((field) => !fits(field));
  if (!wrong) return true;
  showMatch(wrong, true);
  wrong.focus();
  say(`Not sent. Type ${wrong.dataset.phrase} first.`, true);
  return false;
}

document.addEventListener("input", ({ target }) => target.matches("[data-phrase]") && showMatch(target));
