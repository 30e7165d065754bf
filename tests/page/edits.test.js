/** An edit never overwrites what was not seen. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { settle } from "./support/fake-clock.js";
import { FakeServer } from "./support/fake-server.js";
import { Page } from "./support/page.js";
import { tokenOf } from "./support/tokens.js";

let server;
let page;
let entry;

beforeEach(async () => {
  server = new FakeServer().install();
  page = new Page();
  page.session.start(tokenOf("ada"));
  server.add("ada", { title: "Paint the fence", description: "Green" });
  page.list.replaceAll([{ ...server.tasks[0] }], 0);
  [entry] = page.list.entries;
});

async function edit(fields) {
  await page.writes.openEditor(entry);
  page.writes.keepDraft(entry, fields);
}

test("every edit has If-Match, also one that is saved before the version has come", async () => {
  page.writes.openEditor(entry);
  page.writes.saveEditor(entry, { title: "Mine" });
  await settle();
  const [patch] = server.writes();
  assert.match(patch.headers["If-Match"], /^".+"$/);
  assert.equal(server.tasks[0].title, "Mine");
});

test("an edit saved before the version has come does not overwrite the same field from elsewhere", async () => {
  server.change(1, { title: "Theirs" });
  page.writes.openEditor(entry);
  page.writes.saveEditor(entry, { title: "Mine" });
  await settle();
  assert.equal(server.tasks[0].title, "Theirs");
  assert.deepEqual([entry.state.changes, entry.state.conflict], [{ title: "Mine" }, { title: "Theirs" }]);
});

test("a version that comes while one types shows what is in conflict with the typed field", async () => {
  const opening = page.writes.openEditor(entry);
  page.writes.keepDraft(entry, { title: "Mine" });
  server.change(1, { title: "Theirs", description: "Blue" });
  await opening;
  assert.deepEqual(entry.state.conflict, { title: "Theirs" });
  assert.equal(entry.task.description, "Blue");
});

test("a 412 in the same field shows both texts", async () => {
  await edit({ title: "Mine" });
  server.change(1, { title: "Theirs" });
  page.writes.saveEditor(entry, { title: "Mine" });
  await settle();
  assert.equal(entry.state.kind, "editing");
  assert.deepEqual([entry.state.changes, entry.state.conflict], [{ title: "Mine" }, { title: "Theirs" }]);
  assert.equal(server.tasks[0].title, "Theirs");
});

test("a 412 in another field has no conflict, and shows the newer version", async () => {
  await edit({ title: "Mine" });
  server.change(1, { description: "Blue" });
  page.writes.saveEditor(entry, { title: "Mine" });
  await settle();
  assert.equal(entry.state.conflict, null);
  assert.equal(entry.task.description, "Blue");
});

test("a 412 because only the response was lost is no conflict", async () => {
  await edit({ title: "Mine", due_date: "2031-05-04T20:30:00.000Z" });
  server.failNext(504, { method: "PATCH", executed: true });
  page.writes.saveEditor(entry, { title: "Mine", due_date: "2031-05-04T20:30:00.000Z" });
  await settle();
  server.tasks[0].due_date = "2031-05-04T20:30:00Z";
  await page.clock.advance(10_000);
  assert.equal(entry.state.kind, "shown");
  assert.equal(server.tasks[0].title, "Mine");
});

test("one's own earlier write is no conflict", async () => {
  await edit({ title: "First" });
  page.writes.saveEditor(entry, { title: "First" });
  page.writes.openEditor(entry);
  page.writes.keepDraft(entry, { title: "Second" });
  await settle();
  assert.equal(entry.state.conflict, null);
});

test("a draft remembers that its field was changed elsewhere", async () => {
  await edit({ title: "Mine" });
  page.writes.leaveEditor(entry);
  page.list.replaceAll([server.change(1, { title: "Theirs" })], 1);
  await page.writes.openEditor(entry);
  assert.deepEqual(entry.state.conflict, { title: "Theirs" });
});

test("a list that is older than a write does not take the write back", async () => {
  const old = { ...server.tasks[0] };
  page.writes.setCompleted(entry, true);
  await settle();
  page.list.replaceAll([old], 1);
  assert.equal(entry.shown.completed, true);
});

for (const status of [502, 503, 504, null]) {
  test(`a write waits after ${status ?? "no response"} and is then stored`, async () => {
    server.failNext(status, { count: 3, method: "PATCH" });
    page.writes.setCompleted(entry, true);
    await page.clock.advance(60_000);
    assert.equal(server.tasks[0].completed, true);
    assert.equal(entry.error, null);
  });
}

test("a request that is tried again counts as failing until it has succeeded", async () => {
  server.failNext(503, { count: 2, method: "PATCH" });
  page.writes.setCompleted(entry, true);
  await settle();
  const seen = [];
  page.retryQueue.addEventListener("change", () => seen.push(page.retryQueue.isFailing));
  assert.equal(page.retryQueue.isFailing, true);
  await page.clock.advance(60_000);
  // The first pause ends, the second begins and ends, and the request succeeds.
  assert.deepEqual(seen, [true, true, true, false]);
});

test("a registration is not repeated after a proxy got no response", async () => {
  server.failNext(502);
  await assert.rejects(page.client.register({}, new AbortController().signal), { status: 502 });
});
