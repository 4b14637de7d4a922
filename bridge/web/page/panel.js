// The selected strip: its pictures, what it does in words, and a control for each setting.

import { EqualizerPicture } from "./charts.js";
import { LanePicture } from "./lanes.js";
import { LawPictures } from "./laws.js";
import { bind, show } from "./mixer.js";
import { at, rounded } from "./scale.js";
import { say } from "./texts.js";

function make(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

export class Panel {
  constructor(desk) {
    this.desk = desk;
    this.root = document.querySelector("#panel");
    this.controls = document.querySelector("#controls");
    this.fields = [];
    this.picture = new EqualizerPicture(
      document.querySelector("#eq"),
      (band, values) => {
        for (const [name, value] of Object.entries(values)) {
          const path = `eq.${band}.${name}`;
          desk.move(this.part, this.index, path, rounded(desk.row(this.part, path), value));
        }
      },
      () => desk.settle(),
    );
    this.lanes = new LanePicture(desk);
    this.laws = new LawPictures(
      document.querySelector("#laws"),
      (path, value) => desk.move(this.part, this.index, path, rounded(desk.row(this.part, path), value)),
      () => desk.settle(),
    );
  }

  open(part, index) {
    const isOther = this.part !== part || this.index !== index;
    this.part = part;
    this.index = index;
    this.root.hidden = false;
    for (const id of ["#eq-figure", "#laws"]) document.querySelector(id).hidden = part === "reverb" || part === "delay";
    document.querySelector("#lanes").hidden = !this.desk.movable(part).length;
    if (!isOther) return;
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
    for (const [path, row] of Object.entries(this.desk.rows(this.part))) {
      const section = path.includes(".") ? path.split(".")[0] : row.section || "settings";
      if (!sections.has(section)) sections.set(section, this.#section(section));
      sections.get(section).append(this.#control(path, row));
    }
    this.controls.replaceChildren(...sections.values());
    document.querySelector("#eq-legend").replaceChildren(...["legend_raw", "legend_mix", "legend_reference"].map((key) => make("span", {}, say(key))));
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

  #control(path, row) {
    const label = path.includes(".") ? path.split(".").slice(1).join(" ").replaceAll("_", " ").replace(/ (db|hz|ms|s)$/, "") : row.label;
    const line = make("div", { class: "control", title: `${row.help}. ${say("hint")}` });
    const slider = make("input", { type: "range", min: 0, max: 1000, step: 1, "aria-label": label, "data-path": path });
    const number = make("input", { type: "number", min: row.low, max: row.high, step: "any", "aria-label": `${label} ${row.unit}` });
    bind(slider, row, this.part, this.index, path, this.desk);
    number.addEventListener("change", () => {
      const value = Number(number.value);
      if (number.value.trim() === "" || !Number.isFinite(value)) return this.desk.refresh();
      this.desk.move(this.part, this.index, path, Math.min(row.high, Math.max(row.low, value)));
      this.desk.settle();
      return undefined;
    });
    line.append(make("span", { class: "title" }, label), slider, number, make("span", {}, row.unit));
    this.fields.push({ path, row, line, slider, number });
    return line;
  }

  draw(strip) {
    document.querySelector("#panel-title").textContent = strip.role ? `${strip.name} (${strip.role})` : strip.name;
    for (const { path, row, line, slider, number } of this.fields) {
      const value = at(strip.settings, path);
      show(slider, row, value);
      if (document.activeElement !== number) number.value = rounded(row, value);
      line.classList.toggle("moves", this.desk.isMoving(this.part, this.index, path));
      line.classList.toggle("changed", this.desk.isChanged(this.part, this.index, path));
    }
    this.drawLanes();
  }

  drawLanes() {
    if (!document.querySelector("#lanes").hidden) this.lanes.draw();
  }

  drawCurves(curves) {
    if (!curves.eq) return;
    this.picture.drawCurve(curves.eq);
    this.laws.draw(curves.laws, curves.levels);
  }

  drawPictures(pictures) {
    if (pictures.eq) this.picture.drawSpectra(pictures.thirds_hz, pictures.spectra_db);
    this.drawCurves(pictures);
    this.root.dataset.shown = `${this.part}/${this.index}`;
    document.querySelector("#words").replaceChildren(...pictures.words.map((words) => make("li", {}, words)));
  }
}
