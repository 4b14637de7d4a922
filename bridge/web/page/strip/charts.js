// The picture of a strip's equalizer, as SVG: the equalizer with its nodes over the spectrum.

import { element, line } from "../core/dom.js";
import { written } from "../core/scale.js";
import { say } from "../core/texts.js";
import { bindHand } from "./control.js";

const EQ = { width: 640, height: 260, low: 20, high: 20000, reach: 18 };
const SPAN_DB = 60;

const across = (hz) => (EQ.width * Math.log(hz / EQ.low)) / Math.log(EQ.high / EQ.low);
const down = (db) => EQ.height * (0.5 - db / (2 * EQ.reach));

// Draws the picture; nodes stay in the document while they are dragged, so that they keep the focus.
export class EqualizerPicture {
  // `hand` moves a band (moved), ends a move (released), and puts a band back (reset).
  constructor(svg, hand) {
    this.svg = svg;
    this.hand = hand;
    this.nodes = new Map();
    this.back = svg.appendChild(element("g"));
    this.front = svg.appendChild(element("g"));
    for (const hz of [50, 100, 200, 500, 1000, 2000, 5000, 10000]) {
      this.back.append(element("line", { class: "grid", x1: across(hz), x2: across(hz), y1: 0, y2: EQ.height }));
      this.back.append(element("text", { x: across(hz) + 3, y: EQ.height - 5 }, hz < 1000 ? `${hz}` : `${hz / 1000}k`));
    }
    for (const db of [-12, -6, 0, 6, 12]) {
      this.back.append(element("line", { class: "grid", x1: 0, x2: EQ.width, y1: down(db), y2: down(db) }));
      this.back.append(element("text", { x: 4, y: down(db) - 3 }, `${db > 0 ? "+" : ""}${db} dB`));
    }
    this.spectra = ["reference", "raw", "mix"].map((kind) => [kind, this.back.appendChild(element("path", { class: `spectrum ${kind}` }))]);
    this.total = this.back.appendChild(element("path", { class: "curve total" }));
  }

  drawSpectra(thirdsHz, spectraDb) {
    const levels = Object.values(spectraDb).filter(Boolean).flat().filter((value) => value !== null);
    const top = levels.length ? Math.max(...levels) + 6 : 0;
    for (const [kind, path] of this.spectra) {
      const values = spectraDb[kind];
      const points = (values ?? []).map((db, index) => [across(thirdsHz[index]), db === null || db < top - SPAN_DB ? null : (EQ.height * (top - db)) / SPAN_DB]);
      path.setAttribute("d", line(points));
    }
  }

  drawCurve(eq) {
    this.total.setAttribute("d", line(eq.freqs_hz.map((hz, index) => [across(hz), down(eq.gains_db[index])])));
  }

  // Another strip: nothing of the last one stays.
  clear() {
    for (const [, path] of this.spectra) path.removeAttribute("d");
    this.total.removeAttribute("d");
  }

  drawNodes(nodes) {
    for (const node of nodes) {
      const circle = this.nodes.get(node.band) ?? this.#node(node.band);
      circle.dataset.freq = node.freq_hz;
      circle.dataset.gain = node.gain_db;
      circle.dataset.q = node.q;
      circle.setAttribute("cx", across(Math.min(EQ.high, Math.max(EQ.low, node.freq_hz))));
      circle.setAttribute("cy", down(Math.min(EQ.reach, Math.max(-EQ.reach, node.gain_db))));
      const words = `${written(node.gain_db, "dB")}, ${written(node.freq_hz, "Hz")}, Q ${written(node.q, "")}`;
      circle.setAttribute("aria-valuetext", words);
      circle.setAttribute("aria-valuenow", node.gain_db.toFixed(1));
      circle.setAttribute("aria-label", `${say("eq")} ${say(node.band)}`);
      circle.querySelector("title").textContent = `${say(node.band)}: ${words}. ${say("node_hint")}`;
    }
  }

  #node(band) {
    const circle = element("circle", { class: "node", r: 9, tabindex: 0, role: "slider", "aria-valuemin": -24, "aria-valuemax": 24, "data-band": band });
    circle.append(element("title"));
    circle.addEventListener("pointerdown", (event) => this.#drag(event, circle, band));
    circle.addEventListener("keydown", (event) => this.#key(event, circle, band));
    bindHand(circle, { step: (steps) => this.#narrow(circle, band, steps), reset: (isNeutral) => this.hand.reset(band, isNeutral) });
    this.front.append(circle);
    this.nodes.set(band, circle);
    return circle;
  }

  #drag(event, circle, band) {
    event.preventDefault();
    circle.focus({ preventScroll: true });
    circle.setPointerCapture(event.pointerId);
    let isMoved = false; // a click alone moves nothing: it may be the first of a double click
    const move = (moved) => {
      isMoved = true;
      const box = this.svg.getBoundingClientRect();
      const hz = EQ.low * (EQ.high / EQ.low) ** ((moved.clientX - box.left) / box.width);
      const db = EQ.reach * (1 - (2 * (moved.clientY - box.top)) / box.height);
      this.hand.moved(band, { freq_hz: hz, gain_db: db });
    };
    const end = () => {
      circle.removeEventListener("pointermove", move);
      if (isMoved) this.hand.released();
    };
    circle.addEventListener("pointermove", move);
    circle.addEventListener("pointerup", (moved) => isMoved && move(moved), { once: true });
    circle.addEventListener("lostpointercapture", end, { once: true });
  }

  #key(event, circle, band) {
    const { freq, gain, q } = circle.dataset;
    const moves = {
      ArrowUp: { gain_db: Number(gain) + 0.5 }, ArrowDown: { gain_db: Number(gain) - 0.5 },
      ArrowRight: { freq_hz: freq * 2 ** (1 / 12) }, ArrowLeft: { freq_hz: freq / 2 ** (1 / 12) },
      PageUp: { q: q * 1.1 }, PageDown: { q: q / 1.1 },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.hand.moved(band, moves[event.key]);
    this.hand.released();
  }

  // The wheel makes a band narrower or wider.
  #narrow(circle, band, steps) {
    this.hand.moved(band, { q: Number(circle.dataset.q) * 1.1 ** steps });
    this.hand.released();
  }
}
