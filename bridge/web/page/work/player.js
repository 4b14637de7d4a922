// Plays a loop that the server has rendered. A new one takes over at the same place, across a short fade.
// Browsers let nothing sound before a key or button was pressed: until then only the bytes are kept.

const FADE_S = 0.03;

export class Player {
  constructor() {
    this.context = null;
    this.current = null;
    this.began = 0;
    this.buffer = null;
    this.waiting = null;
    this.newest = null;
  }

  get isPlaying() {
    return this.current !== null;
  }

  get hasSound() {
    return Boolean(this.buffer || this.waiting);
  }

  get position() {
    if (!this.isPlaying || !this.buffer) return 0;
    return (this.context.currentTime - this.began) % this.buffer.duration;
  }

  // Bytes of a WAV file, and the gain that brings it to the level of the others.
  async take({ bytes, gainDb }) {
    this.newest = this.waiting = { bytes, gainDb };
    if (this.context) await this.#decode();
    if (this.isPlaying) this.#start(this.position);
  }

  async play() {
    this.context ??= new AudioContext();
    await this.context.resume();
    await this.#decode();
    if (this.buffer) this.#start(0);
  }

  stop() {
    this.#fade(this.current);
    this.current = null;
  }

  async #decode() {
    const { waiting } = this;
    if (!waiting) return;
    this.waiting = null;
    const buffer = await this.context.decodeAudioData(waiting.bytes);
    if (this.newest !== waiting) return;
    this.buffer = buffer;
    this.gain = 10 ** (waiting.gainDb / 20);
  }

  #start(offset) {
    const now = this.context.currentTime;
    const source = new AudioBufferSourceNode(this.context, { buffer: this.buffer, loop: true });
    const gain = new GainNode(this.context, { gain: 0 });
    source.connect(gain).connect(this.context.destination);
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(this.gain, now + FADE_S);
    source.start(now, offset % this.buffer.duration);
    this.#fade(this.current);
    this.current = { source, gain };
    this.began = now - offset;
  }

  #fade(playing) {
    if (!playing) return;
    const now = this.context.currentTime;
    playing.gain.gain.cancelScheduledValues(now);
    playing.gain.gain.setValueAtTime(playing.gain.gain.value, now);
    playing.gain.gain.linearRampToValueAtTime(0, now + FADE_S);
    playing.source.stop(now + FADE_S);
  }
}
