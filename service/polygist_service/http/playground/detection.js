// The language of the article, told while it is being written.

const PAUSE = 300; // milliseconds without a change before the server is asked
const LONGEST = 4000; // characters that are enough to tell
const FEWEST = 12; // characters below which nothing is asked
const SURE = 0.5; // below it the service calls a language a guess

/** Dispatches "change" when another language was found. */
export class Detection extends EventTarget {
  #server;
  #timer = 0;
  #asking = null;
  #ask = null; // what is asked once the timer has run

  /** A code, empty where it is not known. */
  code = "";
  isSure = false;

  constructor(server) {
    super();
    this.#server = server;
  }

  /** Tell the language of `text` once it stays as it is. */
  follow(text, mimeType) {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    const start = text.slice(0, LONGEST);
    const message = { contents: [start.toWellFormed?.() ?? start], mimeType, maxCandidateCount: 1 };
    this.#ask = text.trim().length < FEWEST ? null : () => this.#tell(message);
    if (this.#ask === null) this.set("", false);
    else this.#timer = setTimeout(this.#ask, PAUSE);
  }

  /** Ask at once where something is to be asked, and wait for the answer. */
  async settle() {
    clearTimeout(this.#timer);
    await this.#ask?.();
  }

  /** Take a language that was found otherwise. */
  set(code, isSure = true) {
    if (code === this.code && isSure === this.isSure) return;
    this.code = code;
    this.isSure = isSure;
    this.dispatchEvent(new Event("change"));
  }

  async #tell(message) {
    this.#asking = new AbortController();
    try {
      const answer = await this.#server.call("v1/detectLanguage", message, { signal: this.#asking.signal });
      const [best] = answer.detections?.[0]?.languages ?? [];
      const isKnown = best && best.languageCode !== "und";
      this.#ask = null;
      this.set(isKnown ? best.languageCode : "", isKnown && (best.confidence ?? 0) >= SURE);
    } catch {
      // The language is a convenience here: what is wrong is told by the call that the reader makes.
    }
  }
}
