// Lets a pointer move bookings on the timeline, and keeps it live. Without this file every booking and every free time is a link.
// A drag sends the form of the booking's page, with instants in place of times on the clocks.
const EVERY = 60_000; // ms between two looks without news
const STEP = 15 * 60; // s: starts and ends of bookings that are dragged
const FAR = 5; // px that make a press a drag
const news = document.getElementById("drag-news");
const { zone } = document.body.dataset;
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
let drag, source, wanted;
let shown = document.getElementById("timeline").innerHTML; // as the server sent it last

const timeOf = (seconds) => clock.format(seconds * 1000);
const inWords = ({ start, end }) => news.dataset.when.replace("{start}", timeOf(start)).replace("{end}", timeOf(end));
const instant = (seconds) => new Date(seconds * 1000).toISOString();
const quietly = (task) => () => task().catch(() => {}); // offline: the next look succeeds

// The stretch of real time that a track shows.
function scaleOf(track) {
  const place = [...track.parentElement.querySelectorAll(".track")].indexOf(track);
  const { start, end } = document.querySelectorAll("#timeline .hours")[place].dataset;
  return { start: Number(start), end: Number(end) };
}

function secondsAt(track, x) {
  const { left, width } = track.getBoundingClientRect();
  const { start, end } = scaleOf(track);
  return start + ((x - left) / width) * (end - start);
}

// What a press on a booking began: where it was, and where the pointer holds it.
function grab(block, event) {
  const track = block.parentElement;
  const { version, parts, start, end } = block.dataset;
  const [space] = track.parentElement.dataset.place.split(":");
  const held = { start: Number(start), end: Number(end) };
  const edge = block.getBoundingClientRect().right - Math.min(8, block.clientWidth / 3);
  return {
    version, block, held, pointer: event.pointerId, x: event.clientX, y: event.clientY,
    address: block.querySelector("a").pathname, from: parts ? `${space}:${parts}` : space,
    line: track.parentElement, resizes: event.clientX >= edge,
    offset: secondsAt(track, event.clientX) - held.start, at: { ...held, line: track.parentElement, track },
  };
}

function follow(event) {
  const under = document.elementFromPoint(event.clientX, event.clientY)?.closest(".track");
  const track = drag.resizes ? drag.block.parentElement : under ?? drag.at.track;
  const { held } = drag;
  const seconds = secondsAt(track, event.clientX);
  const snap = (moment) => Math.round(moment / STEP) * STEP;
  if (drag.resizes) drag.at = { ...drag.at, end: Math.max(held.start + STEP, snap(seconds)) };
  else {
    const start = snap(seconds - drag.offset);
    drag.at = { start, end: start + held.end - held.start, track, line: track.parentElement };
  }
  drawGhost();
}

// Styles that a script sets one by one are allowed by the content policy; styles in the page are not.
function drawGhost() {
  const { track, start, end } = drag.at;
  const scale = scaleOf(track);
  const share = (seconds) => `${(100 * seconds) / (scale.end - scale.start)}%`;
  drag.ghost.style.left = share(start - scale.start);
  drag.ghost.style.width = share(end - start);
  drag.ghost.querySelector("b").textContent = inWords(drag.at);
  if (drag.ghost.parentElement !== track) track.append(drag.ghost);
}

function begin() {
  drag.ghost = drag.block.cloneNode(true);
  drag.ghost.className = "booking ghost";
  drag.ghost.setAttribute("aria-hidden", "true");
  drag.block.classList.add("lifted");
  document.body.classList.add("dragging");
}

function letGo() {
  drag?.ghost?.remove();
  drag?.block.classList.remove("lifted");
  document.body.classList.remove("dragging");
  const done = drag;
  drag = undefined;
  return done;
}

// Where a booking goes when it is let go: "" for the same parts. Within a space, only a booking of one part gets another.
function placeOf({ line, from, at }) {
  const [space, part] = at.line.dataset.place.split(":");
  const [before, parts] = from.split(":");
  const isOtherPart = part && parts && !parts.includes(" ");
  return at.line === line || (space === before && !isOtherPart) ? "" : at.line.dataset.place;
}

async function drop(done) {
  const place = placeOf(done);
  const { held, at, from } = done;
  if (!place && at.start === held.start && at.end === held.end) return;
  const moved = await send(done.address, done.version, at, place);
  if (moved) offerUndo(done.address, moved, held, place && from, at);
}

// Sends the form of the booking's page. Returns the booking's version afterwards, undefined after a refusal.
async function send(address, version, { start, end }, place) {
  const { csrf } = news.dataset;
  const fields = { csrf, version, exact_start: instant(start), exact_end: instant(end), place };
  let answer, page;
  try {
    answer = await fetch(`${address}/move`, { method: "POST", body: new URLSearchParams(fields), headers: { accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    show("wrong", [news.dataset.away]);
    return undefined;
  }
  await renew().catch(() => {});
  if (answer.ok && answer.redirected) return page.querySelector('input[name="version"]').value;
  const reasons = page.querySelectorAll("main .mistakes li, main .notice :is(h2, li), main > .lead");
  show("wrong", [news.dataset.refused, ...[...reasons].map((reason) => reason.textContent)]);
  return undefined;
}

function show(kind, sentences, ...buttons) {
  const list = document.createElement("ul");
  for (const sentence of sentences) list.append(Object.assign(document.createElement("li"), { textContent: sentence }));
  news.className = `drag-news ${kind}`;
  news.replaceChildren(list, ...buttons, button(news.dataset.close, () => news.replaceChildren()));
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: text });
  made.addEventListener("click", act);
  return made;
}

function offerUndo(address, version, held, place, at) {
  const undo = button(news.dataset.undo, async () => {
    if (await send(address, version, held, place)) show("good", [news.dataset.back]);
  });
  show("good", [news.dataset.moved.replace("{when}", inWords(at))], undo);
}

// Free time is booked from where it is clicked; by keyboard, from its beginning.
function bookFrom(event) {
  const link = event.target.closest(".free > a");
  if (!link || !event.detail || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const track = link.closest(".track");
  if (getComputedStyle(track.firstElementChild).position !== "absolute") return; // a list
  const seconds = Math.floor(secondsAt(track, event.clientX) / STEP) * STEP;
  const { left, right } = link.getBoundingClientRect();
  const [first, last] = [left, right].map((x) => Math.round(secondsAt(track, x) / 60) * 60);
  const address = new URL(link.href);
  const start = Math.max(first, Math.min(seconds, last - STEP));
  if (start <= first) return;
  const end = Math.min(start + 3600, last);
  const set = (name, value) => address.searchParams.set(name, value);
  set("day", calendar.format(start * 1000));
  set("start", timeOf(start));
  set("end", timeOf(end));
  if (timeOf(end) < timeOf(start)) set("end_day", calendar.format(end * 1000));
  event.preventDefault();
  location.assign(address);
}

// Loads the lines again, unless a booking is held just now; what has the focus keeps it.
async function renew() {
  if (drag) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || drag) return;
  const after = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("timeline");
  if (!after || shown === after.innerHTML) return;
  const before = document.getElementById("timeline");
  shown = after.innerHTML;
  const focused = before.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  before.replaceChildren(...after.childNodes);
  if (focused) document.querySelector(`#timeline a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function connect() {
  source?.close();
  source = new EventSource("/bookings/live");
  source.addEventListener("changed", () => {
    clearTimeout(wanted);
    wanted = setTimeout(quietly(renew), 300);
  });
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000); };
}

document.addEventListener("pointerdown", (event) => {
  const block = event.target.closest?.(".movable");
  const isTimeline = block && getComputedStyle(block).position === "absolute";
  if (isTimeline && event.button === 0 && event.pointerType !== "touch") drag = grab(block, event);
});
document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.pointer) return;
  if (!drag.ghost) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR) return;
    begin();
  }
  follow(event);
});
document.addEventListener("pointerup", () => {
  if (!drag) return;
  const done = letGo();
  if (!done.ghost) return;
  addEventListener("click", (event) => event.preventDefault(), { capture: true, once: true }); // no link is followed
  setTimeout(() => drop(done));
});
document.addEventListener("pointercancel", letGo);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && drag) letGo(); });
document.addEventListener("pointerover", ({ target }) => {
  const link = target.closest?.(".booking > a");
  if (link && !link.title) link.title = link.textContent.trim(); // what may be cut off
});
document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".movable")) event.preventDefault(); });
document.addEventListener("click", bookFrom);
connect();
setInterval(quietly(renew), EVERY);
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (event) => event.persisted && connect());
