/** Shows a JSON Schema: the members of an object, each with its type, its limits and its description. */
import { element, inline } from "./elements.js";

const LIMITS = {
  minLength: (value) => `at least ${value} characters`,
  maxLength: (value) => `at most ${value} characters`,
  minimum: (value) => `at least ${value}`,
  maximum: (value) => `at most ${value}`,
  minItems: (value) => `at least ${value} items`,
  maxItems: (value) => `at most ${value} items`,
  default: (value) => `default ${JSON.stringify(value)}`,
  const: (value) => `always ${JSON.stringify(value)}`,
  enum: (values) => `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
  format: (value) => value,
};

/** The type and the limits in words. */
export function describeSchema(api, schema) {
  const rules = api.resolve(schema);
  const limits = Object.entries(LIMITS).flatMap(([name, words]) => (name in rules ? [words(rules[name])] : []));
  return [typeOf(api, rules), ...limits].filter(Boolean).join(", ");
}

function typeOf(api, rules) {
  if (rules.type === "array" && rules.items) return `array of ${typeOf(api, api.resolve(rules.items)) || "anything"}`;
  if (rules.type) return [rules.type].flat().join(" or ");
  const variants = rules.anyOf ?? rules.oneOf ?? [];
  return [...new Set(variants.map((each) => describeSchema(api, each)))].filter(Boolean).join(" or ");
}

/** A list of the members of an object, or of an array's items; null if there are none. */
export function members(api, schema, depth = 0) {
  const rules = api.resolve(schema);
  if (rules.type === "array") return members(api, rules.items, depth);
  const parts = [rules, ...(rules.allOf ?? []).map((each) => api.resolve(each))];
  const properties = Object.assign({}, ...parts.map((part) => part.properties).reverse());
  const names = Object.keys(properties);
  if (names.length === 0 || depth > 4) return null;
  const required = new Set(parts.flatMap((part) => part.required ?? []));
  return element("ul", { className: "members" }, names.map((name) => member(api, name, properties[name], required, depth)));
}

function member(api, name, schema, required, depth) {
  const [description, ...more] = (api.resolve(schema).description ?? "").split("\n\n");
  return element(
    "li",
    {},
    element("code", { className: "name" }, name),
    " ",
    element("span", { className: "hint" }, `${describeSchema(api, schema)}${required.has(name) ? ", required" : ""}`),
    description && element("p", {}, inline(description + (more.length ? " See the errors of each call." : ""))),
    members(api, schema, depth + 1),
  );
}
