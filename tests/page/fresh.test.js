/** The list is fresh, its order and its numbers right, and dates pass while one looks. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Browse } from "../../api/static/browse.js";
import { Counts } from "../../api/static/counts.js";
import { Freshness } from "../../api/static/freshness.js";
import { Moments, nextMoment } from "../../api/static/moments.js";
import { comparison } from "../../api/static/sorting.js";
import { FakeClock, settle } from "./support/fake-clock.js";
import { FakeServer } from "./support/fake-server.js";
import { Page } from "./support/page.js";
import { tokenOf } from "./support/tokens.js";

let server;
let page;
let browse;
let counts;

beforeEach(() => {
  server = new FakeServer().install();
  page = new Page();
  page.session.start(tokenOf("ada"));
  browse = new Browse(page.client, page.list, page.clock);
  counts = new Counts(page.client);
  browse.addEventListener("requested", () => counts.expect());
  browse.addEventListener("loaded", ({ detail }) => counts.load(browse.query, detail));
  page.list.addEventListener("merged", () => counts.reload(browse.query));
  page.sender.addEventListener("settled", ({ detail: { before, after } }) => counts.add(before, after));
});

test("a refresh keeps as many tasks as were loaded, and takes what has changed", async () => {
  for (let number = 0; number < 300; number += 1) server.add("ada", { title: `Task ${number}` });
  await browse.load();
  await browse.loadMore();
  server.add("ada", { title: "From the phone" });
  await browse.refresh();
  assert.equal(page.list.entries.length, 250);
  assert.equal(page.list.entries[0].task.title, "From the phone");
  await browse.loadMore();
  assert.equal(page.list.entries.length, 301);
});

test("a tick is one request, and the numbers follow it", async () => {
  server.add("ada", { title: "One" });
  server.add("ada", { title: "Two" });
  await browse.load();
  await settle();
  assert.deepEqual(counts.value, { all: 2, pending: 2, completed: 0 });
  const requests = server.requests.length;
  page.writes.setCompleted(page.list.entries[0], true);
  await settle();
  assert.deepEqual(counts.value, { all: 2, pending: 1, completed: 1 });
  assert.equal(server.requests.length, requests + 1);
});

test("the numbers are right after a create and a deletion, and under each filter", async () => {
  server.add("ada", { title: "One", completed: true });
  for (const status of ["completed", "pending", "all"]) {
    await browse.setQuery({ status });
    await settle();
    assert.deepEqual(counts.value, { all: 1, pending: 0, completed: 1 });
  }
  page.writes.create({ title: "Two" });
  page.writes.remove(page.list.entries.find(({ task }) => task));
  await page.clock.advance(6000);
  assert.deepEqual(counts.value, { all: 1, pending: 1, completed: 0 });
});

test("numbers that were asked for while a write was under way are asked for again", async () => {
  server.add("ada", { title: "One" });
  await browse.load();
  page.writes.setCompleted(page.list.entries[0], true);
  await settle();
  assert.deepEqual(counts.value, { all: 1, pending: 0, completed: 1 });
});

for (const isBusy of [false, true]) {
  test(`a new task that a list shows first ${isBusy ? "and somebody edits there " : ""}is one task`, async () => {
    await browse.load();
    server.failNext(null, { method: "POST", executed: true });
    page.writes.create({ title: "One" });
    await settle();
    await browse.load();
    if (isBusy) await page.writes.openEditor(page.list.entries.find(({ task }) => task));
    await page.clock.advance(10_000);
    assert.deepEqual(page.list.entries.map(({ shown }) => shown.title), ["One"]);
    assert.equal(page.list.entries[0].state.kind, isBusy ? "editing" : "shown");
    assert.deepEqual(counts.value, { all: 1, pending: 1, completed: 0 });
  });
}

test("a ticked task stays for a moment under Pending, longer after another tick", async () => {
  server.add("ada", { title: "One" });
  server.add("ada", { title: "Two" });
  await browse.setQuery({ status: "pending" });
  const [two, one] = page.list.entries;
  page.writes.setCompleted(two, true);
  await page.clock.advance(1000);
  assert.equal(page.list.entries[0], two);
  page.writes.setCompleted(one, true);
  await page.clock.advance(1000);
  assert.equal(page.list.entries.length, 2);
  await page.clock.advance(1000);
  assert.equal(page.list.entries.length, 0);
});

test("a tick can be taken back after its task has left the list", async () => {
  server.add("ada", { title: "One" });
  await browse.setQuery({ status: "pending" });
  const [entry] = page.list.entries;
  page.writes.setCompleted(entry, true);
  await page.clock.advance(5000);
  assert.equal(page.list.entries.length, 0);
  page.writes.setCompleted(entry, false);
  browse.place(entry);
  await page.clock.advance(5000);
  assert.equal(server.tasks[0].completed, false);
  assert.deepEqual(page.list.entries, [entry]);
});

test("a task moves when the value that sorts it changes", async () => {
  const due = (title, due_date) => server.add("ada", { title, due_date });
  for (const task of [["c", "2031-01-03"], ["b", "2031-01-02"], ["a", "2031-01-01"]]) due(...task);
  browse.query = { ...browse.query, sort: "due_date", order: "asc" };
  await browse.load();
  const [first] = page.list.entries;
  await page.writes.openEditor(first);
  page.writes.saveEditor(first, { due_date: "2031-01-02T12:00:00Z" });
  await page.clock.advance(5000);
  assert.deepEqual(page.list.entries.map(({ shown }) => shown.title), ["b", "a", "c"]);
  await page.writes.openEditor(first);
  page.writes.saveEditor(first, { due_date: null });
  await page.clock.advance(5000);
  assert.deepEqual(page.list.entries.map(({ shown }) => shown.title), ["b", "c", "a"]);
});

test("tasks sort as the service sorts them", () => {
  const tasks = [
    { id: 1, title: "banana", due_date: null, created_at: "2031-01-01T00:00:00Z" },
    { id: 2, title: "Élan", due_date: "2031-01-02", created_at: "2031-01-02T00:00:00Z" },
    { id: 3, title: "Apple", due_date: "2031-01-01T23:00:00Z", created_at: "2031-01-03T00:00:00Z" },
  ];
  const ids = (sort, order) => tasks.toSorted(comparison({ sort, order })).map(({ id }) => id);
  assert.deepEqual(ids("title", "asc"), [3, 1, 2]);
  assert.deepEqual(ids("due_date", "asc"), [3, 2, 1]);
  assert.deepEqual(ids("due_date", "desc"), [2, 3, 1]);
  assert.deepEqual(ids("created", "desc"), [3, 2, 1]);
});

test("a return loads once for events that come together, and only what is looked at", async () => {
  const clock = new FakeClock();
  let loads = 0;
  let hidden = true;
  const freshness = new Freshness({ load: () => (loads += 1), isHidden: () => hidden, clock });
  freshness.invalidate();
  await clock.advance(10_000);
  assert.equal(loads, 0);
  hidden = false;
  freshness.check();
  freshness.invalidate();
  await clock.advance(10_000);
  assert.equal(loads, 1);
});

test("midnight and due times pass", async () => {
  const evening = new Date(2031, 4, 4, 23, 58, 30).getTime();
  const clock = new FakeClock(evening);
  const due = new Date(evening + 45_000).toISOString();
  const moments = new Moments(() => [due, null, "2031-05-05"], clock);
  const seen = [];
  moments.addEventListener("passed", () => seen.push((clock.now() - evening) / 1000));
  await clock.advance(600_000);
  assert.deepEqual(seen, [45, 90]);
  assert.equal(nextMoment([], evening), evening + 90_000);
});
