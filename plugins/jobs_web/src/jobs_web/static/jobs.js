// The script of every page. Pages can be read without it.
import { watch } from "./live.js";
import { count, localize, offerZone } from "./times.js";

localize(document);
offerZone();
watch(localize);
setInterval(count, 1000);
