// The page: it ties the article, the options and the two outputs together.
import { Article } from "./article.js";
import { Detection } from "./detection.js";
import { describe } from "./failures.js";
import { makeLink, readFragment, writeFragment } from "./fragment.js";
import { offerLanguages, offerResources } from "./languages.js";
import { Options } from "./options.js";
import { Output } from "./output.js";
import { Presence } from "./presence.js";
import { mimeType } from "./requests.js";
import { copyText } from "./saving.js";
import { Server } from "./server.js";
import { Sheet } from "./sheet.js";
import { summarise } from "./summary.js";
import { translate } from "./translation.js";
import { countedWords, pageLanguage, preferredLanguage, speak, words } from "./words.js";

const TASKS = ["summarise", "translate"];
const SAID = 2500; // milliseconds that the link button says what it has done

const byId = (id) => document.getElementById(id);
const server = new Server();
const options = new Options();
const presence = new Presence(server);
const detection = new Detection(server);
const article = new Article();
const sheet = new Sheet();
const outputs = Object.fromEntries(TASKS.map((task) => [task, new Output(byId(`panel-${task}`), task)]));
const desk = { server, options, article };
const running = { summarise: null, translate: null }; // AbortControllers

const shownTask = () => (options.get("do") === "translate" ? "translate" : "summarise");

/** The language to translate into: that of the reader's choice, or else a likely one that can be had. */
function chosenTarget() {
  if (options.get("to")) return options.get("to");
  const source = options.get("from") || detection.code;
  const possible = presence.languages.targets(source).filter((code) => code !== source);
  const wanted = [pageLanguage(), ...navigator.languages.map((tag) => tag.split("-")[0]), "en"];
  return wanted.find((code) => possible.includes(code)) ?? possible[0] ?? (source === "en" ? "pt" : "en");
}

async function run(task) {
  if (running[task]) return running[task].abort();
  const output = outputs[task];
  if (article.isEmpty) return askForArticle(output);
  const stopper = new AbortController();
  running[task] = stopper;
  output.start({ isList: task === "summarise" && options.get("type") === "key-points" });
  article.showBeginning();
  sheet.bringIntoView(byId("results"));
  showRunning();
  announce(words(`working.${task}`));
  try {
    const answer = await (task === "summarise" ? summarise(desk, stopper.signal, output) : translateOnce(stopper.signal));
    if (running[task] === stopper) finish(task, answer);
  } catch (error) {
    if (running[task] !== stopper) return;
    if (error.name === "AbortError") output.stop();
    else fail(output, error);
  } finally {
    if (running[task] === stopper) running[task] = null;
    showRunning();
  }
}

function askForArticle(output) {
  output.empty();
  article.note(() => words("article.missing"));
  byId("text").focus();
}

/** Another article takes the place of the one that all answers are about. */
function startAnew() {
  for (const task of TASKS) {
    running[task]?.abort();
    running[task] = null;
    outputs[task].empty();
  }
  sheet.close();
  showRunning();
}

/** Translate; where the reader has chosen no language, and the likely one is that of the article, into another. */
async function translateOnce(signal) {
  const output = outputs.translate;
  if (!options.get("to") && !options.get("from")) await detection.settle();
  const target = chosenTarget();
  const answer = await translate(desk, target, signal, output);
  if (options.get("to") || answer.sourceLanguage !== target) return answer;
  detection.set(answer.sourceLanguage);
  if (chosenTarget() === target) return answer;
  output.start();
  return translate(desk, chosenTarget(), signal, output);
}

function finish(task, answer) {
  const output = outputs[task];
  output.finish(answer, presence.languages.direction(answer.language));
  if (answer.sourceLanguage && !options.get("from")) detection.set(answer.sourceLanguage);
  showPassages();
  announce(task === "summarise"
    ? countedWords("finished.summarise", answer.count)
    : words("finished.translate", { language: presence.languages.name(answer.language) }));
}

function fail(output, error) {
  output.fail(() => describe(error, presence.languages));
  presence.notice(error);
}

/** Show the article with the passages of the answer in the shown tab, where it is still that article. */
function showPassages() {
  const task = shownTask();
  const { answer } = outputs[task];
  const isSame = answer !== null && (article.file !== null ? answer.file === article.file : answer.source === article.text);
  outputs[task].setStale(answer !== null && !isSame);
  if (answer === null || !isSame || answer.source === "") {
    if (article.isRead) article.edit({ keepsFocus: true });
    return;
  }
  article.links.link(outputs[task].links);
  article.read(answer.source, answer.sourceStretches, answer.sourceLanguage, presence.languages.direction(answer.sourceLanguage));
}

function announce(text) {
  byId("announcer").textContent = text;
}

function showTask() {
  for (const task of TASKS) {
    const isShown = task === shownTask();
    byId(`panel-${task}`).hidden = !isShown;
    byId(`tab-${task}`).setAttribute("aria-selected", isShown);
    byId(`tab-${task}`).tabIndex = isShown ? 0 : -1;
  }
  sheet.close();
  showPassages();
}

function showRunning() {
  for (const task of TASKS) {
    const button = byId(`run-${task}`);
    button.textContent = words(running[task] ? "stop" : task);
    button.classList.toggle("running", running[task] !== null);
  }
}

function showDetection() {
  const { code, isSure } = detection;
  const name = presence.languages.name(code);
  const auto = code ? words(isSure ? "language.detected" : "language.guessed", { language: name }) : words("language.auto");
  byId("from").options[0].textContent = auto;
  byId("to").options[0].textContent = words("target.auto", { language: presence.languages.name(chosenTarget()) });
  const source = options.get("from") || code;
  article.setLanguage(source, presence.languages.direction(source));
}

function showPresence() {
  byId("server").dataset.state = presence.state;
  byId("server-words").textContent = presence.tell();
  const { languages, models, glossaries } = presence;
  const named = (task) => models.filter(({ tasks = [] }) => tasks.includes(task)).map(({ name }) => name);
  offerLanguages(byId("from"), languages, languages.codes(), words("language.auto"));
  const withChosen = (name) => [...new Set([...languages.targets(""), options.get(name)])].filter(Boolean);
  offerLanguages(byId("to"), languages, withChosen("to"), "");
  offerLanguages(byId("in"), languages, withChosen("in"), words("summary.language.same"));
  offerResources(byId("summariser"), named("TASK_SUMMARISE"));
  offerResources(byId("translator"), named("TASK_TRANSLATE"));
  offerResources(byId("glossary"), glossaries, words("glossary.none"));
  options.showAll();
  showDetection();
  if (presence.state === "ready") detection.follow(article.text, mimeType(options.get("format")));
}

function showChanged() {
  const count = options.hiddenCount();
  byId("changed").hidden = count === 0;
  byId("changed").textContent = count;
  byId("changed").setAttribute("aria-label", countedWords("options.changed", count));
}

function showLanguage() {
  speak(options.get("ui") || preferredLanguage());
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === pageLanguage());
  }
  article.refreshWords();
  for (const task of TASKS) outputs[task].refreshWords();
  showRunning();
  showChanged();
  showPresence();
}

function takeFragment() {
  const { text = "", ...told } = readFragment();
  options.replace(told);
  if (text) article.setText(text);
  writeFragment(options.all());
}

async function copyLink() {
  const { address, includesText } = makeLink(options.all(), article.file ? "" : article.text);
  if (!(await copyText(address))) return;
  const label = byId("link").querySelector("span");
  label.textContent = words("copied");
  announce(words(includesText ? "link.copied" : "link.copied.options"));
  setTimeout(() => (label.textContent = words("link")), SAID);
}

function openOptions() {
  byId("options").showModal();
  if (presence.state === "key") byId("key").focus();
}

function changeOption(name) {
  writeFragment(options.all());
  if (name === "ui") showLanguage();
  if (name === "ui" && presence.state === "ready") presence.ask();
  if (name === "do") showTask();
  if (name === "format") detection.follow(article.text, mimeType(options.get("format")));
  if (name === "from" || name === "to") showDetection();
  showChanged();
}

function listenToTasks() {
  for (const task of TASKS) {
    const output = outputs[task];
    byId(`run-${task}`).addEventListener("click", () => run(task));
    byId(`tab-${task}`).addEventListener("click", () => options.set("do", task === "summarise" ? "" : task));
    output.addEventListener("retry", () => {
      byId(`run-${task}`).focus(); // the button of the failure goes away with it
      run(task);
    });
    output.addEventListener("options", openOptions);
    output.addEventListener("warning", ({ detail }) => article.links.focus([detail]));
    output.links.addEventListener("choose", ({ detail }) => sheet.quote(article.links, detail, "counterpart.article"));
  }
  byId("results").querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    options.set("do", shownTask() === "summarise" ? "translate" : "");
    byId(`tab-${shownTask()}`).focus();
  });
  article.links.addEventListener("choose", ({ detail }) => {
    const task = shownTask();
    sheet.quote(outputs[task].links, detail, task === "summarise" ? "counterpart.summary" : "counterpart.translation");
  });
}

function listenToPage() {
  options.addEventListener("change", ({ detail }) => changeOption(detail));
  presence.addEventListener("change", showPresence);
  detection.addEventListener("change", showDetection);
  article.addEventListener("replace", startAnew);
  article.addEventListener("change", () => {
    for (const task of TASKS) outputs[task].forgetFailure();
    detection.follow(article.text, mimeType(options.get("format")));
    showPassages();
  });
  article.addEventListener("format", ({ detail }) => options.set("format", detail));
  byId("example").addEventListener("click", () => article.setText(words("example.text")));
  byId("key").addEventListener("change", ({ target }) => {
    server.useKey(target.value);
    presence.ask();
  });
  byId("more").addEventListener("click", openOptions);
  byId("reset").addEventListener("click", () => options.reset());
  byId("link").addEventListener("click", copyLink);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the fragment holds the options
    byId("results").focus();
  });
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => options.set("ui", button.dataset.language));
  }
  addEventListener("hashchange", takeFragment);
  addEventListener("beforeunload", (event) => {
    if (article.isWritten && !article.isEmpty) event.preventDefault(); // the browser asks
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !byId("options").open) run(shownTask());
  });
}

options.bind();
takeFragment();
showLanguage();
showTask();
listenToTasks();
listenToPage();
presence.ask();
