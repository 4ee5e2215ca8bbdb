/* The only place where text becomes elements, under the one policy that the page's headers allow. It takes what our own
   server rendered and escaped; a script in it would not run. */
const policy = window.trustedTypes?.createPolicy("backout", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

function parsePage(text) {
  const page = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  // The browser's own focus is for loading; put in later it would only complain. `leadToResult` follows the wish.
  for (const field of page.querySelectorAll("[autofocus]")) {
    field.removeAttribute("autofocus");
    field.setAttribute("data-focus", "");
  }
  return page;
}

/** Loose elements; inside a template also rows of tables and lists survive. */
function parseFragments(text) {
  return [...parsePage(`<template>${text}</template>`).querySelector("template").content.children];
}
