/* Changing the page into a newer one without taking anything out of anybody's hands: the control in use, what was typed
   or ticked and not sent, what was unfolded, a form under way, the row that is being read. */

const CONTROLS = "input:not([type=hidden], [type=submit], [type=button]), textarea, select";
const ROWS = ".check, .event, .row, .signature, tr[id]";

/** Forms that are being sent. */
const flying = new Set();
/** Details that the person opened or closed. */
const handled = new WeakSet();
/** New rows of the timeline that wait until they would not move what is read. */
const heldRows = new Set();
/** What has to be done anew after each morph. */
const afterMorph = [];

document.addEventListener("click", (event) => handled.add(event.target.closest?.("summary")?.parentElement ?? event.target));

/** Whether the person changed it since the server wrote it. Says so too when the browser itself brought old text back. */
function isChanged(control) {
  if (control.type === "radio" && control.form) {
    const group = [...control.form.querySelectorAll("[type=radio]")].filter((one) => one.name === control.name);
    return group.some((one) => one.checked !== one.defaultChecked);
  }
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  if (control.localName !== "select") return control.value !== control.defaultValue;
  const written = [...control.options].filter((option) => option.defaultSelected);
  if (written.length === 0 && !control.multiple) return control.selectedIndex > 0;
  return [...control.options].some((option) => option.selected !== option.defaultSelected);
}

/** As the server wrote it. */
function reset(control) {
  if (control.type === "checkbox" || control.type === "radio") control.checked = control.defaultChecked;
  else if (control.localName !== "select") control.value = control.defaultValue;
  else for (const option of control.options) option.selected = option.defaultSelected;
}

/** Whether an element holds somebody's unfinished work. It then stays, though the server has no place for it any more. */
function holdsWork(element) {
  if ([...flying].some((form) => element.contains(form))) return true;
  const controls = [...element.querySelectorAll(CONTROLS), ...(element.matches(CONTROLS) ? [element] : [])];
  return controls.some((control) => control === document.activeElement || isChanged(control));
}

/* Forms get an id from where they lead and what they are about: so a half-filled form is never turned into the form for
   another item, attempt or person, and keeps its place when others come and go. */
function nameForms(root) {
  const seen = new Map();
  for (const form of root.querySelectorAll("form[method=post]:not([id]), form[data-named]")) {
    const about = [...form.querySelectorAll("[type=hidden]")].filter(({ name }) => !["intent", "kept", "revision"].includes(name));
    const name = ["form", form.getAttribute("action"), ...about.map(({ value }) => value)].join(":").slice(0, 200).replace(/\s/g, "_");
    seen.set(name, (seen.get(name) ?? 0) + 1);
    form.setAttribute("data-named", "");
    form.setAttribute("id", seen.get(name) > 1 ? `${name}:${seen.get(name)}` : name);
  }
}

/** Whether the timeline is scrolled into: its newest row is above what is seen. */
function readsTimeline() {
  const list = document.getElementById("timeline-rows");
  return list !== null && list.firstElementChild !== null && list.getBoundingClientRect().top < 0;
}

/** Where the focus was, outwards: it goes to the nearest of these that is left. */
function focusPath() {
  const path = [];
  for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) path.push(at);
  return path;
}

function keepFocusNear(path) {
  if (path.length === 0 || document.activeElement !== document.body) return;
  const near = path.find((element) => element.isConnected && element !== document.documentElement);
  if (near) giveFocus(near);
}

function giveFocus(element) {
  if (!element.matches("a[href], button, summary, [tabindex], " + CONTROLS)) element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: false });
}

/** Turns `old` into `fresh`. `mine`: it is the answer to what this person has just sent. */
function morph(old, fresh, mine = false) {
  const path = focusPath();
  const holds = readsTimeline();
  nameForms(document);
  nameForms(fresh.getRootNode());
  fillAges(fresh);
  Idiomorph.morph(old, fresh, {
    morphStyle: "outerHTML",
    callbacks: {
      beforeNodeMorphed(node, next) {
        if (node.nodeType !== Node.ELEMENT_NODE) return true;
        if (flying.has(node) || node.hasAttribute("data-own") || node.hasAttribute("data-fixed")) return false;
        if (node.matches(CONTROLS) && (node === document.activeElement || isChanged(node))) return false;
        if (node.matches(ROWS) && node.textContent !== next.textContent) next.classList.add("fresh");
        return true;
      },
      beforeAttributeUpdated(name, node, how) {
        // A step never folds itself up around what somebody ticks in it.
        if (name === "open" && how === "remove" && node.matches(".fold")) return false;
        if (name === "open" && node.matches("details, dialog")) return mine && node.localName === "details" && !handled.has(node);
        // Without it the focus would be lost.
        if (name === "tabindex" && how === "remove") return node !== document.activeElement;
        return true;
      },
      beforeNodeRemoved(node) {
        if (node.nodeType !== Node.ELEMENT_NODE) return true;
        // Beside our own notes, what stands in the body and came from no page of ours is a tool of the browser.
        const foreign = node.parentNode === document.body && !served.has(node);
        return !(foreign || node.hasAttribute("data-own") || holdsWork(node));
      },
      beforeNodeAdded(node) {
        if (!holds || node.nodeType !== Node.ELEMENT_NODE || !node.id.startsWith("event-")) return true;
        heldRows.add(node.id);
        return false;
      },
      afterNodeAdded(node) {
        if (node.parentNode === document.body) served.add(node);
        if (node.nodeType === Node.ELEMENT_NODE && node.matches(ROWS)) node.classList.add("fresh");
      },
    },
  });
  keepFocusNear(path);
  for (const task of afterMorph) task();
}

const served = new WeakSet(document.body.children);

/** What a page lets people sign: it never changes under their eyes. */
const digests = (page) => [...page.querySelectorAll("[data-digest]")].map((it) => it.dataset.digest).join(" ");

/** Whether somebody has begun to sign what the newer page has no place for: withdrawn, declined, or signed by another. */
const isBegunInVain = (page) => {
  const begun = [...document.querySelectorAll("form:has([data-phrase])")].filter(holdsWork);
  return begun.some((form) => !page.querySelector(`form[action="${CSS.escape(form.getAttribute("action"))}"] [data-phrase]`));
};

/** Shows another state of the same page. False when that would change what somebody is about to sign. */
function showPage(page, mine = false) {
  if (!mine && digests(document) !== "" && digests(document) !== digests(page)) {
    tellPlanChanged("The plan changed", "What you read below is not what would be signed now. Reload to read it; an approval of the old plan is refused.", page);
    return false;
  }
  if (!mine && isBegunInVain(page)) {
    const why = page.querySelector("[data-in-vain]")?.dataset.inVain ?? "Things have changed since you read it";
    tellPlanChanged("This cannot be signed any more", `${why}, and nothing that you typed was sent. Reload to see how it stands.`, page);
    for (const button of document.querySelectorAll("#authority button")) button.disabled = true;
    return false;
  }
  takeHead(page);
  morph(document.body, page.body, mine);
  return true;
}

/** What stands above the body: what the script is told, the title, the colours that somebody has just chosen. */
function takeHead(page) {
  told = toldBy(page);
  document.title = page.title;
  const { theme } = page.documentElement.dataset;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Says so above what is read, and lets nothing beside it go on saying that it waits to be signed. */
function tellPlanChanged(fact, detail, page) {
  for (const part of ["next", "then", "slots"].map((id) => document.getElementById(id))) {
    const fresh = part && page.getElementById(part.id);
    if (fresh) morph(part, fresh);
    else part?.remove();
  }
  for (const cell of document.querySelectorAll("[data-changes]")) {
    cell.replaceChildren("see above");
    cell.classList.remove("said-ok");
  }
  const told = document.getElementById("plan-changed");
  if (told?.textContent.includes(detail)) return;
  told?.remove();
  const reload = make("button", { type: "button", class: "button" }, "Reload");
  reload.addEventListener("click", () => location.reload());
  document.getElementById("main").prepend(banner("plan-changed", "warn", "attention", fact, detail, reload));
  say(`${fact}. Reload to read it.`, true);
}

/* The button that lets the new rows in. */
afterMorph.push(() => {
  const list = document.getElementById("timeline-rows");
  for (const id of heldRows) if (document.getElementById(id)) heldRows.delete(id);
  document.getElementById("new-rows")?.remove();
  if (heldRows.size === 0 || !list) return;
  const button = make("button", { type: "button", class: "button button-small new-rows", id: "new-rows", "data-own": "" }, `${heldRows.size} new`);
  button.addEventListener("click", () => {
    heldRows.clear();
    button.remove();
    document.getElementById("timeline")?.scrollIntoView();
    refresh();
  });
  list.before(button);
});
