/** Reads the OpenAPI document: references, operations in their groups, examples. */

const METHODS = ["get", "post", "put", "patch", "delete"];

export class ApiDocument {
  constructor(content) {
    this.content = content;
    this.base = content.servers[0].url.replace(/\/$/, "");
  }

  /** The object itself, or the one that its `$ref` names. */
  resolve(object) {
    while (object?.$ref) {
      object = object.$ref
        .slice(2)
        .split("/")
        .reduce((part, name) => part[name.replaceAll("~1", "/").replaceAll("~0", "~")], this.content);
    }
    return object ?? {};
  }

  /** `{name, description, operations}` of each tag, in the document's order. */
  groups() {
    const operations = Object.entries(this.content.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => this.#operation(method, path, item)),
    );
    return this.content.tags.map((tag) => ({
      ...tag,
      operations: operations.filter(({ tags }) => tags.includes(tag.name)),
    }));
  }

  #operation(method, path, item) {
    const operation = item[method];
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((each) => this.resolve(each));
    const order = ["path", "query", "header"];
    parameters.sort((one, other) => order.indexOf(one.in) - order.indexOf(other.in));
    const [mediaType, body] = Object.entries(this.resolve(operation.requestBody).content ?? {})[0] ?? [];
    const responses = Object.entries(operation.responses).map(([status, each]) => [status, this.resolve(each)]);
    return { ...operation, method, path, parameters, mediaType, body, responses };
  }

  /** Example bodies of a media type, as `[name, value]`. */
  examples(media) {
    if (media === undefined) return [];
    if (media.example !== undefined) return [["Example", media.example]];
    if (media.examples) return Object.entries(media.examples).map(([name, each]) => [name, this.resolve(each).value]);
    return (this.resolve(media.schema).examples ?? []).map((value) => ["Example", value]);
  }
}
