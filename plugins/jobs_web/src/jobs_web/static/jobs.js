// The script of every page. Pages can be read without it.
import { follow } from "./keep.js";
import { watch } from "./live.js";
import { count, localize } from "./times.js";

watch(localize);
localize(document);
follow(document);
setInterval(count, 1000);
