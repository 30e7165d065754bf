import assert from "node:assert/strict";
import { test } from "node:test";

import { dueGroup } from "../../api/static/dates.js";

const NOW = new Date(2026, 10, 26, 15, 0);
const at = (...parts) => new Date(...parts).toISOString();

const GROUPS = [
  [null, "none"],
  ["2026-11-25", "overdue"],
  ["0001-01-01", "overdue"],
  ["2026-11-26", "today"],
  ["2026-11-27", "tomorrow"],
  ["2026-11-28", "later"],
  ["9999-12-31", "later"],
  [at(2026, 10, 25, 23, 59), "overdue"],
  [at(2026, 10, 26, 14, 59), "overdue"],
  [at(2026, 10, 26, 15, 1), "today"],
  [at(2026, 10, 26, 23, 59), "today"],
  [at(2026, 10, 27, 0, 0), "tomorrow"],
  [at(2026, 10, 27, 23, 59), "tomorrow"],
  [at(2026, 10, 28, 0, 0), "later"],
];

for (const [due, group] of GROUPS) {
  test(`${due} is ${group}`, () => assert.equal(dueGroup(due, NOW), group));
}
