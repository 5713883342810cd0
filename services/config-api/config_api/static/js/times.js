// Times in the reader's own zone: the server writes them in UTC, each with its exact moment. Days of reports stay as
// they are: reporters count them in UTC.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
const isUtc = ["UTC", "Etc/UTC", "GMT"].includes(zone);
const two = (number) => String(number).padStart(2, "0");

function local(at, withSeconds) {
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${day} ${time}:${two(at.getSeconds())}` : `${day} ${time}`;
}

function zoneName(at) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

function localise(time) {
  const at = new Date(time.dateTime);
  if (!time.dateTime.includes("T") || Number.isNaN(at.getTime())) return;
  time.dataset.local = "";
  const utc = time.title || `${time.textContent} UTC`;
  time.textContent = local(at, time.textContent.trim().length > 16);
  time.title = `${time.textContent} ${zoneName(at)} (${utc})`;
  const after = time.nextSibling; // "… 14:05 UTC" names the zone itself
  if (after?.nodeType === Node.TEXT_NODE) after.data = after.data.replace(/^(\s+)UTC\b/, `$1${zoneName(at)}`);
}

function all(part) {
  for (const time of part.querySelectorAll("time[datetime]:not([data-local])")) localise(time);
  for (const named of part.querySelectorAll("[data-zone]")) named.textContent = zoneName(new Date());
}

if (!isUtc) {
  all(document);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) all(node.parentElement ?? node);
  }).observe(document.body, { childList: true, subtree: true });
}
