// One stream for all tabs of a browser. A tab says which page it shows, or that it is hidden.

const pages = new Map(); // port -> URL of its page
let events = null;
let watched = "";
let timer = null;

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: { stream, on } }) => {
    if (on) pages.set(port, on);
    else pages.delete(port);
    clearTimeout(timer);
    timer = setTimeout(() => connect(stream), 50); // several tabs often change together
  };
};

function connect(stream) {
  const urls = [...new Set(pages.values())].sort();
  const wanted = urls.map((url) => `on=${encodeURIComponent(url)}`).join("&");
  if (wanted === watched && events?.readyState !== EventSource.CLOSED) return;
  events?.close();
  watched = wanted;
  if (!wanted) return;
  events = new EventSource(`${stream}?${wanted}`);
  events.addEventListener("update", ({ data }) => {
    const update = JSON.parse(data);
    for (const [port, url] of pages) if (url === update.name) port.postMessage(update);
  });
  events.onerror = () => {
    const refused = events.readyState === EventSource.CLOSED;
    const trouble = refused
      ? "The server refuses to send updates. Reload the page if you have to log in again."
      : "The server does not answer. Trying again…";
    for (const port of pages.keys()) port.postMessage({ trouble, parts: {} });
    if (refused) timer = setTimeout(() => connect(stream), 3000);
  };
}
