/** The entry point: creates and connects the parts, and switches between the sign-in and the tasks. */
import { Announcer } from "./announcer.js";
import { Browse } from "./browse.js";
import { Client } from "./client.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Controls, Counter } from "./controls.js";
import { today } from "./dates.js";
import { byId } from "./dom.js";
import { ListView } from "./list-view.js";
import { RetryQueue } from "./retries.js";
import { Session } from "./session.js";
import { Shortcuts } from "./shortcuts.js";
import { SignIn } from "./sign-in.js";
import { TaskList } from "./task-list.js";
import { UndoBar } from "./undo-bar.js";
import { Writes } from "./writes.js";

const announcer = new Announcer();
const session = new Session();
const retryQueue = new RetryQueue();
const client = new Client(session, retryQueue);
const list = new TaskList();
const writes = new Writes(client, list, announcer);
const browse = new Browse(client, list);
const view = new ListView({ list, browse, writes, announcer });
const controls = new Controls(browse);
const counter = new Counter(client, (counts) => {
  controls.showCounts(session.token && counts);
  view.showCounts(session.token && counts);
});
const signIn = new SignIn({ client, session, announcer });
const undoBar = new UndoBar();
const composer = new Composer({
  announcer,
  add(fields) {
    writes.create(fields);
    controls.includePending();
  },
  addAll(tasks) {
    const entries = writes.createAll(tasks);
    controls.includePending();
    undoBar.offer(`Added ${tasks.length} tasks.`, () => writes.removeAll(entries));
  },
});
new Shortcuts({
  n: () => composer.focus(),
  "/": () => byId("search").focus(),
  j: () => view.step(1),
  k: () => view.step(-1),
  x: () => view.current?.toggle(),
  e: () => view.current?.edit(),
});
new Connection(retryQueue, announcer);

/** The id of the user whose tasks the page holds. Typed text is kept when a session expires, but never for another user. */
let owner = null;

function showTasks() {
  if (owner !== null && owner !== session.user.id) clearUserData();
  owner = session.user.id;
  showWork(true);
  byId("account-name").textContent = session.user.label;
  browse.load();
  counter.refresh();
}

function showSignIn(reason) {
  if (reason === null) clearUserData();
  browse.stop();
  showWork(false);
  signIn.show(reason && `${reason}. Log in to go on; what you typed is kept.`);
  signIn.focus();
}

function clearUserData() {
  owner = null;
  list.clear();
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
}

function showToday() {
  const { weekday, date } = today();
  byId("weekday").textContent = weekday;
  byId("date").textContent = date;
}

session.addEventListener("start", () => {
  showTasks();
  // On a touch screen a focused field opens the keyboard over half the page, so focus the content instead.
  if (matchMedia("(pointer: fine)").matches) composer.focus();
  else byId("content").focus();
});
session.addEventListener("end", ({ detail }) => showSignIn(detail));
writes.addEventListener("settled", () => counter.refresh());
byId("log-out").addEventListener("click", () => {
  if (writes.isPending && !confirm("Some changes are not saved yet. Log out and lose them?")) return;
  writes.leave();
  session.logOut();
});

window.addEventListener("pagehide", () => writes.leave());
window.addEventListener("beforeunload", (event) => {
  if (writes.isPending) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  showToday();
  if (!document.hidden) view.refresh();
});

showToday();
if (session.token) showTasks();
else signIn.show(null);
