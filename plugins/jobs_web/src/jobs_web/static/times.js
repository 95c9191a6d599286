// Times on the reader's clock.

const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const short = [{ ...clock }, { ...clock, day: "numeric", month: "short" }].map((parts) => new Intl.DateTimeFormat(undefined, parts));

// Put all times below an element on the reader's clock.
export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    const local = full.format(date);
    time.title = `${local}\n${date.toISOString().replace("T", " ").slice(0, 19)} UTC`;
    if (time.classList.contains("instant")) time.textContent = local;
    else showExactly(time, date);
  }
}

function showExactly(time, date) {
  const [exact, there] = time.querySelectorAll("small");
  exact.textContent = briefly(date);
  if (there) there.hidden = clockIn(there.dataset.zone, date) === clockIn(zone, date);
}

// An instant as short as it is clear: only its time if it is today, and its year if that is another.
function briefly(date) {
  const now = new Date();
  if (date.getFullYear() !== now.getFullYear()) return full.format(date);
  return short[date.toDateString() === now.toDateString() ? 0 : 1].format(date);
}

function clockIn(timeZone, date) {
  try {
    return date.toLocaleString("en", { timeZone });
  } catch {
    return timeZone; // one that this browser does not know
  }
}

// Tell the server the reader's zone, for the charts that it draws.
export function tellZone() {
  const path = document.body.dataset.home || "/";
  document.cookie = `jobs_zone=${encodeURIComponent(zone)}; path=${path}; max-age=31536000; samesite=strict`;
}

// Offer to show charts on the reader's clock where the address names another.
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

let today = new Date().toDateString();

// Count the distances of moments on.
export function count() {
  for (const time of document.querySelectorAll("time.when")) {
    const text = distance((new Date(time.dateTime) - Date.now()) / 1000);
    if (time.firstChild.textContent !== text) time.firstChild.textContent = text;
  }
  const day = new Date().toDateString();
  if (day !== today) localize(document); // what was today is yesterday now
  today = day;
}
