/**
 * What the page does by itself: searches, names the address that it was asked at, copies. Without
 * it everything is there to read. It asks nobody for anything.
 */
export const SCRIPT = `"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const base = new URL(".", location.href).href.replace(/[/]$/, "");
if (location.protocol.startsWith("http")) for (const each of all("[data-base]")) each.textContent = base;

const search = document.querySelector("search");
const input = search.querySelector("input");
const told = document.querySelector("nav [role=status]");
const menu = document.querySelector("nav > details");
const narrow = matchMedia("(max-width: 59.99rem)");
const follow = () => { menu.open = !narrow.matches; };
narrow.addEventListener("change", follow);
follow();

const links = new Map(all("nav li a").map((link) => [link.hash.slice(1), link]));
const parts = all("main article").map((part) => ({ part, text: part.textContent.toLowerCase() }));
function find() {
  const words = input.value.toLowerCase().split(/ +/).filter((word) => word !== "");
  let found = 0;
  for (const { part, text } of parts) {
    const isFound = words.every((word) => text.includes(word));
    part.hidden = !isFound;
    links.get(part.id).parentElement.hidden = !isFound;
    if (isFound) found++;
  }
  for (const [groups, each] of [["main > section", "article"], ["nav li.group", "li"]])
    for (const group of all(groups)) group.hidden = all(each, group).every((part) => part.hidden);
  document.querySelector(".lead").hidden = words.length > 0;
  if (words.length > 0) scrollTo({ top: 0, behavior: "instant" });
  told.textContent = words.length === 0 ? "" : found === 0 ? "Nothing matches." : found + " of " + parts.length + " match.";
}
const clear = () => { input.value = ""; find(); };
search.hidden = false;
input.addEventListener("input", find);
input.addEventListener("keydown", (event) => {
  if (event.key === "Escape") clear();
  const first = parts.find(({ part }) => !part.hidden);
  if (event.key === "Enter" && first !== undefined) all("h3 a", first.part)[0].focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === input) return;
  event.preventDefault();
  input.focus();
});

function arrive() {
  const id = location.hash.slice(1);
  for (const [name, link] of links)
    if (name === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  const target = document.getElementById(id);
  if (target === null || target.checkVisibility()) return;
  clear();
  target.scrollIntoView();
}
addEventListener("hashchange", arrive);
arrive();
menu.addEventListener("click", (event) => {
  if (narrow.matches && event.target.closest("a") !== null) menu.open = false;
});

if (navigator.clipboard !== undefined)
  for (const sample of all(".samples:has(.curl)")) {
    const button = document.createElement("button");
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(sample.querySelector(".curl").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    sample.querySelector(".head").append(button);
  }
`;
