// Every part with `data-live` is fetched anew, by its id, when rows of its kinds change. What is typed in it, which
// details are open and where the focus is stays. A hidden tab waits until it is looked at.
/* global htmx */
import { because, clock, holds } from "./banner.js";
import { FIELDS, isTouched, restore, stateOf } from "./fields.js";

const AGAIN = 2000;
let kinds = new Set(); // those that changed since the page was fetched; null: whatever there is
let asking = false;
let over = false;

export function changed(which) {
  kinds = which === null || kinds === null ? null : new Set([...kinds, ...which]);
  catchUp();
}

export function end() {
  over = true;
  because("session", "You are no longer let in: run 'hivectl dashboard' on the host, and open its link.");
}

async function catchUp() {
  if (asking || over || document.hidden) return;
  asking = true;
  let wanted = new Set();
  try {
    while (!document.hidden && (kinds === null || kinds.size)) {
      wanted = kinds;
      kinds = new Set();
      await renew(wanted);
      because("page", null);
    }
  } catch {
    if (!holds("page")) because("page", `Not live since ${clock()}: the daemon does not answer. What you see is from before.`);
    kinds = kinds === null || wanted === null ? null : new Set([...kinds, ...wanted]);
    setTimeout(catchUp, AGAIN);
  } finally {
    asking = false;
  }
}

async function renew(wanted) {
  const parts = [...document.querySelectorAll("[data-live]")].filter(
    (part) => wanted === null || part.dataset.live.split(" ").some((kind) => wanted.has(kind)));
  if (!parts.length && wanted !== null) return;
  const answer = await fetch(location.href, { headers: { "X-Part": "1" }, cache: "no-store" });
  if (answer.status === 401) return end();
  if (answer.status >= 500) throw new Error(String(answer.status));
  if (!answer.ok) {
    because("page", "What this page showed is there no more.");
    throw new Error(String(answer.status));
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (fresh && part.isConnected) await swap(part, fresh);
  }
  dispatchEvent(new CustomEvent("hive:renewed", { detail: page }));
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
