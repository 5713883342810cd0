// Charts that answer: the values of a bar on hover, touch and with the arrow keys; a click or Enter opens its days; a
// drag (or Shift with the arrows, then Enter) shows those days alone. Without script the table beside has the same.
const DRAG_PX = 8;

function address(slots) {
  const days = slots.flatMap((slot) => [slot.dataset.since, slot.dataset.until]).sort();
  const wanted = new URL(location.href);
  for (const name of ["days", "cursor", "note"]) wanted.searchParams.delete(name);
  wanted.searchParams.set("since", days[0]);
  wanted.searchParams.set("until", days.at(-1));
  return wanted;
}

class Plot {
  constructor(plot) {
    this.plot = plot;
    this.slots = [...plot.querySelectorAll(".slot")];
    if (this.slots.length === 0) return;
    this.shown = null;
    this.anchor = null; // where a range begins
    this.told = document.createElement("div");
    this.told.className = "plot-told";
    this.told.hidden = true;
    this.told.setAttribute("aria-hidden", "true"); // a screen reader is told the value of the slider
    plot.append(this.told);
    const svg = plot.querySelector("svg");
    for (const [name, value] of Object.entries({
      tabindex: "0", role: "slider", "aria-label": `${svg.querySelector("title").textContent}: arrow keys show each day`,
      "aria-valuemin": "1", "aria-valuemax": String(this.slots.length),
    })) plot.setAttribute(name, value);
    this.name(this.slots.length - 1);
    plot.addEventListener("keydown", (event) => this.key(event));
    plot.addEventListener("focus", () => plot.matches(":focus-visible") && this.show(this.shown ?? this.slots.length - 1));
    plot.addEventListener("blur", () => this.hide());
    plot.addEventListener("pointermove", (event) => this.move(event));
    plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.anchor === null && this.hide());
    plot.addEventListener("pointerdown", (event) => this.press(event));
    plot.addEventListener("pointerup", (event) => this.release(event));
    plot.addEventListener("pointercancel", () => this.hide());
  }

  at(event) {
    const box = this.plot.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * this.slots.length);
    return Math.min(Math.max(place, 0), this.slots.length - 1);
  }

  name(place) {
    this.plot.setAttribute("aria-valuenow", String(place + 1));
    this.plot.setAttribute("aria-valuetext", this.slots[place].dataset.told);
  }

  range(place) {
    const [first, last] = [this.anchor ?? place, place].sort((one, other) => one - other);
    return this.slots.slice(first, last + 1);
  }

  show(place) {
    this.shown = place;
    this.name(place);
    const chosen = this.anchor === null || this.anchor === place ? [] : this.range(place);
    for (const slot of this.slots) {
      slot.classList.toggle("is-shown", slot === this.slots[place]);
      slot.classList.toggle("is-chosen", chosen.includes(slot));
    }
    this.told.textContent = this.slots[place].dataset.told;
    this.told.hidden = false;
    const room = this.plot.clientWidth - this.told.offsetWidth;
    const middle = ((place + 0.5) / this.slots.length) * this.plot.clientWidth - this.told.offsetWidth / 2;
    this.told.style.left = `${Math.min(Math.max(middle, 0), Math.max(room, 0))}px`;
  }

  hide() {
    this.anchor = null;
    this.told.hidden = true;
    for (const slot of this.slots) slot.classList.remove("is-shown", "is-chosen");
  }

  open(place) {
    const chosen = this.range(place);
    const href = this.slots[place].dataset.href;
    if (chosen.length > 1) location.assign(address(chosen));
    else if (href) location.assign(href);
  }

  key(event) {
    const last = this.slots.length - 1;
    const here = this.shown ?? last;
    const next = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") return this.hide();
    if (event.key === "Enter") return this.open(here);
    if (next === undefined) return;
    event.preventDefault();
    this.anchor = event.shiftKey ? (this.anchor ?? here) : null;
    this.show(Math.min(Math.max(next, 0), last));
  }

  press(event) {
    if (event.button !== 0) return;
    this.touched = event.pointerType === "mouse" || this.shown === this.at(event) && !this.told.hidden;
    this.from = event.clientX;
    if (event.pointerType === "mouse") {
      this.anchor = this.at(event);
      this.plot.setPointerCapture(event.pointerId);
    }
    this.show(this.at(event));
  }

  move(event) {
    if (event.pointerType === "mouse" || event.pressure > 0) this.show(this.at(event));
  }

  release(event) {
    if (event.button !== 0 || this.from === undefined) return;
    const dragged = Math.abs(event.clientX - this.from) > DRAG_PX;
    this.from = undefined;
    if (event.pointerType !== "mouse" && (dragged || !this.touched)) return; // a first touch shows, a second one opens
    if (!dragged) this.anchor = null;
    this.open(this.at(event));
    this.anchor = null;
  }
}

/** Makes the charts of a part of the page answer. */
export function enliven(part) {
  for (const plot of part.querySelectorAll("[data-plot]:not([role])")) new Plot(plot);
}

enliven(document);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) enliven(node.parentElement ?? node);
}).observe(document.body, { childList: true, subtree: true });
