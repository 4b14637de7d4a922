// The selected strip: its pictures, what it does in words, and a control for each setting.

import { by, make } from "../core/dom.js";
import { at, rounded, spoken } from "../core/scale.js";
import { say, sayRole } from "../core/texts.js";
import { EqualizerPicture } from "./charts.js";
import { numberField, show, showNumber, slider } from "./control.js";
import { LanePicture } from "./lanes.js";
import { LawPictures } from "./laws.js";

const EQ = ["gain_db", "freq_hz", "q"];

export class Panel {
  constructor(desk) {
    this.desk = desk;
    this.root = by("panel");
    this.controls = by("controls");
    this.fields = [];
    const moved = (path, value) => desk.move(this.part, this.index, path, rounded(desk.row(this.part, path), value));
    this.picture = new EqualizerPicture(by("eq"), {
      moved: (band, values) => Object.entries(values).forEach(([name, value]) => moved(`eq.${band}.${name}`, value)),
      released: () => desk.settle(),
      reset: (band, isNeutral) => desk.reset(this.part, this.index, EQ.map((name) => `eq.${band}.${name}`), isNeutral),
    });
    this.lanes = new LanePicture(desk);
    this.laws = new LawPictures(by("laws"), moved, () => desk.settle());
    by("remove-track").addEventListener("click", () => desk.removeTrack(this.index));
    by("role").addEventListener("change", () => desk.setRole(this.index, by("role").value));
  }

  open(part, index) {
    const isOther = this.part !== part || this.index !== index;
    this.part = part;
    this.index = index;
    this.root.hidden = false;
    for (const id of ["eq-figure", "laws"]) by(id).hidden = part === "reverb" || part === "delay";
    by("lanes").hidden = !this.desk.movable(part).length;
    if (!isOther) return;
    this.picture.clear();
    this.#build();
    if (this.desk.movable(part).length) this.lanes.open(part, index);
  }

  close() {
    this.root.hidden = true;
    this.part = undefined;
  }

  // Language or strip changed: everything anew.
  #build() {
    const sections = new Map();
    this.fields = [];
    this.laws.clear();
    by("words").replaceChildren();
    by("why").replaceChildren();
    for (const row of Object.values(this.desk.rows(this.part))) {
      const section = row.path.includes(".") ? row.path.split(".")[0] : row.section || "settings";
      if (!sections.has(section)) sections.set(section, this.#section(section));
      sections.get(section).append(this.#control(section, row));
    }
    this.controls.replaceChildren(...sections.values());
    by("eq-legend").replaceChildren(...["legend_raw", "legend_mix", "legend_reference"].map((key) => make("span", {}, say(key))));
  }

  rebuild() {
    if (this.part === undefined) return;
    this.#build();
    this.lanes.draw();
  }

  #section(name) {
    const fieldset = make("fieldset");
    const title = say(name).replaceAll("_", " ");
    const legend = make("legend", {}, title);
    if (this.desk.canBypass(this.part, name)) {
      const button = make("button", { "aria-pressed": "false", "aria-label": `${say("bypass")} ${title}` }, say("bypass"));
      button.addEventListener("click", () => button.setAttribute("aria-pressed", String(this.desk.bypass(this.part, this.index, name))));
      button.setAttribute("aria-pressed", String(this.desk.isBypassed(this.part, this.index, name)));
      legend.append(button);
    }
    fieldset.append(legend);
    return fieldset;
  }

  #control(section, row) {
    const label = this.desk.shortLabel(row);
    const whole = this.desk.label(row);
    const line = make("div", { class: "control", title: this.desk.tip(row) });
    const control = slider(this.desk, this.part, this.index, row, { label: whole });
    const number = numberField(this.desk, this.part, this.index, row, { label: row.unit ? `${whole} (${row.unit})` : whole });
    line.append(make("span", { class: "title" }, label), control, number, make("span", { class: "unit" }, row.unit));
    this.fields.push({ row, line, control, number });
    return line;
  }

  draw(strip) {
    by("panel-title").replaceChildren(make("bdi", {}, strip.name), strip.role ? ` (${sayRole(strip.role)})` : "");
    for (const { row, line, control, number } of this.fields) {
      const { path } = row;
      const value = at(strip.settings, path);
      show(control, row, value);
      showNumber(number, row, value);
      const before = this.desk.before(this.part, this.index, path);
      line.classList.toggle("moves", this.desk.isMoving(this.part, this.index, path));
      line.classList.toggle("changed", before !== null);
      const tip = `${this.desk.tip(row)}${before === null ? "" : ` ${say("was_predicted")} ${spoken(row, before)}.`}`;
      if (line.title !== tip) line.title = control.title = number.title = tip;
    }
    // Nodes go with the hand; only those with lanes stand where the server says that the loop has them.
    if (strip.settings.eq && !this.#isEqMoving()) this.picture.drawNodes(Object.entries(strip.settings.eq).map(([band, values]) => ({ band, ...values })));
    this.#drawTrack(strip);
    this.drawLanes();
  }

  #isEqMoving() {
    return Object.values(this.desk.rows(this.part)).some(({ path }) => path.startsWith("eq.") && this.desk.isMoving(this.part, this.index, path));
  }

  #drawTrack(strip) {
    const isTrack = this.part === "track" && !this.desk.isFollowing();
    by("track-tools").hidden = !isTrack;
    if (!isTrack) return;
    const roles = this.desk.roles();
    const key = JSON.stringify([roles, say("role_unknown")]);
    if (by("role").dataset.key !== key) {
      by("role").dataset.key = key;
      by("role").replaceChildren(make("option", { value: "" }, say("role_unknown")), ...roles.map((role) => make("option", { value: role }, sayRole(role))));
    }
    by("role").value = strip.role ?? "";
  }

  drawLanes() {
    if (!by("lanes").hidden) this.lanes.draw();
  }

  drawCurves(curves) {
    if (!curves.eq) return;
    this.picture.drawCurve(curves.eq);
    if (this.#isEqMoving()) this.picture.drawNodes(curves.eq.nodes);
    this.laws.draw(curves.laws, curves.levels);
  }

  drawPictures(pictures) {
    if (pictures.eq) this.picture.drawSpectra(pictures.thirds_hz, pictures.spectra_db);
    this.drawCurves(pictures);
    this.root.dataset.shown = `${this.part}/${this.index}`;
    this.drawWords(pictures);
  }

  drawWords({ words = [], why = [] }) {
    by("words").replaceChildren(...words.map((text) => make("li", {}, text)));
    by("why").replaceChildren(...why.map((text) => make("li", {}, text)));
    by("why-title").hidden = !why.length;
  }
}
