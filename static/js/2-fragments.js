/* The only place where text becomes elements, under the one policy that the page's headers allow. It takes what our own
   server rendered and escaped; a script in it would not run. */
const policy = window.trustedTypes?.createPolicy("backout", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

function parsePage(text) {
  return new DOMParser().parseFromString(policy.createHTML(text), "text/html");
}

/** Loose elements; inside a template also rows of tables and lists survive. */
function parseFragments(text) {
  return [...parsePage(`<template>${text}</template>`).querySelector("template").content.children];
}
