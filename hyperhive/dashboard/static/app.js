// What a page does by itself: it stays true while it is open, and says so where it can't.
"use strict";

const live = document.getElementById("live");
let kinds = new Set();
let asking = false;

// Every part with `data-live` is fetched anew, by its id, when rows of its kinds change; what is typed in it stays.
async function refresh(wanted) {
  const parts = [...document.querySelectorAll("[data-live]")].filter(
    (part) => wanted === null || part.dataset.live.split(" ").some((kind) => wanted.has(kind)));
  if (!parts.length) return;
  const answer = await fetch(location.href, { headers: { "X-Part": "1" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (fresh) htmx.swap({ target: part, text: fresh.innerHTML, swap: "innerMorph" });
  }
}

async function catchUp() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    while (kinds === null || kinds.size) {
      const wanted = kinds;
      kinds = new Set();
      await refresh(wanted);
    }
  } catch { lost(); } finally { asking = false; }
}

function changed(which) {
  kinds = which === null || kinds === null ? null : new Set([...kinds, ...which]);
  catchUp();
}

function lost() {
  if (live.hidden) live.dataset.since = String(Date.now());
  live.hidden = false;
  live.textContent = "Not live: the daemon does not answer. What you see is from before.";
}

function follow() {
  const source = new EventSource("/events");
  source.addEventListener("hello", () => { if (!live.hidden) changed(null); live.hidden = true; });
  source.addEventListener("change", (event) => changed(JSON.parse(event.data).kinds));
  source.addEventListener("resync", () => changed(null));
  source.addEventListener("error", lost);
}

if (live) { document.addEventListener("visibilitychange", catchUp); follow(); }
