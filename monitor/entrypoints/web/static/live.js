// Says when the monitor cannot be reached; htmx and its events bring the page up to date.
"use strict";
const stale = document.getElementById("stale");
const says = (isStale) => () => { stale.hidden = !isStale; };
for (const lost of ["htmx:sse:error", "htmx:sse:close", "htmx:error", "htmx:response:error"]) {
  document.body.addEventListener(lost, says(true));
}
for (const found of ["htmx:sse:after:connection", "htmx:after:swap"]) {
  document.body.addEventListener(found, says(false));
}
