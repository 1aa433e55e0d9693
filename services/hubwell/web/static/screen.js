// Keeps a screen live for months: asks every few seconds, says since when it is not live, and loads itself again
// after an upgrade. The clock is the server's, in the hub's zone: that of a television may be wrong, or be set meanwhile.
// The targets of a panel open their parts in place, so that the state is there to go back to while the server is away.
const place = document.getElementById("screen");
const EVERY = place.dataset.every * 1_000; // ms
const LIMIT = place.dataset.limit * 1_000 || EVERY * 2; // ms until a look is given up
const PATIENCE = 8_000; // ms until a press is answered with "cannot be reached"
const clock = document.getElementById("clock");
const live = document.getElementById("live");
const pressed = document.getElementById("pressed"); // on a panel: what became of a press
const hub = document.querySelector(".hub").textContent.trim();
const { zone } = document.body.dataset;
let shownAt; // the server's time of what is shown, and this browser's count of milliseconds then
let countedAt;
let content; // of what is shown, as the server sent it
let vanishing;
let part = ""; // address of the part that is shown; empty for the state
let state; // the state as it was shown last
let opener = ""; // id of the target that was pressed
let returning;
let silencing;
let looking;
let busy = false;

const shown = () => place.querySelector("[data-at]");
const time = (moment) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(moment);
const plain = (element) => element.innerHTML.replace(/name="csrf" value="[^"]*"/g, ""); // differs in every answer

function tick() {
  const text = time(shownAt + performance.now() - countedAt);
  if (clock.textContent !== text) clock.textContent = text;
}

function note() {
  shownAt = Date.parse(shown().dataset.at);
  countedAt = performance.now();
  live.textContent = "";
  document.title = `${place.querySelector("h1").textContent} · ${hub}`;
  tick();
}

// What is for one person goes by itself, also without the server.
function letVanish() {
  clearTimeout(vanishing);
  const answer = place.querySelector("[data-vanishes]");
  if (!answer) return;
  vanishing = setTimeout(() => {
    answer.remove();
    place.querySelector(".rest").hidden = false;
  }, Number(answer.dataset.vanishes));
}

function letReturn(after) {
  clearTimeout(returning);
  if (part) returning = setTimeout(goHome, after);
}

// Notes what is shown now, and of what kind it is.
function keep() {
  const now = shown();
  content = plain(now);
  part = now.dataset.self ?? "";
  if (!part) state = now;
  letVanish();
  letReturn(Number(now.dataset.returns));
}

function show(next) {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  place.replaceChildren(next);
  if (focused) document.getElementById(focused)?.focus();
  keep();
}

async function read(answer) {
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content.querySelector("[data-at]");
}

async function renew() {
  const wanted = part;
  const asked = new URL(part || place.dataset.source, location);
  asked.searchParams.set("language", document.documentElement.lang);
  const answer = await fetch(asked, { signal: AbortSignal.timeout(LIMIT) });
  if ([403, 404, 410].includes(answer.status)) return location.reload(); // archived, or not paired: the page says so
  if (!answer.ok) throw new Error(answer.status);
  const next = await read(answer);
  if (part !== wanted) return; // another one was opened, or left, meanwhile
  if (!next) return location.reload();
  const { files, version } = shown().dataset;
  if (next.dataset.files !== files || next.dataset.version !== version) return location.reload();
  if (plain(next) === content) {
    shown().dataset.at = next.dataset.at;
  } else {
    show(next);
  }
  note();
}

function sayLost() {
  live.textContent = live.dataset.lost.replace("{time}", time(shownAt));
}

// A part that waits for a badge says how soon to look again.
function lookLater() {
  clearTimeout(looking);
  looking = setTimeout(keepLive, Number(shown().dataset.soon) || EVERY);
}

async function keepLive() {
  await renew().catch(sayLost);
  lookLater();
}

// A paired screen hears at once that there is something to look at, or that it is not paired any more.
function listen() {
  const asked = new URLSearchParams({ version: shown().dataset.version });
  const source = new EventSource(`${place.dataset.live}?${asked}`);
  source.addEventListener("look", () => renew().catch(sayLost));
  source.addEventListener("changed", () => location.reload());
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, EVERY);
  };
}

// Back to the state: to what was shown last at once, then to what is now.
function goHome() {
  clearTimeout(returning);
  part = "";
  say("");
  if (state && state !== shown()) {
    show(state);
    note();
  }
  renew().catch(sayLost);
}

function say(text) {
  clearTimeout(silencing);
  pressed.textContent = text;
  if (text) silencing = setTimeout(say, 15_000, "");
}

async function open(address, options) {
  if (busy) return; // a second tap of the same finger
  busy = true;
  try {
    const answer = await fetch(address, { ...options, headers: { accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE) });
    if ([404, 410].includes(answer.status)) return location.reload();
    const next = await read(answer);
    if (!next) throw new Error(answer.status);
    say("");
    show(next);
    note();
    lookLater();
    place.querySelector("h1").focus();
  } catch {
    say(options ? options.lost ?? pressed.dataset.sent : pressed.dataset.opened);
  } finally {
    busy = false;
  }
}

place.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-opens], a[data-back]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if ("back" in link.dataset) {
    goHome();
    document.getElementById(opener)?.focus();
  } else {
    opener = link.id;
    open(link.href);
  }
});

place.addEventListener("submit", (event) => {
  if (!event.submitter) return; // an old browser sends the form itself
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  body.append(event.submitter.name, event.submitter.value);
  open(event.target.action, { method: "POST", body, lost: event.target.dataset.lost });
});

// Who still reads or presses keys is not sent back.
for (const sign of ["keydown", "pointerdown", "wheel"]) {
  place.addEventListener(sign, () => {
    if (!part) return;
    const longer = new URL(part, location);
    longer.searchParams.delete("until");
    part = longer.pathname + longer.search;
    letReturn(30_000);
  }, { passive: true });
}

keep();
note();
setInterval(tick, 1_000);
lookLater();
if (place.dataset.live) listen();
addEventListener("pageshow", (event) => event.persisted && location.reload());
