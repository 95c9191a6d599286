// The script of every page. Pages can be read without it.
import { follow } from "./keep.js";
import { watch } from "./live.js";
import { count, localize } from "./times.js";

localize(document);
follow(document);
watch(localize);
setInterval(count, 1000);
