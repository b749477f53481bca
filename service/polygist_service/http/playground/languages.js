// The languages of the server: their names in the language of the page, and which can be had from which.
import { pageLanguage, words } from "./words.js";

/** What ListLanguages told. */
export class Languages {
  #languages = new Map();

  /** @param {object[]} languages as the service lists them */
  constructor(languages = []) {
    for (const language of languages) this.#languages.set(language.languageCode, language);
  }

  /** The name of `code` in the language of the page; as the browser calls it where the server does not know it, or the code. */
  name(code) {
    return this.#languages.get(code)?.displayName ?? nameOfBrowser(code);
  }

  /** "rtl" where `code` is written from right to left, "auto" where that is not known. */
  direction(code) {
    const language = this.#languages.get(code);
    if (!language) return "auto";
    return language.rightToLeft ? "rtl" : "ltr";
  }

  /** All codes, by name. */
  codes() {
    return this.#byName([...this.#languages.keys()]);
  }

  /** The codes that `source` can be translated to, by name; those of all languages where it is empty. */
  targets(source) {
    const from = this.#languages.has(source) ? [this.#languages.get(source)] : [...this.#languages.values()];
    const codes = from.flatMap((each) => [...(each.targetLanguageCodes ?? []), ...(each.pivotTargetLanguageCodes ?? [])]);
    return this.#byName([...new Set(codes)]);
  }

  #byName(codes) {
    return codes.sort((one, other) => this.name(one).localeCompare(this.name(other)));
  }
}

function nameOfBrowser(code) {
  try {
    return new Intl.DisplayNames(pageLanguage(), { type: "language" }).of(code) ?? code;
  } catch {
    return code; // it is no code
  }
}

/** Let `select` offer `first` for the empty value, and then `codes` by their names. */
export function offerLanguages(select, languages, codes, first) {
  const entries = codes.map((code) => new Option(languages.name(code), code));
  select.replaceChildren(new Option(first, ""), ...entries);
}

/** Let `select` offer `names` of models or glossaries, which begin with the name of their collection. */
export function offerResources(select, names, first = words("model.auto")) {
  const entries = names.map((name) => new Option(name.split("/").pop(), name));
  select.replaceChildren(new Option(first, ""), ...entries);
}
