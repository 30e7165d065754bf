/** The entry point of the API reference: loads the document and shows its calls by group, the first one open. */
import { ApiDocument } from "./document.js";
import { element, inline, prose } from "./elements.js";
import { Filter, fold } from "./filter.js";
import { operationView } from "./operation.js";
import { TokenField } from "./token.js";

const byId = (id) => document.getElementById(id);

// Relative to this file, docs/reference.js: both may be below a prefix that a proxy strips.
const DOCUMENT = new URL("../openapi.json", import.meta.url);

async function load() {
  const response = await fetch(DOCUMENT);
  if (!response.ok) throw new Error(`The service responded with status ${response.status}.`);
  return new ApiDocument(await response.json());
}

function groupView(api, group, token) {
  const calls = group.operations.map((operation) => {
    const { method, path, summary, description = "", parameters } = operation;
    const names = parameters.map(({ name }) => name).join(" ");
    return {
      view: operationView(api, operation, token),
      text: fold([method, path, summary, description, names, group.name].join(" ")),
    };
  });
  const view = element(
    "details",
    { className: "group" },
    element("summary", {}, element("h2", {}, group.name), " ", element("span", { className: "hint" }, inline(group.description))),
    calls.map((call) => call.view),
  );
  return { view, calls };
}

/** Open the call that the URL names, and its group. */
function openNamed(filter) {
  const view = byId(decodeURIComponent(location.hash.slice(1)));
  if (!view?.matches(".operation")) return;
  if (view.hidden) filter.clear();
  view.closest(".group").open = true;
  view.open = true;
  view.scrollIntoView();
}

function show(api) {
  const token = new TokenField();
  const groups = api.groups().map((group) => groupView(api, group, token));
  groups[0].view.open = true;
  byId("version").textContent = api.content.info.version;
  byId("introduction").replaceChildren(...prose(api.content.info.description));
  byId("operations").replaceChildren(...groups.map(({ view }) => view));
  const filter = new Filter(groups);
  openNamed(filter);
  window.addEventListener("hashchange", () => openNamed(filter));
  byId("operations").addEventListener("click", ({ target }) => {
    const view = target.closest(".operation > summary")?.parentElement;
    // The click opens it. The URL then names it, to be shared.
    if (view && !view.open) history.replaceState(null, "", `#${view.id}`);
  });
}

try {
  show(await load());
} catch (error) {
  byId("failure").textContent = `The reference cannot be shown. ${error.message}`;
  byId("failure").hidden = false;
}
