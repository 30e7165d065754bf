/** Nothing typed is lost: it is kept on the device, for its person only, and sent once. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeArea, FakeLocks } from "./support/fake-browser.js";
import { FakeClock, settle } from "./support/fake-clock.js";
import { FakeServer } from "./support/fake-server.js";
import { Page } from "./support/page.js";
import { tokenOf } from "./support/tokens.js";

const DAY_MS = 86_400_000;
let server;
let shared;

beforeEach(() => {
  server = new FakeServer().install();
  shared = { area: new FakeArea(), locks: new FakeLocks(), clock: new FakeClock() };
});

async function open(options = {}) {
  const page = new Page({ ...shared, ...options });
  if (!page.session.token) page.session.start(tokenOf("ada"));
  await settle();
  return page;
}

test("what waits offline survives the loss of the tab, and is stored once", async () => {
  const page = await open();
  server.failNext(null, { count: 2, executed: true });
  page.writes.create({ title: "On the train" });
  await settle();
  await page.vanish();
  await open({ tabArea: page.tabArea });
  assert.deepEqual(server.titlesOf("ada"), ["On the train"]);
  assert.ok(server.writes().length >= 2);
  const later = await open();
  assert.deepEqual(later.titles, []);
});

test("an open editor and the words of a new task survive a reload", async () => {
  const page = await open();
  const task = server.add("ada", { title: "Old title" });
  page.list.replaceAll([task], 0);
  await page.writes.openEditor(page.list.entries[0]);
  page.writes.keepDraft(page.list.entries[0], { title: "New tit" });
  page.kept.keepWords({ title: "Half a thought", description: "", due_date: "" });
  await page.vanish();

  const next = await open({ tabArea: page.tabArea });
  assert.equal(next.words.title, "Half a thought");
  const [entry] = next.list.entries;
  assert.deepEqual([entry.state.kind, entry.state.changes], ["editing", { title: "New tit" }]);
  assert.equal(server.tasks[0].title, "Old title");
});

test("a refused new task survives a reload in its editor", async () => {
  const page = await open();
  page.writes.create({ title: "x".repeat(501), description: "Keep me" });
  await settle();
  await page.vanish();
  const next = await open({ tabArea: page.tabArea });
  assert.equal(next.list.entries[0].state.changes.description, "Keep me");
});

test("an editor that is left keeps its text as a draft, which opens again with it", async () => {
  const page = await open();
  const task = server.add("ada", { title: "Old title" });
  page.list.replaceAll([task], 0);
  const [entry] = page.list.entries;
  await page.writes.openEditor(entry);
  page.writes.keepDraft(entry, { title: "Long words" });
  page.writes.leaveEditor(entry);
  assert.deepEqual([entry.state.kind, entry.draft], ["shown", { title: "Long words" }]);
  await page.writes.openEditor(entry);
  assert.deepEqual(entry.state.changes, { title: "Long words" });
  page.writes.discardDraft(entry);
  assert.equal(entry.draft, null);
});

test("a draft survives a deletion that is undone", async () => {
  const page = await open();
  page.list.replaceAll([server.add("ada", { title: "Old title" })], 0);
  const [entry] = page.list.entries;
  await page.writes.openEditor(entry);
  page.writes.keepDraft(entry, { title: "Long words" });
  page.writes.leaveEditor(entry);
  page.writes.remove(entry);
  page.writes.undo(entry);
  await shared.clock.advance(10_000);
  assert.deepEqual(entry.draft, { title: "Long words" });
  assert.deepEqual(server.writes(), []);
});

test("the editor of a task that was never stored stays open: it has the only copy", async () => {
  const page = await open();
  page.writes.create({ title: "x".repeat(501) });
  await settle();
  const [entry] = page.list.entries;
  page.writes.leaveEditor(entry);
  assert.equal(entry.state.kind, "editing");
});

test("another person of the device sees and sends nothing of it; its owner gets it back", async () => {
  const page = await open();
  server.failNext(503);
  page.writes.create({ title: "Ada's note" });
  await settle();
  await page.vanish();
  const bob = new Page(shared);
  bob.session.start(tokenOf("bob"));
  await shared.clock.advance(60_000);
  assert.deepEqual([bob.titles, server.tasks], [[], []]);
  await open();
  assert.deepEqual(server.titlesOf("ada"), ["Ada's note"]);
});

test("only one of two tabs takes over what a closed tab left, and it does so at once", async () => {
  const [first, second, third] = [await open(), await open(), await open()];
  server.failNext(503);
  first.writes.create({ title: "Left behind" });
  await settle();
  for (const page of [second, third]) page.kept.takeOver();
  await settle();
  assert.deepEqual([second.titles, third.titles], [[], []]);
  await first.vanish();
  await settle();
  assert.equal(second.titles.length + third.titles.length, 1);
  assert.deepEqual(server.titlesOf("ada"), ["Left behind"]);
  assert.equal(server.writes().length, 2);
});

test("a duplicated tab does not send what the first one sends", async () => {
  const first = await open();
  server.failNext(503);
  first.writes.create({ title: "Once" });
  await settle();
  const copy = new FakeArea();
  for (const key of ["tasks.tab", "tasks.session"]) copy.setItem(key, first.tabArea.getItem(key));
  const second = await open({ tabArea: copy });
  await shared.clock.advance(10_000);
  assert.deepEqual([second.titles, server.writes().length], [[], 2]);
});

test("without locks what another tab has left is taken over at once", async () => {
  const page = await open({ locks: undefined });
  server.failNext(503);
  page.writes.create({ title: "Plain HTTP" });
  await settle();
  await page.vanish();
  await open({ locks: undefined });
  assert.deepEqual(server.titlesOf("ada"), ["Plain HTTP"]);
});

test("a log-out removes what is kept for the person in all tabs", async () => {
  const [first, second] = [await open(), await open()];
  for (const page of [first, second]) page.kept.keepWords({ title: "Secret", description: "", due_date: "" });
  await settle();
  first.session.logOut();
  second.session.follow();
  await settle();
  const keys = Array.from({ length: shared.area.length }, (_, index) => shared.area.key(index));
  assert.deepEqual(keys.filter((key) => key.startsWith("tasks.work")), []);
});

test("a create that waited for longer than its key is kept comes back as an editor", async () => {
  const page = await open();
  server.failNext(null, { executed: true });
  page.writes.create({ title: "Yesterday" });
  await settle();
  await page.vanish();
  shared.clock.advance(DAY_MS);
  await settle();
  const next = await open({ tabArea: page.tabArea });
  assert.equal(next.list.entries[0].state.kind, "editing");
  assert.deepEqual(server.titlesOf("ada"), ["Yesterday"]);
});
