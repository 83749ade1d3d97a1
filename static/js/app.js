// What makes the pages nicer; nothing depends on it.
"use strict";

// Tell assistive technology that the results are being made.
function busy(event, value) {
  const results = document.getElementById("results");
  if (results && event.target instanceof Element && event.target.id === "scenario") {
    results.setAttribute("aria-busy", value);
  }
}
document.addEventListener("htmx:before:request", (event) => busy(event, "true"));
document.addEventListener("htmx:finally:request", (event) => busy(event, "false"));

// After "Calculate" with problems, lead to their summary; while typing, leave the focus alone.
document.addEventListener("htmx:after:swap", (event) => {
  const source = event.detail && event.detail.ctx && event.detail.ctx.sourceEvent;
  if (source && source.type === "submit") document.getElementById("problems")?.focus();
});

// A link to a field inside closed details opens them, on this page or from another.
function reveal(hash) {
  const target = hash.length > 1 && document.getElementById(hash.slice(1));
  if (!target) return;
  for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) {
    at.open = true;
  }
  target.focus();
}
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
  if (link) reveal(link.hash);
});
if (document.getElementById("scenario")) reveal(location.hash);

// A button that leads to another address is the browser's own business.
document.addEventListener(
  "submit",
  (event) => {
    if (event.submitter?.hasAttribute("data-whole-page")) event.stopImmediatePropagation();
  },
  true,
);

// Copy the address of a shared result.
for (const button of document.querySelectorAll("[data-copy-address]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const status = document.getElementById("status");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
      status.textContent = "Link copied.";
    } catch {
      status.textContent = "The link could not be copied; copy it from the address bar.";
    }
  });
}
