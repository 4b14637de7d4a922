// What strips and the panel ask and do: the studio, what is heard, and which strip is selected.

import { say } from "../core/texts.js";
import { lanesOf } from "../strip/lanes.js";
import { strips } from "../strip/mixer.js";

const KEPT = "mixbridge-selected";

export class Desk {
  // `page` draws (draw), says things (tellUser) and asks for pictures (pictures).
  constructor(studio, hearing, page) {
    this.studio = studio;
    this.hearing = hearing;
    this.page = page;
    const [part, index] = (sessionStorage.getItem(KEPT) ?? "").split("/");
    this.selected = part ? { part, index: Number(index) } : null;
  }

  // --- The table -----------------------------------------------------------------------------------------------

  row(part, path) { return this.studio.table.parts[part][path]; }
  rows(part) { return this.studio.table.parts[part]; }
  roles() { return this.studio.table.roles; }
  tip(row) { return `${row.help.at(0).toUpperCase()}${row.help.slice(1)}. ${say("hint")}`; }

  // "frequency" beside the name of its section, "Low shelf frequency" within the equalizer.
  shortLabel({ path, label }) {
    const keys = path.split(".");
    return keys.length > 2 ? `${say(keys[1])} ${label}` : label.at(0).toUpperCase() + label.slice(1);
  }

  // Unmistakable: with its section.
  label(row) {
    const keys = row.path.split(".");
    return keys.length > 1 ? `${say(keys[0])} ${keys.length > 2 ? `${say(keys[1])} ` : ""}${row.label}` : this.shortLabel(row);
  }

  movable(part) { return this.studio.hasStems ? this.studio.table.movable[part] ?? [] : []; }

  canBypass(part, section) {
    return part !== "reverb" && part !== "delay" && this.studio.hasStems && this.studio.table.switches.includes(section) && (part !== "master" || section === "eq" || section === "compressor");
  }

  // --- What stands ---------------------------------------------------------------------------------------------

  preset() { return this.studio.preset; }
  standing(part, index, path) { return this.studio.standing(part, index, path); }
  before(part, index, path) { return this.studio.before(part, index, path); }
  isEdited(part, index) { return this.studio.isEdited(part, index); }
  isMoving(part, index, path) { return this.studio.isMoving(part, index, path); }
  isFollowing() { return Boolean(this.studio.state.engine); }
  loop() { return this.studio.state.material.loop; }
  playingAt() { return this.loop().start_s + this.hearing.player.position; }
  lanes(part, index) { return lanesOf(this.preset(), part, index); }

  // --- What the hand does --------------------------------------------------------------------------------------

  move(part, index, path, value) { this.studio.move(part, index, path, value); }
  moveLane(...edit) { this.studio.moveLane(...edit); }
  settle() { this.studio.settle(); }
  mute(part, index, isMuted) { this.studio.mute(part, index, isMuted); }
  tellUser(text, isError) { this.page.tellUser(text, isError); }

  reset(part, index, paths, isNeutral) {
    const values = paths.map((path) => [path, isNeutral ? this.row(part, path).neutral : this.studio.predictedValue(part, index, path)]);
    const known = values.filter(([, value]) => value !== null && value !== undefined);
    if (!known.length) { this.tellUser(say(isNeutral ? "no_neutral" : "no_prediction")); return; }
    for (const [path, value] of known) this.move(part, index, path, value);
    this.settle();
  }

  removeTrack(index) { this.studio.act("remove track", { name: this.preset().tracks[index].name }); }
  setRole(index, role) { this.studio.act("role", { name: this.preset().tracks[index].name, other: role }); }

  // --- What is selected and heard ------------------------------------------------------------------------------

  get known() {
    const { selected } = this;
    return selected && strips(this.preset()).find((strip) => strip.part === selected.part && strip.index === selected.index);
  }

  select(part, index) {
    this.selected = { part, index };
    sessionStorage.setItem(KEPT, `${part}/${index}`);
    this.page.draw();
    this.page.pictures();
  }

  // A strip that is gone gives way to the first.
  fit() {
    if (!this.known) this.selected = this.preset().tracks.length ? { part: "track", index: 0 } : null;
  }

  isSelected(part, index) { return this.selected?.part === part && this.selected?.index === index; }
  isSoloed(part, index) {
    const names = this.#playing(part, index);
    return names.length > 0 && names.every((name) => this.hearing.soloed.has(name));
  }
  solo(part, index) { this.hearing.solo(this.#playing(part, index), !this.isSoloed(part, index)); }

  // Names of the tracks that a strip stands for: itself, or all of a group.
  #playing(part, index) {
    const { tracks, buses } = this.preset();
    return part === "bus" ? tracks.filter((track) => track.bus === buses[index]?.name).map((track) => track.name) : [tracks[index].name];
  }
  isBypassed(part, index, section) { return this.hearing.bypassed.has(`${part}:${index}:${section}`); }
  bypass(part, index, section) { return this.hearing.bypass(`${part}:${index}:${section}`); }
}
