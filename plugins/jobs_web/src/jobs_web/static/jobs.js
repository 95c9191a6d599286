// The script of every page. Pages can be read without it.
import { watch } from "./live.js";
import { prepareSelection, watchSelection } from "./select.js";
import { count, localize } from "./times.js";

localize(document);
watchSelection();
watch((root) => {
  localize(root);
  prepareSelection(root);
});
setInterval(count, 1000);
