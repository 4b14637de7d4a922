// The mixer: a strip for each track, group, effect and the master. Meters are drawn on canvases, outside of the
// document's tree.

import { make, write } from "../core/dom.js";
import { at, panWords, spoken } from "../core/scale.js";
import { figure, say, sayRole } from "../core/texts.js";
import { show, slider } from "./control.js";

const FLOOR_DB = -60;
const LOUD_DB = -3;
// So many letters of a name stand in one line of a strip, and in two.
const SHORT = 9;
const LONG = 22;

// Names as strips have room for them: where some are long, without the words that all of them share.
export function shortNames(names) {
  if (names.length < 2 || !names.some((name) => name.length > LONG)) return names;
  const words = names.map((name) => name.split(/[\s_]+/).filter((word) => /[\p{L}\p{N}]/u.test(word)));
  const shared = new Set(words[0].filter((word) => words.every((others) => others.includes(word))));
  const short = words.map((own, index) => own.filter((word) => !shared.has(word)).join(" ") || names[index]);
  return new Set(short).size === new Set(names).size ? short : names;
}

export function strips(preset) {
  return [
    ...preset.tracks.map((track, index) => ({ part: "track", index, name: track.name, role: track.role, mute: track.mute, settings: track.strip })),
    ...preset.buses.map((bus, index) => ({ part: "bus", index, name: bus.name, role: null, mute: bus.mute, settings: bus.strip })),
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
  // `desk` moves settings, selects strips and knows what is soloed and marked.
  constructor(place, desk) {
    this.place = place;
    this.desk = desk;
    this.views = [];
  }

  draw(preset) {
    const wanted = strips(preset);
    const shown = shortNames(preset.tracks.map((track) => track.name));
    for (const strip of wanted) strip.shown = strip.part === "track" ? shown[strip.index] : strip.name;
    const key = JSON.stringify(wanted.map(({ part, name, role }) => [part, name, role]));
    if (key !== this.key) this.#build(wanted, key);
    wanted.forEach((strip, number) => this.#update(this.views[number], strip));
  }

  // Who held a control of a strip holds it again.
  #build(wanted, key) {
    const held = this.views.flatMap((view) => Object.entries(view).filter(([, node]) => node === document.activeElement && node.closest?.(".strip")).map(([name]) => [name, view.part, view.index]))[0];
    this.key = key;
    this.place.classList.toggle("long", wanted.some(({ shown }) => shown.length > SHORT));
    this.views = wanted.map((strip) => this.#view(strip));
    this.place.replaceChildren(...this.views.map((view) => view.root));
    if (!held) return;
    const [name, part, index] = held;
    this.views.find((view) => view.part === part && view.index === index)?.[name]?.focus();
  }

  level(meters, seconds) {
    const step = meters ? Math.floor(seconds / meters.step_s) : -1;
    for (const view of this.views) {
      const name = meterName(view);
      const values = meters?.peaks_db[name];
      const reduced = meters?.reduced_db[name];
      if (view.measured !== values) {
        view.measured = values;
        view.highest = values?.length ? Math.max(...values) : FLOOR_DB;
      }
      paint(view.canvas, values && step >= 0 ? values[Math.min(step, values.length - 1)] : FLOOR_DB, view.highest, view.part === "master");
      if (!view.reduced) continue;
      const gain = reduced?.length && step >= 0 ? reduced[Math.min(step, reduced.length - 1)] : null;
      write(view.reduced, gain === null ? "" : `${gain < 0.05 ? "" : "−"}${figure(gain, 1)} dB`);
    }
  }

  // How loud the loop is when it is rendered.
  sayLoudness(meters) {
    const master = this.views.find((view) => view.part === "master");
    if (!master) return;
    const shown = typeof meters?.finished_lufs === "number";
    write(master.role, shown ? `${figure(meters.finished_lufs, 1)} LUFS` : "");
    master.role.title = shown ? `${say("loop_loudness")} ${figure(meters.loudness_lufs, 1)} LUFS` : say("loop_loudness");
  }

  // The meters of a live engine: tracks in their order, the master.
  live(engine) {
    for (const view of this.views) {
      const level = view.part === "track" ? engine?.tracks_db[view.index] : view.part === "master" && engine?.mix_db.length ? Math.max(...engine.mix_db) : undefined;
      paint(view.canvas, level ?? FLOOR_DB);
    }
  }

  #view(strip) {
    const { part, index, name, shown } = strip;
    const root = make("div", { class: `strip ${part}`, role: "group", "aria-label": name });
    const title = make("button", { class: "name", title: name, "aria-pressed": "false" });
    title.append(make("bdi", {}, shown));
    if (shown !== name) title.setAttribute("aria-label", name);
    title.addEventListener("click", () => this.desk.select(part, index));
    title.addEventListener("keydown", (event) => this.#walk(event, root));
    const canvas = make("canvas", { width: 16, height: 150, "aria-hidden": "true", title: say("meter_hint") });
    const faderRow = this.desk.row(part, FADERS[part]);
    const fader = slider(this.desk, part, index, faderRow, { label: `${say("fader")} ${name}`, kind: "fader" });
    const body = make("div", { class: "body" });
    body.append(canvas, fader);
    const value = make("div", { class: "value" });
    const role = make("div", { class: "role", title: part === "master" ? say("loop_loudness") : "" }, strip.role ? sayRole(strip.role) : part === "bus" ? say("bus") : "");
    root.append(title, role, body, value);
    const view = { root, title, part, index, name, canvas, fader, faderRow, value, role };
    if (part === "track" || part === "bus") {
      view.pan = slider(this.desk, part, index, this.desk.row(part, "pan"), { label: `${say("pan")} ${name}`, kind: "pan" });
      view.panValue = make("div", { class: "value" });
      root.append(view.pan, view.panValue);
    }
    if (view.pan) root.append(this.#buttons(view));
    if (FADERS[part] !== "return_gain_db") {
      view.reduced = make("div", { class: "reduced", title: say("reduced") });
      root.append(view.reduced);
    }
    return view;
  }

  // From strip to strip by arrow keys on their names.
  #walk(event, root) {
    const roots = this.views.map((view) => view.root);
    const number = roots.indexOf(root);
    const to = { ArrowRight: number + 1, ArrowLeft: number - 1, Home: 0, End: roots.length - 1 }[event.key];
    if (to === undefined || !this.views[to]) return;
    event.preventDefault();
    this.views[to].title.focus();
  }

  #buttons(view) {
    const { part, index, name } = view;
    view.mute = make("button", { "aria-pressed": "false", title: say("mute"), "aria-label": `${say("mute")} ${name}` }, "M");
    view.mute.addEventListener("click", () => this.desk.mute(part, index, view.mute.getAttribute("aria-pressed") !== "true"));
    view.solo = make("button", { "aria-pressed": "false", title: say("solo"), "aria-label": `${say("solo")} ${name}` }, "S");
    view.solo.addEventListener("click", () => this.desk.solo(part, index));
    const buttons = make("div", { class: "buttons" });
    // A live engine that is followed takes mutes of tracks alone.
    view.mute.hidden = part === "bus" && this.desk.isFollowing();
    buttons.append(view.mute, view.solo);
    return buttons;
  }

  #update(view, strip) {
    const isSelected = this.desk.isSelected(view.part, view.index);
    view.root.classList.toggle("selected", isSelected);
    view.title.setAttribute("aria-pressed", String(isSelected));
    const fader = at(strip.settings, view.faderRow.path);
    show(view.fader, view.faderRow, fader);
    write(view.value, spoken(view.faderRow, fader));
    this.#mark(view.value, view, view.faderRow.path);
    if (view.pan) {
      show(view.pan, this.desk.row(view.part, "pan"), strip.settings.pan);
      write(view.panValue, panWords(strip.settings.pan));
      this.#mark(view.panValue, view, "pan");
    }
    view.root.classList.toggle("edited", this.desk.isEdited(view.part, view.index));
    if (view.mute) {
      view.mute.setAttribute("aria-pressed", String(strip.mute));
      view.solo.setAttribute("aria-pressed", String(this.desk.isSoloed(view.part, view.index)));
    }
  }

  #mark(node, view, path) {
    const before = this.desk.before(view.part, view.index, path);
    node.classList.toggle("changed", before !== null);
    const tip = before === null ? "" : `${say("was_predicted")} ${spoken(this.desk.row(view.part, path), before)}`;
    if (node.title !== tip) node.title = tip;
  }
}

// A bar up to the level, and a mark at the highest of the loop. In the loop nothing but the mix can be too loud: strips
// have no ceiling, and are shown at the level at which the mix is played.
function paint(canvas, db, highest = FLOOR_DB, hasCeiling = true) {
  const place = (level) => Math.round((canvas.height * (Math.max(FLOOR_DB, Math.min(0, level)) - FLOOR_DB)) / -FLOOR_DB);
  const [height, mark] = [place(db), place(highest)];
  if (canvas.painted === height && canvas.marked === mark) return;
  canvas.painted = height;
  canvas.marked = mark;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (level) => style.getPropertyValue(hasCeiling && level > LOUD_DB ? "--loud" : "--level");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = colour(db);
  pen.fillRect(0, canvas.height - height, canvas.width, height);
  if (!mark) return;
  pen.fillStyle = colour(highest);
  pen.fillRect(0, Math.min(canvas.height - 2, canvas.height - mark), canvas.width, 2);
}
