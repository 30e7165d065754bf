/** The page's start: makes the parts, joins them, and switches between logged out and in. */
import { Announcer } from "/static/announcer.js";
import { Browse } from "/static/browse.js";
import { Client } from "/static/client.js";
import { Composer } from "/static/composer.js";
import { Connection } from "/static/connection.js";
import { Controls, Counter } from "/static/controls.js";
import { today } from "/static/dates.js";
import { ListView } from "/static/list-view.js";
import { Waiting } from "/static/patience.js";
import { Session } from "/static/session.js";
import { SignIn } from "/static/sign-in.js";
import { TaskList } from "/static/task-list.js";
import { Writes } from "/static/writes.js";

const byId = (id) => document.getElementById(id);

const announcer = new Announcer();
const session = new Session();
const waiting = new Waiting();
const client = new Client(session, waiting);
const list = new TaskList();
const writes = new Writes(client, list, announcer);
const browse = new Browse(client, list);
const view = new ListView({ list, browse, writes, announcer });
const controls = new Controls({ browse, list, announcer });
const counter = new Counter(client, (counts) => controls.showCounts(session.token && counts));
const signIn = new SignIn({ client, session, announcer });
const composer = new Composer((fields) => {
  writes.create(fields);
  controls.makeRoomForNew();
});
new Connection(waiting, announcer);

/** Whose tasks the page holds; what was typed outlives an expired session, but never reaches another user. */
let owner = null;

function enter() {
  if (owner !== session.user.id) forget();
  owner = session.user.id;
  showWork(true);
  byId("account-name").textContent = session.user.label;
  browse.load();
  counter.refresh();
}

function leave(reason) {
  if (reason === null) forget();
  browse.stop();
  showWork(false);
  signIn.show(reason && `${reason}. Log in to go on; what you typed is kept.`);
  signIn.focus();
}

function forget() {
  owner = null;
  list.clear();
  composer.clear();
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
  enter();
  // On a touch screen focusing a field opens the keyboard over half the page: there the heading has it.
  if (matchMedia("(pointer: fine)").matches) composer.focus();
  else byId("content").focus();
});
session.addEventListener("end", ({ detail }) => leave(detail));
writes.addEventListener("settled", () => counter.refresh());
byId("log-out").addEventListener("click", () => {
  if (writes.isPending && !confirm("Some changes are not stored yet. Log out and lose them?")) return;
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
if (session.token) enter();
else signIn.show(null);
