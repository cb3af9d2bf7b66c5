// The stream of a turn, appended to as more of it comes: it follows its end until somebody scrolls away from that.
const stream = document.getElementById("stream");
const list = stream?.querySelector("ol");
const state = document.getElementById("stream-state");
const button = document.getElementById("stream-more");
const MOST = 3000;
let follows = true;
let missed = 0;
let asking = false;

function atEnd() {
  return stream.scrollHeight - stream.scrollTop - stream.clientHeight < 8;
}

function toEnd() {
  stream.scrollTop = stream.scrollHeight;
  follows = true;
  missed = 0;
  button.hidden = true;
}

// A result belongs into the call that it came of, where that is on the page.
function place(item) {
  const result = item.dataset.result && item.querySelector(".result");
  const call = result &&
    [...list.querySelectorAll("details[data-call]")].findLast((one) => one.dataset.call === item.dataset.result);
  if (call) call.append(result);
  else list.append(item);
  return !call;
}

function append(items) {
  for (const item of items) missed += place(item) ? 1 : 0;
  if (follows) {
    while (list.children.length > MOST) list.firstElementChild.remove();
    toEnd();
  } else if (missed) {
    button.hidden = false;
    button.textContent = `↓ ${missed} new`;
  }
}

// Ask for what came after `last` of a turn; whether there was any.
async function more(turn, last) {
  const answer = await fetch(`${stream.dataset.address}?turn=${turn}&after=${last}`, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("ol[data-last]");
  stream.dataset.turn = String(turn);
  stream.dataset.last = fresh.dataset.last;
  append([...fresh.children]);
  return Number(fresh.dataset.last) > last;
}

// The part of the page that says how far the turn is, which live.js keeps true, says when there is more to ask for.
function goal() {
  const told = state.querySelector("[data-turn]");
  return told ? { turn: Number(told.dataset.turn), last: Number(told.dataset.last) } : null;
}

async function catchUp() {
  if (asking) return;
  asking = true;
  try {
    for (let wanted = goal(); wanted !== null; wanted = goal()) {
      const [turn, last] = [Number(stream.dataset.turn), Number(stream.dataset.last)];
      if (wanted.turn > turn) {
        if (turn === 0 || !await more(turn, last)) await more(wanted.turn, 0);
      } else if (wanted.turn < turn || wanted.last <= last || !await more(turn, last)) break;
    }
  } catch { /* live.js says that the daemon does not answer; the next change asks again */ } finally { asking = false; }
}

if (stream && state) {
  stream.addEventListener("scroll", () => {
    follows = atEnd();
    if (follows) toEnd();
  });
  button.addEventListener("click", () => { toEnd(); stream.focus({ preventScroll: true }); });
  addEventListener("hive:renewed", catchUp);
  toEnd();
  catchUp();
}
