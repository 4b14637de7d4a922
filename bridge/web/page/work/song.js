// The whole song: the waveform of all tracks, the loop in it, the last render and where it plays.

import { ask } from "../core/api.js";
import { by, element, line, write } from "../core/dom.js";
import { say } from "../core/texts.js";
import { clock } from "../strip/lanes.js";

const HEIGHT = 48;
const WIDTH = 1000;
const LEVEL_LUFS = -20; // at which versions of the loop are compared
const DRAG_PX = 6;

export class Song {
  // `hand` sets the loop (loop), knows the studio, and stops the loop (quiet).
  constructor(studio, hand) {
    this.studio = studio;
    this.hand = hand;
    this.svg = by("song-wave");
    this.place = by("song-place");
    this.audio = by("song-audio");
    this.play = by("song-play");
    this.wave = this.svg.appendChild(element("path", { class: "wave" }));
    this.loop = this.svg.appendChild(element("rect", { class: "loop", y: 0, height: HEIGHT }));
    this.head = this.svg.appendChild(element("line", { class: "playhead", y1: 0, y2: HEIGHT, x1: -9, x2: -9 }));
    this.play.addEventListener("click", () => this.playOrStop());
    this.place.addEventListener("input", () => this.#seek(Number(this.place.value)));
    for (const name of ["play", "pause", "ended", "emptied"]) this.audio.addEventListener(name, () => this.draw());
    this.svg.addEventListener("pointerdown", (event) => this.#press(event));
  }

  get isPlaying() { return !this.audio.paused && !this.audio.ended; }
  get length() { return this.studio.state?.material.length_s || 0; }

  async playOrStop() {
    if (this.isPlaying) { this.audio.pause(); return; }
    const { song } = this.studio.state;
    if (!song) return;
    this.hand.quiet();
    const source = `/api/mix/mix.wav?${song.made}`;
    if (this.audio.getAttribute("src") !== source) {
      this.audio.src = source;
      this.audio.currentTime = Number(this.place.value);
    }
    this.audio.volume = Math.min(1, 10 ** ((LEVEL_LUFS - (song.loudness_lufs ?? LEVEL_LUFS)) / 20));
    await this.audio.play().catch((error) => this.hand.failed(error));
  }

  stop() { this.audio.pause(); }

  #seek(seconds) {
    this.place.value = seconds;
    if (this.audio.getAttribute("src")) this.audio.currentTime = seconds;
    this.#sayPlace(seconds);
  }

  #sayPlace(seconds) {
    this.place.setAttribute("aria-valuetext", clock(seconds));
    write(by("song-time"), `${clock(seconds)} / ${clock(this.length)}`);
  }

  draw() {
    const { state } = this.studio;
    by("song").hidden = !this.studio.hasStems;
    if (!this.studio.hasStems) return;
    const { loop } = state.material;
    this.place.max = this.length;
    this.loop.setAttribute("x", this.#x(loop.start_s));
    this.loop.setAttribute("width", this.#x(loop.length_s));
    this.play.disabled = !state.song;
    by("song-files").hidden = !state.song;
    write(this.play, say(this.isPlaying ? "stop_song" : "play_song"));
    this.play.setAttribute("aria-pressed", String(this.isPlaying));
    write(by("song-state"), !state.song ? say("song_none") : state.song.is_current ? say("song_current") : say("song_old"));
    this.#drawWave(JSON.stringify(state.material.stems));
    if (!this.isPlaying) this.#sayPlace(Number(this.place.value));
  }

  #x(seconds) { return (WIDTH * seconds) / (this.length || 1); }

  async #drawWave(key) {
    if (this.drawn === key) return;
    this.drawn = key;
    try {
      const { peaks } = await ask("/api/wave/master/0");
      const upper = peaks.map((peak, column) => [column, HEIGHT / 2 - 0.46 * HEIGHT * peak]);
      const lower = peaks.map((peak, column) => [column, HEIGHT / 2 + 0.46 * HEIGHT * peak]).reverse();
      this.wave.setAttribute("d", `${line([...upper, ...lower])}Z`);
    } catch (error) {
      this.drawn = "";
      this.hand.failed(error);
    }
  }

  // A click is a place of the song, a drag another loop.
  #press(event) {
    if (event.button) return;
    event.preventDefault();
    const box = this.svg.getBoundingClientRect();
    const at = (moved) => Math.min(this.length, Math.max(0, (this.length * (moved.clientX - box.left)) / box.width));
    const begin = at(event);
    this.svg.setPointerCapture(event.pointerId);
    const move = (moved) => {
      if (Math.abs(moved.clientX - event.clientX) < DRAG_PX) return;
      const [low, high] = [begin, at(moved)].sort((one, other) => one - other);
      this.loop.setAttribute("x", this.#x(low));
      this.loop.setAttribute("width", this.#x(high - low));
    };
    const end = (moved) => {
      this.svg.removeEventListener("pointermove", move);
      const [low, high] = [begin, at(moved)].sort((one, other) => one - other);
      if (Math.abs(moved.clientX - event.clientX) < DRAG_PX) this.#seek(begin);
      else this.hand.loop(low, Math.min(30, Math.max(2, high - low)));
    };
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", end, { once: true });
  }

  // The playhead alone: called for each frame, with where the loop plays.
  tick(loopAt) {
    const seconds = this.isPlaying ? this.audio.currentTime : loopAt;
    const x = seconds === null ? -9 : Math.round(this.#x(seconds));
    if (this.isPlaying) {
      this.place.value = seconds;
      const now = clock(seconds).slice(0, -2);
      if (this.said !== now) { this.said = now; this.#sayPlace(seconds); }
    }
    if (this.headAt === x) return;
    this.headAt = x;
    this.head.setAttribute("x1", x);
    this.head.setAttribute("x2", x);
  }
}
