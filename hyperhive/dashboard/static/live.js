// Every part with `data-live` is fetched anew, by its id, when rows of its kinds change. What is typed in it, which
// details are open and where the focus is stays. A hidden tab waits until it is looked at.
/* global htmx */
import { because, clock, holds } from "./banner.js";
import { FIELDS, isTouched, restore, stateOf } from "./fields.js";

const AGAIN = 2000;
let kinds = new Set(); // those that changed since the page was fetched; null: whatever there is
let asking = false;
let planned = 0;
let over = false;

export function changed(which) {
  kinds = which === null || kinds === null || holds("page") ? null : new Set([...kinds, ...which]);
  catchUp();
}

// The session ended.
export function end() {
  over = true;
  because("session", "You are no longer let in: run 'hivectl dashboard' on the host, and open its link.");
}

// The feed is followed, by whichever tab: if the session had ended, the browser was let in anew.
export function follow() {
  if (!over) return;
  over = false;
  because("session", null);
  changed(null);
}

async function catchUp() {
  if (asking || over) return;
  clearTimeout(planned);
  asking = true;
  try {
    while (!document.hidden && (kinds === null || kinds.size)) {
      const wanted = kinds;
      kinds = new Set();
      if (await renew(wanted)) because("page", null);
    }
  } catch {
    if (!holds("page")) because("page", `Not live since ${clock()}: the daemon does not answer. What you see is from before.`);
    kinds = null;
    planned = setTimeout(catchUp, AGAIN);
  } finally {
    asking = false;
  }
}

// Whether those parts are as they should be. Fails where that is to be tried again.
async function renew(wanted) {
  const parts = [...document.querySelectorAll("[data-live]")].filter(
    (part) => wanted === null || part.dataset.live.split(" ").some((kind) => wanted.has(kind)));
  if (!parts.length) return true;
  const answer = await fetch(location.href, { headers: { "X-Part": "1" }, cache: "no-store" });
  if (answer.status >= 500) throw new Error(String(answer.status));
  if (!answer.ok) return refused(answer.status);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (fresh && part.isConnected) await swap(part, fresh);
  }
  dispatchEvent(new CustomEvent("hive:renewed", { detail: page }));
  return true;
}

// The next change asks again.
function refused(status) {
  if (status === 401) end(); else because("page", "What this page showed is there no more.");
  return false;
}

async function swap(part, fresh) {
  const kept = [...part.querySelectorAll(FIELDS)].filter(isTouched).map(stateOf);
  for (const details of part.querySelectorAll("details[id]")) {
    fresh.querySelector(`#${CSS.escape(details.id)}`)?.toggleAttribute("open", details.open);
  }
  await htmx.swap({ target: part, text: fresh.innerHTML, swap: "innerMorph" });
  for (const state of kept) restore(state);
}

document.addEventListener("visibilitychange", catchUp);
