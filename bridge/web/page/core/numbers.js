// Numbers as people type them: "-6", "−6,5 dB", "3.2 kHz", "3k2", "0,25 s", "4:1", "30 %", "L 30", "off".

const FACTORS = {
  dB: { "": 1, db: 1 },
  Hz: { "": 1, hz: 1, k: 1000, khz: 1000 },
  ms: { "": 1, ms: 1, s: 1000 },
  s: { "": 1, s: 1, ms: 0.001 },
  ":1": { "": 1, ":1": 1 },
  "dB/oct": { "": 1, db: 1, "db/oct": 1 },
  "": { "": 1, "%": 0.01 },
};
const SIDES = { l: -1, left: -1, g: -1, gauche: -1, r: 1, right: 1, d: 1, droite: 1 };

// What was typed for a setting, in its unit; null where it cannot be read.
export function parsed(text, row) {
  const words = text.trim().toLowerCase().replaceAll("−", "-").replace(/[\s\u00a0\u202f]+/g, " ");
  if (row.path === "pan") {
    const side = panned(words);
    if (side !== undefined) return side;
  }
  if (/^(off|arrêt|-? ?inf|-? ?∞)$/.test(words)) return row.neutral ?? null;
  const short = /^(\d+)k(\d+)(?: ?hz)?$/.exec(words);
  if (short && row.unit === "Hz") return Number(`${short[1]}.${short[2]}`) * 1000;
  const match = /^([+-]? ?[\d.,' ]*\d[.,]?|[+-]?[.,]\d+) ?([a-z%:/1]*)$/.exec(words);
  const [, digits, unit] = match ?? split(words) ?? [];
  const factor = digits === undefined ? undefined : FACTORS[row.unit]?.[unit];
  const value = factor === undefined ? Number.NaN : number(digits, row.unit) * factor;
  return Number.isFinite(value) ? value : null;
}

// "4:1", where the unit begins with no letter and ends with a digit.
function split(words) {
  return /^([+-]?[\d.,]+) ?(:1)$/.exec(words);
}

function panned(words) {
  if (/^(c|m|centre|center|milieu)$/.test(words)) return 0;
  const match = /^([a-z]+) ?(\d+(?:[.,]\d+)?)? ?%?$/.exec(words) ?? swapped(/^(\d+(?:[.,]\d+)?) ?%? ?([a-z]+)$/.exec(words));
  if (!match || SIDES[match[1]] === undefined) return undefined;
  return (SIDES[match[1]] * Number((match[2] ?? "100").replace(",", "."))) / 100;
}

const swapped = (match) => match && [match[0], match[2], match[1]];

// A comma is a decimal one, but for "12,000" of Hz and where a dot follows.
function number(digits, unit) {
  let plain = digits.replace(/[ ']/g, "");
  if (plain.includes(",") && plain.includes(".")) plain = plain.lastIndexOf(",") > plain.lastIndexOf(".") ? plain.replaceAll(".", "") : plain.replaceAll(",", "");
  if (unit === "Hz" && /^[+-]?\d{1,3}(,\d{3})+$/.test(plain)) plain = plain.replaceAll(",", "");
  return Number(plain.replace(",", "."));
}
