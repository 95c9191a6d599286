// What a reader has opened, where they have scrolled and which link has the focus survive when a part of the page is replaced.

// Note all three below an element. Returns what restores them in its new content.
export function keep(element) {
  const open = [...element.querySelectorAll("details[open][id]")].map((details) => details.id);
  const places = [...element.querySelectorAll("pre.printed")].map((pre) => [pre.scrollTop, atEnd(pre)]);
  const focused = element.contains(document.activeElement) && document.activeElement.getAttribute("href");
  return () => {
    if (focused) element.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    element.querySelectorAll("pre.printed").forEach((pre, i) => {
      const [top, wasAtEnd] = places[i] ?? [0, true];
      pre.scrollTop = wasAtEnd && "follow" in pre.dataset ? pre.scrollHeight : top;
    });
  };
}

// Show the end of what is printed now.
export function follow(root) {
  for (const pre of root.querySelectorAll("pre[data-follow]")) pre.scrollTop = pre.scrollHeight;
}

const atEnd = (pre) => pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
