// One stream of events a browser, however many tabs: the tab that was looked at last holds it, and tells the others.
import { ail, because, clock, holds } from "./banner.js";
import { changed, end } from "./live.js";

const SILENCE = 40000; // the daemon says something every 15 s
const AGAIN = 2000;
const NAME = `hive-feed-${location.host}`;
const tabs = new BroadcastChannel(NAME);
let seq = Number(document.body.dataset.seq);
let begun = 0; // the change behind which our own stream began
let source = null;
let watch = 0;
let leads = false;
let waiting = null;

export const isLeading = () => leads;

const act = {
  change: ({ kinds }) => { changed(kinds); dispatchEvent(new CustomEvent("hive:change", { detail: kinds })); },
  resync: () => { changed(null); dispatchEvent(new CustomEvent("hive:change", { detail: null })); },
  trouble: ({ sentence }) => ail(sentence),
  lost: ({ sentence }) => because("feed", sentence),
  well: () => { if (holds("feed")) changed(null); because("feed", null); },
  over: end,
};

// Here, and in every other tab.
function spread(name, data = {}) {
  act[name](data);
  tabs.postMessage({ name, data, seq });
}

tabs.onmessage = ({ data: { name, data, seq: reached } }) => {
  if (name === "behind") {
    if (leads && data.seq < begun) tabs.postMessage({ name: "resync", data: {}, seq });
    return;
  }
  if (reached) seq = Math.max(seq, reached);
  act[name]?.(data);
};

function open() {
  begun = seq;
  source = new EventSource(`/events?after=${seq}`);
  for (const name of ["change", "resync", "trouble", "over"]) {
    source.addEventListener(name, (event) => { heard(event); spread(name, JSON.parse(event.data)); });
  }
  source.addEventListener("beat", heard);
  source.addEventListener("hello", (event) => {
    heard(null);
    spread("well");
    spread("trouble", { sentence: JSON.parse(event.data).trouble });
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
  waiting = null;
  if (!source) open();
  return new Promise(() => {}); // until the tab ends, or another takes over
}

// Not ours any more: another tab is looked at now. Or we wait no more, to take it over ourselves.
function displaced() {
  if (!leads) return;
  leads = false;
  close();
  tabs.postMessage({ name: "behind", data: { seq }, seq: 0 });
  wait();
}

function wait() {
  waiting = new AbortController();
  navigator.locks.request(NAME, { signal: waiting.signal }, lead).catch(displaced);
}

function takeOver() {
  if (leads || document.hidden) return;
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
