/** The modules below the views, connected as app.js connects them. */
import { Client } from "../../../api/static/client.js";
import { KeptWork } from "../../../api/static/kept-work.js";
import { Restore } from "../../../api/static/restore.js";
import { RetryQueue } from "../../../api/static/retries.js";
import { Sender } from "../../../api/static/sender.js";
import { SessionStore } from "../../../api/static/session-store.js";
import { Session } from "../../../api/static/session.js";
import { JsonStorage } from "../../../api/static/storage.js";
import { TaskList } from "../../../api/static/task-list.js";
import { Writes } from "../../../api/static/writes.js";
import { FakeArea, FakeLocks } from "./fake-browser.js";
import { FakeClock } from "./fake-clock.js";

const announcer = { say() {}, alert() {} };

/** One tab. Tabs of one browser share `area` and `locks`; a reloaded tab has the `tabArea` of the one before. */
export class Page {
  constructor({ area = new FakeArea(), tabArea = new FakeArea(), locks = new FakeLocks(), clock = new FakeClock() } = {}) {
    Object.assign(this, { area, tabArea, locks, clock });
    const device = new JsonStorage(() => area);
    const tab = new JsonStorage(() => tabArea);
    this.session = new Session(new SessionStore({ tab, device }), clock);
    this.retryQueue = new RetryQueue(clock);
    this.client = new Client(this.session, this.retryQueue, "/");
    this.list = new TaskList();
    this.sender = new Sender(this.client, this.list, announcer, clock);
    this.writes = new Writes({ client: this.client, list: this.list, sender: this.sender, announcer, clock });
    const restore = new Restore(this.list, this.sender, clock);
    this.kept = new KeptWork({
      device, tab, locks, list: this.list,
      restore: ({ entries, words }) => {
        for (const entry of entries) restore.run(entry);
        this.words = words;
      },
    });
    this.session.addEventListener("start", () => this.#own());
    this.session.addEventListener("end", ({ detail }) => {
      if (detail !== null) return;
      this.kept.erase();
      this.writes.reset();
      this.owner = null;
    });
    if (this.session.token) this.#own();
  }

  /** The tab is closed or discarded: nothing of it runs any more, and its locks are free. */
  async vanish() {
    await Promise.resolve();
    this.kept.close();
    this.session.identity?.end();
  }

  get titles() {
    return this.list.all.map(({ shown }) => shown.title);
  }

  #own() {
    if (this.owner === this.session.identity) return;
    this.kept.close();
    this.writes.reset();
    this.owner = this.session.identity;
    this.kept.open(this.owner.id);
  }
}
