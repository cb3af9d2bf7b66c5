// The keys that `?` lists. They are off while a field has the focus, or a dialog is open.
const PLACES = { h: "/", a: "/agents", p: "/approvals", q: "/questions", m: "/mail", o: "/operations" };
const PATIENCE = 1500;
const help = document.getElementById("keys");
const sure = document.getElementById("confirm");
let goes = 0; // until when `g` waits for where to

const isField = (element) => element.matches("input, textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
const rowOf = (element) => element?.closest("[data-row]") ?? null;

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(rowOf(document.activeElement));
  const row = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))];
  const place = row.querySelector("a[href]") ?? row;
  if (place === row) row.tabIndex = -1;
  place.focus();
  row.scrollIntoView({ block: "nearest" });
}

// What `a` or `d` would press: in the row that has the focus, or else what there is one of.
function meant(key) {
  const name = `[data-key="${key}"]`;
  const here = rowOf(document.activeElement)?.querySelector(name);
  const all = [...document.querySelectorAll(name)].filter((button) => button.offsetParent !== null && !button.disabled);
  return here ?? (all.length === 1 ? all[0] : null);
}

function ask(button) {
  document.getElementById("confirm-words").textContent = button.dataset.confirm ?? `${button.textContent.trim()}?`;
  sure.returnValue = "no";
  sure.onclose = () => { if (sure.returnValue === "yes" && button.isConnected) button.form.requestSubmit(button); };
  sure.showModal();
}

function decide(key) {
  const button = meant(key);
  if (button) ask(button);
  else rowOf(document.activeElement)?.querySelector("a[href]")?.click();
}

function press(key) {
  if (performance.now() < goes) {
    goes = 0;
    if (PLACES[key]) location.assign(PLACES[key]);
    return Boolean(PLACES[key]);
  }
  if (key === "?") help.showModal();
  else if (key === "/") document.querySelector("[data-filter], [type=search]")?.focus();
  else if (key === "g") goes = performance.now() + PATIENCE;
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "a" || key === "d") decide(key);
  else if (/^[1-9]$/.test(key)) meant(key)?.click();
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  if (isField(event.target)) {
    if (event.key === "Escape") event.target.blur();
    if (!/^(radio|checkbox)$/.test(event.target.type)) return;
  }
  if (press(event.key)) event.preventDefault();
});
document.getElementById("show-keys").addEventListener("click", () => help.showModal());
