// Lanes: how a setting of the selected strip moves over the song, as points over the waveform. Drawn and edited here;
// what is heard of them is rendered by the server.

import { by, element, line } from "../core/dom.js";
import { position, rounded, valueAt, written } from "../core/scale.js";
import { say } from "../core/texts.js";

const HEIGHT = 180;
const GAP_S = 0.001;
const MOST_NODES = 300;
const PAD_DB = 12;

export function lanesOf(preset, part, index) {
  return { track: () => preset.tracks[index].lanes, bus: () => preset.buses[index].lanes, master: () => preset.master_lanes }[part]?.() ?? [];
}

export function putLane(preset, { part, index, path, points, shape }) {
  const lanes = lanesOf(preset, part, index).filter((lane) => lane.parameter !== path);
  if (points.length) lanes.push({ parameter: path, shape, points: points.map(([time_s, value]) => ({ time_s, value })) });
  if (part === "master") preset.master_lanes = lanes;
  else (part === "track" ? preset.tracks : preset.buses)[index].lanes = lanes;
}

export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}

export class LanePicture {
  // `desk` moves lanes (moveLane, settle), knows rows, and where the loop plays.
  constructor(desk) {
    this.desk = desk;
    this.svg = by("lane");
    this.choice = by("lane-setting");
    this.shape = by("lane-shape");
    this.words = by("lane-words");
    this.nodes = [];
    this.begun = 0;
    this.gesture = "";
    this.width = 1000;
    this.back = this.svg.appendChild(element("g"));
    this.head = this.svg.appendChild(element("line", { class: "playhead", y1: 0, y2: HEIGHT, x1: -9, x2: -9 }));
    this.front = this.svg.appendChild(element("g"));
    this.svg.addEventListener("pointerdown", (event) => this.#press(event));
    this.choice.addEventListener("change", () => { this.path = this.choice.value; this.axis = null; this.draw(); });
    this.shape.addEventListener("change", () => { this.#begin(); this.#move(this.points, this.shape.value); this.desk.settle(); });
    by("lane-add").addEventListener("click", () => this.#add(this.desk.playingAt()));
    by("lane-remove").addEventListener("click", () => { this.#begin(); this.#move([]); this.desk.settle(); });
    new ResizeObserver(() => this.#resize()).observe(this.svg);
  }

  open(part, index, path) {
    Object.assign(this, { part, index, axis: null, wave: null });
    const rows = this.desk.movable(part);
    const lanes = lanesOf(this.desk.preset(), part, index).map((lane) => lane.parameter);
    this.path = path ?? (lanes.includes(this.path) ? this.path : lanes[0] ?? (rows.includes("fader_db") ? "fader_db" : rows.at(-1)));
    this.#fillChoice();
    this.draw();
  }

  drawWave({ peaks, length_s: length }, key) {
    this.wave = { peaks, key };
    this.length = length;
    this.draw();
  }

  // The choice says which settings move.
  #fillChoice() {
    const lanes = lanesOf(this.desk.preset(), this.part, this.index).map((lane) => lane.parameter);
    const key = JSON.stringify([this.part, lanes, say("moves")]);
    if (this.choice.dataset.key === key) return;
    this.choice.dataset.key = key;
    this.choice.replaceChildren(...this.desk.movable(this.part).map((path) => {
      const option = document.createElement("option");
      option.value = path;
      option.textContent = `${this.desk.label(this.desk.row(this.part, path))}${lanes.includes(path) ? ` (${say("moves")})` : ""}`;
      return option;
    }));
    this.choice.value = this.path;
  }

  #resize() {
    const width = Math.max(300, Math.round(this.svg.clientWidth));
    if (width === this.width) return;
    this.width = width;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.draw();
  }

  get lane() {
    return lanesOf(this.desk.preset(), this.part, this.index).find((lane) => lane.parameter === this.path);
  }

  get points() {
    return (this.lane?.points ?? []).map((point) => [point.time_s, point.value]);
  }

  get row() {
    return this.desk.row(this.part, this.path);
  }

  #x(seconds) { return (this.width * seconds) / (this.length || 1); }

  #y(value) {
    const { low, high } = this.axis;
    return HEIGHT - 10 - ((HEIGHT - 20) * (position(this.row, value) - low)) / (high - low || 1);
  }

  #at(event) {
    const box = this.svg.getBoundingClientRect();
    const seconds = Math.min(this.length, Math.max(0, (this.length * (event.clientX - box.left)) / box.width));
    const { low, high } = this.axis;
    const share = (HEIGHT - 10 - (HEIGHT * (event.clientY - box.top)) / box.height) / (HEIGHT - 20);
    return [seconds, valueAt(this.row, Math.min(1000, Math.max(0, low + share * (high - low))))];
  }

  // In dB it shows what is around, not all that could be; it stays as long as all values are well inside.
  #axis() {
    const { row } = this;
    const values = [...this.points.map(([, value]) => value), this.desk.standing(this.part, this.index, this.path)];
    if (this.axis && this.held !== undefined) return;
    if (this.axis) {
      const shares = values.map((value) => (position(row, value) - this.axis.low) / (this.axis.high - this.axis.low || 1));
      if (Math.min(...shares) >= 0.03 && Math.max(...shares) <= 0.97) return;
    }
    if (row.unit !== "dB") this.axis = { low: 0, high: 1000 };
    else this.axis = { low: position(row, Math.max(row.low, Math.min(...values) - PAD_DB)), high: position(row, Math.min(row.high, Math.max(...values) + PAD_DB)) };
  }

  draw() {
    if (this.part === undefined || !this.length || !this.desk.movable(this.part).length) return;
    this.#fillChoice();
    this.#axis();
    const { points, row } = this;
    const parts = [];
    const loop = this.desk.loop();
    parts.push(element("rect", { class: "loop", x: this.#x(loop.start_s), width: this.#x(loop.length_s), y: 0, height: HEIGHT }));
    if (this.wave) {
      const { peaks } = this.wave;
      const step = this.width / peaks.length;
      const half = HEIGHT / 2;
      const upper = peaks.map((peak, column) => [column * step, half - 0.42 * HEIGHT * peak]);
      const lower = peaks.map((peak, column) => [column * step, half + 0.42 * HEIGHT * peak]).reverse();
      parts.push(element("path", { class: "wave", d: `${line([...upper, ...lower])}Z` }));
    }
    const every = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((seconds) => this.#x(seconds) > 70) ?? 1800;
    for (let seconds = every; seconds < this.length; seconds += every) {
      parts.push(element("line", { class: "grid", x1: this.#x(seconds), x2: this.#x(seconds), y1: 0, y2: HEIGHT }), element("text", { x: this.#x(seconds) + 3, y: HEIGHT - 4 }, clock(seconds).slice(0, -2)));
    }
    const { low, high } = this.axis;
    const [bottom, top] = [valueAt(row, low), valueAt(row, high)];
    const round = row.unit === "dB" ? [1, 2, 3, 6, 12, 24, 48].find((db) => (top - bottom) / db <= 5) : null;
    const marks = round ? Array.from({ length: 6 }, (_, number) => (Math.ceil(bottom / round) + number) * round).filter((db) => db <= top) : [0.1, 0.5, 0.9].map((share) => valueAt(row, low + share * (high - low)));
    for (const value of marks) {
      parts.push(element("line", { class: "grid", x1: 0, x2: this.width, y1: this.#y(value), y2: this.#y(value) }), element("text", { x: 4, y: this.#y(value) - 3 }, written(value, row.unit)));
    }
    const standing = this.desk.standing(this.part, this.index, this.path);
    const drawn = points.length ? points : [[0, standing]];
    const course = [[0, drawn[0][1]]];
    drawn.forEach(([seconds, value], number) => {
      if (number && this.lane?.shape === "hold") course.push([seconds, drawn[number - 1][1]]);
      course.push([seconds, value]);
    });
    course.push([this.length, drawn.at(-1)[1]]);
    parts.push(element("path", { class: `lane curve${points.length ? "" : " still"}`, d: line(course.map(([seconds, value]) => [this.#x(seconds), this.#y(value)])) }));
    this.back.replaceChildren(...parts);
    this.#drawNodes(points.length > MOST_NODES ? [] : points);
    this.shape.value = this.lane?.shape ?? "linear";
    this.shape.disabled = !points.length;
    by("lane-remove").disabled = !points.length;
    this.words.textContent = points.length > MOST_NODES ? say("lane_many") : points.length ? say("lane_hint") : say("lane_none");
  }

  #drawNodes(points) {
    while (this.nodes.length > points.length) this.nodes.pop().remove();
    while (this.nodes.length < points.length) {
      const node = element("circle", { class: "node", r: 7, tabindex: 0, role: "slider" });
      node.append(element("title"));
      this.nodes.push(node);
      this.front.append(node);
      node.addEventListener("keydown", (event) => this.#key(event, this.nodes.indexOf(node)));
      node.addEventListener("dblclick", () => this.#drop(this.nodes.indexOf(node)));
    }
    points.forEach(([seconds, value], number) => {
      const node = this.nodes[number];
      const spoken = `${clock(seconds)}, ${written(value, this.row.unit)}`;
      const values = { cx: this.#x(seconds), cy: this.#y(value), "data-number": number, "aria-label": `${say("lane_point")} ${number + 1}`, "aria-valuenow": value, "aria-valuemin": this.row.low, "aria-valuemax": this.row.high, "aria-valuetext": spoken };
      for (const [key, text] of Object.entries(values)) node.setAttribute(key, text);
      node.querySelector("title").textContent = spoken;
    });
  }

  // The playhead alone: called for each frame.
  play(seconds) {
    const x = seconds === null ? -9 : Math.round(this.#x(seconds));
    if (this.headAt === x) return;
    this.headAt = x;
    this.head.setAttribute("x1", x);
    this.head.setAttribute("x2", x);
  }

  // What is done from here on is undone together.
  #begin(gesture = `${this.begun += 1}`) {
    this.gesture = gesture;
  }

  #move(points, shape = this.lane?.shape ?? "linear") {
    this.desk.moveLane(this.part, this.index, this.path, points, shape, this.gesture);
    this.draw();
  }

  #press(event) {
    if (event.button || !this.axis || this.points.length > MOST_NODES) return;
    event.preventDefault();
    this.#begin();
    const hit = event.target.closest(".node");
    this.held = hit ? this.nodes.indexOf(hit) : this.#insert(...this.#at(event));
    if (this.held < 0) { this.held = undefined; return; }
    const node = this.nodes[this.held];
    node.focus({ preventScroll: true });
    node.setPointerCapture(event.pointerId);
    let isMoved = !hit;
    const move = (moved) => { isMoved = true; this.#to(this.held, ...this.#at(moved)); };
    const end = () => {
      node.removeEventListener("pointermove", move);
      this.held = undefined;
      this.draw();
      if (isMoved) this.desk.settle();
    };
    node.addEventListener("pointermove", move);
    node.addEventListener("lostpointercapture", end, { once: true });
  }

  // The place of the new point; -1 where one is too near.
  #insert(seconds, value) {
    const { points } = this;
    const number = points.filter(([time]) => time < seconds).length;
    if (points.some(([time]) => Math.abs(time - seconds) < GAP_S)) return -1;
    points.splice(number, 0, [Number(seconds.toFixed(3)), rounded(this.row, value)]);
    this.#move(points);
    return number;
  }

  #add(seconds) {
    const { points } = this;
    this.#begin();
    const after = points.findIndex(([time]) => time > seconds);
    const before = after < 0 ? points.at(-1) : points[after - 1];
    let value = (before ?? points[0])?.[1] ?? this.desk.standing(this.part, this.index, this.path);
    if (after > 0 && this.lane.shape === "linear") {
      const share = (seconds - before[0]) / (points[after][0] - before[0]);
      value = valueAt(this.row, (1 - share) * position(this.row, before[1]) + share * position(this.row, points[after][1]));
    }
    const number = this.#insert(seconds, value);
    this.desk.settle();
    this.nodes[number]?.focus();
  }

  #to(number, seconds, value) {
    const { points } = this;
    const low = number ? points[number - 1][0] + GAP_S : 0;
    const high = number + 1 < points.length ? points[number + 1][0] - GAP_S : this.length;
    points[number] = [Number(Math.min(high, Math.max(low, seconds)).toFixed(3)), rounded(this.row, value)];
    this.#move(points);
  }

  #drop(number) {
    this.#begin();
    this.#move(this.points.filter((_, place) => place !== number));
    this.desk.settle();
    this.nodes[Math.min(number, this.nodes.length - 1)]?.focus();
  }

  #key(event, number) {
    const [seconds, value] = this.points[number];
    if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); this.#drop(number); return; }
    const up = this.row.unit === "dB" ? (step) => value + 0.5 * step : (step) => valueAt(this.row, position(this.row, value) + 10 * step);
    const time = event.shiftKey ? 1 : 0.1;
    const moves = { ArrowUp: [seconds, up(1)], ArrowDown: [seconds, up(-1)], ArrowRight: [seconds + time, value], ArrowLeft: [seconds - time, value] };
    if (!moves[event.key]) return;
    event.preventDefault();
    this.#begin(`key ${number}`);
    this.#to(number, ...moves[event.key]);
    this.desk.settle();
  }
}
