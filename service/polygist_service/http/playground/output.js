// Where an answer stands: empty, being written, whole, or the reason why there is none.
import { LinkedText } from "./linked_text.js";
import { copyText, saveFile } from "./saving.js";
import { countedWords, words } from "./words.js";

const COPIED = 1600; // milliseconds that a button says that it has copied

/**
 * An answer as it is shown.
 * @typedef {object} Answer
 * @property {string} text
 * @property {string} language of the text
 * @property {import("./linked_text.js").Stretch[]} stretches of the text
 * @property {string} source the article as it was read
 * @property {File | null} file the document that it was read of
 * @property {string} sourceLanguage
 * @property {import("./linked_text.js").Stretch[]} sourceStretches of the article
 * @property {object[]} warnings as the service gives them, each with a link where the article has its place
 * @property {() => string} facts what there is to know about how it came about
 * @property {Map<string, () => string>} [notes] what is said of a link while it is lit
 * @property {{name: string, type: string, content: string | Uint8Array}} download
 */

/** The lower part of a tab. Dispatches "retry", "options" and "warning" with the link of one as `detail`. */
export class Output extends EventTarget {
  #root;
  #task;
  #say = () => {};
  #answer = null;
  #written = "";
  #lit = [];

  /** @param {HTMLElement} panel @param {"summarise" | "translate"} task */
  constructor(panel, task) {
    super();
    this.#task = task;
    this.#root = document.getElementById("output-template").content.firstElementChild.cloneNode(true);
    panel.append(this.#root);
    this.links = new LinkedText(this.#part(".reading"), this.#part(".scroll"));
    this.links.addEventListener("light", (event) => this.#tellOf(event.detail));
    this.#part(".retry").addEventListener("click", () => this.dispatchEvent(new Event("retry")));
    this.#part(".to-options").addEventListener("click", () => this.dispatchEvent(new Event("options")));
    this.#part(".copy").addEventListener("click", () => this.#copy());
    this.#part(".download").addEventListener("click", () => this.#download());
    this.#part(".chip.warned").addEventListener("click", () => this.#part(".warnings h3").focus());
    this.empty();
  }

  /** The answer, null where there is none that is whole. @returns {Answer | null} */
  get answer() {
    return this.#answer;
  }

  /** Nothing yet. */
  empty() {
    this.#written = "";
    this.#become("empty", () => {
      this.#part(".empty").textContent = words(this.#task === "summarise" ? "summary.empty" : "translation.empty");
    });
    this.links.clear();
  }

  /** Something has been asked for; whether its lines are the entries of a list. */
  start({ isList = false } = {}) {
    this.#written = "";
    const reading = this.#part(".reading");
    if (reading.contains(document.activeElement)) this.#part(".scroll").focus({ preventScroll: true });
    reading.classList.toggle("points", isList);
    this.links.clear();
    this.#become("working", () => {
      this.#part(".facts").textContent = words(`working.${this.#task}`);
      this.#part(".progress").setAttribute("aria-label", words(`working.${this.#task}`));
    });
    this.progress(0, 0);
  }

  append(delta) {
    this.#written += delta;
    this.links.append(delta);
  }

  /** `done` of `total` pieces are done; a total of 0 is not known. */
  progress(done, total) {
    const bar = this.#part(".progress");
    bar.classList.toggle("unknown", total === 0);
    if (total === 0) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", Math.round((100 * done) / total));
    bar.firstElementChild.style.inlineSize = total === 0 ? "" : `${(100 * done) / total}%`;
  }

  /** @param {Answer} answer @param {string} direction of its text */
  finish(answer, direction) {
    this.#answer = answer;
    const reading = this.#part(".reading");
    reading.lang = answer.language;
    reading.dir = direction;
    this.links.show(answer.text, answer.stretches);
    this.#become("done", () => {
      this.#part(".empty").textContent = words(this.#task === "summarise" ? "summary.none" : "translation.none");
      this.#tellOf(this.#lit);
      this.#showWarnings(answer.warnings);
    });
    this.#part(".empty").hidden = answer.text !== "";
  }

  /** The reader has stopped it. */
  stop() {
    this.#become("stopped", () => {
      this.#part(".note").textContent = words("stopped");
    });
  }

  /** @param {() => import("./failures.js").Failure} describe says what went wrong, in the language of the page */
  fail(describe) {
    this.#become("failed", () => {
      const failure = describe();
      this.#part(".failure h3").textContent = failure.title;
      this.#part(".advice").textContent = failure.advice;
      this.#part(".command").textContent = failure.command ?? "";
      this.#part(".command").hidden = !failure.command;
      this.#part(".to-options").hidden = !failure.isInOptions;
      this.#part(".detail").textContent = failure.detail;
      this.#part(".failure details").hidden = !failure.detail;
    });
  }

  /** The article that a task failed with has changed: what is said of that is over, unless a part of an answer had come. */
  forgetFailure() {
    if (this.#root.dataset.state === "failed" && this.#written === "") this.empty();
  }

  /** Whether the article is another one than that of the answer. */
  setStale(isStale) {
    if (!this.#answer) return;
    this.#part(".note").hidden = !isStale;
    this.#part(".note").textContent = words("stale");
  }

  /** Say everything again, in the language of the page. */
  refreshWords() {
    this.#part(".scroll").setAttribute("aria-label", words(this.#task === "summarise" ? "summary" : "translation"));
    this.#part(".reading").setAttribute("aria-label", words(this.#task === "summarise" ? "summary" : "translation"));
    this.#part(".retry").textContent = words("retry");
    this.#part(".to-options").textContent = words("options.open");
    this.#part(".copy span").textContent = words("copy");
    const made = this.#answer?.file && typeof this.#answer.download.content !== "string" ? this.#answer.download.name : "";
    this.#part(".download").classList.toggle("made", made !== "");
    this.#part(".download span").textContent = made ? words("download.file", { name: made }) : words("download");
    this.#part(".failure summary").textContent = words("details");
    this.#say();
  }

  #become(state, say) {
    if (state !== "done") this.#answer = null;
    this.#lit = [];
    this.#root.dataset.state = state;
    this.#part(".empty").hidden = state !== "empty";
    this.#part(".progress").hidden = state !== "working";
    this.#part(".failure").hidden = state !== "failed";
    this.#part(".note").hidden = state !== "stopped";
    this.#part(".warnings").hidden = true;
    this.#part(".chip.warned").hidden = true;
    this.#part(".reading").setAttribute("aria-busy", state === "working");
    this.#part(".facts").textContent = "";
    const hasText = state === "done" || (state !== "working" && this.#written !== "");
    for (const button of [".copy", ".download"]) this.#part(button).disabled = !hasText;
    this.#say = say;
    this.refreshWords();
  }

  #tellOf(links) {
    this.#lit = links;
    if (!this.#answer) return;
    const note = links.map((link) => this.#answer.notes?.get(link)).find(Boolean);
    this.#part(".facts").textContent = (note ?? this.#answer.facts)();
    this.#part(".facts").title = note ? words("rests.hint") : "";
  }

  #showWarnings(warnings) {
    const counted = countedWords("warnings", warnings.length);
    this.#part(".warnings").hidden = warnings.length === 0;
    this.#part(".chip.warned").hidden = warnings.length === 0;
    this.#part(".chip.warned span").textContent = counted;
    this.#part(".warnings h3").textContent = counted;
    this.#part(".warnings ul").replaceChildren(...warnings.map((warning) => this.#makeWarning(warning)));
  }

  #makeWarning({ title, message, link }) {
    const item = document.createElement("li");
    const name = document.createElement("strong");
    const rest = document.createElement("span");
    name.textContent = title;
    rest.textContent = message;
    rest.lang = "en";
    item.append(name, rest);
    if (link) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "plain";
      button.textContent = words("show");
      button.setAttribute("aria-label", `${words("show")}: ${title}`);
      button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("warning", { detail: link })));
      item.append(button);
    }
    return item;
  }

  async #copy() {
    if (!(await copyText(this.#answer?.text ?? this.#written))) return;
    const label = this.#part(".copy span");
    label.textContent = words("copied");
    setTimeout(() => (label.textContent = words("copy")), COPIED);
  }

  #download() {
    const written = { name: "polygist.txt", type: "text/plain", content: this.#written };
    const { name, type, content } = this.#answer?.download ?? written;
    saveFile(name, type, content);
  }

  #part(selector) {
    return this.#root.querySelector(selector);
  }
}
