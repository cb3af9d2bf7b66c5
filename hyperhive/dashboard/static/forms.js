// A form takes nothing with it but its own: what is typed in others is there again when the page is. And none is sent
// to a daemon that does not answer, which would leave the browser's own page of an error in place of what was typed.
import { because, holds } from "./banner.js";
import { FIELDS, isTouched, restore, stateOf } from "./fields.js";

const NAME = "hive-drafts";
const PROBE = { method: "HEAD", headers: { "X-Part": "1" }, cache: "no-store" };

const kept = () => JSON.parse(sessionStorage.getItem(NAME) ?? "{}");

// Nothing of a secret, and nothing at all once one has left.
function keep(sent) {
  if (new URL(sent.action).pathname === "/leave") return sessionStorage.removeItem(NAME);
  const fields = [...document.querySelectorAll(FIELDS)].filter(
    (field) => field.form !== sent && field.form?.method === "post" && field.type !== "password");
  const page = { states: fields.filter(isTouched).map(stateOf), top: scrollY };
  sessionStorage.setItem(NAME, JSON.stringify({ ...kept(), [location.pathname]: page }));
}

function putBack() {
  const { [location.pathname]: page, ...others } = kept();
  if (!page) return;
  for (const state of page.states) restore({ ...state, focused: false, range: null });
  scrollTo({ top: page.top, behavior: "instant" });
  sessionStorage.setItem(NAME, JSON.stringify(others));
}

async function sendIfHeard(form, button) {
  const heard = await fetch("/", PROBE).then(() => true, () => false);
  because("form", heard ? null : "Not sent, for the daemon does not answer. What you typed is still here: send it again when the page is live.");
  if (heard && form.isConnected) { keep(form); sendNow(form, button); }
}

function sendNow(form, button) {
  form.dataset.heard = "";
  form.requestSubmit(button);
  delete form.dataset.heard;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented || "heard" in form.dataset) return;
  if (!holds("feed") && !holds("page")) return keep(form);
  event.preventDefault();
  sendIfHeard(form, event.submitter);
});
addEventListener("hive:change", () => because("form", null));
putBack();
