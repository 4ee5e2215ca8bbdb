(() => {
  // One of each kind of what can be focused, and the ring around it; a row that ticks has it around its box.
  const faults = [], seen = new Set();
  const able = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  for (const it of [...document.querySelectorAll(able)].filter((it) => it.checkVisibility({ visibilityProperty: true }))) {
    const kind = `${it.tagName}.${it.className}.${it.getAttribute("style") ?? ""}`;
    if (seen.has(kind)) continue;
    seen.add(kind);
    it.focus({ preventScroll: true });
    if (document.activeElement !== it) continue;
    const { outlineStyle, outlineWidth } = getComputedStyle(it.querySelector(".tick-mark") ?? it);
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) faults.push(`the focus is not seen: ${it.outerHTML.slice(0, 140)}`);
  }
  document.activeElement?.blur();
  return faults;
})();
