/** Runs before the page is drawn: a theme that was chosen shows at once. */
try {
  const chosen = localStorage.getItem("postern-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
} catch {
  // Storage may be forbidden: then it is the system's theme.
}
