// The line at the top that says, in place and at once, why the page may not be true.
const line = document.getElementById("live");
const trouble = document.getElementById("trouble");
const reasons = new Map();

// Sets, or with null takes away, the reason of that source; the gravest of all that hold is shown.
export function because(source, sentence) {
  if (sentence === null) reasons.delete(source); else if (reasons.get(source) !== sentence) reasons.set(source, sentence);
  const shown = ["session", "form", "feed", "page"].map((name) => reasons.get(name)).find((words) => words) ?? "";
  if (line.textContent !== shown) line.textContent = shown;
  line.hidden = !shown;
}

export const holds = (source) => reasons.has(source);

export function ail(sentence) {
  trouble.textContent = sentence ?? "";
  trouble.hidden = !sentence;
}

export const clock = () => new Date().toLocaleTimeString();
