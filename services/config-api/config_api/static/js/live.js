// New activity without a reload: the stream says that something happened, the page fetches itself anew and swaps the
// parts marked [data-live-part]. What is shown is always rendered in one place, the server.
const main = document.querySelector("[data-live]");
const shown = document.querySelector("[data-live-status]");
const CALM_MS = 600;
let timer = null;
let stale = false;

function tell(text, on) {
  if (!shown) return;
  shown.textContent = text;
  shown.classList.toggle("is-on", on);
}

function isBusy(part) {
  return part.contains(document.activeElement) && document.activeElement !== part;
}

function swap(fresh) {
  let waits = false;
  for (const part of document.querySelectorAll("[data-live-part]")) {
    const other = fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.innerHTML) continue;
    if (isBusy(part)) waits = true;
    else part.replaceWith(document.adoptNode(other));
  }
  return waits;
}

async function refresh() {
  timer = null;
  if (document.hidden) { stale = true; return; }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  stale = swap(fresh);
}

function soon() {
  timer ??= setTimeout(refresh, CALM_MS);
}

function listen() {
  const wanted = new URLSearchParams();
  if (main.dataset.liveMailbox) wanted.set("mailbox_id", main.dataset.liveMailbox);
  const stream = new EventSource(`/api/v1/events/stream?${wanted}`);
  for (const name of main.dataset.live.split(" ")) stream.addEventListener(name, soon);
  stream.onopen = () => tell("Live", true);
  stream.onerror = () => tell("Connecting again…", false);
  addEventListener("pagehide", () => stream.close());
}

if (main) {
  listen();
  document.addEventListener("focusout", () => stale && soon());
  document.addEventListener("visibilitychange", () => stale && soon());
}
