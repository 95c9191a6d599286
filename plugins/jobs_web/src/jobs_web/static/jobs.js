// The script of every page. Pages can be read without it.
import { follow } from "./keep.js";
import { watchKeys } from "./keys.js";
import { watch } from "./live.js";
import { watchPalette } from "./palette.js";
import { prepareSelection, watchSelection } from "./select.js";
import { count, localize, offerZone, tellZone } from "./times.js";

tellZone(); // before the stream, which draws with it
watch((root) => {
  localize(root);
  prepareSelection(root);
});
localize(document);
follow(document);
offerZone();
watchSelection();
watchKeys();
watchPalette();
setInterval(count, 1000);
