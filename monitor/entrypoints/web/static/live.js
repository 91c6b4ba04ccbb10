// Brings the page up to date without a jump: what the reader does stays as it is.
"use strict";
const seconds = Number(document.currentScript.dataset.seconds);
const main = document.querySelector("main");
const stale = document.querySelector(".stale");

function isBusy() {
  const field = document.activeElement;
  const isTyping = field instanceof HTMLInputElement && main.contains(field);
  return document.hidden || isTyping || !getSelection().isCollapsed;
}

function put(fresh) {
  const scrolled = [...main.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  const focused = document.activeElement;
  const place = main.contains(focused) ? [...main.querySelectorAll("a, button, [tabindex]")].indexOf(focused) : -1;
  main.replaceChildren(...fresh.querySelector("main").childNodes);
  main.querySelectorAll(".scroll").forEach((box, n) => { box.scrollLeft = scrolled[n] ?? 0; });
  document.querySelector("footer").replaceChildren(...fresh.querySelector("footer").childNodes);
  if (place >= 0) main.querySelectorAll("a, button, [tabindex]")[place]?.focus({ preventScroll: true });
}

async function renew() {
  if (isBusy()) return;
  try {
    const reply = await fetch(location.href, { signal: AbortSignal.timeout(seconds * 1000) });
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!reply.ok) throw new Error(String(reply.status));
    if (!isBusy()) put(fresh);
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

setInterval(renew, seconds * 1000);
document.addEventListener("visibilitychange", renew);
