// Starts Swagger UI with this service's document, in the system's light or dark mode.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function followSystem() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

followSystem();
dark.addEventListener("change", followSystem);

window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  // No validator badge: the page would fetch it from another host.
  validatorUrl: null,
});
