// What the reader has chosen: a string under each name, empty where it is the default. Controls of the page that have
// one of the names show it and change it.

const NAMES = [
  "do", "ui", "from", "format", // the page
  "type", "length", "in", "method", "summariser", "question", // summaries
  "to", "prefer", "translator", "glossary", "terms", "keep", // translations
];
const IN_DIALOG = ["method", "summariser", "question", "translator", "glossary", "terms", "keep"];

/** Dispatches "change" with the name as `detail` whenever one has another value. */
export class Options extends EventTarget {
  #values = Object.fromEntries(NAMES.map((name) => [name, ""]));

  /** Take the values that `told` has under our names, and the defaults for all others. */
  replace(told) {
    for (const name of NAMES) this.set(name, told[name] ?? "");
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    if (this.#values[name] === value) return;
    this.#values[name] = value;
    this.#show(name);
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }

  /** All of them. */
  all() {
    return { ...this.#values };
  }

  /** How many of those that the dialog hides are not the default. */
  hiddenCount() {
    return IN_DIALOG.filter((name) => this.#values[name] !== "").length;
  }

  /** Put those of the dialog back. */
  reset() {
    for (const name of IN_DIALOG) this.set(name, "");
  }

  /** Follow the controls of the page. */
  bind() {
    for (const control of document.querySelectorAll("[name]")) {
      if (!NAMES.includes(control.name)) continue;
      control.addEventListener("change", () => this.set(control.name, control.value));
      this.#show(control.name);
    }
  }

  /** Show all values again, as after the entries of a list have changed. */
  showAll() {
    for (const name of NAMES) this.#show(name);
  }

  #show(name) {
    const value = this.#values[name];
    for (const control of document.getElementsByName(name)) {
      if (control.value !== value) control.value = value;
      if (control.matches("select") && control.value !== value) this.#addEntry(control, value);
    }
  }

  #addEntry(select, value) {
    select.add(new Option(value, value));
    select.value = value;
  }
}
