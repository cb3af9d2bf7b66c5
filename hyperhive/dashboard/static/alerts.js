// How much needs the operator: in the title, in the icon, and, where that was wished for, as notifications.
//
// `<meta name="needs" content="N">` of any page says how much; the page /needs lists it: every element with
// `data-need` (a name that stays the same) is one thing, its text what to say, its first link where to look.
import { isLeading } from "./feed.js";

const tabs = new BroadcastChannel(`hive-needs-${location.host}`);
const icon = document.querySelector('link[rel="icon"]');
const calm = icon.href;
const title = document.title;
const wish = document.getElementById("notify");
let known = null;
let planned = 0;
let seen = false;

function count(number) {
  const words = number > 0 ? `(${number}) ${title}` : title;
  if (document.title !== words) document.title = words;
  const address = number > 0 ? icon.dataset.alert : calm;
  if (icon.href !== address) icon.href = address;
}

const numberOf = (page) => page.querySelector('meta[name="needs"]')?.content;

async function look() {
  planned = 0;
  const answer = await fetch("/needs", { headers: { "X-Part": "1" }, cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const things = [...page.querySelectorAll("[data-need]")].map((thing) => ({
    name: thing.dataset.need, words: thing.textContent.replace(/\s+/g, " ").trim(), address: thing.querySelector("a")?.getAttribute("href") ?? "/",
  }));
  const news = { number: Number(numberOf(page) ?? things.length), names: things.map((thing) => thing.name) };
  const fresh = known === null ? [] : things.filter((thing) => !known.has(thing.name));
  take(news);
  tabs.postMessage(news);
  if (fresh.length && wished()) await tell(fresh);
}

function take({ number, names }) {
  known = new Set(names);
  count(number);
}

const wished = () => localStorage.getItem("notify") === "yes" && Notification.permission === "granted";

// Nobody who looks at a tab needs to be told.
async function tell(things) {
  seen = !document.hidden;
  tabs.postMessage("does anybody look?");
  await new Promise((done) => { setTimeout(done, 200); });
  if (seen) return;
  for (const { name, words, address } of things) {
    const note = new Notification(document.querySelector(".brand").textContent, { body: words.slice(0, 200), tag: name, icon: calm });
    note.onclick = () => { window.focus(); location.assign(address); note.close(); };
  }
}

tabs.onmessage = ({ data }) => {
  if (data === "does anybody look?") { if (!document.hidden) tabs.postMessage("somebody looks"); }
  else if (data === "somebody looks") seen = true;
  else take(data);
};

addEventListener("hive:change", () => { if (isLeading() && !planned) planned = setTimeout(look, 300); });
addEventListener("hive:renewed", ({ detail: page }) => { const number = numberOf(page); if (number !== undefined) count(Number(number)); });

wish.checked = wished();
wish.addEventListener("change", async () => {
  const may = wish.checked && (await Notification.requestPermission()) === "granted";
  localStorage.setItem("notify", may ? "yes" : "no");
  wish.checked = may;
});
wish.closest("label").hidden = typeof Notification === "undefined";
count(Number(numberOf(document) ?? 0));
if (wished() || numberOf(document) === undefined) planned = setTimeout(look, 500);
