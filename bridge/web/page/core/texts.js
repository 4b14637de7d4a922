// The words of the page in the language that was chosen. What the server says comes in that language, too.

import { EN } from "./en.js";
import { FR } from "./fr.js";

const TEXTS = { en: EN, fr: FR };

let language = "en";

export const spokenLanguage = () => language;

export function say(key) {
  return TEXTS[language][key] ?? EN[key] ?? key;
}

// What a track is; roles have no word of their own in English.
export function sayRole(role) {
  return TEXTS[language][`role_${role}`] ?? role;
}

// A number with so many decimals, as the language writes them.
export function figure(value, digits) {
  const text = (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toFixed(digits);
  return language === "fr" ? text.replace(".", ",") : text;
}

export function speak(chosen) {
  language = TEXTS[chosen] ? chosen : "en";
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const element of document.querySelectorAll("[data-title]")) element.title = say(element.dataset.title);
  return language;
}
