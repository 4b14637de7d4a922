// The mixer: a strip for each track, group and the master. Meters are drawn on canvases, outside of the document's tree.

import { at, panWords, position, valueAt, written } from "./scale.js";
import { say } from "./texts.js";

const FLOOR_DB = -60;

function make(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

export function strips(preset) {
  return [
    ...preset.tracks.map((track, index) => ({ part: "track", index, name: track.name, role: track.role, mute: track.mute, settings: track.strip })),
    ...preset.buses.map((bus, index) => ({ part: "bus", index, name: bus.name, role: null, settings: bus.strip })),
    { part: "reverb", index: 0, name: say("reverb"), role: null, settings: preset.reverb },
    { part: "delay", index: 0, name: say("delay"), role: null, settings: preset.delay },
    { part: "master", index: 0, name: say("master"), role: null, settings: preset.master },
  ];
}

const FADERS = { track: "fader_db", bus: "fader_db", reverb: "return_gain_db", delay: "return_gain_db", master: "output_gain_db" };

// What the meters call a strip.
function meterName({ part, name }) {
  return { master: "", bus: `${name} bus`, reverb: "reverb return", delay: "delay return" }[part] ?? name;
}

export class Mixer {
  // `desk` moves settings (move, settle, reset), selects strips and knows what is soloed.
  constructor(place, desk) {
    this.place = place;
    this.desk = desk;
    this.views = [];
  }

  draw(preset) {
    const wanted = strips(preset);
    const key = JSON.stringify(wanted.map(({ part, name, role }) => [part, name, role]));
    if (key !== this.key) {
      this.key = key;
      this.views = wanted.map((strip) => this.#view(strip));
      this.place.replaceChildren(...this.views.map((view) => view.root));
    }
    wanted.forEach((strip, number) => this.#update(this.views[number], strip));
  }

  level(meters, seconds) {
    const step = meters ? Math.floor(seconds / meters.step_s) : -1;
    for (const view of this.views) {
      const name = meterName(view);
      const values = meters?.peaks_db[name];
      const reduced = meters?.reduced_db[name];
      paint(view.canvas, values && step >= 0 ? values[Math.min(step, values.length - 1)] : FLOOR_DB);
      if (view.part !== "track") continue;
      const gain = reduced && step >= 0 ? reduced[Math.min(step, reduced.length - 1)] : null;
      const text = gain === null ? "" : `−${gain.toFixed(1)} dB`;
      if (view.reduced.textContent !== text) view.reduced.textContent = text;
    }
  }

  // The meters of a live engine: tracks in their order, the master.
  live(engine) {
    for (const view of this.views) {
      const level = view.part === "track" ? engine?.tracks_db[view.index] : view.part === "master" && engine?.mix_db.length ? Math.max(...engine.mix_db) : undefined;
      paint(view.canvas, level ?? FLOOR_DB);
    }
  }

  #view(strip) {
    const { part, index, name } = strip;
    const root = make("div", { class: "strip", role: "group", "aria-label": name });
    const title = make("button", { class: "name", title: name }, name);
    title.addEventListener("click", () => this.desk.select(part, index));
    const canvas = make("canvas", { width: 16, height: 190, "aria-hidden": "true" });
    const faderPath = FADERS[part];
    const fader = this.#slider(part, index, faderPath, "fader", say("fader"));
    fader.classList.add("fader");
    const body = make("div", { class: "body" });
    body.append(canvas, fader);
    const value = make("div", { class: "value" });
    const reduced = make("div", { class: "reduced" });
    root.append(title, make("div", { class: "role" }, strip.role ?? (part === "bus" ? say("bus") : "")), body, value);
    const view = { root, part, index, name, canvas, fader, faderPath, value, reduced };
    if (part === "track" || part === "bus") {
      view.pan = this.#slider(part, index, "pan", "pan", say("pan"));
      view.panValue = make("div", { class: "value" });
      root.append(view.pan, view.panValue);
    }
    if (part === "track") {
      view.mute = make("button", { "aria-pressed": "false", title: say("mute"), "aria-label": `${say("mute")} ${name}` }, "M");
      view.mute.addEventListener("click", () => this.desk.mute(index, view.mute.getAttribute("aria-pressed") !== "true"));
      view.solo = make("button", { "aria-pressed": "false", title: say("solo"), "aria-label": `${say("solo")} ${name}` }, "S");
      view.solo.addEventListener("click", () => this.desk.solo(name));
      const buttons = make("div", { class: "buttons" });
      buttons.append(view.mute, view.solo);
      root.append(buttons, reduced);
    }
    return view;
  }

  #slider(part, index, path, kind, label) {
    const row = this.desk.row(part, path);
    const slider = make("input", { type: "range", min: 0, max: 1000, step: 1, class: kind, "aria-label": label, title: `${row.help}. ${say("hint")}` });
    bind(slider, row, part, index, path, this.desk);
    return slider;
  }

  #update(view, strip) {
    view.root.classList.toggle("selected", this.desk.isSelected(view.part, view.index));
    show(view.fader, this.desk.row(view.part, view.faderPath), at(strip.settings, view.faderPath));
    const fader = at(strip.settings, view.faderPath);
    view.value.textContent = written(fader, "dB");
    view.value.classList.toggle("changed", this.desk.isChanged(view.part, view.index, view.faderPath));
    if (view.pan) {
      show(view.pan, this.desk.row(view.part, "pan"), strip.settings.pan);
      view.panValue.textContent = panWords(strip.settings.pan);
      view.panValue.classList.toggle("changed", this.desk.isChanged(view.part, view.index, "pan"));
    }
    if (view.mute) {
      view.mute.setAttribute("aria-pressed", String(strip.mute));
      view.solo.setAttribute("aria-pressed", String(this.desk.isSoloed(view.name)));
    }
  }
}

// Shows a value on a slider that is not being moved.
export function show(slider, row, value) {
  if (slider.dataset.held === "yes") return;
  slider.value = position(row, value);
  slider.setAttribute("aria-valuetext", written(value, row.unit));
}

// Has a slider move a setting: while it is held, at its release, and back to the prediction or neutral.
export function bind(slider, row, part, index, path, desk) {
  slider.addEventListener("input", () => {
    slider.dataset.held = "yes";
    const value = valueAt(row, Number(slider.value));
    slider.setAttribute("aria-valuetext", written(value, row.unit));
    desk.move(part, index, path, value);
  });
  slider.addEventListener("change", () => {
    delete slider.dataset.held;
    desk.settle();
  });
  slider.addEventListener("dblclick", (event) => desk.reset(part, index, path, event.shiftKey));
  slider.addEventListener("keydown", (event) => {
    if (event.key === "p" || event.key === "n") desk.reset(part, index, path, event.key === "n");
  });
  slider.addEventListener("wheel", (event) => {
    if (document.activeElement !== slider) return;
    event.preventDefault();
    slider.value = Number(slider.value) - Math.sign(event.deltaY) * 5;
    slider.dispatchEvent(new Event("input"));
    slider.dispatchEvent(new Event("change"));
  }, { passive: false });
}

function paint(canvas, db) {
  const height = Math.round((canvas.height * (Math.max(FLOOR_DB, Math.min(0, db)) - FLOOR_DB)) / -FLOOR_DB);
  if (canvas.painted === height) return;
  canvas.painted = height;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = style.getPropertyValue(db > -3 ? "--loud" : "--level");
  pen.fillRect(0, canvas.height - height, canvas.width, height);
}
