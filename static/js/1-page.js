/* What the server told this script, and the few things that every part of it needs. The files of this folder are one
   module, joined in the order of their names; each page is complete without it. */

/** Attributes of our own script element: the icons' address, who is signed in, when the session ends, the wishes. */
const toldBy = (page) => page.querySelector("script[data-icons]")?.dataset ?? {};
let told = toldBy(document);
document.documentElement.dataset.script = "on";

/** An element; words are always text, never HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  for (const [key, value] of Object.entries({ class: "icon", width: 16, height: 16, "aria-hidden": "true" })) svg.setAttribute(key, value);
  use.setAttribute("href", `${told.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** A banner as templates draw it. `data-own` keeps it through every morph: the server does not know of it. */
function banner(id, kind, sign, fact, detail, ...end) {
  const words = make("div", { class: "banner-text" }, make("p", { class: "banner-fact" }, fact), make("p", {}, detail));
  const made = make("div", { class: `banner banner-${kind}`, id, "data-own": "" }, icon(sign), words, ...end);
  document.getElementById(id)?.remove();
  return made;
}

/** One across the whole page, under the bar; it is no part of what the page is about, and has a name of its own. */
function bannerAcross(name, ...parts) {
  const made = banner(...parts);
  made.classList.add("banner-page");
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", name);
  document.querySelector("header.bar")?.after(made);
}

/** Says something to whoever does not see the page: politely, or at once. */
function say(words, urgent = false) {
  const line = make("p", {}, words);
  document.getElementById(urgent ? "say-now" : "say")?.append(line);
  setTimeout(() => line.remove(), 10_000);
}

/** The server's clock as this machine can know it: its own clock and by how much it goes wrong. */
let skew = 0;
const serverNow = () => Date.now() + skew;

/* The page says when it was made; the browser says when it came. Seconds are cut off on the page: half of one on average. */
function measureSkewOnLoad() {
  const made = Date.parse(document.querySelector("#clock time")?.dateTime);
  const came = performance.getEntriesByType("navigation")[0]?.responseStart;
  if (made && came) skew = made + 500 - (performance.timeOrigin + came);
}
measureSkewOnLoad();
