// Where the two texts do not stand side by side, as on a phone: what belongs to a chosen stretch, quoted over the page.
import { motion } from "./linked_text.js";
import { words } from "./words.js";

const NARROW = "(max-width: 759px)";

/** A quotation of the other text. */
export class Sheet {
  #root = document.getElementById("sheet");
  #shown = null;

  constructor() {
    document.getElementById("sheet-close").addEventListener("click", () => this.close());
    document.getElementById("sheet-show").addEventListener("click", () => this.#go());
    addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** Quote what `text` has of `links`, where the page is narrow. @param {import("./linked_text.js").LinkedText} text */
  quote(text, links, titleKey) {
    const quotation = text.textOf(links);
    if (!matchMedia(NARROW).matches || quotation === "") return;
    this.#shown = { text, links };
    document.getElementById("sheet-title").textContent = words(titleKey);
    document.getElementById("sheet-text").textContent = quotation;
    this.#root.hidden = false;
  }

  /** Scroll to `element`, where the page is narrow. */
  bringIntoView(element) {
    if (matchMedia(NARROW).matches) element.scrollIntoView({ block: "start", behavior: motion() });
  }

  close() {
    this.#root.hidden = true;
    this.#shown = null;
  }

  #go() {
    const { text, links } = this.#shown;
    this.close();
    text.focus(links);
  }
}
