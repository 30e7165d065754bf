/** Shows only the calls that contain every word of the filter. */

export class Filter {
  #input = document.getElementById("filter");
  #count = document.getElementById("count");
  #groups;

  /** `groups` are `{view, calls}`, and `calls` are `{view, text}`. */
  constructor(groups) {
    this.#groups = groups;
    this.#input.addEventListener("input", () => this.#apply());
    document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
    if (this.#input.value) this.#apply();
  }

  /** Show all calls again. */
  clear() {
    this.#input.value = "";
    this.#apply();
  }

  #apply() {
    const words = fold(this.#input.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [index, { view, calls }] of this.#groups.entries()) {
      const found = calls.filter((call) => words.every((word) => call.text.includes(word)));
      for (const call of calls) call.view.hidden = !found.includes(call);
      view.hidden = found.length === 0;
      view.open = words.length ? found.length > 0 : index === 0;
      shown += found.length;
    }
    this.#count.textContent = words.length ? `${shown} ${shown === 1 ? "call" : "calls"} with these words` : "";
  }
}

export const fold = (text) => text.normalize("NFKD").toLowerCase();
