// Ticks without leaving the page, and shows what the other officers tick. Without this file the page is whole.
const EVERY = 3000; // ms
const form = document.getElementById("muster");
const list = document.getElementById("muster-list");
const visitor = document.getElementById("visitor");
const search = document.getElementById("q");
const unsent = document.getElementById("unsent");
const news = document.getElementById("news");
const live = document.getElementById("muster-live");
const language = document.documentElement.lang;
let lostSince;
const waiting = new Map(); // whom it is about -> the form that the server does not have yet; the last one counts
let refused = false; // a tick was, or the list is: we are not signed in any more
let searched = search.value !== ""; // the server left out who was not searched

const clock = () => new Date().toLocaleTimeString("en-GB", { timeZone: document.body.dataset.zone, hour: "2-digit", minute: "2-digit" });

function show() {
  const late = [...waiting.values()].some(({ tries }) => tries > 0);
  unsent.hidden = !refused && !late;
  if (!unsent.hidden) unsent.textContent = refused ? unsent.dataset.refused : unsent.dataset.one;
  for (const part of list.querySelectorAll(".person, .muster-space")) part.toggleAttribute("data-sending", waiting.has(part.id));
}

// The search of the server, at once: names and spaces without accents and capital letters.
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function filter() {
  const wanted = plain(search.value.trim());
  for (const space of list.querySelectorAll(".muster-space")) {
    const name = space.querySelector("h3").textContent;
    let any = false;
    for (const person of space.querySelectorAll(".person")) {
      person.hidden = !plain(`${person.querySelector(".person-name").textContent} ${name}`).includes(wanted);
      any ||= !person.hidden;
    }
    space.hidden = wanted !== "" && !any;
  }
  for (const zone of list.querySelectorAll(".zone")) zone.hidden = wanted !== "" && !zone.querySelector(".person:not([hidden])");
}

// "kept", "refused" (trying again would change nothing) or "later" (the server or the network is away)
async function send({ path, fields }) {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of fields) body.set(name, value);
  const answer = await fetch(path, { method: "POST", body, redirect: "manual", headers: { accept: "*/*" } });
  // A form that was kept sends the browser back to the list.
  if (answer.type === "opaqueredirect") return "kept";
  return answer.status >= 500 ? "later" : "refused";
}

async function sendAll() {
  for (const [about, entry] of waiting) {
    const outcome = await send(entry).catch(() => "later");
    entry.tries += 1;
    if (outcome === "later") return;
    refused = outcome === "refused";
    if (waiting.get(about) === entry) waiting.delete(about);
  }
}

function address() {
  const asked = new URLSearchParams({ zone: form.elements.zone.value, left: form.elements.left.value, language });
  if (!searched) asked.set("version", list.querySelector("[data-version]").dataset.version);
  return `/muster/list?${asked}`;
}

function tell(state) {
  lostSince = state === "live" ? undefined : (lostSince ?? clock());
  const text = live.dataset[state].replace("{time}", lostSince);
  live.dataset.state = state;
  if (live.textContent !== text) live.firstElementChild.textContent = text;
}

function isSelected() {
  const selection = getSelection();
  return !selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(list);
}

// Where the focus was: the button of a person or a space, which may have another state now.
function focusAgain(held) {
  const part = held && document.getElementById(held);
  part?.querySelector(part.matches(".person") ? "button" : ".muster-together button")?.focus({ preventScroll: true });
}

async function renew() {
  const answer = await fetch(address());
  tell(answer.status >= 500 ? "lost" : "live");
  if (answer.status === 410) return location.replace("/muster"); // closed
  if (answer.status >= 400 && answer.status < 500) refused = true;
  if (answer.status !== 200 || isSelected()) return; // the next turn asks again
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const said = list.querySelector("[data-say]").dataset.say;
  const held = list.contains(document.activeElement) ? document.activeElement.closest(".person, .muster-space")?.id : undefined;
  list.replaceChildren(template.content);
  searched = false;
  filter();
  focusAgain(held);
  const now = list.querySelector("[data-say]").dataset.say;
  if (now !== said) news.textContent = now;
}

let busy = false;
let again = false; // something was ticked while a turn was under way
async function turn() {
  if (busy) return;
  busy = true;
  do {
    again = false;
    await sendAll();
    await renew().catch(() => tell("lost"));
    show();
  } while (again);
  busy = false;
}

function later(about, path, fields) {
  waiting.delete(about); // what was pressed last is sent last
  waiting.set(about, { path, fields, tries: 0 });
  again = true;
  show();
  turn();
}

form.addEventListener("submit", (event) => {
  const { name, value, formAction } = event.submitter ?? {};
  if (name === "tick") later(`person-${value.split(":")[0]}`, form.action, [[name, value]]);
  else if (name === "together") later(`space-${value.split(":")[0]}`, formAction, [[name, value]]);
  else return; // a visitor is removed as any form is sent
  event.preventDefault();
});

// A key of its own for each visitor, so that one that was sent twice is entered once.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

visitor.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = [...new FormData(visitor, event.submitter)];
  later(`visitor-${visitor.elements.key.value}`, visitor.action, fields);
  visitor.elements.key.value = newKey();
  visitor.elements.name.value = "";
  visitor.elements.name.focus();
});

search.addEventListener("input", filter);
search.form.addEventListener("submit", (event) => {
  if (document.activeElement === search) event.preventDefault(); // the list is filtered already
});

let source;
function connect() {
  source?.close();
  source = new EventSource(`/muster/live?language=${language}`);
  source.addEventListener("changed", () => { again = true; turn(); });
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000); };
}

connect();
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (event) => event.persisted && connect());
setInterval(turn, EVERY);
turn();
addEventListener("beforeunload", (event) => { if (waiting.size) event.preventDefault(); });
