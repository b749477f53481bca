// Warnings of the service: their titles in the language of the page, and their places.
import { hasWords, words } from "./words.js";

/** @param {object[]} warnings as the service gives them */
export function placeWarnings(warnings = []) {
  return warnings.map((warning, index) => {
    const span = warning.sourceSpan && spanOf(warning.sourceSpan);
    return {
      get title() {
        const key = `warning.${String(warning.code).replace("WARNING_CODE_", "")}`;
        return words(hasWords(key) ? key : "warning.other");
      },
      message: warning.message ?? "",
      ...(span && span.start < span.end ? { span, link: `warning-${index}` } : {}),
    };
  });
}

/** The stretches of the article that the warnings are about. */
export function warnedStretches(warnings) {
  return warnings
    .filter(({ span }) => span)
    .map(({ span, link, message }) => ({ ...span, kind: "warned", links: [link], note: message }));
}

/** A TextSpan, whose offsets the service leaves out where they are 0. */
export function spanOf({ startOffset = 0, endOffset = 0 } = {}) {
  return { start: startOffset, end: endOffset };
}
