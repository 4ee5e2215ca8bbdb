(() => {
  // In forced colours: icons stand out from what is behind them, whatever is pressed or filled in has an edge, and every state
  // has a word. A row that is pressed to tick it has the edge around its box; circles and boxes are the browser's own.
  const faults = [];
  const say = (what, it) => faults.push(`${what}: ${it.outerHTML.slice(0, 140)}`);
  const shown = (css) => [...document.querySelectorAll(css)].filter(
    (it) => it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && it.getBoundingClientRect().width > 1);

  const rgb = (colour) => {
    const parts = colour.match(/^rgba?\(([^)]+)\)$/)?.[1].split(/[ ,/]+/).map(Number);
    return !parts || parts[3] === 0 ? null : parts.slice(0, 3);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((it) => it / 255).map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (it) => (it === null ? [255, 255, 255] : rgb(getComputedStyle(it).backgroundColor) ?? behind(it.parentElement));

  for (const it of shown("svg.icon")) {
    const colour = rgb(getComputedStyle(it).color);
    if (colour && contrast(colour, behind(it.parentElement)) < 3) say("an icon is not seen", it.parentElement);
  }
  const edged = "button:not(.check-tick), .button, .tag, .banner, .tick-mark, input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea";
  for (const it of shown(edged)) {
    const { borderTopWidth, borderTopStyle } = getComputedStyle(it);
    if (borderTopStyle === "none" || parseFloat(borderTopWidth) === 0) say("nothing shows its edge", it);
  }
  for (const it of shown(".tag, .badge, .stage, .here, .away")) if (it.textContent.trim() === "") say("a state without a word", it);
  return faults;
})();
