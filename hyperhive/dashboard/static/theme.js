// Before anything is drawn: the colours that were chosen in this browser, and that scripts run.
"use strict";

try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* a browser that keeps nothing goes by the system */ }
document.documentElement.dataset.scripts = "";
