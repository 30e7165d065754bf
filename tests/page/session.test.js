/** The session: over all tabs if asked for, ended everywhere at once, renewed in time by one tab. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Renewal } from "../../api/static/renewal.js";
import { FakeArea, FakeLocks } from "./support/fake-browser.js";
import { FakeClock, settle } from "./support/fake-clock.js";
import { FakeServer } from "./support/fake-server.js";
import { Page } from "./support/page.js";
import { tokenOf } from "./support/tokens.js";

const HOUR = { iat: 1000, exp: 4600 };
let server;
let shared;

beforeEach(() => {
  server = new FakeServer().install();
  shared = { area: new FakeArea(), locks: new FakeLocks(), clock: new FakeClock() };
});

function open(options = {}) {
  const page = new Page({ ...shared, ...options });
  page.renewal = new Renewal(page.session, { clock: shared.clock, locks: shared.locks });
  page.renewal.addSource("account", { renew: (token) => page.client.renew(token) });
  return page;
}

function logIn(page, options = {}) {
  page.session.start(tokenOf("ada", HOUR), { remember: true, source: "account", ...options });
}

test("without the wish to stay signed in a session is its tab's alone, and survives a reload", () => {
  const page = open();
  logIn(page, { remember: false });
  assert.equal(open().session.user, null);
  assert.equal(open({ tabArea: page.tabArea }).session.user.id, "ada");
});

test("a session that stays is that of every tab, and of tabs that wait at the log-in", () => {
  const waiting = open();
  logIn(open());
  assert.equal(open().session.user.id, "ada");
  waiting.session.follow();
  assert.equal(waiting.session.user.id, "ada");
});

test("a log-out ends the person's sessions in all tabs, and in a tab that was asleep", () => {
  const [first, second, asleep] = [open(), open(), open()];
  logIn(first);
  second.session.follow();
  logIn(asleep, { remember: false });
  shared.clock.advance(1000);
  first.session.logOut();
  second.session.follow();
  assert.equal(second.session.user, null);
  assert.equal(open({ tabArea: asleep.tabArea }).session.user, null);
});

test("a log-in after a log-out at the same instant is kept", () => {
  const page = open();
  logIn(page);
  page.session.logOut();
  logIn(page);
  page.session.follow();
  assert.equal(page.session.user?.id, "ada");
});

test("a tab with typed words of one person does not follow another person's log-in", () => {
  const [first, second] = [open(), open()];
  logIn(first);
  first.session.expire(first.session.token, "The token has expired");
  second.session.start(tokenOf("bob", HOUR), { remember: true });
  first.session.follow();
  assert.equal(first.session.user, null);
  assert.equal(first.session.identity.id, "ada");
});

test("a token is renewed before it expires, again and again", async () => {
  const page = open();
  logIn(page);
  const before = page.session.token;
  await shared.clock.advance(3_000_000);
  assert.notEqual(page.session.token, before);
  assert.deepEqual(server.requests.map(({ path }) => path), ["/auth/renew"]);
});

test("one tab renews for all", async () => {
  const [first, second] = [open(), open()];
  logIn(first);
  second.session.follow();
  await shared.clock.advance(3_000_000);
  assert.equal(server.requests.length, 1);
  assert.equal(first.session.token, second.session.token);
});

test("a renewal that fails is tried again; one that is refused is not, and the token stays in use", async () => {
  const page = open();
  logIn(page);
  server.failNext(503, { count: 2 });
  server.failNext(401);
  await shared.clock.advance(3_600_000);
  assert.equal(server.requests.length, 3);
  assert.equal(page.session.user.id, "ada");
});

test("a source that outlives its token gives a new one after a 401, and the request is sent with it", async () => {
  const page = open();
  page.renewal.addSource("issuer", { renew: async () => tokenOf("ada", { fresh: true }), outlivesToken: true });
  logIn(page, { source: "issuer" });
  server.expired.add(page.session.token);
  await page.client.count({ status: "all" });
  assert.equal(page.session.token, tokenOf("ada", { fresh: true }));
});

test("a source that has no new token after a 401 ends the session with the reason", async () => {
  const page = open();
  const reasons = [];
  page.session.addEventListener("end", ({ detail }) => reasons.push(detail));
  page.renewal.addSource("issuer", { renew: () => Promise.reject(new Error("signed out")), outlivesToken: true });
  logIn(page, { source: "issuer" });
  server.expired.add(page.session.token);
  page.client.count({ status: "all" });
  await settle();
  assert.deepEqual(reasons, ["The token has expired"]);
});

test("a token of another person never replaces this person's", () => {
  const page = open();
  logIn(page);
  page.session.renew(page.session.token, tokenOf("bob", HOUR));
  assert.equal(page.session.token, tokenOf("ada", HOUR));
});
