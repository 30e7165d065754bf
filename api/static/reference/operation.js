/** One call: a line with method, path and summary that opens to its description, form and responses. */
import { code, element, inline, json, prose } from "./elements.js";
import { RequestForm } from "./request.js";
import { members } from "./schema.js";

export function operationView(api, operation, token) {
  const view = element(
    "details",
    { className: "operation", id: operation.operationId },
    element(
      "summary",
      {},
      element("span", { className: `method ${operation.method}` }, operation.method.toUpperCase()),
      " ",
      element("code", {}, breakable(operation.path)),
      " ",
      element("span", { className: "summary" }, operation.summary),
    ),
  );
  // Written when it is opened: few of the calls ever are.
  view.addEventListener("toggle", () => view.open && view.append(...contents(api, operation, token)), { once: true });
  return view;
}

/** A path that may break before each slash, so that it fits a narrow screen. */
function breakable(path) {
  return path.split(/(?=\/)/).flatMap((part) => [element("wbr"), part]);
}

function contents(api, operation, token) {
  const fields = operation.body && members(api, operation.body.schema);
  return [
    ...prose(operation.description),
    operation.security.length ? "" : element("p", { className: "hint" }, "Needs no token."),
    element("h3", {}, "Try it"),
    new RequestForm(api, operation, token).element,
    fields && element("h3", {}, "Body"),
    fields,
    element("h3", {}, "Responses"),
    ...operation.responses.map(([status, response]) => responseView(api, status, response)),
  ].filter(Boolean);
}

function responseView(api, status, response) {
  const media = response.content?.["application/json"];
  const headers = Object.entries(response.headers ?? {}).map(([name, header]) =>
    element("li", {}, element("code", { className: "name" }, name), " ", inline(api.resolve(header).description)),
  );
  return element(
    "details",
    { className: "outcome" },
    element("summary", {}, element("strong", {}, status), " ", inline(response.description)),
    api.examples(media).map(([, value]) => code(json(value))),
    media && members(api, media.schema),
    headers.length ? element("h4", {}, "Header fields") : null,
    headers.length ? element("ul", { className: "members" }, headers) : null,
  );
}
