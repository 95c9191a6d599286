// Selecting rows of a list: one box for all, and how many are selected. Live parts keep what is selected.

// Prepare the lists below an element.
export function prepareSelection(root) {
  for (const all of root.querySelectorAll(".select-all")) all.hidden = false;
}

export function watchSelection() {
  prepareSelection(document);
  document.addEventListener("change", ({ target }) => {
    const form = target.closest?.("form.bulk");
    if (!form) return;
    if (target.classList.contains("select-all")) for (const box of boxes(form)) box.checked = target.checked;
    showCount(form);
  });
}

function boxes(form) {
  return form.querySelectorAll("td input[type=checkbox]");
}

function showCount(form) {
  const count = [...boxes(form)].filter((box) => box.checked).length;
  for (const output of form.querySelectorAll("output.selected")) output.textContent = count ? `${count} selected` : "";
}

// Replace the content of an element, and keep which boxes are checked.
export function replaceContent(element, html) {
  const checked = new Set([...element.querySelectorAll("td input:checked")].map((box) => box.value));
  element.innerHTML = html;
  for (const box of element.querySelectorAll("td input[type=checkbox]")) box.checked = checked.has(box.value);
  const form = element.closest("form.bulk");
  if (form) showCount(form);
}
