// What is heard: which version, which tracks alone, which sections bypassed; and the meters of it.

import { ask, sound } from "../core/api.js";
import { Player } from "./player.js";

export const VERSIONS = ["raw", "predicted", "mix", "reference", "reference 2"];
const REFERENCES = { reference: 0, "reference 2": 1 };
const KEPT = "mixbridge-hearing";

export class Hearing {
  // `listener` is told: heard(signal) after new sound, failed(error), changed() when what is heard is chosen.
  constructor(studio, listener) {
    this.studio = studio;
    this.listener = listener;
    this.player = new Player();
    this.meters = null;
    this.asked = null;
    this.count = 0;
    this.#recall();
  }

  // A page that is loaded again hears what it heard.
  #recall() {
    let kept = {};
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    } catch { /* written by another version */ }
    this.version = VERSIONS.includes(kept.version) ? kept.version : "mix";
    this.soloed = new Set(Array.isArray(kept.soloed) ? kept.soloed : []);
    this.bypassed = new Set(Array.isArray(kept.bypassed) ? kept.bypassed : []);
  }

  #keep() {
    sessionStorage.setItem(KEPT, JSON.stringify({ version: this.version, soloed: [...this.soloed], bypassed: [...this.bypassed] }));
  }

  isOpen(version) {
    const { state } = this.studio;
    return this.studio.hasStems && (version !== "predicted" || Boolean(state.predicted)) && (!(version in REFERENCES) || state.material.references.length > REFERENCES[version]);
  }

  get isReference() { return this.version in REFERENCES; }

  // Which reference is drawn: the one that is heard, if one is; else the server takes the heaviest.
  get drawn() { return this.isReference ? `?reference=${REFERENCES[this.version]}` : ""; }

  choose(version) {
    this.version = version;
    this.#chosen();
  }

  solo(names, isOn) {
    for (const name of names) this.soloed[isOn ? "add" : "delete"](name);
    this.#chosen();
  }

  bypass(key) {
    if (!this.bypassed.delete(key)) this.bypassed.add(key);
    this.#chosen();
    return this.bypassed.has(key);
  }

  #chosen() {
    this.#keep();
    this.listener.changed();
    this.refresh();
  }

  // What is not there any more is neither soloed nor bypassed, nor heard.
  fit() {
    const { preset } = this.studio;
    const names = new Set(preset.tracks.map((track) => track.name));
    for (const name of this.soloed) if (!names.has(name)) this.soloed.delete(name);
    const sizes = { track: preset.tracks.length, bus: preset.buses.length, master: 1 };
    for (const key of this.bypassed) {
      const [part, index] = key.split(":");
      if (Number(index) >= (sizes[part] ?? 0)) this.bypassed.delete(key);
    }
    if (!this.isOpen(this.version)) this.version = this.isReference && this.isOpen("reference") ? "reference" : "mix";
    this.#keep();
  }

  async refresh() {
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    try {
      if (this.studio.hasStems) {
        const parameters = new URLSearchParams();
        for (const name of this.soloed) parameters.append("solo", name);
        for (const key of this.bypassed) parameters.append("bypass", key);
        const heard = String(parameters);
        if (this.isReference) parameters.append("reference", REFERENCES[this.version]);
        await this.player.take(await sound(this.isReference ? "reference" : this.version, parameters, signal));
        this.count += 1;
        document.documentElement.dataset.heard = String(this.count);
        this.meters = await ask(`/api/meters?${heard}`, signal);
      }
      await this.listener.heard(signal);
    } catch (error) {
      this.listener.failed(error);
    }
  }

  async playOrStop() {
    if (this.player.isPlaying) this.player.stop();
    else {
      if (!this.player.hasSound) await this.refresh();
      await this.player.play();
    }
    this.listener.changed();
  }
}
