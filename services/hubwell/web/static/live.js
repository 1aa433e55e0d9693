// Keeps the page live: rows that changed arrive as rendered fragments. Without this file the page is whole.
const SILENCE = 40_000; // ms without a word, heartbeats included, before the connection counts as lost
const live = document.getElementById("live");
const news = document.getElementById("news");
const { page, zone } = document.body.dataset;
const ages = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const postponed = new Map(); // id of an element -> what replaces it once nobody selects or uses it
const plans = document.querySelector("[data-plans]")?.dataset.plans; // version of the floor plans that the page shows
let loaded = 0; // when the board was loaded in place of a stream
let outdated = false; // whether the floor plans have another version by now
let source, heard, lostSince, status;

const clock = () => new Date().toLocaleTimeString("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });

// The address of a piece of this page: of the same question, in the language of the page.
function piece(path) {
  const asked = new URLSearchParams(location.search);
  asked.set("language", document.documentElement.lang);
  return `${path}?${asked}`;
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// Whether something was chosen or typed in a form that was not sent yet.
function isFilledIn(element) {
  const preset = (select) => Math.max(0, [...select.options].findIndex((option) => option.defaultSelected));
  return [...element.querySelectorAll("select, input")].some((field) => field.matches("select")
    ? field.selectedIndex !== preset(field)
    : field.value !== field.defaultValue || field.checked !== field.defaultChecked);
}

// Whether a person selects text in an element, uses it, or reads a table that is opened in it.
function isBusy(element) {
  const selection = getSelection();
  const selected = !selection.isCollapsed && selection.rangeCount && selection.getRangeAt(0).intersectsNode(element);
  const focus = document.activeElement;
  return selected || (element !== focus && element.contains(focus)) || element.querySelector("details[open]") !== null
    || isFilledIn(element);
}

// An element as text, without the ages that the browser counts itself.
function content(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time[data-age]")) time.replaceWith("age");
  return copy.innerHTML;
}

// Makes the children of an element those of another one, and keeps every element that says the same as before.
function replaceDifferent(before, after) {
  const fresh = [...after.childNodes];
  const old = [...before.childNodes];
  if (old.length !== fresh.length || old.some((node, place) => node.nodeName !== fresh[place].nodeName)) {
    before.replaceChildren(...fresh);
    return;
  }
  old.forEach((node, place) => {
    if (node.isEqualNode(fresh[place])) return;
    if (node.firstChild && node.cloneNode().isEqualNode(fresh[place].cloneNode())) replaceDifferent(node, fresh[place]);
    else node.replaceWith(fresh[place]);
  });
}

// Replaces what says something else; where only ages moved, those are set.
function update(id, after) {
  const before = document.getElementById(id);
  if (!before) return;
  postponed.delete(id);
  if (content(before) !== content(after)) {
    if (isBusy(before)) postponed.set(id, after);
    else replaceDifferent(before, after);
    return;
  }
  const times = after.querySelectorAll("time[data-age]");
  before.querySelectorAll("time[data-age]").forEach((time, place) => { time.dateTime = times[place].dateTime; });
}

function updatePostponed() {
  for (const [id, after] of postponed) update(id, after);
  followPlans();
}

// Another floor plan has another style sheet: the page is loaded again, once nobody uses anything on it. A plan that was
// scrolled has the focus, and is in no use.
function followPlans() {
  const main = document.getElementById("main");
  if (!outdated || isFilledIn(main) || !getSelection().isCollapsed || main.querySelector(":focus:not(.around)")) return;
  location.reload();
}

function comparePlans({ version }) {
  outdated = plans !== undefined && version !== plans;
  followPlans();
}

function show() {
  const state = lostSince ? "lost" : status?.state;
  const text = live.dataset[state]?.replace("{time}", lostSince ?? status.since);
  if (!text || live.textContent === text) return;
  live.dataset.state = state;
  live.firstElementChild.textContent = text;
}

function hear(handle) {
  return (event) => {
    heard = Date.now();
    lostSince = undefined;
    handle?.(JSON.parse(event.data));
    show();
  };
}

function lose() {
  lostSince ??= clock();
  show();
}

function replaceRow({ id, fits, rank, html, mark }) {
  const row = document.getElementById(`space-${id}`);
  if (!row) return appear();
  const after = parse(html).firstElementChild;
  const now = document.getElementById(after.id);
  if (now.dataset.say !== after.dataset.say) news.textContent = after.dataset.say;
  now.dataset.say = after.dataset.say;
  update(after.id, after);
  row.hidden = !fits;
  const marked = mark && document.getElementById(`mark-${id}`); // on a floor plan, where the space is placed
  if (marked) {
    update(marked.id, parse(mark).querySelector("li"));
    marked.hidden = !fits;
  }
  if (row.dataset.rank !== String(rank)) move(row, rank);
}

// Free spaces stay first in their group; a row moves only while nobody uses it.
function move(row, rank) {
  if (isBusy(row) || row.contains(document.activeElement)) return;
  row.dataset.rank = rank;
  const order = ({ dataset }) => Number(dataset.group) * 1e9 + Number(dataset.rank) * 1e6 + Number(dataset.place);
  const next = [...row.parentElement.children].find((other) => other !== row && other.dataset.rank && order(other) > order(row));
  row.parentElement.insertBefore(row, next ?? null);
}

// A space that is not on the page yet: load the page again, but never twice in a row.
function appear() {
  if (performance.now() > 10_000 || document.querySelector(".empty")) location.reload();
}

const replaceSummary = ({ html }) => update("summary", parse(html).firstElementChild);

async function replacePlots() {
  const answer = await fetch(piece("/plots"));
  if (!answer.ok) return;
  for (const after of parse(await answer.text()).querySelectorAll("figure")) update(after.id, after);
}

async function replaceMain() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const after = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  comparePlans({ version: after.querySelector("[data-plans]")?.dataset.plans });
  update("main", after);
}

// In an evacuation nothing that was offered before stays on the page, whatever a person does with it.
async function evacuate() {
  getSelection().removeAllRanges();
  if (document.getElementById("main").contains(document.activeElement)) document.activeElement.blur();
  for (const opened of document.querySelectorAll("main details[open]")) opened.open = false;
  for (const form of document.querySelectorAll("main form")) form.reset();
  await replaceMain();
}

// A stream that is refused, as where too many are open: the board is loaded now and then, as other pages are anyway.
function loadInstead() {
  if (page !== "board" || Date.now() - loaded < 15_000) return;
  loaded = Date.now();
  quietly(replaceMain)();
}

function connect() {
  source?.close();
  heard = Date.now();
  source = new EventSource(piece("/live"));
  source.addEventListener("status", hear((news) => { status = news; }));
  source.addEventListener("beat", hear());
  source.addEventListener("evacuation", hear(() => document.dispatchEvent(new Event("evacuation-news"))));
  source.addEventListener("space", hear(page === "board" ? replaceRow : undefined));
  source.addEventListener("plans", hear(comparePlans));
  source.addEventListener("summary", hear(page === "board" ? replaceSummary : undefined));
  source.onerror = () => {
    lose();
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(connect, 5000);
    loadInstead();
  };
}

function tick() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
    const age = seconds < 60 ? ages.format(-seconds, "second") : ages.format(-Math.floor(seconds / 60), "minute");
    const text = live.dataset.heard.replace("{age}", age);
    if (time.textContent !== text && !isBusy(time)) time.textContent = text;
  }
  followPlans();
  if (Date.now() - heard > SILENCE) {
    lose();
    connect();
  }
}

const quietly = (task) => () => task().catch(() => {}); // offline: the line at the top says so
if (live) {
  connect();
  setInterval(tick, 5000);
  setInterval(quietly(page === "board" ? replacePlots : replaceMain), page === "board" ? 60_000 : 10_000);
  for (const event of ["selectionchange", "focusout"]) document.addEventListener(event, () => setTimeout(updatePostponed));
  document.addEventListener("evacuation-changed", quietly(evacuate));
  // What is printed is as of now, however long the page has been open.
  addEventListener("beforeprint", () => {
    const form = { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
    const { lang } = document.documentElement;
    const language = lang === "en" ? "en-GB" : lang; // as all dates of the pages: 29 Nov, 23:45
    document.getElementById("printed").textContent = new Intl.DateTimeFormat(language, form).format();
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && connect());
} else {
  // An error page: come back when the server can answer again.
  setInterval(quietly(async () => { if ((await fetch(location.href, { headers: { accept: "text/html" } })).ok) location.reload(); }), 5000);
}
