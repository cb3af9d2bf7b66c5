// An input with `data-filter="id"` shows, of the rows in that element, those that hold all its words.
function filter(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of document.getElementById(input.dataset.filter)?.querySelectorAll("[data-row]") ?? []) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  const said = document.getElementById(`${input.dataset.filter}-shown`);
  if (said) said.textContent = words.length ? `${shown} shown` : "";
}

const all = () => { for (const input of document.querySelectorAll("[data-filter]")) filter(input); };

document.addEventListener("input", ({ target }) => { if (target.matches("[data-filter]")) filter(target); });
addEventListener("hive:renewed", all);
all();
