// Summaries: asked for, followed while they are written, and linked with the passages that they rest on.
import { summariseRequest } from "./requests.js";
import { nameWith } from "./saving.js";
import { placeWarnings, spanOf, warnedStretches } from "./warnings.js";
import { countedWords, formatNumber, words } from "./words.js";

/**
 * @param {{server: import("./server.js").Server, options: import("./options.js").Options, article: import("./article.js").Article}} desk
 * @param {AbortSignal} signal
 * @param {import("./output.js").Output} output what is told of progress
 * @returns {Promise<import("./output.js").Answer>}
 */
export async function summarise({ server, options, article }, signal, output) {
  const { file, text: source, name } = article;
  const began = performance.now();
  const request = summariseRequest(options, file ? undefined : source);
  let text = "";
  let summary = {};
  for await (const event of server.stream("v1/summarise:stream", request, { file, signal })) {
    if (event.textDelta) output.append(event.textDelta);
    if (event.progress) output.progress(event.progress.completedCount ?? 0, event.progress.totalCount ?? 0);
    text += event.textDelta ?? "";
    summary = event.summary ?? summary;
  }
  const seconds = (performance.now() - began) / 1000;
  return present(summary, text, file ? (summary.sourceText ?? "") : source, seconds, { file, name });
}

function present(summary, text, source, seconds, { file, name }) {
  const sentences = summary.sentences ?? [];
  const warnings = placeWarnings(summary.warnings);
  const cited = sentences.flatMap(({ citations = [] }, index) =>
    citations.map(({ sourceSpan }) => ({ ...spanOf(sourceSpan), kind: "cited", links: [`${index}`], number: `${index + 1}` })));
  return {
    text, source, warnings, file,
    language: summary.targetLanguageCode ?? "",
    sourceLanguage: summary.sourceLanguageCode ?? "",
    stretches: sentences.map(({ summarySpan }, index) => (
      { ...spanOf(summarySpan), kind: "linked", links: [`${index}`], number: `${index + 1}` })),
    sourceStretches: [...cited, ...warnedStretches(warnings)],
    count: sentences.length,
    notes: new Map(sentences.map((sentence, index) => (
      [`${index}`, () => (isWordForWord(sentence, text, source) ? words("rests.whole") : tellSupport(sentence.citations))]))),
    facts: () => tellFacts(summary, seconds),
    download: { name: nameWith(`${(name || "article").replace(/\.\w+$/, "")}.txt`, "summary"), type: "text/plain", content: text },
  };
}

/** Whether a sentence of the summary `text` is one of the article `source`. */
function isWordForWord({ summarySpan, citations = [] }, text, source) {
  const slice = (whole, span) => whole.slice(spanOf(span).start, spanOf(span).end);
  return citations.some(({ sourceSpan }) => slice(source, sourceSpan) === slice(text, summarySpan));
}

function tellSupport(citations = []) {
  const support = Math.max(0, ...citations.map(({ supportScore = 0 }) => supportScore));
  return countedWords("rests", citations.length, { support: formatNumber(100 * support) });
}

function tellFacts(summary, seconds) {
  const method = { SUMMARY_METHOD_EXTRACTIVE: "facts.extractive", SUMMARY_METHOD_ABSTRACTIVE: "facts.abstractive" }[summary.method];
  const model = summary.model?.split("/").pop();
  return [model, method && words(method), words("facts.seconds", { seconds: formatNumber(seconds, 2) })].filter(Boolean).join(" · ");
}
