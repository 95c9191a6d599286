// Times in the reader's zone, with UTC beside them.

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// Put all times below an element in the reader's zone.
export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const local = full.format(new Date(time.dateTime));
    const utc = new Date(time.dateTime).toISOString().replace("T", " ").slice(0, 19);
    time.title = `${local}\n${utc} UTC`;
    if (time.classList.contains("instant")) time.textContent = local;
  }
}

const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

// Offer to show charts, which the server draws, on the reader's clock.
export function offerZone() {
  const link = document.querySelector("a[data-zone]");
  if (!link || link.dataset.zone === zone) return;
  link.href = link.href.replace("ZONE", encodeURIComponent(zone));
  link.textContent = `Show the clock of ${zone}`;
  link.hidden = false;
}

const UNITS = [[31536000, "years"], [86400, "days"], [3600, "h"], [60, "min"], [1, "s"]];

// The distance of a moment from now: "in 4 min", "3 min ago".
function distance(seconds) {
  const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= 2 * size) ?? [1, "s"];
  const count = Math.round(Math.abs(seconds) / size);
  return count === 0 ? "now" : seconds > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

// Count the distances of moments on.
export function count() {
  for (const time of document.querySelectorAll("time.moment")) {
    const text = distance((new Date(time.dateTime) - Date.now()) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}
