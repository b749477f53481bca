// The article: a text that the reader edits, or a document whose text the server reads. Once there is an answer it is
// shown with the passages that the answer is about.
import { decode, guessEncoding } from "./encodings.js";
import { LinkedText } from "./linked_text.js";
import { countedWords, formatNumber, words } from "./words.js";

const TEXT_ENDINGS = { txt: "", md: "markdown", markdown: "markdown" }; // of files that are edited as text, with their format
const LARGEST_TEXT = 4_000_000; // bytes of such a file
const TYPES = { // of files that are text, which the server is told together with their encoding
  txt: "text/plain", md: "text/markdown", markdown: "text/markdown", html: "text/html", htm: "text/html",
  srt: "application/x-subrip", vtt: "text/vtt", po: "text/x-gettext-translation", pot: "text/x-gettext-translation",
};
const LARGEST_READ = 64_000_000; // bytes of a file that is looked at

/**
 * Dispatches "change" whenever it is another text, "replace" before that where another article takes its place, and
 * "format" with a format as `detail` when a file has one.
 */
export class Article extends EventTarget {
  #area = document.getElementById("text");
  #reading = document.getElementById("source");
  #card = document.getElementById("file-card");
  #edit = document.getElementById("edit");
  #encoding = document.getElementById("encoding");
  #opened = null; // the file that the article was last taken of
  #notes = []; // functions that say what there is to know of the article

  /** What the answers are linked with. */
  links = new LinkedText(this.#reading, this.#reading);
  /** The document, or null where the article is a text. @type {File | null} */
  file = null;
  /** The name that files made of it go by. */
  name = "";
  /** Whether the passages are shown. */
  isRead = false;
  /** Whether the reader has written in it, so that it may be nowhere else. */
  isWritten = false;

  constructor() {
    super();
    this.#area.addEventListener("input", () => {
      this.note();
      this.isWritten = true;
      this.#changed();
    });
    this.#encoding.addEventListener("change", () => this.open(this.#opened, { encoding: this.#encoding.value }));
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

  /** Take a file: as text where it is one that can be edited, else as a document. Without an encoding, one is guessed. */
  async open(file, { encoding = "", notes = [] } = {}) {
    const { name, size } = file;
    const ending = name.split(".").pop().toLowerCase();
    const isText = ending in TEXT_ENDINGS && size <= LARGEST_TEXT;
    const bytes = ending in TYPES && size <= LARGEST_READ ? new Uint8Array(await file.arrayBuffer()) : null;
    const told = encoding || (bytes ? guessEncoding(bytes, { mayDeclare: !(ending in TEXT_ENDINGS) }) : "");
    const text = isText ? decode(bytes, told) : null;
    this.#opened = file;
    if (size === 0) this.setText("");
    else if (text === null) this.#takeDocument(told ? new File([file], name, { type: `${TYPES[ending]}; charset=${told}` }) : file);
    else {
      this.setText(text, name);
      this.dispatchEvent(new CustomEvent("format", { detail: TEXT_ENDINGS[ending] }));
    }
    if (this.isEmpty) notes.push(() => words("file.empty", { name }));
    else if (told) notes.push(() => words("encoding.guess", { name }));
    this.note(...notes);
    this.#encoding.parentElement.hidden = this.isEmpty || told === "";
    this.#encoding.value = told;
  }

  /** Say what there is to know of the article, each a function that says it in the language of the page. */
  note(...notes) {
    this.#notes = notes;
    const text = notes.map((say) => say()).join(" ");
    document.getElementById("article-note-words").textContent = text;
    document.getElementById("article-note").hidden = text === "";
    this.#encoding.parentElement.hidden = true;
    if (text) document.getElementById("announcer").textContent = text;
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
    document.getElementById("article-note-words").textContent = this.#notes.map((say) => say()).join(" ");
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

  #takeDocument(file) {
    this.file = file;
    this.#replace("", file.name);
  }

  #replace(text, name) {
    this.dispatchEvent(new Event("replace"));
    this.note();
    this.isWritten = false;
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

  #openFirst([file, ...others]) {
    if (file) this.open(file, { notes: others.length ? [() => words("files.first", { name: file.name })] : [] });
  }

  #listenForFiles() {
    const picker = document.getElementById("file");
    const curtain = document.getElementById("drop");
    document.getElementById("open").addEventListener("click", () => picker.click());
    picker.addEventListener("change", () => {
      this.#openFirst(picker.files);
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
      if (files.length) this.#openFirst(files);
      else if (event.dataTransfer.getData("text/plain")) this.setText(event.dataTransfer.getData("text/plain"));
    });
  }
}

function formatSize(bytes) {
  return words("file.size", { size: formatNumber(Math.max(1, Math.round(bytes / 1024))) });
}
