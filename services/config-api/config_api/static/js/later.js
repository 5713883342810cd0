// What takes long comes after its page: each [data-later] names the address of its content, and holds a note until then.
import { localise } from "./times.js";

const FAILED = "This part did not come. Reload the page to try again.";
const asked = new Map(); // by address, what was asked for and is not there yet

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  const text = await answer?.text().catch(() => null);
  if (typeof text !== "string" || answer.redirected) return { fault: FAILED };
  const page = new DOMParser().parseFromString(text, "text/html");
  return answer.ok ? { content: page.body } : { fault: page.querySelector(".lead")?.textContent ?? FAILED };
}

function once(address) {
  if (!asked.has(address)) asked.set(address, ask(address).finally(() => asked.delete(address)));
  return asked.get(address);
}

function note(fault) {
  const told = document.createElement("p");
  told.className = "panel-body soft";
  told.setAttribute("role", "status");
  told.textContent = fault;
  return told;
}

async function fill(place) {
  const { content, fault } = await once(place.dataset.later);
  const shown = document.getElementById(place.id);
  if (fault && shown && shown !== place) return place.replaceWith(shown.cloneNode(true)); // rather the old one
  place.removeAttribute("aria-busy");
  if (fault) return place.replaceChildren(note(fault));
  place.removeAttribute("data-later");
  place.replaceChildren(...content.cloneNode(true).childNodes);
}

/** Resolves when all parts of the page are in their places, or what is shown of them now. */
export async function complete(page) {
  await Promise.all([...page.querySelectorAll("[data-later]")].map(fill));
}

complete(document).then(() => localise(document));
