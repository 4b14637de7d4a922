// What is worked on: the state as the server has it, with the hand's moves that are still on their way to it.
// A move is shown at once and told; what the server does not know yet stays as the hand has it.

import { ask, AwayError, tell, tellLast } from "../core/api.js";
import { at, put } from "../core/scale.js";
import { lanesOf, putLane } from "../strip/lanes.js";

const SEND_MS = 80;

// Of all pages that a server has, one hand's hold has this name.
const newHold = () => `${Date.now()} ${Math.random()}`.slice(0, 40);

export const partOf = (preset, part, index) =>
  part === "track" ? preset?.tracks[index]?.strip : part === "bus" ? preset?.buses[index]?.strip : preset?.[part];

const ownerOf = (preset, part, index) => (part === "bus" ? preset.buses : preset.tracks)[index];

const isSame = (one, other) => one.part === other.part && one.index === other.index && one.path === other.path;
const keyOf = (edit) => `${edit.points ? "lane/" : ""}${edit.part}/${edit.index}/${edit.path}`;

export class Studio {
  // `listener` is told: taken(before, now), moved(), heard(), curves(curves), failed(error).
  constructor(listener) {
    this.listener = listener;
    this.table = null;
    this.state = null;
    this.pending = new Map();
    this.onTheWay = [];
    this.told = 0; // the revision that the last moves made: an older state is no news
    this.sending = null;
    this.isSettling = false;
    this.isLeaving = false;
    this.laneGesture = "";
    this.hold = newHold(); // from where a hand takes hold to where it lets go
    this.delivered = Promise.resolve();
  }

  async readTable() {
    this.table = await ask("/api/table");
    for (const rows of Object.values(this.table.parts)) for (const [path, row] of Object.entries(rows)) row.path = path;
  }

  // --- What is known -----------------------------------------------------------------------------------------------

  get preset() { return this.state.preset; }
  get hasStems() { return Boolean(this.state?.material.stems.length); }

  standing(part, index, path) {
    return at(partOf(this.preset, part, index), path);
  }

  // What was predicted, where something else stands now; else null.
  before(part, index, path) {
    const { predicted } = this.state;
    const strip = predicted && this.#predictedPart(part, index);
    const before = strip && at(strip, path);
    return before === undefined || before === null || Math.abs(before - this.standing(part, index, path)) <= 1e-9 ? null : before;
  }

  // Tracks are told apart by name: one may have been added or removed since.
  #predictedPart(part, index) {
    const { predicted } = this.state;
    if (part !== "track") return partOf(predicted, part, index);
    const name = this.preset.tracks[index]?.name;
    return predicted.tracks.find((track) => track.name === name)?.strip;
  }

  isEdited(part, index) {
    return Boolean(this.state.predicted) && Object.keys(this.table.parts[part]).some((path) => this.before(part, index, path) !== null);
  }

  predictedValue(part, index, path) {
    const strip = this.state.predicted && this.#predictedPart(part, index);
    return strip ? at(strip, path) : undefined;
  }

  isMoving(part, index, path) {
    return lanesOf(this.preset, part, index).some((lane) => lane.parameter === path);
  }

  // --- What the hand does ------------------------------------------------------------------------------------------

  move(part, index, path, value) {
    put(partOf(this.preset, part, index), path, value);
    this.#tellSoon({ part, index, path, value });
    this.listener.moved();
  }

  moveLane(part, index, path, points, shape, gesture) {
    const edit = { part, index, path, points, shape };
    this.laneGesture = gesture;
    putLane(this.preset, edit);
    this.#tellSoon(edit);
  }

  mute(part, index, isMuted) {
    ownerOf(this.preset, part, index).mute = isMuted;
    this.#tellSoon({ part, index, path: "mute", value: Number(isMuted) });
    this.settle();
    this.listener.moved();
  }

  // With the strip's name: on another page tracks may come and go meanwhile.
  #tellSoon(edit) {
    if (edit.part === "track" || edit.part === "bus") edit.name = ownerOf(this.preset, edit.part, edit.index)?.name ?? "";
    this.pending.set(keyOf(edit), edit);
    this.sending ??= setTimeout(() => this.#send(), SEND_MS);
  }

  // The hand has let go: tell now, and hear it.
  settle() {
    this.isSettling = true;
    clearTimeout(this.sending);
    this.#send();
    this.hold = newHold();
  }

  #taken() {
    const edits = [...this.pending.values()];
    this.pending.clear();
    const gesture = edits.map((edit) => `${edit.part}/${edit.index}/${edit.path}${edit.points ? ` lane ${this.laneGesture}` : ""}`).join(" ").slice(0, 200);
    return { edits, gesture, hold: this.hold };
  }

  // One after the other: what is asked at the same time may be done in any order.
  #send() {
    this.sending = null;
    if (this.isLeaving) return this.delivered;
    const { edits, gesture, hold } = this.#taken();
    const wasSettling = this.isSettling;
    this.isSettling = false;
    this.onTheWay = [...this.onTheWay, ...edits];
    this.delivered = this.delivered.then(() => this.#deliver({ edits, gesture, hold }, wasSettling));
    return this.delivered;
  }

  async #deliver({ edits, gesture, hold }, wasSettling) {
    if (edits.length) {
      try {
        const answer = await tell("/api/edit", { edits, gesture, hold });
        this.told = Math.max(this.told, answer.revision);
        const later = [...this.pending.values(), ...this.onTheWay.filter((edit) => !edits.includes(edit))];
        for (const edit of answer.edits) if (edit.path !== "mute" && !later.some((other) => isSame(other, edit))) put(partOf(this.preset, edit.part, edit.index), edit.path, edit.value);
        for (const way of ["can_undo", "can_redo", "undoes", "redoes"]) this.state[way] = answer[way];
        this.listener.moved();
        if (!wasSettling) this.listener.dragged();
      } catch (error) {
        if (error instanceof AwayError) this.#keep(edits);
        else this.refresh().catch((other) => this.listener.failed(other));
        this.listener.failed(error);
      } finally {
        this.onTheWay = this.onTheWay.filter((edit) => !edits.includes(edit));
      }
    }
    if (wasSettling) this.listener.heard();
  }

  // Nobody answered: told again when the server is back, unless the hand has moved it further.
  #keep(edits) {
    for (const edit of edits) if (!this.pending.has(keyOf(edit))) this.pending.set(keyOf(edit), edit);
  }

  isBack() {
    this.told = 0; // a server that was started again counts anew
    if (this.pending.size) setTimeout(() => this.settle());
  }

  // Resolves when the server knows all that was moved.
  async settled() {
    while (this.pending.size || this.onTheWay.length) {
      if (this.pending.size) {
        clearTimeout(this.sending);
        const before = this.pending.size;
        await this.#send();
        if (this.pending.size >= before) throw new AwayError("the server does not answer");
      } else {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async act(what, more = {}) {
    try {
      await this.settled();
      this.take(await tell("/api/do", { what, ...more }));
      return true;
    } catch (error) {
      this.listener.failed(error);
      return false;
    }
  }

  // The page is left: what the hand has moved is told all the same, and so is what was on its way, which a browser may
  // drop. `finish` ends what is typed or dragged.
  leave(finish) {
    this.isLeaving = true;
    finish();
    const onTheWay = this.onTheWay;
    const { edits, gesture, hold } = this.#taken();
    if (onTheWay.length + edits.length) tellLast("/api/edit", { edits: [...onTheWay, ...edits], gesture, hold });
  }

  // A page that was left may be shown again as it was.
  isShownAgain() {
    this.isLeaving = false;
  }

  // --- What the server says ----------------------------------------------------------------------------------------

  take(next) {
    if (next.revision < this.told) return;
    const before = this.state;
    this.state = next;
    // Moves that are not told yet stay as the hand has them.
    for (const edit of [...this.onTheWay, ...this.pending.values()]) {
      if (edit.points) putLane(this.preset, edit);
      else if (edit.path === "mute") { const owner = ownerOf(this.preset, edit.part, edit.index); if (owner) owner.mute = Boolean(edit.value); }
      else if (partOf(this.preset, edit.part, edit.index)) put(partOf(this.preset, edit.part, edit.index), edit.path, edit.value);
    }
    this.listener.taken(before, next);
  }

  async refresh() {
    this.told = 0;
    this.take(await ask("/api/state"));
  }
}
