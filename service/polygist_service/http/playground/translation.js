// Translations: asked for, followed while they are written, and linked with the article sentence by sentence.
import { mimeType, translateRequest } from "./requests.js";
import { fromBase64, nameWith } from "./saving.js";
import { placeWarnings, spanOf, warnedStretches } from "./warnings.js";
import { formatNumber, words } from "./words.js";

const ENDINGS = { "": "txt", markdown: "md", html: "html" };

/**
 * @param {{server: import("./server.js").Server, options: import("./options.js").Options, article: import("./article.js").Article}} desk
 * @param {string} target
 * @param {AbortSignal} signal
 * @param {import("./output.js").Output} output what is told of progress
 * @returns {Promise<import("./output.js").Answer>}
 */
export async function translate({ server, options, article }, target, signal, output) {
  const began = performance.now();
  const { file } = article;
  const asked = file
    ? await translateFile(server, options, file, target, signal)
    : await translateText(server, options, article, target, signal, output);
  return { ...present(asked, (performance.now() - began) / 1000), file };
}

async function translateText(server, options, { text: source, name }, target, signal, output) {
  const format = options.get("format");
  const request = translateRequest(options, target, source);
  let text = "";
  let translation = {};
  for await (const event of server.stream("v1/translate:stream", request, { signal })) {
    if (event.textDelta) output.append(event.textDelta);
    if (event.progress) output.progress(event.progress.completedCount ?? 0, event.progress.totalCount ?? 0);
    text += event.textDelta ?? "";
    translation = event.translation ?? translation;
  }
  const fileName = nameWith(name || `article.${ENDINGS[format]}`, translation.targetLanguageCode ?? target);
  return { text, source, translation, download: { name: fileName, type: mimeType(format), content: text } };
}

async function translateFile(server, options, file, target, signal) {
  const request = { config: translateRequest(options, target), includeText: true, name: file.name };
  const answer = await server.call("v1/documents:translate", request, { file, signal });
  const translation = answer.translation ?? {};
  const name = nameWith(file.name, translation.targetLanguageCode ?? target);
  return {
    text: answer.translatedText ?? "",
    source: answer.sourceText ?? "",
    translation,
    download: { name, type: answer.mimeType ?? "", content: fromBase64(answer.document ?? "") },
  };
}

function present({ text, source, translation, download }, seconds) {
  const warnings = placeWarnings(translation.warnings);
  const segments = (translation.segments ?? []).map(({ sourceSpan, targetSpan }, index) => (
    { source: spanOf(sourceSpan), target: spanOf(targetSpan), links: [`${index}`] }));
  return {
    text, source, warnings, download,
    language: translation.targetLanguageCode ?? "",
    sourceLanguage: translation.sourceLanguageCode ?? "",
    stretches: segments.map((segment) => linkedStretch(segment, warnings)),
    sourceStretches: [...segments.map((each) => ({ ...each.source, kind: "linked", links: each.links })), ...warnedStretches(warnings)],
    facts: () => tellFacts(translation, seconds),
  };
}

/** The stretch of a segment in the translation, which also belongs to the warnings about its source. */
function linkedStretch({ source, target, links }, warnings) {
  const about = warnings.filter(({ span }) => span && span.start < source.end && span.end > source.start);
  return {
    ...target,
    kind: about.length ? "linked warned" : "linked",
    links: [...links, ...about.map(({ link }) => link)],
    note: about.map(({ message }) => message).join("\n"),
  };
}

function tellFacts({ model, pivotLanguageCodes = [] }, seconds) {
  const facts = [model?.split("/").pop()];
  if (pivotLanguageCodes.length) facts.push(words("facts.pivot", { languages: pivotLanguageCodes.join(", ") }));
  return [...facts, words("facts.seconds", { seconds: formatNumber(seconds, 2) })].filter(Boolean).join(" · ");
}
