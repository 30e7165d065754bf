import assert from "node:assert/strict";
import { test } from "node:test";

import { findDueWords } from "../../api/static/due-words.js";
import { cpuTimeOf } from "./support/cpu-time.js";

/* A Thursday afternoon, in the zone of the machine. */
const NOW = new Date(2026, 10, 26, 15, 0);
const at = (...parts) => new Date(...parts).toISOString();

const TITLES = [
  ["Call Bob today", "Call Bob", "2026-11-26"],
  ["Call Bob tomorrow", "Call Bob", "2026-11-27"],
  ["Call Bob Tomorrow!", "Call Bob", "2026-11-27"],
  ["tomorrow: call Bob", "call Bob", "2026-11-27"],
  ["Call Bob day after tomorrow", "Call Bob", "2026-11-28"],
  ["Report by fri", "Report", "2026-11-27"],
  ["Report fri", "Report", "2026-11-27"],
  ["Report on Thursday", "Report", "2026-12-03"],
  ["Report next fri", "Report", "2026-12-04"],
  ["Report this monday", "Report", "2026-11-30"],
  ["Report next monday", "Report", "2026-11-30"],
  ["Report next sunday", "Report", "2026-12-06"],
  ["Report next week", "Report", "2026-11-30"],
  ["Report next month", "Report", "2026-12-01"],
  ["Report in 3 days", "Report", "2026-11-29"],
  ["Report in a week", "Report", "2026-12-03"],
  ["Report in 3 months", "Report", "2027-02-26"],
  ["Dentist 2 Dec", "Dentist", "2026-12-02"],
  ["Dentist 2nd december", "Dentist", "2026-12-02"],
  ["Dentist, Dec 2", "Dentist", "2026-12-02"],
  ["Dentist 2 Jan", "Dentist", "2027-01-02"],
  ["Dentist 2 Jan 2031", "Dentist", "2031-01-02"],
  ["Dentist Jan 2, 2031", "Dentist", "2031-01-02"],
  ["Dentist 26 Nov", "Dentist", "2026-11-26"],
  ["Dentist 29 Feb 2028", "Dentist", "2028-02-29"],
  ["Dentist 2031-05-17", "Dentist", "2031-05-17"],
  ["Dentist 2 Dec 9:00", "Dentist", at(2026, 11, 2, 9)],
  ["2 Dec 9:00 dentist", "dentist", at(2026, 11, 2, 9)],
  ["Dentist 2 Dec at 9am", "Dentist", at(2026, 11, 2, 9)],
  ["Dentist 2 Dec 12am", "Dentist", at(2026, 11, 2, 0)],
  ["Dentist 2 Dec, 12:30 pm", "Dentist", at(2026, 11, 2, 12, 30)],
  ["Dentist 9:00 tomorrow", "Dentist", at(2026, 10, 27, 9)],
  ["Dentist at 16:30", "Dentist", at(2026, 10, 26, 16, 30)],
  ["Dentist at 9am", "Dentist", at(2026, 10, 27, 9)],
  ["Walk Sat", "Walk", "2026-11-28"],
  ["Walk on sat", "Walk", "2026-11-28"],
  ["Walk next sat", "Walk", "2026-12-05"],
];

for (const [text, title, due] of TITLES) {
  test(`${text} is due ${due}`, () => {
    const found = findDueWords(text, NOW);
    assert.deepEqual({ title: found?.title, due: found?.due }, { title, due });
  });
}

const PLAIN = [
  "tomorrow",
  "fri",
  "Watch the film Tomorrow Never Dies",
  "Ask about the tomorrow paper there",
  "Look at the sun",
  "Where we sat",
  "They wed",
  "Talk to May",
  "Talk to April",
  "Run at 5",
  "Score 3:75",
  "Meet at 25:00",
  "Meet at 13pm",
  "Read chapter 12:30",
  "Party 31 Feb",
  "Party 2031-02-30",
  "Buy 3 melons",
  "Fix bug in 300 files",
  "Friday",
  "Plan yesterday",
  "",
];

for (const text of PLAIN) {
  test(`“${text}” names no due date`, () => assert.equal(findDueWords(text, NOW), null));
}

test("the words are what the title loses", () => {
  assert.equal(findDueWords("Report by next fri 9:00", NOW).words, "by next fri 9:00");
});

test("the last day of a month has its counterpart in a shorter one", () => {
  assert.equal(findDueWords("Rent in 1 month", new Date(2027, 0, 31)).due, "2027-02-28");
});

test("on a Monday, next week begins seven days later", () => {
  assert.equal(findDueWords("Report next week", new Date(2026, 10, 30)).due, "2026-12-07");
});

test("a year's last day has a tomorrow", () => {
  assert.equal(findDueWords("Report tomorrow", new Date(2026, 11, 31, 23, 59)).due, "2027-01-01");
});

test("a long title is read in a moment", () => {
  assert.ok(cpuTimeOf(() => findDueWords(`${"in 1 day ".repeat(2000)}x`, NOW)) < 1000);
});
