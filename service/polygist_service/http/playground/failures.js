// What the reader is told of a failure: what happened, what to do about it, and what the server said.
import { Interrupted, ServerError, Unreachable } from "./server.js";
import { formatNumber, words } from "./words.js";

const SERVE = "polygist-server serve --http-listen";
const PULL = "polygist-server models pull";

/**
 * @typedef {object} Failure
 * @property {string} title
 * @property {string} advice
 * @property {string} [command] for a terminal
 * @property {string} detail the server's own words
 * @property {boolean} [isInOptions] whether the cure stands in the options
 */

/** @returns {Failure} @param {Error} error @param {import("./languages.js").Languages} languages */
export function describe(error, languages) {
  if (error instanceof Unreachable) {
    return {
      title: words("failed.gone"), advice: words("failed.gone.advice", { address: location.host }),
      command: `${SERVE} ${location.host}`, detail: "",
    };
  }
  if (error instanceof Interrupted) return { title: words("failed.broken"), advice: words("failed.broken.advice"), detail: "" };
  if (!(error instanceof ServerError)) return { title: words("failed.field"), advice: error.message, detail: "" };
  const request = error.requestId ? words("failed.request", { id: error.requestId }) : "";
  const told = BY_REASON[error.reason]?.(error, languages) ?? byStatus(error);
  return { ...told, detail: [error.message, request].filter(Boolean).join("\n") };
}

const DOCUMENT_FIELDS = ["document", "document.content"];

const BY_REASON = {
  API_KEY_MISSING: () => inOptions("failed.key"),
  API_KEY_INVALID: () => ({ ...inOptions("failed.key"), title: words("failed.key.wrong") }),
  SCOPE_MISSING: (error) => says("failed.scope", { scope: error.metadata.scope ?? "" }),
  QUOTA_EXCEEDED: (error) => later("failed.quota", error),
  MODEL_LOADING: (error) => later("failed.loading", error),
  SERVER_OVERLOADED: (error) => later("failed.busy", error),
  SERVER_DRAINING: (error) => later("failed.draining", error),
  REQUEST_TOO_LARGE: (error) => tooLarge(error.metadata.limit),
  LANGUAGE_PAIR_UNSUPPORTED: (error, languages) => noPair(error, languages),
  LANGUAGE_UNDETERMINED: () => says("failed.undetermined"),
  CAPABILITY_UNSUPPORTED: (error) => withPull(inOptions("failed.capability"), error),
  METHOD_UNSUPPORTED: () => inOptions("failed.capability"),
  MODEL_NOT_FOUND: (error) => withPull(inOptions("failed.model"), error),
  GLOSSARY_NOT_FOUND: () => inOptions("failed.model"),
  MIME_TYPE_UNSUPPORTED: () => says("failed.type"),
  FIELD_INVALID: (error) => says(DOCUMENT_FIELDS.includes(error.metadata.field) ? "failed.document" : "failed.field"),
};

function byStatus(error) {
  if (error.status === "DEADLINE_EXCEEDED") return says("failed.deadline");
  if (error.status === "UNAVAILABLE") return later("failed.busy", error);
  if (error.status === "RESOURCE_EXHAUSTED") return tooLarge();
  if (error.status === "INVALID_ARGUMENT") return says("failed.field");
  return says("failed.inside");
}

function says(key, values = {}) {
  return { title: words(key, values), advice: words(`${key}.advice`, values) };
}

function inOptions(key) {
  return { ...says(key), isInOptions: true };
}

function later(key, error) {
  const advice = error.retrySeconds ? words("failed.wait", { seconds: formatNumber(error.retrySeconds) }) : words("failed.later");
  return { title: words(key), advice };
}

function tooLarge(limit) {
  const value = Number(limit);
  if (!value) return { title: words("failed.large"), advice: words("failed.large.advice.plain") };
  return says("failed.large", { limit: formatNumber(value) });
}

function noPair(error, languages) {
  const { source = "", target = "" } = error.metadata;
  return withPull(says("failed.pair", { source: languages.name(source), target: languages.name(target) }), error);
}

function withPull(told, error) {
  if (!error.metadata.pull) return told;
  return { ...told, advice: `${told.advice} ${words("failed.pair.pull")}`, command: `${PULL} ${error.metadata.pull}` };
}
