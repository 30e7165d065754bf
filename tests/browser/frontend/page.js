import { createApp } from "vue";
import * as api from "/api-client.js";

createApp({
  data: () => ({
    account: null,
    error: "",
    errands: [],
    counts: {},
    form: { fullName: "", email: "", password: "" },
    label: "",
    until: "",
    urgency: "low",
  }),
  async mounted() {
    await this.attempt(async () => {
      this.account = (await api.whoAmI()).account;
      await this.load();
    });
    document.body.dataset.ready = "true";
  },
  methods: {
    async attempt(action) {
      this.error = "";
      try {
        await action();
      } catch (error) {
        this.error = error.message;
        if (error instanceof api.SignedOut) this.account = null;
      }
    },
    async load() {
      const { errands, ...counts } = await api.list();
      this.errands = errands;
      this.counts = counts;
    },
    enterWith(call) {
      return this.attempt(async () => {
        this.account = (await call(this.form)).account;
        await this.load();
      });
    },
    join() {
      return this.enterWith(api.signUp);
    },
    enter() {
      return this.enterWith(api.signIn);
    },
    leave() {
      return this.attempt(async () => {
        await api.signOut();
        this.account = null;
        this.errands = [];
      });
    },
    change(call) {
      return this.attempt(async () => {
        await call();
        await this.load();
      });
    },
    add() {
      const { label, until, urgency } = this;
      return this.change(async () => {
        await api.create({ label, until, urgency, state: "OPEN" });
        this.label = "";
      });
    },
    tick(errand) {
      return this.change(() => api.setState(errand.id, errand.state === "DONE" ? "OPEN" : "DONE"));
    },
    remove(errand) {
      return this.change(() => api.remove(errand.id));
    },
  },
}).mount("#page");
