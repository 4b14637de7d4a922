// The dynamics of a strip: level out over level in, over how often each level comes. The threshold can be dragged.

import { element, line } from "../core/dom.js";
import { say } from "../core/texts.js";

const SIZE = 200;
const ORDER = ["gate", "compressor", "deesser", "saturation"];

export class LawPictures {
  constructor(place, moved, released) {
    this.place = place;
    this.moved = moved;
    this.released = released;
    this.clear();
  }

  clear() {
    this.views = new Map();
    this.levels = {};
    this.place.replaceChildren();
  }

  // Without levels, those of the last time stay: while a control is dragged only the laws come.
  draw(laws, levels) {
    this.levels = levels ?? this.levels;
    for (const section of ORDER.filter((name) => laws[name])) {
      if (!this.views.has(section)) this.views.set(section, this.#view(section));
      this.#update(this.views.get(section), section, laws[section], this.levels[section]);
    }
  }

  #view(section) {
    const figure = document.createElement("figure");
    const svg = element("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img" });
    const caption = document.createElement("figcaption");
    figure.append(svg, caption);
    this.place.append(figure);
    const view = { figure, svg, caption, axis: null, isHeld: false };
    svg.addEventListener("pointerdown", (event) => this.#drag(event, view, section));
    return view;
  }

  #drag(event, view, section) {
    if (view.figure.classList.contains("fixed")) return;
    event.preventDefault();
    view.isHeld = true;
    view.svg.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const box = view.svg.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (moved.clientX - box.left) / box.width));
      this.moved(`${section}.threshold_db`, view.axis.low + share * view.axis.span);
    };
    const end = () => {
      view.svg.removeEventListener("pointermove", move);
      view.isHeld = false;
      this.released();
    };
    move(event);
    view.svg.addEventListener("pointermove", move);
    view.svg.addEventListener("lostpointercapture", end, { once: true });
  }

  #update(view, section, law, levels) {
    if (!view.isHeld || !view.axis) view.axis = axisOf(law, levels);
    const { low, span } = view.axis;
    const x = (db) => (SIZE * (db - low)) / span;
    const y = (db) => SIZE - x(db);
    const parts = [];
    for (let db = Math.ceil(low / 12) * 12; db < low + span; db += 12) {
      parts.push(element("line", { class: "grid", x1: x(db), x2: x(db), y1: 0, y2: SIZE }), element("line", { class: "grid", y1: y(db), y2: y(db), x1: 0, x2: SIZE }));
    }
    (levels?.shares ?? []).forEach((share, index) => {
      const left = x(levels.low_db + index);
      if (left >= 0) parts.push(element("rect", { class: "shares", x: left, width: Math.max(0.5, x(levels.low_db + index + 1) - left - 0.5), y: SIZE - 0.6 * SIZE * share, height: 0.6 * SIZE * share }));
    });
    parts.push(element("path", { class: "spectrum raw", d: line([[0, SIZE], [SIZE, 0]]) }));
    for (let db = Math.ceil(low / 24) * 24; db < low + span - 6; db += 24) parts.push(element("text", { x: x(db) + 2, y: 12 }, `${db}`));
    if (law.closes_db !== undefined && law.is_on) parts.push(element("line", { class: "closes", x1: x(law.closes_db), x2: x(law.closes_db), y1: 0, y2: SIZE }));
    if (law.threshold_db !== null) parts.push(element("line", { class: "threshold", x1: x(law.threshold_db), x2: x(law.threshold_db), y1: 0, y2: SIZE }));
    const points = law.input_db.map((db, index) => [x(db), y(law.output_db[index])]).filter(([across, down]) => across > -SIZE && across < 2 * SIZE && down > -SIZE && down < 3 * SIZE);
    parts.push(element("path", { class: "curve mix", d: line(points) }));
    view.svg.replaceChildren(...parts);
    view.figure.classList.toggle("off", !law.is_on);
    view.figure.classList.toggle("fixed", law.threshold_db === null);
    view.svg.setAttribute("aria-label", `${say(section)}: ${say("law_of")}`);
    view.caption.textContent = law.is_on ? say(section) : `${say(section)} (${say("law_off")})`;
  }
}

// From 60 dB below the highest level up, or around the threshold; wider where the threshold is beyond.
function axisOf(law, levels) {
  const threshold = law.threshold_db;
  const high = levels ? levels.low_db + levels.shares.length + 6 : (threshold ?? 0) + 24;
  let low = high - 60;
  if (threshold !== null) low = Math.min(low, threshold - 12);
  const top = threshold === null ? high : Math.max(high, threshold + 6);
  return { low, span: top - low };
}
