/** The entry point: creates and connects the parts, and switches between the sign-in and the tasks. */
import { Announcer } from "./announcer.js";
import { Browse } from "./browse.js";
import { Client } from "./client.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Counts } from "./counts.js";
import { today } from "./dates.js";
import { byId } from "./dom.js";
import { Freshness } from "./freshness.js";
import { install } from "./install.js";
import { Issuer, ISSUER_SOURCE } from "./issuer.js";
import { KeptWork } from "./kept-work.js";
import { ListView } from "./list-view.js";
import { Moments } from "./moments.js";
import { Renewal } from "./renewal.js";
import { Restore } from "./restore.js";
import { RetryQueue } from "./retries.js";
import { Sender } from "./sender.js";
import { SessionStore } from "./session-store.js";
import { Session } from "./session.js";
import { Shortcuts } from "./shortcuts.js";
import { ACCOUNT_SOURCE, SignIn } from "./sign-in.js";
import { JsonStorage } from "./storage.js";
import { Tabs } from "./tabs.js";
import { TaskList } from "./task-list.js";
import { TokenForm } from "./token-form.js";
import { UndoBar } from "./undo-bar.js";
import { Writes } from "./writes.js";

// The page may be below a prefix that a proxy strips. This file is at static/app.js below it. The canonical contract
// is at the root, or below another path where a frontend's own contract takes that.
const ROOT = `${new URL("../", import.meta.url).pathname}${document.documentElement.dataset.apiRoot}`;

const { locks } = navigator;
const tab = new JsonStorage(() => sessionStorage);
const device = new JsonStorage(() => localStorage);

const announcer = new Announcer();
const session = new Session(new SessionStore({ tab, device }));
const retryQueue = new RetryQueue();
const client = new Client(session, retryQueue, ROOT);
const renewal = new Renewal(session, { locks });
const list = new TaskList();
const sender = new Sender(client, list, announcer);
const writes = new Writes({ client, list, sender, announcer });
const browse = new Browse(client, list);
const counts = new Counts(client);
const tabs = new Tabs(session);
const freshness = new Freshness({ load: () => browse.refresh(), isHidden: () => document.hidden || !session.token });
const moments = new Moments(() => list.all.map(({ shown }) => shown.due_date));
const restore = new Restore(list, sender);
const kept = new KeptWork({ device, tab, locks, list, restore: restoreRecord });

const view = new ListView({ list, browse, writes, announcer });
const controls = new Controls(browse, device);
const { localAccounts, signInUrl, tokenUrl } = document.documentElement.dataset;
const issuer = new Issuer({ signInUrl, tokenUrl }, device);
const tokenForm = localAccounts === "true" ? null : new TokenForm({ client, session, announcer, issuer });
const signIn = new SignIn({ client, session, announcer, tokenForm });
const undoBar = new UndoBar();
const composer = new Composer({ add, addAll, keep: (words) => kept.keepWords(words), announcer });
new Shortcuts(device, {
  n: () => composer.focus(),
  "/": () => byId("search").focus(),
  j: () => view.step(1),
  k: () => view.step(-1),
  x: () => view.current?.toggle(),
  e: () => view.current?.edit(),
});
new Connection(retryQueue, announcer);

/** The person whose work the page holds. Typed text is kept when a session expires, but never for another person. */
let owner = null;

function add(fields) {
  writes.create(fields);
  controls.includePending();
}

function addAll(tasks) {
  const entries = writes.createAll(tasks);
  controls.includePending();
  undoBar.offer(`Added ${tasks.length} tasks.`, { label: "Undo adding them", undo: () => writes.removeAll(entries) });
}

/** A tick may have been meant for another row, and its row may leave the list. */
function offerTickUndo({ entry, completed }) {
  const { title } = entry.shown;
  undoBar.offer(`${completed ? "Completed" : "Not completed"}: “${title}”`, {
    label: `Undo ${completed ? "completing" : "reopening"} ${title}`,
    isBrief: true,
    undo() {
      writes.setCompleted(entry, !completed);
      browse.place(entry);
      view.focus(entry);
    },
  });
}

function restoreRecord({ entries, words }) {
  for (const entry of entries) restore.run(entry);
  if (words && composer.isEmpty) composer.fill(words);
  else if (words) restore.openWords(words);
}

function showTasks() {
  if (owner !== session.identity) {
    kept.close();
    // The first person of a page gets the view that its URL names.
    if (owner !== null) clearUserData();
    owner = session.identity;
    kept.open(owner.id);
  }
  showWork(true);
  byId("account-name").textContent = session.user.label;
  browse.load();
}

function showSignIn(reason) {
  if (reason === null) {
    issuer.pause();
    kept.erase();
    clearUserData();
  }
  browse.stop();
  showWork(false);
  signIn.show(reason && `${reason}. Log in to go on; what you typed is kept.`);
  signIn.focus();
}

function clearUserData() {
  owner = null;
  writes.reset();
  counts.clear();
  composer.clear();
  undoBar.hide();
  controls.reset();
  announcer.clear();
}

function showWork(show) {
  if (show) signIn.hide();
  byId("work").hidden = !show;
  byId("filters").hidden = !show;
  byId("account").hidden = !show;
  byId("tagline").hidden = show;
  byId("show-shortcuts").hidden = !show;
}

function showDates() {
  const { weekday, date } = today();
  byId("weekday").textContent = weekday;
  byId("date").textContent = date;
  view.refresh();
}

/** The page is looked at again: it may have slept. */
function comeBack() {
  if (document.hidden) return;
  showDates();
  session.follow();
  signIn.comeBack();
  renewal.schedule();
  freshness.invalidate();
}

renewal.addSource(ISSUER_SOURCE, issuer);
renewal.addSource(ACCOUNT_SOURCE, { renew: (token) => client.renew(token) });
session.addEventListener("start", () => {
  showTasks();
  // On a touch screen a focused field opens the keyboard over half the page, so focus the content instead.
  if (matchMedia("(pointer: fine)").matches) composer.focus();
  else byId("content").focus();
});
session.addEventListener("end", ({ detail }) => showSignIn(detail));

browse.addEventListener("requested", () => {
  freshness.settle();
  counts.expect();
});
browse.addEventListener("loaded", ({ detail }) => counts.load(browse.query, detail));
counts.addEventListener("change", () => {
  controls.showCounts(counts.value);
  view.showCounts(counts.value);
});
// The numbers that came with the list may have the task already.
list.addEventListener("merged", () => counts.reload(browse.query));
writes.addEventListener("ticked", ({ detail }) => offerTickUndo(detail));
sender.addEventListener("settled", ({ detail: { kind, before, after } }) => {
  const mayMatchOrNot = browse.query.search !== "" && (kind === "create" || kind === "edit");
  if (mayMatchOrNot) counts.reload(browse.query);
  else counts.add(before, after);
  tabs.tell();
});
tabs.addEventListener("change", () => freshness.invalidate());
moments.addEventListener("passed", showDates);

byId("log-out").addEventListener("click", () => {
  if (writes.isPending && !confirm("Some changes are not saved yet. Log out and lose them?")) return;
  writes.leave();
  session.logOut();
});

window.addEventListener("storage", () => {
  session.follow();
  kept.takeOver();
});
window.addEventListener("online", () => {
  retryQueue.retryNow();
  comeBack();
});
window.addEventListener("focus", comeBack);
window.addEventListener("pageshow", ({ persisted }) => persisted && comeBack());
document.addEventListener("visibilitychange", comeBack);
window.addEventListener("pagehide", () => writes.leave());
window.addEventListener("beforeunload", (event) => {
  if (writes.isPending && !kept.isStored) event.preventDefault();
});

showDates();
document.body.classList.remove("is-starting");
if (session.token) showTasks();
else signIn.show(null);
// When the page is ready, so that it does not compete with its files.
window.addEventListener("load", () => install());
