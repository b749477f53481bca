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
    if (text.trim().length < FEWEST) this.set("", false);
    else this.#timer = setTimeout(() => this.#ask(text.slice(0, LONGEST).toWellFormed?.() ?? text, mimeType), PAUSE);
  }

  /** Take a language that was found otherwise. */
  set(code, isSure = true) {
    if (code === this.code && isSure === this.isSure) return;
    this.code = code;
    this.isSure = isSure;
    this.dispatchEvent(new Event("change"));
  }

  async #ask(text, mimeType) {
    this.#asking = new AbortController();
    const message = { contents: [text], mimeType, maxCandidateCount: 1 };
    try {
      const answer = await this.#server.call("v1/detectLanguage", message, { signal: this.#asking.signal });
      const [best] = answer.detections?.[0]?.languages ?? [];
      const isKnown = best && best.languageCode !== "und";
      this.set(isKnown ? best.languageCode : "", isKnown && (best.confidence ?? 0) >= SURE);
    } catch {
      // The language is a convenience here: what is wrong is told by the call that the reader makes.
    }
  }
}
