import assert from "node:assert/strict";
import { test } from "node:test";

import { splitLinks } from "../../api/static/links.js";
import { cpuTimeOf } from "./support/cpu-time.js";

const LINKS = [
  ["See https://example.com/a?b=c#d for more", "https://example.com/a?b=c#d"],
  ["See https://example.com.", "https://example.com"],
  ["(see https://example.com/a)", "https://example.com/a"],
  ["https://en.example.org/wiki/Tea_(drink), and milk", "https://en.example.org/wiki/Tea_(drink)"],
  ["HTTP://EXAMPLE.COM/", "HTTP://EXAMPLE.COM/"],
  ["Write to mailto:ada@example.com!", "mailto:ada@example.com"],
  ["“https://example.com/x”", "https://example.com/x"],
  ["<https://example.com/x>", "https://example.com/x"],
];

for (const [text, href] of LINKS) {
  test(`the link in ${text}`, () => {
    const pieces = splitLinks(text);
    assert.deepEqual(pieces.filter((piece) => piece.href).map((piece) => piece.href), [href]);
    assert.equal(pieces.map((piece) => piece.text).join(""), text);
  });
}

const PLAIN = [
  "javascript:alert(1)",
  "data:text/html,<script>",
  "ftp://example.com",
  "https://",
  "http://.",
  "mailto:",
  "xhttps//example.com",
  "https://[",
  "file:///etc/passwd",
  "",
];

for (const text of PLAIN) {
  test(`no link in “${text}”`, () => assert.ok(splitLinks(text).every((piece) => !piece.href)));
}

test("several links, and a long text without any in a moment", () => {
  assert.equal(splitLinks("http://a.example http://b.example").length, 3);
  for (const text of [`http://a.example/${")".repeat(9900)}`, "http://".repeat(1500)]) {
    assert.ok(cpuTimeOf(() => splitLinks(text)) < 1000);
  }
});
