// Ticks without leaving the page, and shows what the other officers tick. Without this file the page is whole.
const EVERY = 3000; // ms
const form = document.getElementById("muster");
const list = document.getElementById("muster-list");
const unsent = document.getElementById("unsent");
const news = document.getElementById("news");
const live = document.getElementById("muster-live");
let lostSince;
const waiting = new Map(); // person -> the tick that the server does not have yet; the last one counts
let refused = false; // a tick was, or the list is: we are not signed in any more

const clock = () => new Date().toLocaleTimeString("en-GB", { timeZone: document.body.dataset.zone, hour: "2-digit", minute: "2-digit" });

function show() {
  const late = [...waiting.values()].some(({ tries }) => tries > 0);
  unsent.hidden = !refused && !late;
  if (!unsent.hidden) unsent.textContent = refused ? unsent.dataset.refused : unsent.dataset.one;
  for (const person of list.querySelectorAll(".person")) {
    person.toggleAttribute("data-sending", waiting.has(person.id.replace("person-", "")));
  }
}

// "kept", "refused" (trying again would change nothing) or "later" (the server or the network is away)
async function send(tick) {
  const body = new URLSearchParams(new FormData(form));
  body.set("tick", tick);
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual", headers: { accept: "*/*" } });
  // A tick that was kept sends the browser back to the list.
  if (answer.type === "opaqueredirect") return "kept";
  return answer.status >= 500 ? "later" : "refused";
}

async function sendAll() {
  for (const [person, entry] of waiting) {
    const outcome = await send(entry.tick).catch(() => "later");
    entry.tries += 1;
    if (outcome === "later") return;
    refused = outcome === "refused";
    if (waiting.get(person) === entry) waiting.delete(person);
  }
}

function address() {
  const asked = new URLSearchParams(location.search);
  asked.delete("problem");
  asked.set("language", document.documentElement.lang);
  asked.set("version", list.querySelector("[data-version]").dataset.version);
  return `/muster/list?${asked}`;
}

function tell(state) {
  lostSince = state === "live" ? undefined : (lostSince ?? clock());
  const text = live.dataset[state].replace("{time}", lostSince);
  live.dataset.state = state;
  if (live.textContent !== text) live.firstElementChild.textContent = text;
}

async function renew() {
  const answer = await fetch(address());
  tell(answer.status >= 500 ? "lost" : "live");
  if (answer.status === 410) return location.reload(); // closed
  if (answer.status >= 400 && answer.status < 500) refused = true;
  if (answer.status !== 200) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const said = list.querySelector("[data-say]").dataset.say;
  const focused = list.contains(document.activeElement) ? document.activeElement.closest(".person")?.id : undefined;
  list.replaceChildren(template.content);
  if (focused) document.getElementById(focused)?.querySelector("button")?.focus({ preventScroll: true });
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

form.addEventListener("submit", (event) => {
  const tick = event.submitter?.value;
  if (!tick) return;
  event.preventDefault();
  waiting.set(tick.split(":")[0], { tick, tries: 0 });
  again = true;
  show();
  turn();
});
setInterval(turn, EVERY);
turn();
addEventListener("beforeunload", (event) => { if (waiting.size) event.preventDefault(); });
