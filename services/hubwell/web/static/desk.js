// Keeps the list of badges at the desk reader live. Without this file a button loads the page again.
const list = document.getElementById("taps");
const line = document.getElementById("listening");
const news = document.getElementById("news");
const language = document.documentElement.lang;
let source;

function newest() {
  return Number(list.querySelector("[data-tap]")?.dataset.tap ?? 0);
}

let shown, waiting; // the list as the server sent it last, and one that comes once no text of the list is selected

function isSelected() {
  const selection = getSelection();
  return !selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(list);
}

function replace({ html }) {
  waiting = isSelected() ? html : undefined;
  if (waiting !== undefined || html === shown) return;
  shown = html;
  const before = newest();
  const held = list.contains(document.activeElement) ? document.activeElement.id : "";
  const template = document.createElement("template");
  template.innerHTML = html;
  list.replaceChildren(template.content);
  if (held) document.getElementById(held)?.focus();
  if (newest() > before) news.textContent = list.querySelector("[data-tap]").dataset.say;
}

function connect() {
  source?.close();
  source = new EventSource(`/desk/live?language=${language}`);
  source.onopen = () => { line.textContent = line.dataset.on; };
  source.addEventListener("taps", (event) => replace(JSON.parse(event.data)));
  source.onerror = () => {
    line.textContent = line.dataset.off;
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  };
}

document.addEventListener("selectionchange", () => { if (waiting !== undefined) replace({ html: waiting }); });
connect();
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (event) => event.persisted && connect());
