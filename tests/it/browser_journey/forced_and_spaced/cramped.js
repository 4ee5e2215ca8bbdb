(() => {
  // Text that is cut off by its box, or lies over other text. What scrolls in its own box, or stays while the page scrolls, may
  // lie over others; what only readers of the page hear may be cut, and what stands whole in the heading or, as a row of the
  // timeline, on its own page.
  const faults = [], root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push(`it scrolls sideways by ${root.scrollWidth - innerWidth} px`);

  const heard = (it) => it !== null && (getComputedStyle(it).clipPath !== "none" || heard(it.parentElement));
  const unseen = (it) =>
    it.closest("svg, .skip, option") || !it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || heard(it);
  const titles = [...document.querySelectorAll("h1")].map((it) => it.textContent.trim());
  const elsewhere = (it) => titles.includes(it.textContent.trim()) || getComputedStyle(it).webkitLineClamp !== "none";
  const stays = (it) => it !== null && (["fixed", "sticky"].includes(getComputedStyle(it).position) || stays(it.parentElement));
  const cuts = (overflow) => ["hidden", "clip"].includes(overflow);

  for (const it of document.body.querySelectorAll("*")) {
    if (it.textContent.trim() === "" || elsewhere(it) || unseen(it)) continue;
    const { overflowX, overflowY } = getComputedStyle(it);
    const cut = (cuts(overflowX) && it.scrollWidth > it.clientWidth + 1) || (cuts(overflowY) && it.scrollHeight > it.clientHeight + 1);
    if (cut) faults.push(`text is cut off: ${it.outerHTML.slice(0, 140)}`);
  }

  // Each line of text as a box, as far as the boxes around it show it.
  const boxes = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walk.nextNode()) {
    const it = walk.currentNode;
    if (it.data.trim() === "" || unseen(it.parentElement) || stays(it.parentElement)) continue;
    range.selectNodeContents(it);
    for (const box of range.getClientRects()) {
      let [left, top, right, bottom] = [box.left + 2, box.top + 3, box.right - 2, box.bottom - 3];
      for (let up = it.parentElement; up; up = up.parentElement) {
        if (getComputedStyle(up).overflow === "visible" || up === document.body || up === root) continue;
        const edge = up.getBoundingClientRect();
        [left, top] = [Math.max(left, edge.left), Math.max(top, edge.top)];
        [right, bottom] = [Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
      }
      if (right > left && bottom > top) boxes.push({ it, left, top, right, bottom });
    }
  }
  boxes.sort((one, other) => one.top - other.top);
  boxes.forEach((one, at) => {
    for (let next = at + 1; next < boxes.length && boxes[next].top < one.bottom; next++) {
      const other = boxes[next];
      if (one.it !== other.it && one.left < other.right && other.left < one.right) {
        faults.push(`“${one.it.data.trim().slice(0, 60)}” and “${other.it.data.trim().slice(0, 60)}” lie over each other`);
      }
    }
  });
  return faults.slice(0, 12);
})();
