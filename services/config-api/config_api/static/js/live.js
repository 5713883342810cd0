// New activity without a reload: the stream says that something happened, the page fetches itself again and swaps the
// parts marked [data-live-part]. What is shown is always rendered in one place, the server. A tab that nobody looks at
// holds no stream: browsers open only six connections to a host, and all tabs share them.
import { complete } from "./later.js";
import { localise } from "./times.js";

const main = document.querySelector("[data-live]");
const shown = document.querySelector("[data-live-status]");
const CALM_MS = 600;
const RETRY_MS = 10_000;
const DOUBT_MS = 6_000; // the server ends each stream after a while; a browser is back before this
let refreshing = null;
let busy = false; // a refresh is on its way
let again = false; // and another one is wanted after it
let retrying = null;
let doubting = null;
let stream = null;
let stale = false;

function tell(text, on) {
  if (!shown) return;
  shown.textContent = text;
  shown.classList.toggle("is-on", on);
}

function isBusy(part) {
  return part.contains(document.activeElement) && document.activeElement !== part;
}

function swap(fresh, isReady) {
  let waits = false;
  for (const part of document.querySelectorAll("[data-live-part]")) {
    const other = fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.innerHTML || !isReady(other)) continue;
    if (isBusy(part)) waits = true;
    else part.replaceWith(document.adoptNode(other));
  }
  return waits;
}

async function refresh() {
  refreshing = null;
  if (document.hidden) return; // the stream opens again when the tab is shown, and that refreshes
  busy = true;
  try {
    await renew();
  } finally {
    busy = false;
    if (again) soon();
  }
}

async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(fresh);
  const waits = swap(fresh, (part) => !part.querySelector("[data-later]"));
  await complete(fresh); // until then the other old parts stay
  localise(fresh);
  stale = swap(fresh, () => true) || waits;
}

function soon() {
  again = busy;
  if (!busy) refreshing ??= setTimeout(refresh, CALM_MS);
}

function address() {
  const wanted = new URLSearchParams();
  if (main.dataset.liveMailbox) wanted.set("mailbox_id", main.dataset.liveMailbox);
  if (main.dataset.liveLevel) wanted.set("level", main.dataset.liveLevel);
  return `/api/v1/events/stream?${wanted}`;
}

function opened() {
  clearTimeout(doubting);
  doubting = null;
  tell("Live", true);
  soon(); // for what happened while nobody listened
}

function worry() {
  tell("Connecting again…", false);
}

function lost() {
  if (stream.readyState !== EventSource.CLOSED) { // the browser connects again by itself
    doubting ??= setTimeout(worry, DOUBT_MS);
    return;
  }
  worry();
  close();
  retrying = setTimeout(attend, RETRY_MS);
}

function close() {
  clearTimeout(retrying);
  stream?.close();
  stream = null;
}

function attend() {
  if (document.hidden) return close();
  if (stream) return;
  clearTimeout(retrying);
  stream = new EventSource(address());
  for (const name of main.dataset.live.split(" ")) stream.addEventListener(name, soon);
  stream.onopen = opened;
  stream.onerror = lost;
}

if (main) {
  attend();
  document.addEventListener("focusout", () => stale && soon());
  document.addEventListener("visibilitychange", attend);
  addEventListener("pageshow", attend);
  addEventListener("pagehide", close);
}
