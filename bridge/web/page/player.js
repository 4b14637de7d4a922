// Plays a loop that the server has rendered. A new one takes over at the same place, across a short fade.

const FADE_S = 0.03;

export class Player {
  constructor() {
    this.context = null;
    this.current = null;
    this.began = 0;
    this.buffer = null;
  }

  get isPlaying() {
    return this.current !== null;
  }

  get position() {
    if (!this.isPlaying || !this.buffer) return 0;
    return (this.context.currentTime - this.began) % this.buffer.duration;
  }

  // Bytes of a WAV file, and the gain that brings it to the level of the others.
  async take({ bytes, gainDb }) {
    this.context ??= new AudioContext();
    const buffer = await this.context.decodeAudioData(bytes);
    this.buffer = buffer;
    this.gain = 10 ** (gainDb / 20);
    if (this.isPlaying) this.#start(this.position);
  }

  async play() {
    this.context ??= new AudioContext();
    await this.context.resume();
    if (this.buffer) this.#start(0);
  }

  stop() {
    this.#fade(this.current);
    this.current = null;
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
