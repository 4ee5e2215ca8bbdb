/* Paper: the browser's own dialogue, which also saves a PDF. */

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) print();
});
