// Controls of one setting: a slider, and a field for typed numbers. Both say their value in its unit, step with arrow
// keys and the wheel, and go back to the prediction or to neutral.

import { make } from "../core/dom.js";
import { parsed } from "../core/numbers.js";
import { isLog, position, reach, rounded, spoken, stepped, valueAt, written } from "../core/scale.js";
import { say } from "../core/texts.js";

const KEYS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 1, PageDown: -1 };
const WHEEL_PAUSE_MS = 400;

// A turn of the wheel belongs to what it began over: who scrolls the page moves nothing on the way.
let turned = { over: null, at: -Infinity };
addEventListener("wheel", (event) => {
  if (event.timeStamp - turned.at > WHEEL_PAUSE_MS) turned.over = event.target;
  turned.at = event.timeStamp;
}, { capture: true, passive: true });

// `step(steps, size)` moves what the element stands for.
export function bindWheel(element, step) {
  element.addEventListener("wheel", (event) => {
    if (turned.over !== event.target && document.activeElement !== element) return;
    event.preventDefault();
    step(-Math.sign(event.deltaY), event.shiftKey ? "small" : "usual");
  }, { passive: false });
}

// Arrow keys, Page keys, P and N, double click: what all controls share.
export function bindHand(element, { step, reset, ends }) {
  bindWheel(element, step);
  element.addEventListener("dblclick", (event) => reset(event.shiftKey));
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (KEYS[event.key] && step) {
      event.preventDefault();
      step(KEYS[event.key], event.key.startsWith("Page") ? "large" : event.shiftKey ? "small" : "usual");
    } else if ((event.key === "Home" || event.key === "End") && ends) {
      event.preventDefault();
      ends(event.key === "End");
    } else if (key === "p" || key === "n") {
      event.preventDefault();
      reset(key === "n");
    }
  });
}

// The setting that a control stands for.
function handle(desk, part, index, row) {
  const { path } = row;
  const standing = () => desk.standing(part, index, path);
  return {
    standing,
    move(value) {
      desk.move(part, index, path, value);
    },
    step(steps, size) {
      desk.move(part, index, path, stepped(row, standing(), steps, size));
      desk.settle();
    },
    ends(isHigh) {
      desk.move(part, index, path, reach(row, standing())[Number(isHigh)]);
      desk.settle();
    },
    reset: (isNeutral) => desk.reset(part, index, [path], isNeutral),
  };
}

export function slider(desk, part, index, row, { label, kind = "" }) {
  const hand = handle(desk, part, index, row);
  const input = make("input", { type: "range", "aria-label": label, "data-path": row.path, title: desk.tip(row) });
  if (kind) input.className = kind;
  const read = () => (isLog(row) ? valueAt(row, Number(input.value)) : rounded(row, Number(input.value)));
  input.addEventListener("input", () => {
    input.dataset.held = "yes";
    say_(input, row, read());
    hand.move(read());
  });
  input.addEventListener("change", () => {
    delete input.dataset.held;
    desk.settle();
  });
  bindHand(input, hand);
  return input;
}

// Logarithmic settings are placed 0..1000, others in their unit.
export function show(input, row, value) {
  if (input.dataset.held === "yes" || value === undefined || input.shown === value) return say_(input, row, value);
  input.shown = value;
  const [low, high] = isLog(row) ? [0, 1000] : reach(row, value);
  input.min = low;
  input.max = high;
  input.step = isLog(row) ? 1 : row.unit === "dB" ? 0.1 : row.unit === "dB/oct" ? 1 : (high - low) / 1000;
  input.value = isLog(row) ? position(row, value) : value;
  return say_(input, row, value);
}

function say_(element, row, value) {
  if (value === undefined) return;
  const [low, high] = isLog(row) ? [row.low, row.high] : reach(row, value);
  for (const [name, text] of Object.entries({ "aria-valuenow": rounded(row, value), "aria-valuemin": low, "aria-valuemax": high, "aria-valuetext": spoken(row, value) })) {
    if (element.getAttribute(name) !== String(text)) element.setAttribute(name, text);
  }
}

export function numberField(desk, part, index, row, { label }) {
  const hand = handle(desk, part, index, row);
  const field = make("input", { type: "text", inputmode: "decimal", role: "spinbutton", autocomplete: "off", spellcheck: "false", "aria-label": label, "data-number": row.path, title: desk.tip(row) });
  const commit = () => {
    if (field.value === field.shown) return;
    const value = parsed(field.value, row);
    if (value === null) {
      field.setAttribute("aria-invalid", "true");
      desk.tellUser(`${say("no_number")} “${field.value}”. ${say("number_hint")}`, true);
      return;
    }
    field.removeAttribute("aria-invalid");
    const held = Math.min(row.high, Math.max(row.low, value));
    if (held !== value) desk.tellUser(`${label}: ${say("held_at")} ${written(held, row.unit)}.`);
    field.shown = null;
    hand.move(held);
    desk.settle();
    showNumber(field, row, held, true);
  };
  field.addEventListener("focus", () => field.select());
  field.addEventListener("change", commit);
  field.addEventListener("blur", () => {
    if (field.getAttribute("aria-invalid")) {
      field.removeAttribute("aria-invalid");
      field.shown = null;
    }
    showNumber(field, row, hand.standing(), true);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") commit();
    if (event.key === "Escape" && field.value !== field.shown) {
      event.stopPropagation();
      field.shown = null;
      field.removeAttribute("aria-invalid");
      showNumber(field, row, hand.standing(), true);
      field.select();
    }
    if (["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key)) {
      event.preventDefault();
      commit();
      hand.step(KEYS[event.key], event.key.startsWith("Page") ? "large" : event.shiftKey ? "small" : "usual");
      showNumber(field, row, hand.standing(), true);
    }
  });
  bindWheel(field, (steps, size) => { hand.step(steps, size); showNumber(field, row, hand.standing(), true); });
  return field;
}

// The unit stands beside the field, so that it need not be typed around.
export function showNumber(field, row, value, isForced = false) {
  say_(field, row, value);
  if (document.activeElement === field && !isForced) return;
  const text = spoken(row, value);
  const bare = row.unit && text.endsWith(row.unit) ? text.slice(0, -row.unit.length).trim() : text;
  if (field.shown === bare && field.value === bare) return;
  field.shown = bare;
  field.value = bare;
}

