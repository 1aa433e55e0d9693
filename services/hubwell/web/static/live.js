// Keeps the page live: cards that changed arrive as rendered fragments. Without this file the page is whole.
const SILENCE = 40_000; // ms without a word, heartbeats included, before the connection counts as lost
const live = document.getElementById("live");
const news = document.getElementById("news");
const { page, zone } = document.body.dataset;
const ages = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
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

function replaceCard({ id, fits, html }) {
  const card = document.getElementById(`space-${id}`);
  if (!card) return appear();
  const before = card.querySelector(".now");
  const after = parse(html).firstElementChild;
  if (before.dataset.say !== after.dataset.say) news.textContent = after.dataset.say;
  before.replaceWith(after);
  card.hidden = !fits;
}

// A space that is not on the page yet: load it anew, but never twice in a row.
function appear() {
  if (performance.now() > 10_000 || document.querySelector(".empty")) location.reload();
}

function replaceSummary({ html }) {
  const before = document.getElementById("summary");
  if (!before.contains(document.activeElement)) before.replaceWith(parse(html));
}

async function replacePlots() {
  const answer = await fetch(piece("/plots"));
  if (!answer.ok) return;
  for (const after of parse(await answer.text()).querySelectorAll("figure")) {
    const before = document.getElementById(after.id);
    if (before && !before.querySelector("details[open]") && !before.contains(document.activeElement)) before.replaceWith(after);
  }
}

async function replaceMain() {
  const main = document.getElementById("main");
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || (main !== document.activeElement && main.contains(document.activeElement))) return;
  const after = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  main.replaceChildren(...after.childNodes);
}

function connect() {
  source?.close();
  heard = Date.now();
  source = new EventSource(piece("/live"));
  source.addEventListener("status", hear((told) => { status = told; }));
  source.addEventListener("beat", hear());
  source.addEventListener("space", hear(page === "board" ? replaceCard : undefined));
  source.addEventListener("summary", hear(page === "board" ? replaceSummary : undefined));
  source.onerror = () => {
    lose();
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  };
}

function tick() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
    const age = seconds < 60 ? ages.format(-seconds, "second") : ages.format(-Math.floor(seconds / 60), "minute");
    time.textContent = live.dataset.heard.replace("{age}", age);
  }
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
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && connect());
} else {
  // An error page: come back when the server can answer again.
  setInterval(quietly(async () => { if ((await fetch(location.href, { headers: { accept: "text/html" } })).ok) location.reload(); }), 5000);
}
