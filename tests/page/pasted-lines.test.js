import assert from "node:assert/strict";
import { test } from "node:test";

import { titlesOf } from "../../api/static/pasted-lines.js";

test("each line is a title, and blank lines are none", () => {
  assert.deepEqual(titlesOf("Milk\n\n  Bread \r\nEggs\u2028Tea\n \t\n"), ["Milk", "Bread", "Eggs", "Tea"]);
});

test("bullets and numbers of a list are left out", () => {
  const list = "- Milk\n* Bread\n• Eggs\n1. Tea\n12) Salt\n- [ ] Rice\n[x] Oil\n– Beans\n-\n";
  assert.deepEqual(titlesOf(list), ["Milk", "Bread", "Eggs", "Tea", "Salt", "Rice", "Oil", "Beans"]);
});

test("what only resembles a bullet stays", () => {
  const lines = ["-5 degrees", "*important*", "3.5 litres", "2026) a year", "[draft] letter"];
  assert.deepEqual(titlesOf(lines.join("\n")), lines);
});

test("one line is one title, and no text is none", () => {
  assert.deepEqual(titlesOf("Milk"), ["Milk"]);
  assert.deepEqual(titlesOf(" \n "), []);
});
