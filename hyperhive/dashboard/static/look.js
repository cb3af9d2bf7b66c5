// The switch of colours, and buttons with `data-copy` (the id of what they copy).
const theme = document.getElementById("theme");
const SAID = 2000;

theme.value = document.documentElement.dataset.theme ?? "";
theme.addEventListener("change", () => {
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem("theme", theme.value);
});
addEventListener("storage", ({ key, newValue }) => {
  if (key !== "theme") return;
  theme.value = newValue ?? "";
  if (newValue) document.documentElement.dataset.theme = newValue;
  else delete document.documentElement.dataset.theme;
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-copy]");
  const what = button && document.getElementById(button.dataset.copy);
  if (!what) return;
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(what.value ?? what.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser forbids it";
  }
  setTimeout(() => { button.textContent = words; }, SAID);
});
