// The words of the page in the language of its reader. The markup names them: data-words for the text of an element,
// data-words-label, -title and -placeholder for its attributes.
import english from "./words_en.js";
import portuguese from "./words_pt.js";

const LANGUAGES = { en: english, pt: portuguese };
const ATTRIBUTES = { wordsLabel: "aria-label", wordsTitle: "title", wordsPlaceholder: "placeholder" };
const SELECTOR = "[data-words], [data-words-label], [data-words-title], [data-words-placeholder]";

let current = "en";

/** The language that the page speaks: "en" or "pt". */
export function pageLanguage() {
  return current;
}

/** The first of the browser's languages that the page speaks, or English. */
export function preferredLanguage() {
  const codes = navigator.languages.map((tag) => tag.split("-")[0].toLowerCase());
  return codes.find((code) => code in LANGUAGES) ?? "en";
}

/** What stands under `key`, with `values` put into its braces. */
export function words(key, values = {}) {
  const text = LANGUAGES[current][key];
  if (text === undefined) throw new Error(`no words under ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Whether there is something under `key`. */
export function hasWords(key) {
  return key in LANGUAGES[current];
}

/** What stands under `key` for `count` of something. */
export function countedWords(key, count, values = {}) {
  const form = new Intl.PluralRules(current).select(count) === "one" ? "one" : "other";
  return words(`${key}.${form}`, { count: formatNumber(count), ...values });
}

/** A number as the language of the page writes it. */
export function formatNumber(value, digits = 0) {
  return value.toLocaleString(current, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** Say everything below `root` in `language`. */
export function speak(language, root = document) {
  current = language in LANGUAGES ? language : "en";
  document.documentElement.lang = current;
  document.title = words("title");
  for (const element of root.querySelectorAll(SELECTOR)) {
    if (element.dataset.words) element.textContent = words(element.dataset.words);
    for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
      if (element.dataset[name]) element.setAttribute(attribute, words(element.dataset[name]));
    }
  }
}
