// Shows a badge as soon as it is held to the desk's reader. Without this file Enter takes the one that was held to it.
const form = document.getElementById("class");
const badges = document.getElementById("badges");
const line = document.getElementById("listening");
const news = document.getElementById("news");
const language = document.documentElement.lang;
let source;

const newest = () => Number(badges.querySelector("[data-tap]")?.dataset.tap ?? 0);
const chosen = () => badges.querySelector("input[type=radio]:checked")?.value;

async function renew() {
  const answer = await fetch(`/desk/class/${form.dataset.list}/badges?language=${language}`);
  if (!answer.ok) return;
  const html = await answer.text();
  const before = newest();
  const choice = chosen();
  const held = badges.contains(document.activeElement) ? document.activeElement.id : "";
  const template = document.createElement("template");
  template.innerHTML = html;
  badges.replaceChildren(template.content);
  const again = choice && badges.querySelector(`input[type=radio][value="${choice}"]`);
  if (again) again.checked = true;
  if (held) (document.getElementById(held) ?? form.elements.name).focus();
  if (newest() > before) news.textContent = badges.querySelector("[data-tap]").dataset.say;
}

function connect() {
  source?.close();
  source = new EventSource(`/desk/live?language=${language}`);
  source.onopen = () => { line.textContent = line.dataset.on; };
  source.addEventListener("taps", () => renew().catch(() => {}));
  source.onerror = () => {
    line.textContent = line.dataset.off;
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  };
}

connect();
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (event) => event.persisted && connect());
