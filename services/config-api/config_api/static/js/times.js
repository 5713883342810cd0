// Times in the reader's own zone: pages come with UTC, which is what stays where no script runs.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const two = (number) => String(number).padStart(2, "0");

function shown(at, withSeconds) {
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return `${day} ${time}${withSeconds ? `:${two(at.getSeconds())}` : ""}`;
}

/** Rewrites every moment below an element or document; days without a time stay as they are. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime*='T']")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const withSeconds = /\d:\d\d:\d\d$/.test(element.textContent.trim());
    element.textContent = shown(at, withSeconds);
    element.title = at.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
    element.dataset.local = "";
  }
  const told = root.querySelector("[data-zone]");
  if (told && zone) told.textContent = `Times: ${zone.replaceAll("_", " ")}`;
}

localise(document);
