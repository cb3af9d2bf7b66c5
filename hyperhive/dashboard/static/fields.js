// What somebody typed or chose in a field that has an id, taken down and put back.
export const FIELDS = "input[id], textarea[id], select[id]";

export function isTouched(field) {
  if (field.type === "hidden") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

// Whether there is anything in a form that would be lost with the page.
export const isWritten = () => [...document.querySelectorAll(FIELDS)].some((field) => field.form?.method === "post" && isTouched(field));

export function stateOf(field) {
  const { id, value, checked } = field;
  const focused = document.activeElement === field;
  let range = null;
  try { range = focused ? [field.selectionStart, field.selectionEnd] : null; } catch { /* fields without a caret */ }
  return { id, value, checked, focused, range };
}

export function restore({ id, value, checked, focused, range }) {
  const field = document.getElementById(id);
  if (!field) return;
  if (field.type === "checkbox" || field.type === "radio") field.checked = checked;
  else if (field.value !== value) field.value = value;
  if (focused && document.activeElement !== field) field.focus({ preventScroll: true });
  if (range && range[0] !== null && document.activeElement === field && field.selectionStart !== range[0]) field.setSelectionRange(...range);
}
