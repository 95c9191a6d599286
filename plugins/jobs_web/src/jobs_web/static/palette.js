// The command palette: pages, what can be done on this page, jobs, and alerts.

const KINDS = { page: "Page", action: "On this page", job: "Job", alert: "Alert" };
const ACTIONS = "main a.button, main .actions button, main summary, main .filters button";
const MOST = 40;

const root = document.body.dataset.root;
let choices = []; // what is listed: { kind, text, run }
let active = 0;
let asked = 0; // counts searches, so that a late answer to an earlier one is dropped

export function watchPalette() {
  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const show = () => {
    if (document.querySelector("dialog[open]")) return;
    input.value = "";
    dialog.showModal();
    search(input, list);
  };
  document.getElementById("palette-button").addEventListener("click", show);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    show();
  });
  input.addEventListener("input", () => search(input, list));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) point(input, list, active + step);
    else if (event.key === "Enter") choose(dialog, active);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", ({ target }) => choose(dialog, [...list.children].indexOf(target.closest("li"))));
}

async function search(input, list) {
  const mine = ++asked;
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...pages(), ...actions()].filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
  render(input, list, found);
  if (!words.length) return;
  await new Promise((resolve) => setTimeout(resolve, 120)); // somebody types on
  if (mine !== asked) return;
  const [jobs, alerts] = await Promise.all([findJobs(input.value.trim()), findAlerts(words)]);
  if (mine === asked) render(input, list, [...found, ...alerts, ...jobs]);
}

function pages() {
  return [...document.querySelectorAll("nav a")].map((link) => ({ kind: "page", text: link.textContent.trim(), run: () => link.click() }));
}

function actions() {
  return [...document.querySelectorAll(ACTIONS)].filter((element) => element.checkVisibility()).map((element) => ({
    kind: "action",
    text: element.textContent.replace(/\s+/g, " ").trim(),
    run() {
      element.focus();
      element.click();
    },
  }));
}

async function listed(path) {
  const answer = await fetch(`${root}/api/v1/${path}`).catch(() => null);
  return answer?.ok ? (await answer.json()).items : [];
}

async function findJobs(text) {
  const items = await listed(`jobs?limit=10&text=${encodeURIComponent(text)}`);
  return items.map(({ id }) => ({ kind: "job", text: id, run: () => location.assign(`${root}/job?id=${encodeURIComponent(id)}`) }));
}

async function findAlerts(words) {
  const found = (await listed("alerts")).filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  return found.slice(0, 10).map(({ name }) => ({ kind: "alert", text: name, run: () => location.assign(`${root}/alert?name=${encodeURIComponent(name)}`) }));
}

function render(input, list, found) {
  choices = found.slice(0, MOST);
  list.replaceChildren(...choices.map(option));
  list.nextElementSibling.textContent = choices.length ? "" : "Nothing is named so.";
  point(input, list, 0);
}

function option({ kind, text }, i) {
  const [item, note] = [document.createElement("li"), document.createElement("small")];
  note.textContent = KINDS[kind];
  item.append(text, note);
  item.role = "option";
  item.id = `choice_${i}`;
  return item;
}

// Make a choice the active one, around the ends of the list.
function point(input, list, place) {
  active = choices.length ? (place + choices.length) % choices.length : 0;
  [...list.children].forEach((item, i) => item.setAttribute("aria-selected", i === active));
  list.children[active]?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", choices.length ? `choice_${active}` : "");
}

function choose(dialog, place) {
  const choice = choices[place];
  if (!choice) return;
  dialog.close();
  choice.run();
}
