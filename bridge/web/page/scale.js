// Where a value stands on a control, 0..1000, by its row of the console's table; and how it is written.

const STEPS = 1000;

export function position(row, value) {
  if (row.scale === "log") return (STEPS * Math.log(value / row.low)) / Math.log(row.high / row.low);
  return (STEPS * (value - row.low)) / (row.high - row.low);
}

export function valueAt(row, place) {
  const share = place / STEPS;
  const value = row.scale === "log" ? row.low * (row.high / row.low) ** share : row.low + share * (row.high - row.low);
  return rounded(row, value);
}

export function rounded(row, value) {
  const digits = row.unit === "Hz" || row.unit === "ms" ? (value < 10 ? 2 : value < 1000 ? 1 : 0) : row.unit === "dB" ? 1 : 3;
  return Math.min(row.high, Math.max(row.low, Number(value.toFixed(digits))));
}

export function written(value, unit) {
  if (value === null || value === undefined) return "–";
  const digits = unit === "dB" ? 1 : unit === "Hz" ? (value < 100 ? 1 : 0) : 2;
  return `${value.toFixed(digits)}${unit ? ` ${unit}` : ""}`;
}

export function panWords(pan) {
  const percent = Math.round(100 * Math.abs(pan));
  return percent === 0 ? "C" : `${pan < 0 ? "L" : "R"} ${percent}`;
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
