// Keeps the page live: replaces the elements whose ids the server names.
//
// All tabs of a browser share one stream, in a shared worker, since HTTP/1.1 allows only six connections to a server. A
// hidden tab watches nothing.

import { keep } from "./keep.js";
import { replaceContent } from "./select.js";

const here = location.pathname + location.search;
const stream = document.body.dataset.root + "/live";

const shown = new Map(); // id of an element -> its content as the server wrote it
const waiting = new Map(); // id of an element that is in use -> its next content

// Call it before anything else changes the page.
export function watch(prepare) {
  for (const element of document.querySelectorAll("[id^=live_]")) shown.set(element.id, element.innerHTML);
  if (!shown.size) return;
  const source = "SharedWorker" in window ? shared() : own();
  source.onupdate = (update) => apply(update, prepare);
  for (const end of ["pointerup", "focusout"]) document.addEventListener(end, () => setTimeout(() => replaceWaiting(prepare)));
  const follow = () => (document.hidden ? source.leave() : source.join());
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => source.leave());
  addEventListener("pageshow", follow);
  follow();
}

// A source that shares the stream of a worker with other tabs.
function shared() {
  const worker = new SharedWorker(document.body.dataset.home + "/static/live-worker.js", { name: stream });
  const source = {
    join: () => worker.port.postMessage({ stream, on: here }),
    leave: () => worker.port.postMessage({ stream }),
  };
  worker.port.onmessage = ({ data }) => source.onupdate(data);
  return source;
}

// A source with a stream of its own.
function own() {
  let events = null;
  const source = {
    join() {
      events ??= new EventSource(`${stream}?on=${encodeURIComponent(here)}`);
      events.addEventListener("update", ({ data }) => source.onupdate(JSON.parse(data)));
      events.onerror = () => source.onupdate({ trouble: "The server does not answer. Trying again…", parts: {} });
    },
    leave() {
      events?.close();
      events = null;
    },
  };
  return source;
}

function apply({ parts, trouble }, prepare) {
  const alert = document.getElementById("trouble");
  alert.hidden = !trouble;
  if (alert.textContent !== (trouble ?? "")) alert.textContent = trouble ?? "";
  for (const [id, html] of Object.entries(parts)) waiting.set(id, html);
  replaceWaiting(prepare);
}

function replaceWaiting(prepare) {
  for (const [id, html] of waiting) {
    const element = document.getElementById(id);
    if (element && isInUse(element)) continue;
    waiting.delete(id);
    const content = serialized(html);
    if (!element || shown.get(id) === content) continue;
    shown.set(id, content);
    const restore = keep(element);
    replaceContent(element, html);
    restore();
    prepare(element);
  }
}

// Whether replacing the content of an element would lose a click that has begun, or what is being typed.
function isInUse(element) {
  return element.matches(":active") || element.querySelector("input:focus, textarea:focus");
}

// HTML as the browser itself would write it, to compare it with what is shown.
function serialized(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.innerHTML;
}
