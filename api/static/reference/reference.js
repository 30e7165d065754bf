// Starts Swagger UI on this service's own document, and follows the system's light or dark.

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
  // The badge would be fetched from another host.
  validatorUrl: null,
});
