// Times such as "5 min ago" stay true. They are by the daemon's clock: the browser's may be wrong.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const ahead = Number(document.body.dataset.now) - Date.now() / 1000;

function span(seconds) {
  const [length, unit] = UNITS.find(([least]) => seconds >= least) ?? [1, "s"];
  return `${Math.max(0, Math.floor(seconds / length))} ${unit}`;
}

function tick() {
  if (document.hidden) return;
  const now = Date.now() / 1000 + ahead;
  for (const time of document.querySelectorAll("time[data-at]")) {
    const left = Number(time.dataset.at) - now;
    const words = left >= 1 ? `in ${span(left)}` : `${span(-left)} ago`;
    if (time.textContent !== words) time.textContent = words;
  }
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
addEventListener("hive:renewed", tick);
