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

// Says what ails the database, or with null that nothing does; whether that is news.
export function ail(sentence) {
  const words = sentence ?? "";
  if (trouble.textContent === words) return false;
  trouble.textContent = words;
  trouble.hidden = !words;
  return true;
}

export const clock = () => new Date().toLocaleTimeString();
