// Whether the server is there, and what it has: its version, models, glossaries and languages.
import { Languages } from "./languages.js";
import { Interrupted, ServerError, Unreachable } from "./server.js";
import { pageLanguage, words } from "./words.js";

const PAUSE = 2000; // milliseconds before a server that was gone is asked again
const KEY_REASONS = ["API_KEY_MISSING", "API_KEY_INVALID"];

/** Dispatches "change" when the state or what the server has is another. */
export class Presence extends EventTarget {
  #server;
  #timer = 0;

  /** "asking", "ready", "key" where it asks for an API key, or "gone". */
  state = "asking";
  languages = new Languages();
  models = [];
  glossaries = [];
  version = "";

  constructor(server) {
    super();
    this.#server = server;
  }

  /** Ask for everything, until there is an answer. */
  async ask() {
    clearTimeout(this.#timer);
    try {
      await this.#read();
      this.#become("ready");
    } catch (error) {
      if (error instanceof ServerError && KEY_REASONS.includes(error.reason)) this.#become("key");
      else this.miss();
    }
  }

  /** The server did not answer a call: look until it does. */
  miss() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), PAUSE);
    this.#become("gone");
  }

  /** Take note of an error that a call ended with. */
  notice(error) {
    if (error instanceof Unreachable) this.miss();
    else if (error instanceof Interrupted) {
      this.#become("gone");
      this.ask();
    }
    else if (error instanceof ServerError && KEY_REASONS.includes(error.reason)) this.#become("key");
  }

  /** What the page says of it. */
  tell() {
    return words(`server.${this.state}`, { version: this.version });
  }

  async #read() {
    const [models, languages, info] = await Promise.all([
      this.#server.get("v1/models?pageSize=1000"),
      this.#server.get(`v1/languages?pageSize=1000&displayLanguageCode=${pageLanguage()}`),
      this.#server.get("v1/serverInfo"),
    ]);
    this.models = models.models ?? [];
    this.languages = new Languages(languages.languages);
    this.glossaries = info.glossaries ?? [];
    this.version = info.version ?? "";
  }

  #become(state) {
    if (state === this.state && state !== "ready") return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
