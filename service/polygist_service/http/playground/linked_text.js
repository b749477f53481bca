// A text some stretches of which belong to stretches of another text. Pointing at one, or moving to it with the
// keyboard, lights up both. Text becomes text nodes only.

const SETTLING = 120; // milliseconds that a pointer rests on a stretch before the other side scrolls to it
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * @typedef {object} Stretch
 * @property {number} start in UTF-16 code units
 * @property {number} end
 * @property {string} kind a class of the style sheet: "linked", "cited", "warned"
 * @property {string[]} links what it belongs to; the other text has stretches with the same names
 * @property {string} [number] stands behind it
 * @property {string} [note] what is said of it
 */

/** Dispatches "light" with the links that are lit, and "choose" with those that were chosen, as `detail`. */
export class LinkedText extends EventTarget {
  #element;
  #scroller;
  #stretches = [];
  #lit = [];
  #settling = 0;
  #other = null;

  /** @param {HTMLElement} element what the text is shown in @param {HTMLElement} scroller what scrolls it */
  constructor(element, scroller) {
    super();
    this.#element = element;
    this.#scroller = scroller;
    element.addEventListener("pointerover", (event) => this.#point(event));
    element.addEventListener("pointerleave", () => this.#leave());
    element.addEventListener("focusin", (event) => this.#enter(event.target));
    element.addEventListener("focusout", () => this.#light([]));
    element.addEventListener("click", (event) => this.#choose(event.target));
    element.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Let what is lit here be lit in `other`, and the other way round. */
  link(other) {
    for (const each of [this, other]) if (each.#other) each.#other.#other = null;
    this.#other = other;
    other.#other = this;
  }

  /** @param {string} text @param {Stretch[]} stretches */
  show(text, stretches) {
    this.#stretches = [];
    this.#lit = [];
    const nodes = [];
    for (const piece of cut(text, stretches)) {
      if (piece.covering.length === 0) nodes.push(document.createTextNode(piece.text));
      else nodes.push(this.#makeStretch(piece));
    }
    this.#element.replaceChildren(...nodes);
    this.#stretches[0]?.element.setAttribute("tabindex", "0");
  }

  /** Show `delta` after what is shown; in a list, each line as an entry. */
  append(delta) {
    if (!this.#element.classList.contains("points")) return this.#element.append(delta);
    for (const [index, line] of delta.split("\n").entries()) {
      if (index > 0 || !this.#element.lastElementChild) {
        const entry = document.createElement("span");
        entry.className = "line";
        this.#element.append(entry);
      }
      this.#element.lastElementChild.append(line);
    }
  }

  clear() {
    this.show("", []);
  }

  /** The text of the stretches with one of `links`. */
  textOf(links) {
    return this.#with(links).map((stretch) => stretch.element.textContent).join(" ");
  }

  /** Move the focus to the first stretch with one of `links`. */
  focus(links) {
    this.#with(links)[0]?.element.focus();
  }

  /** Bring the first stretch with one of `links` into view, without moving the page. */
  reveal(links) {
    const place = this.#with(links)[0]?.element.getBoundingClientRect();
    const view = this.#scroller.getBoundingClientRect();
    if (!place || (place.top >= view.top && place.bottom <= view.bottom)) return;
    this.#scroller.scrollBy({ top: place.top - view.top - view.height / 4, behavior: motion() });
  }

  #makeStretch({ text, covering, ending }) {
    const element = document.createElement("span");
    element.textContent = text;
    element.className = ["stretch", ...new Set(covering.map((stretch) => stretch.kind))].join(" ");
    element.setAttribute("tabindex", "-1");
    const links = [...new Set(covering.flatMap((stretch) => stretch.links))];
    const notes = covering.map((stretch) => stretch.note).filter(Boolean);
    if (links.length) element.setAttribute("role", "link");
    if (ending?.number) element.dataset.number = ending.number;
    if (notes.length) element.title = [...new Set(notes)].join("\n");
    element.dataset.index = this.#stretches.length;
    this.#stretches.push({ element, links });
    return element;
  }

  #with(links) {
    return this.#stretches.filter((stretch) => stretch.links.some((link) => links.includes(link)));
  }

  #at(target) {
    return this.#stretches[target.closest?.(".stretch")?.dataset.index];
  }

  #point(event) {
    clearTimeout(this.#settling);
    if (event.pointerType === "touch") return;
    const stretch = this.#at(event.target);
    if (!stretch) return this.#leave();
    this.#light(stretch.links);
    this.#settling = setTimeout(() => this.#other?.reveal(stretch.links), SETTLING);
  }

  #leave() {
    clearTimeout(this.#settling);
    this.#light(this.#at(document.activeElement)?.links ?? []);
  }

  #enter(target) {
    const stretch = this.#at(target);
    if (!stretch) return;
    for (const each of this.#stretches) each.element.setAttribute("tabindex", each === stretch ? "0" : "-1");
    this.#light(stretch.links);
    this.#other?.reveal(stretch.links);
  }

  #choose(target) {
    const stretch = this.#at(target);
    if (!stretch || !getSelection().isCollapsed) return;
    stretch.element.focus({ preventScroll: true });
    this.dispatchEvent(new CustomEvent("choose", { detail: stretch.links }));
  }

  #press(event) {
    const stretch = this.#at(event.target);
    if (!stretch || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.#stretches.indexOf(stretch);
    const next = { Home: 0, End: this.#stretches.length - 1 }[event.key] ?? index + (STEPS[event.key] ?? 0);
    if (event.key === "Enter") this.#other?.focus(stretch.links);
    else if (event.key === "Escape") stretch.element.blur();
    else if (next === index || !this.#stretches[next]) return;
    else this.#stretches[next].element.focus();
    event.preventDefault();
  }

  #light(links) {
    this.#show(links);
    this.#other?.#show(links);
    this.dispatchEvent(new CustomEvent("light", { detail: links }));
    this.#other?.dispatchEvent(new CustomEvent("light", { detail: links }));
  }

  #show(links) {
    for (const stretch of this.#lit) stretch.element.classList.remove("lit");
    this.#lit = this.#with(links);
    for (const stretch of this.#lit) stretch.element.classList.add("lit");
  }
}

/** Whether things may move. */
export function motion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

/** `text` in pieces, each with the stretches that cover it and the one that ends there. */
function cut(text, stretches) {
  const sorted = stretches.filter(({ start, end }) => start < end).sort((one, other) => one.start - other.start);
  const borders = [...new Set([0, text.length, ...sorted.flatMap(({ start, end }) => [start, end])])];
  borders.sort((one, other) => one - other);
  const pieces = [];
  let open = [];
  let next = 0;
  for (let index = 0; index + 1 < borders.length; index++) {
    const [start, end] = [borders[index], borders[index + 1]];
    open = open.filter((stretch) => stretch.end > start);
    while (next < sorted.length && sorted[next].start <= start) open.push(sorted[next++]);
    const ending = open.find((stretch) => stretch.end === end);
    pieces.push({ text: text.slice(start, end), covering: open, ending });
  }
  return pieces;
}
