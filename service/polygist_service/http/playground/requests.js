// Requests of the service out of the reader's options; protos/polygist/v1 says what their fields mean.
import { words } from "./words.js";

const UTF16 = "ENCODING_TYPE_UTF16"; // the unit of JavaScript's strings, so that spans slice
const MIME_TYPES = { "": "text/plain", markdown: "text/markdown", html: "text/html" };

/** What the reader wrote cannot be sent as it is; the message says why. */
export class Unusable extends Error {}

/** The MIME type of a text of `format`. */
export function mimeType(format) {
  return MIME_TYPES[format] ?? MIME_TYPES[""];
}

/**
 * A SummariseRequest; without a text, which a document is sent beside.
 * @param {import("./options.js").Options} options
 * @param {string} [text]
 */
export function summariseRequest(options, text) {
  const target = options.get("in");
  return withoutEmpty({
    ...contents(options, text),
    sourceLanguageCode: options.get("from"),
    targetLanguageCode: target,
    method: enumValue("SUMMARY_METHOD", options.get("method")),
    type: enumValue("SUMMARY_TYPE", options.get("type")),
    length: enumValue("SUMMARY_LENGTH", options.get("length")),
    query: options.get("question"),
    model: options.get("summariser"),
    ...(target ? prescribedWords(options) : {}),
    outputConfig: { includeCitations: true, includeSourceText: text === undefined, encodingType: UTF16 },
  });
}

/** A TranslateRequest into `target`; without a text, which a document is sent beside. */
export function translateRequest(options, target, text) {
  return withoutEmpty({
    ...contents(options, text),
    sourceLanguageCode: options.get("from"),
    targetLanguageCode: target,
    model: options.get("translator"),
    performancePreference: enumValue("PERFORMANCE_PREFERENCE", options.get("prefer")),
    ...prescribedWords(options),
    outputConfig: { includeSegments: true, encodingType: UTF16 },
  });
}

function contents(options, text) {
  return text === undefined ? {} : { contents: [text], mimeType: mimeType(options.get("format")) };
}

function prescribedWords(options) {
  const entries = lines(options.get("terms")).map(parseTerm);
  const glossary = options.get("glossary");
  return {
    glossaryConfig: glossary || entries.length ? withoutEmpty({ glossary, entries }) : "",
    doNotTranslatePhrases: lines(options.get("keep")),
  };
}

function parseTerm(line) {
  const [, source, target] = /^(.*?)\s*=\s*(.*)$/.exec(line) ?? [];
  if (!source || !target) throw new Unusable(words("terms.wrong", { line }));
  return { sourceTerm: source, targetTerm: target };
}

function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

function enumValue(prefix, choice) {
  return choice && `${prefix}_${choice.toUpperCase().replaceAll("-", "_")}`;
}

function withoutEmpty(message) {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== "" && value?.length !== 0));
}
