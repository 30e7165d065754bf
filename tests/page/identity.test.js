/** What waits belongs to the person who began it: nobody else's token sends it. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeArea, FakeLocks } from "./support/fake-browser.js";
import { FakeClock, settle } from "./support/fake-clock.js";
import { FakeServer } from "./support/fake-server.js";
import { Page } from "./support/page.js";
import { tokenOf } from "./support/tokens.js";

let server;

beforeEach(() => {
  server = new FakeServer().install();
});

/** Logs Ada in, adds a note that is answered with 429, and lets Ada's token expire. */
async function expireWhileANoteWaits(page) {
  page.session.start(tokenOf("ada"));
  server.failNext(429, { headers: { "Retry-After": "30" } });
  page.writes.create({ title: "Ada's note" });
  await settle();
  server.expired.add(tokenOf("ada"));
  page.session.expire(tokenOf("ada"), "The token has expired");
}

test("a note that waits when its session expires is never sent for another person", async () => {
  const page = new Page();
  await expireWhileANoteWaits(page);
  page.session.start(tokenOf("bob"));
  await page.clock.advance(120_000);
  assert.deepEqual(server.titlesOf("bob"), []);
  assert.deepEqual(server.writes().map(({ userId }) => userId), ["ada"]);
  assert.deepEqual(page.titles, []);
});

test("a note that waits when its session expires is sent once after its person has logged in again", async () => {
  const page = new Page();
  await expireWhileANoteWaits(page);
  await page.clock.advance(60_000);
  page.session.start(tokenOf("ada", { second: true }));
  await page.clock.advance(60_000);
  assert.deepEqual(server.titlesOf("ada"), ["Ada's note"]);
});

test("a note waits for its person while somebody else uses the page in between", async () => {
  const page = new Page();
  await expireWhileANoteWaits(page);
  page.session.start(tokenOf("bob"));
  page.writes.create({ title: "Bob's note" });
  await page.clock.advance(60_000);
  page.session.expire(tokenOf("bob"), "The token has expired");
  page.session.start(tokenOf("ada", { second: true }));
  await page.clock.advance(60_000);
  assert.deepEqual(server.titlesOf("ada"), ["Ada's note"]);
  assert.deepEqual(server.titlesOf("bob"), ["Bob's note"]);
});

test("after a log-out nothing that waited is sent, for nobody, and nothing of it is kept", async () => {
  const page = new Page();
  page.session.start(tokenOf("ada"));
  server.failNext(429, { headers: { "Retry-After": "30" } });
  page.writes.create({ title: "Ada's note" });
  await settle();
  page.session.logOut();
  page.session.start(tokenOf("bob"));
  await page.clock.advance(120_000);
  assert.deepEqual(server.tasks, []);
  assert.equal(page.area.getItem("x"), null);
  assert.equal(JSON.stringify([...Array(page.area.length).keys()].map((at) => page.area.getItem(page.area.key(at)))).includes("note"), false);
});

test("the time to undo ends with its person: a deletion is not sent for the next one", async () => {
  const page = new Page();
  const task = server.add("ada", { title: "Precious" });
  page.session.start(tokenOf("ada"));
  page.list.replaceAll([task], 0);
  page.writes.remove(page.list.entries[0]);
  page.session.expire(tokenOf("ada"), "The token has expired");
  page.session.start(tokenOf("bob"));
  await page.clock.advance(10_000);
  assert.deepEqual(server.writes(), []);
});

test("a tick that meets an expired token is sent after logging in again, and leaves no error", async () => {
  const page = new Page();
  const task = server.add("ada", { title: "Water the tree" });
  page.session.start(tokenOf("ada"));
  page.list.replaceAll([task], 0);
  server.expired.add(tokenOf("ada"));
  page.writes.setCompleted(page.list.entries[0], true);
  await settle();
  assert.equal(page.session.token, null);
  page.session.start(tokenOf("ada", { second: true }));
  await settle();
  assert.equal(server.tasks[0].completed, true);
  assert.equal(page.list.entries[0].error, null);
});

test("two people in two tabs of one browser have their own sessions and their own work", async () => {
  const shared = { area: new FakeArea(), locks: new FakeLocks(), clock: new FakeClock() };
  const [ada, bob] = [new Page(shared), new Page(shared)];
  ada.session.start(tokenOf("ada"));
  bob.session.start(tokenOf("bob"));
  server.failNext(503, { count: 2 });
  ada.writes.create({ title: "Ada's note" });
  bob.writes.create({ title: "Bob's note" });
  await settle();
  ada.session.logOut();
  bob.session.follow();
  await shared.clock.advance(10_000);
  assert.deepEqual(server.titlesOf("ada"), []);
  assert.deepEqual(server.titlesOf("bob"), ["Bob's note"]);
  assert.equal(bob.session.user.id, "bob");
});
