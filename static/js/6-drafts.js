/* Long texts are also kept in this browser, by person and form, until they were sent. So a crash, a closed tab or an ended
   session loses none. Signing out forgets them all, and so does a day. */

const DRAFT = "backout:draft:";
const DRAFT_LIFE = 24 * 3600 * 1000;

/** The key of a text, or nothing where none is kept. */
function draftKey(text) {
  const form = text.closest("form[id]");
  return form && told.person && !form.querySelector("[type=password]") ? `${DRAFT}${told.person}:${form.getAttribute("id")}:${text.name}` : null;
}

/* A browser may forbid storage, or be full; a draft is a comfort and never stops anybody. */
function inStorage(act) {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}

document.addEventListener("input", ({ target }) => {
  const key = target.localName === "textarea" && draftKey(target);
  if (!key) return;
  if (isChanged(target)) inStorage((storage) => storage.setItem(key, JSON.stringify({ text: target.value, at: Date.now() })));
  else inStorage((storage) => storage.removeItem(key));
  document.getElementById(`${target.id}-draft`)?.remove();
});

function restoreDrafts() {
  nameForms(document);
  for (const key of inStorage((storage) => Object.keys(storage)) ?? []) {
    if (!key.startsWith(DRAFT)) continue;
    const kept = inStorage((storage) => JSON.parse(storage.getItem(key)));
    if (!(Date.now() - kept?.at < DRAFT_LIFE)) inStorage((storage) => storage.removeItem(key));
  }
  for (const text of document.querySelectorAll("textarea")) {
    const key = draftKey(text);
    const kept = key && inStorage((storage) => JSON.parse(storage.getItem(key)));
    if (!kept || isChanged(text) || kept.text === text.value) continue;
    text.value = kept.text;
    tellRestored(text, key);
  }
}

function tellRestored(text, key) {
  const discard = make("button", { type: "button", class: "button button-small" }, "Discard it");
  const note = make("p", { class: "hint draft", id: `${text.id}-draft`, "data-own": "" }, "This is your text that was not sent yet. ", discard);
  discard.addEventListener("click", () => {
    inStorage((storage) => storage.removeItem(key));
    reset(text);
    note.remove();
    text.focus();
  });
  text.after(note);
}

/** What was sent needs no copy. */
function forgetDraft(form) {
  for (const text of form.querySelectorAll("textarea")) {
    inStorage((storage) => storage.removeItem(draftKey(text)));
    document.getElementById(`${text.id}-draft`)?.remove();
  }
}

function forgetDrafts() {
  inStorage((storage) => Object.keys(storage).filter((key) => key.startsWith(DRAFT)).forEach((key) => storage.removeItem(key)));
}
