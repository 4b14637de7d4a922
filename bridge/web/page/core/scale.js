// Where a value stands on a control, by its row of the console's table; and how it is written and stepped.

import { figure, say } from "./texts.js";

// Settings that reach further than anybody mixes: their controls span what is used, and more where a value lies outside.
// Typed numbers reach all.
const USED = {
  fader_db: [-60, 12], return_gain_db: [-60, 12], output_gain_db: [-24, 24], input_gain_db: [-24, 24],
  threshold_db: [-72, 0], makeup_db: [-12, 24], drive: [0, 20],
};
const PLACES = 1000;

export const isLog = (row) => row.scale === "log";

// The ends of a control.
export function reach(row, value) {
  const [low, high] = USED[row.path.split(".").at(-1)] ?? [row.low, row.high];
  if (value >= low && value <= high) return [low, high];
  const wide = 12;
  return [Math.max(row.low, Math.min(low, Math.floor(value / wide) * wide)), Math.min(row.high, Math.max(high, Math.ceil(value / wide) * wide))];
}

// 0..1000 over the whole range.
export function position(row, value) {
  if (isLog(row)) return (PLACES * Math.log(value / row.low)) / Math.log(row.high / row.low);
  return (PLACES * (value - row.low)) / (row.high - row.low);
}

export function valueAt(row, place) {
  const share = place / PLACES;
  const value = isLog(row) ? row.low * (row.high / row.low) ** share : row.low + share * (row.high - row.low);
  return rounded(row, value);
}

export function rounded(row, value) {
  const digits = row.unit === "Hz" || row.unit === "ms" ? (value < 10 ? 2 : value < 1000 ? 1 : 0) : row.unit === "dB" ? 1 : 3;
  return Math.min(row.high, Math.max(row.low, Number(value.toFixed(digits))));
}

// One step up or down, or a small or large one.
export function stepped(row, value, steps, size = "usual") {
  if (isLog(row)) return rounded(row, value * 2 ** (steps * { small: 1 / 48, usual: 1 / 12, large: 1 / 2 }[size]));
  const step = row.unit === "dB" ? { small: 0.1, usual: 0.5, large: 3 }[size] : (row.high - row.low) * { small: 1 / 200, usual: 1 / 40, large: 1 / 8 }[size];
  return rounded(row, value + steps * step);
}

export function written(value, unit) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const digits = { dB: 1, Hz: size < 100 ? 1 : 0, ms: size < 10 ? 2 : size < 100 ? 1 : 0, "dB/oct": 0, LUFS: 1 }[unit] ?? 2;
  return `${figure(value, digits)}${unit && unit !== ":1" ? " " : ""}${unit}`;
}

export function panWords(pan) {
  const percent = Math.round(100 * Math.abs(pan));
  return percent === 0 ? "C" : `${say(pan < 0 ? "pan_left" : "pan_right")} ${percent}`;
}

// A value as it is said: with its unit, or in words where numbers say nothing.
export function spoken(row, value) {
  if (value === null || value === undefined) return "–";
  if (row.path === "pan") return panWords(value);
  if (row.scale === "level" && value <= row.low) return say("off");
  return written(value, row.unit);
}

// The value at a dotted path, "eq.band0.gain_db".
export function at(part, path) {
  return path.split(".").reduce((found, key) => found?.[key], part);
}

export function put(part, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  keys.reduce((found, key) => found[key], part)[last] = value;
}
