// What files of text are encoded in where that is not UTF-8: a guess that the reader may correct.

const GUESS = "windows-1252"; // the most frequent one
const DECLARATION = /(charset|encoding)\s*=/i; // in pages and catalogues, which the server follows
const DECLARED_WITHIN = 4096; // bytes

/** What `bytes` seem to be encoded in; empty where nothing is to be said: they are UTF-8, declare it, or are no text. */
export function guessEncoding(bytes, { mayDeclare = false } = {}) {
  if (decode(bytes) !== null || bytes.includes(0)) return "";
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, DECLARED_WITHIN));
  return mayDeclare && DECLARATION.test(head) ? "" : GUESS;
}

/** The text of `bytes`, null where they are not UTF-8 and no other encoding is named. */
export function decode(bytes, encoding = "") {
  try {
    const text = new TextDecoder(encoding || "utf-8", { fatal: encoding === "" }).decode(bytes);
    return text.replace(/\r\n?/g, "\n");
  } catch {
    return null;
  }
}
