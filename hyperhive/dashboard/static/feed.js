// One stream of events a browser, however many tabs: the tab that was looked at last holds it, and tells the others.
import { ail, because, clock, holds } from "./banner.js";
import { changed, end, follow } from "./live.js";

const SILENCE = 40000; // the daemon says something every 15 s
const AGAIN = 2000;
const NAME = `hive-feed-${location.host}`;
const tabs = new BroadcastChannel(NAME);
let seq = Number(document.body.dataset.seq);
let source = null;
let watch = 0;
let leads = false;
let takes = false; // asked to lead, and not answered yet: asked twice we would take it from ourselves
let waiting = null;

export const isLeading = () => leads;

const act = {
  change: ({ kinds }) => { changed(kinds); dispatchEvent(new CustomEvent("hive:change", { detail: kinds })); },
  resync: () => { changed(null); dispatchEvent(new CustomEvent("hive:change", { detail: null })); },
  trouble: ({ sentence }) => { if (ail(sentence)) act.resync(); }, // it needs the operator, and no row changed by it
  lost: ({ sentence }) => because("feed", sentence),
  well,
  over: () => { end(); close(); },
};

function well() {
  const wasLost = holds("feed");
  because("feed", null);
  follow();
  if (wasLost) act.resync();
}

// Here, and in every other tab. `since` is the change before this word: a tab that has not come so far missed some.
function spread(name, data = {}, since = seq) {
  act[name](data);
  tabs.postMessage({ name, data, since, seq });
}

tabs.onmessage = ({ data: { name, data, since, seq: reached } }) => {
  if (seq < since) act.resync();
  seq = Math.max(seq, reached);
  act[name]?.(data); // a page that an older daemon gave out may know other words
};

function open() {
  source = new EventSource(`/events?after=${seq}`);
  for (const name of ["change", "resync", "trouble", "over"]) {
    source.addEventListener(name, (event) => {
      const since = seq;
      heard(event);
      spread(name, JSON.parse(event.data), since);
    });
  }
  source.addEventListener("beat", heard);
  source.addEventListener("hello", (event) => {
    heard(null);
    spread("well");
    spread("trouble", { sentence: JSON.parse(event.data).trouble });
    dispatchEvent(new Event("hive:follow"));
  });
  source.addEventListener("error", failed);
  heard(null);
}

function heard(event) {
  if (event?.lastEventId) seq = Number(event.lastEventId);
  clearTimeout(watch);
  watch = setTimeout(() => { lost(); reopen(); }, SILENCE);
}

function lost() {
  if (!holds("feed")) spread("lost", { sentence: `Not live since ${clock()}: the daemon does not answer. What you see is from before.` });
}

async function failed() {
  const dead = source;
  lost();
  if (!dead || dead.readyState !== EventSource.CLOSED) return; // the browser itself asks again
  const asked = { method: "HEAD", headers: { "X-Part": "1" }, cache: "no-store" };
  const page = await fetch("/", asked).then((answer) => answer.status, () => 0);
  if (page === 401) spread("over");
  else setTimeout(() => { if (source === dead) reopen(); }, AGAIN);
}

function reopen() {
  close();
  if (leads) open();
}

function close() {
  clearTimeout(watch);
  source?.close();
  source = null;
}

function lead() {
  leads = true;
  takes = false;
  if (!source) open();
  return new Promise(() => {}); // until the tab ends, or another takes over
}

// Another tab is looked at now.
function displaced() {
  leads = false;
  takes = false;
  close();
  wait();
}

function wait() {
  const { signal } = waiting = new AbortController();
  navigator.locks.request(NAME, { signal }, lead).catch(() => { if (!signal.aborted) displaced(); });
}

function takeOver() {
  if (leads || takes || document.hidden) return;
  takes = true;
  waiting?.abort();
  navigator.locks.request(NAME, { steal: true }, lead).catch(displaced);
}

function alone() {
  leads = !document.hidden;
  if (leads && !source) open();
  if (!leads) close();
}

if (navigator.locks) {
  if (document.hidden) wait(); else takeOver();
  document.addEventListener("visibilitychange", takeOver);
} else {
  alone();
  document.addEventListener("visibilitychange", alone);
}
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
