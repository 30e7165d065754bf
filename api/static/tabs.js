/** Tells the other tabs of the same person that tasks have changed, and hears it from them. */

const CHANNEL = "tasks.changes";

/** Fires "change" after another tab has changed tasks of this session's person. */
export class Tabs extends EventTarget {
  #channel;
  #session;

  constructor(session, channel = new BroadcastChannel(CHANNEL)) {
    super();
    this.#session = session;
    this.#channel = channel;
    channel.addEventListener("message", ({ data }) => {
      if (data === session.user?.id) this.dispatchEvent(new Event("change"));
    });
  }

  tell() {
    if (this.#session.user) this.#channel.postMessage(this.#session.user.id);
  }
}
