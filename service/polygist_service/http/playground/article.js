// The article: a text that the reader edits, or a document whose text the server reads. Once there is an answer it is
// shown with the passages that the answer is about.
import { LinkedText } from "./linked_text.js";
import { countedWords, formatNumber, words } from "./words.js";

const TEXT_ENDINGS = { txt: "", md: "markdown", markdown: "markdown" }; // of files that are edited as text, with their format
const LARGEST_TEXT = 4_000_000; // bytes of such a file

/**
 * Dispatches "change" whenever it is another text, "replace" before that where another article takes its place, and
 * "format" with a format as `detail` when a file has one.
 */
export class Article extends EventTarget {
  #area = document.getElementById("text");
  #reading = document.getElementById("source");
  #card = document.getElementById("file-card");
  #edit = document.getElementById("edit");

  /** What the answers are linked with. */
  links = new LinkedText(this.#reading, this.#reading);
  /** The document, or null where the article is a text. @type {File | null} */
  file = null;
  /** The name that files made of it go by. */
  name = "";
  /** Whether the passages are shown. */
  isRead = false;

  constructor() {
    super();
    this.#area.addEventListener("input", () => this.#changed());
    this.#edit.addEventListener("click", () => this.edit());
    document.getElementById("clear").addEventListener("click", () => this.clear());
    this.#listenForFiles();
  }

  /** The text as it is sent; empty for a document. Half characters are replaced, so that all offsets stay. */
  get text() {
    return this.#area.value.toWellFormed?.() ?? this.#area.value;
  }

  /** Whether there is nothing to send. */
  get isEmpty() {
    return this.file === null && this.#area.value.trim() === "";
  }

  /** Take `text` for the article. */
  setText(text, name = "") {
    this.file = null;
    this.#replace(text, name);
  }

  /** Take a file: as text where it is one that can be edited, else as a document. */
  async open(file) {
    const ending = file.name.split(".").pop().toLowerCase();
    const text = ending in TEXT_ENDINGS && file.size <= LARGEST_TEXT ? await decode(file) : null;
    if (text === null) {
      this.file = file;
      this.#replace("", file.name);
    } else {
      this.setText(text, file.name);
      this.dispatchEvent(new CustomEvent("format", { detail: TEXT_ENDINGS[ending] }));
    }
  }

  clear() {
    this.setText("");
    this.#area.focus();
  }

  /** Let the reader change it. */
  edit({ keepsFocus = false } = {}) {
    const top = this.#scrolled.scrollTop;
    this.isRead = false;
    this.links.clear();
    this.#refresh();
    if (!keepsFocus) this.#area.focus();
    this.#area.scrollTop = top;
  }

  /** Show its beginning. */
  showBeginning() {
    this.#scrolled.scrollTop = 0;
  }

  /** Show `text`, which the server has read, with `stretches` of it. The focus stays in the article where it was there. */
  read(text, stretches, language, direction) {
    const top = this.#scrolled.scrollTop;
    const hadFocus = this.#scrolled.contains(document.activeElement);
    this.isRead = true;
    this.links.show(text, stretches);
    this.#reading.lang = language;
    this.#reading.dir = direction;
    this.#refresh();
    this.#reading.scrollTop = top;
    if (hadFocus) this.#reading.focus({ preventScroll: true });
  }

  /** Tell the browser the language that was found. */
  setLanguage(code, direction) {
    this.#area.lang = code;
    this.#area.dir = direction;
  }

  /** Say everything again, in the language of the page. */
  refreshWords() {
    const count = document.getElementById("count");
    document.getElementById("file-name").textContent = this.file?.name ?? "";
    document.getElementById("file-size").textContent = this.file ? formatSize(this.file.size) : "";
    if (this.file) count.textContent = formatSize(this.file.size);
    else if (this.isEmpty) count.textContent = "";
    else {
      const number = this.#area.value.split(/\s+/).filter(Boolean).length;
      count.textContent = countedWords("count", number, { words: formatNumber(number) });
    }
  }

  get #scrolled() {
    return this.isRead ? this.#reading : this.#area;
  }

  #replace(text, name) {
    this.dispatchEvent(new Event("replace"));
    this.#area.value = text;
    this.#changed(name);
    this.edit({ keepsFocus: true });
    this.showBeginning();
  }

  #changed(name = "") {
    this.name = name || (this.#area.value && this.name) || "";
    this.refreshWords();
    this.#refresh();
    this.dispatchEvent(new Event("change"));
  }

  #refresh() {
    this.#area.hidden = this.isRead || this.file !== null;
    this.#reading.hidden = !this.isRead;
    this.#card.hidden = this.isRead || this.file === null;
    this.#edit.hidden = !this.isRead || this.file !== null;
    document.getElementById("clear").hidden = this.isEmpty;
    document.getElementById("starters").hidden = !this.isEmpty;
    document.getElementById("format").disabled = this.file !== null;
  }

  #listenForFiles() {
    const picker = document.getElementById("file");
    const curtain = document.getElementById("drop");
    document.getElementById("open").addEventListener("click", () => picker.click());
    picker.addEventListener("change", () => {
      if (picker.files.length) this.open(picker.files[0]);
      picker.value = "";
    });
    addEventListener("dragover", (event) => {
      event.preventDefault();
      curtain.hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) curtain.hidden = true;
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      curtain.hidden = true;
      const { files } = event.dataTransfer;
      if (files.length) this.open(files[0]);
      else if (event.dataTransfer.getData("text/plain")) this.setText(event.dataTransfer.getData("text/plain"));
    });
  }
}

function formatSize(bytes) {
  return words("file.size", { size: formatNumber(Math.max(1, Math.round(bytes / 1024))) });
}

/** The text of a file in UTF-8, null where it is in something else. */
async function decode(file) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    return text.replace(/\r\n?/g, "\n");
  } catch {
    return null;
  }
}
