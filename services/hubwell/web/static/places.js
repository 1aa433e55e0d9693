// Moves spaces on a floor plan by dragging and with the arrow keys. Without this file the forms of the page do the same.
const STEP = 0.5; // per cent of the picture, for an arrow key
const FAR = 5; // with Shift
const STILL = 700; // ms without an arrow key after which the place is saved
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const plan = document.getElementById("plan");
const outcome = document.getElementById("moved");

const inside = (value) => Math.round(Math.min(Math.max(value, 0), 100) * 10) / 10;
const place = (mark) => ({ x: Number(mark.dataset.x), y: Number(mark.dataset.y) });

function put(mark, { x, y }) {
  mark.dataset.x = x;
  mark.dataset.y = y;
  mark.style.left = `${x}%`;
  mark.style.top = `${y}%`;
  mark.style.transform = `translate(-${x}%, -${y}%)`;
}

function tell(text, mark) {
  const { x, y } = mark.dataset;
  outcome.textContent = text.replace("{space}", mark.textContent.trim()).replace("{x}", x).replace("{y}", y);
}

// One after another, so that the last place is the one that stays.
function saver(mark) {
  let saved = place(mark);
  let before = Promise.resolve();
  return () => { before = before.then(save); };

  async function save() {
    const wanted = place(mark);
    if (wanted.x === saved.x && wanted.y === saved.y) return;
    const address = `/api/v1/register/plans/${plan.dataset.plan}/places/${mark.dataset.space}`;
    const headers = { "content-type": "application/json", "x-csrf-token": plan.dataset.csrf };
    const answer = await fetch(address, { method: "PUT", headers, body: JSON.stringify(wanted) }).catch(() => null);
    if (answer?.ok) {
      saved = wanted;
      for (const axis of ["x", "y"]) document.getElementById(`${axis}-${mark.dataset.space}`).value = wanted[axis];
      tell(plan.dataset.at, mark);
    } else {
      put(mark, saved);
      tell(plan.dataset.lost, mark);
    }
  }
}

function drag(mark, pin, save) {
  let held; // from the pointer to the point of the mark, in pixels

  pin.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const box = plan.getBoundingClientRect();
    const { x, y } = place(mark);
    held = { x: box.left + (x / 100) * box.width - event.clientX, y: box.top + (y / 100) * box.height - event.clientY };
    pin.setPointerCapture(event.pointerId);
    pin.classList.add("moving");
  });
  pin.addEventListener("pointermove", (event) => {
    if (!held) return;
    const box = plan.getBoundingClientRect();
    const x = inside(((event.clientX + held.x - box.left) / box.width) * 100);
    const y = inside(((event.clientY + held.y - box.top) / box.height) * 100);
    put(mark, { x, y });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pin.addEventListener(end, () => {
      if (!held) return;
      held = undefined;
      pin.classList.remove("moving");
      save();
    });
  }
}

function nudge(mark, pin, save) {
  let still;
  pin.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const step = event.shiftKey ? FAR : STEP;
    const { x, y } = place(mark);
    put(mark, { x: inside(x + arrow[0] * step), y: inside(y + arrow[1] * step) });
    clearTimeout(still);
    still = setTimeout(save, STILL);
  });
  pin.addEventListener("blur", save);
}

if (plan) {
  const how = document.createElement("p");
  how.id = "how";
  how.className = "visually-hidden";
  how.textContent = plan.dataset.how;
  plan.after(how);
  for (const mark of plan.querySelectorAll(".spot")) {
    const pin = mark.querySelector(".pin");
    pin.tabIndex = 0;
    pin.setAttribute("role", "button");
    pin.setAttribute("aria-describedby", "how");
    const save = saver(mark);
    drag(mark, pin, save);
    nudge(mark, pin, save);
  }
}
