/** The form of a call: a field for each parameter and for the body, a button to send it, and the response. */
import { code, element, inline, json, newId } from "./elements.js";
import { describeSchema } from "./schema.js";

export class RequestForm {
  #api;
  #operation;
  #token;
  #fields = new Map();
  #body = null;
  #curl = element("code");
  #response = element("div", { className: "response", role: "status" });

  constructor(api, operation, token) {
    this.#api = api;
    this.#operation = operation;
    this.#token = token;
    this.element = element("form", { className: "request", noValidate: true }, this.#parameters(), this.#bodyField());
    this.element.append(
      element("button", { type: "submit", className: "primary" }, "Send"),
      element("pre", { role: "group", ariaLabel: "As a command" }, this.#curl),
      this.#response,
    );
    this.element.addEventListener("input", () => this.#showCommand());
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#showCommand();
  }

  #parameters() {
    const fields = this.#operation.parameters.map((parameter) => {
      const id = newId();
      const input = this.#input(parameter, id);
      this.#fields.set(parameter, input);
      const words = `${parameter.in}, ${describeSchema(this.#api, parameter.schema)}${parameter.required ? ", required" : ""}`;
      return element(
        "div",
        { className: "field" },
        element("label", { htmlFor: id }, element("code", {}, parameter.name)),
        input,
        element("p", { className: "hint", id: `${id}-hint` }, inline(`${parameter.description} (${words})`)),
      );
    });
    return fields.length ? element("div", { className: "fields" }, fields) : null;
  }

  #input(parameter, id) {
    const choices = this.#api.resolve(parameter.schema).enum;
    const properties = { id, "aria-describedby": `${id}-hint`, required: parameter.required ?? false };
    if (choices) return element("select", properties, ["", ...choices].map((each) => element("option", {}, each)));
    return element("input", { ...properties, value: parameter.example ?? "", autocomplete: "off", spellcheck: false });
  }

  #bodyField() {
    const { body } = this.#operation;
    if (!body) return null;
    const id = newId();
    const [[, example] = []] = this.#api.examples(body);
    const value = example === undefined ? "" : json(example);
    this.#body = element("textarea", { id, value, rows: Math.max(3, value.split("\n").length), spellcheck: false });
    return element("div", { className: "field" }, element("label", { htmlFor: id }, "Body"), this.#body);
  }

  /** The URL, and the options of `fetch`. The token is put in when the call is sent. */
  #request() {
    const { method, path, mediaType, security } = this.#operation;
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, { value }] of this.#fields) {
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (value !== "" && parameter.in === "query") query.set(parameter.name, value);
      else if (value !== "") headers[parameter.name] = value;
    }
    if (security.length && this.#token.value) headers.Authorization = `Bearer ${this.#token.value}`;
    const body = this.#body?.value.trim() || undefined;
    if (body) headers["Content-Type"] = mediaType;
    return { url: `${this.#api.base}${url}${query.size ? `?${query}` : ""}`, method: method.toUpperCase(), headers, body };
  }

  #showCommand() {
    const { url, method, headers, body } = this.#request();
    const fields = Object.entries({ ...headers, ...(headers.Authorization && { Authorization: "Bearer $TOKEN" }) });
    this.#curl.textContent = [
      `curl ${method === "GET" ? "" : `-X ${method} `}${quote(new URL(url, location.href).href)}`,
      ...fields.map(([name, value]) => `-H ${name === "Authorization" ? `"${name}: ${value}"` : quote(`${name}: ${value}`)}`),
      ...(body ? [`-d ${quote(body)}`] : []),
    ].join(" \\\n  ");
  }

  async #send() {
    const missing = Array.from(this.#fields).find(([parameter, input]) => parameter.required && input.value === "");
    if (missing) {
      this.#response.replaceChildren(element("p", { className: "failed" }, `${missing[0].name} is required.`));
      missing[1].focus();
      return;
    }
    this.#showCommand();
    this.#response.replaceChildren(element("p", {}, "Waiting for the response…"));
    const { url, ...options } = this.#request();
    const started = performance.now();
    try {
      const response = await fetch(url, { ...options, cache: "no-store" });
      this.#show(response, await response.text(), performance.now() - started);
    } catch {
      this.#response.replaceChildren(element("p", { className: "failed" }, "No response: the service cannot be reached."));
    }
  }

  #show(response, text, milliseconds) {
    const body = parse(text);
    const headers = Array.from(response.headers, ([name, value]) => `${name}: ${value}`).join("\n");
    this.#response.replaceChildren(
      element("p", { className: response.ok ? "succeeded" : "failed" }, `${response.status} ${response.statusText} · ${Math.round(milliseconds)} ms`),
      code(body === undefined ? text || "No body" : json(body), "Body of the response"),
      element("details", {}, element("summary", {}, "Header fields"), code(headers)),
    );
    if (response.ok && typeof body?.data?.token === "string") this.#token.take(body.data.token);
  }
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Undefined for a text that is not JSON. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
