import assert from "node:assert/strict";
import { test } from "node:test";

import { beginningOf } from "../../api/static/folding.js";

const words = (count) => "word ".repeat(count).trim();

test("a short text is shown whole", () => {
  for (const text of ["", "Milk", words(60), "1\n2\n3\n4\n5"]) assert.equal(beginningOf(text), null);
});

test("a long text is cut between two words", () => {
  const beginning = beginningOf(words(2000));
  assert.ok(beginning.length <= 280 && beginning.endsWith("word"), beginning);
});

test("many lines are cut after the fourth", () => {
  assert.equal(beginningOf("1\n2\n3\n4\n5\n6"), "1\n2\n3\n4");
});

test("a link is never cut", () => {
  const link = `https://example.com/${"a".repeat(1000)}`;
  assert.equal(beginningOf(`${link} ${words(500)}`), link);
  assert.equal(beginningOf(link), null);
  assert.equal(beginningOf(`See ${link} ${words(500)}`), "See");
});
