// Single keys of every page. The dialog that `?` opens lists them, and can turn them off.

const ROWS = "main tbody tr:has(a[href]), main .timeline a.name[href]";
const FIELDS = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const OFF = "jobs-keys-off";

let current = null; // the link of the current row
let isGoing = false; // after `g`

export function watchKeys() {
  const help = document.getElementById("keys");
  const on = help.querySelector("input");
  on.checked = !localStorage.getItem(OFF);
  on.addEventListener("change", () => (on.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
  document.addEventListener("focusin", ({ target }) => mark(target.closest(ROWS)));
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const isBusy = target.closest(FIELDS) || document.querySelector("dialog[open]");
    if (isBusy || event.ctrlKey || event.metaKey || event.altKey || (!on.checked && key !== "?")) return;
    const link = isGoing && document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`);
    const action = { "/": search, "?": () => help.showModal(), j: () => move(1), k: () => move(-1), Enter: open };
    const go = link ? () => link.click() : action[key];
    isGoing = key === "g" && !link;
    if (!go || (key === "Enter" && target !== document.body)) return; // a button or a link answers Enter itself
    event.preventDefault();
    go();
  });
}

function search() {
  document.querySelector("header input[type=search]").select();
}

const linkOf = (row) => (row.matches("a") ? row : row.querySelector("a[href]"));

// Make the next row the current one. Its link has the focus, so that a screen reader says it and Enter opens it.
function move(step) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility());
  const place = rows.findIndex((row) => linkOf(row).href === current);
  const next = rows[place < 0 ? 0 : Math.min(Math.max(place + step, 0), rows.length - 1)];
  if (!next) return;
  linkOf(next).focus({ focusVisible: false });
  next.scrollIntoView({ block: "nearest" });
}

function mark(row) {
  if (!row) return;
  for (const other of document.querySelectorAll("main .current[aria-current]")) {
    other.classList.remove("current");
    other.removeAttribute("aria-current");
  }
  row.classList.add("current");
  row.setAttribute("aria-current", "true");
  current = linkOf(row).href;
}

function open() {
  const row = document.querySelector("main .current[aria-current]");
  if (row) linkOf(row).click();
}
