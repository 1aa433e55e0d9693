// Shows an evacuation or a drill on a page that is open already, and takes it away when it ended.
// Without this file the next page that is opened shows it.
const EVERY = 10_000; // ms
const place = document.getElementById("evacuation");

async function renew() {
  const asked = new URLSearchParams({ language: document.documentElement.lang, officer: place.dataset.officer });
  const answer = await fetch(`/evacuation?${asked}`);
  if (!answer.ok) return; // what was shown last stays
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const before = place.firstElementChild?.dataset.version;
  if (before === template.content.firstElementChild?.dataset.version) return;
  place.replaceChildren(template.content);
  document.dispatchEvent(new Event("evacuation-changed")); // what the page offers has changed with it
}

const quietly = () => { if (!document.hidden) renew().catch(() => {}); };
document.addEventListener("evacuation-news", quietly);
document.addEventListener("visibilitychange", quietly);
setInterval(quietly, EVERY);
