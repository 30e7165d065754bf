// Starts Swagger UI with this service's document, in the system's light or dark mode.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function followSystem() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

followSystem();
dark.addEventListener("change", followSystem);

window.SwaggerUIBundle({
  // Relative to this file, /docs/reference.js: both may be below a prefix that a proxy strips.
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  // No validator badge: the page would fetch it from another host.
  validatorUrl: null,
});
