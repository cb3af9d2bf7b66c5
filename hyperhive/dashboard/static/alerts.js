// How much needs the operator: in the title, in the icon, and, where that was wished for, as notifications.
//
// `<meta name="needs" content="N">` of any page says how much; the page /needs lists it: every element with
// `data-need` (a name that stays the same) is one thing, its text what to say, its first link where to look.
import { isLeading } from "./feed.js";
import { isWritten } from "./fields.js";

const KNOWN = "needs"; // where the names are kept of what was found last, for the tab or the page that looks next
const SOON = 300;
const ANSWERED = 200; // within that a tab says that somebody looks at it
const tabs = new BroadcastChannel(`hive-needs-${location.host}`);
const icon = document.querySelector('link[rel="icon"]');
const calm = icon.href;
const title = document.title;
const wish = document.getElementById("notify");
let planned = 0; // until the look that it begins has ended
let again = false;
let seen = false;

function count(number) {
  const words = number > 0 ? `(${number}) ${title}` : title;
  if (document.title !== words) document.title = words;
  const address = number > 0 ? icon.dataset.alert : calm;
  if (icon.href !== address) icon.href = address;
}

const numberOf = (page) => page.querySelector('meta[name="needs"]')?.content;

// One look at a time, and one more if anything happens during it: its answer may be from before that.
function soon() {
  again = true;
  planned ||= setTimeout(look, SOON);
}

async function look() {
  again = false;
  try {
    await compare();
  } finally {
    planned = 0;
    if (again) soon();
  }
}

async function compare() {
  const answer = await fetch("/needs", { headers: { "X-Part": "1" }, cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const things = [...page.querySelectorAll("[data-need]")].map((thing) => ({
    name: thing.dataset.need, words: thing.textContent.replace(/\s+/g, " ").trim(), address: thing.querySelector("a")?.getAttribute("href") ?? "/",
  }));
  const known = JSON.parse(localStorage.getItem(KNOWN));
  localStorage.setItem(KNOWN, JSON.stringify(things.map((thing) => thing.name)));
  const number = Number(numberOf(page) ?? things.length);
  count(number);
  tabs.postMessage(number);
  const fresh = known === null ? [] : things.filter((thing) => !known.includes(thing.name));
  if (fresh.length && wished()) await tell(fresh);
}

const wished = () => localStorage.getItem("notify") === "yes" && Notification.permission === "granted";

// Nobody who looks at a tab needs to be told.
async function tell(things) {
  seen = !document.hidden;
  tabs.postMessage("does anybody look?");
  await new Promise((done) => { setTimeout(done, ANSWERED); });
  if (seen) return;
  for (const { name, words, address } of things) {
    const note = new Notification(document.querySelector(".brand").textContent, { body: words.slice(0, 200), tag: name, icon: calm });
    note.onclick = () => { note.close(); lead(address); };
  }
}

function lead(address) {
  if (isWritten()) open(address);
  else { focus(); location.assign(address); }
}

tabs.onmessage = ({ data }) => {
  if (data === "does anybody look?") { if (!document.hidden) tabs.postMessage("somebody looks"); }
  else if (data === "somebody looks") seen = true;
  else count(data);
};

addEventListener("hive:change", () => { if (isLeading()) soon(); });
addEventListener("hive:follow", () => { if (wished()) soon(); }); // the tab that led before may have ended before it looked
addEventListener("hive:renewed", ({ detail: page }) => { const number = numberOf(page); if (number !== undefined) count(Number(number)); });

wish.checked = wished();
wish.addEventListener("change", async () => {
  const may = wish.checked && (await Notification.requestPermission()) === "granted";
  localStorage.setItem("notify", may ? "yes" : "no");
  wish.checked = may;
  if (may) soon(); // what is there by now is no news
});
wish.closest("label").hidden = typeof Notification === "undefined";
count(Number(numberOf(document) ?? 0));
if (numberOf(document) === undefined) soon();
