// Files that come to the page: dropped or chosen, alone, in folders, and by what they are.

import { tell } from "../core/api.js";
import { by, isolated } from "../core/dom.js";
import { say } from "../core/texts.js";

const AUDIO = /\.(wav|wave|flac|aiff?|ogg|oga|opus|mp3|w64|caf)$/i;
const HIDDEN = /^\./;

export class Files {
  // `hand` takes states (take), says things (tellUser), and what failed (failed).
  constructor(hand) {
    this.hand = hand;
    for (const [id, kind] of [["stem-files", "stems"], ["reference-file", "reference"]]) {
      by(id).addEventListener("change", async (event) => {
        const files = [...event.target.files];
        await this.give(files, kind);
        event.target.value = ""; // the same file may be chosen again
      });
    }
    by("preset-file").addEventListener("change", (event) => this.#chosen(event, (file) => this.#givePreset(file)));
    by("plugins-file").addEventListener("change", (event) => this.#chosen(event, (file) => this.#givePlugins(file)));
    this.#listenToDrops();
  }

  async #chosen(event, give) {
    const [file] = event.target.files;
    if (file) await give(file);
    event.target.value = "";
  }

  #listenToDrops() {
    addEventListener("dragover", (event) => {
      event.preventDefault();
      by("drop").hidden = false;
      for (const zone of document.querySelectorAll("[data-drop]")) zone.classList.toggle("over", zone === event.target.closest?.("[data-drop]"));
    });
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) by("drop").hidden = true; });
    addEventListener("drop", async (event) => {
      event.preventDefault();
      by("drop").hidden = true;
      const kind = event.target.closest?.("[data-drop]")?.dataset.drop ?? "stems";
      await this.give(await filesOf(event.dataTransfer), kind);
    });
    addEventListener("keydown", (event) => { if (event.key === "Escape") by("drop").hidden = true; });
  }

  // One after the other; a file that is refused keeps no other from being taken, and each is said.
  async give(files, kind) {
    const refused = [];
    let taken = 0;
    for (const [number, file] of files.entries()) {
      this.hand.tellUser(`${say("sending")} ${isolated(file.name)} (${number + 1}/${files.length})`);
      try {
        if (/\.json$/i.test(file.name)) await this.#givePreset(file);
        else if (/\.toml$/i.test(file.name)) await this.#givePlugins(file);
        else this.hand.take(await tell(`/api/${kind}?name=${encodeURIComponent(file.name)}`, file));
        taken += 1;
      } catch (error) {
        if (error.name !== "ServerError" && error.constructor.name !== "ServerError") { this.hand.failed(error); return; }
        refused.push(error.message);
      }
    }
    if (refused.length) this.hand.tellUser(refused.join(" "), true);
    else if (files.length) this.hand.tellUser(taken === 1 ? `${say("loaded")} ${isolated(files[0].name)}` : `${say("loaded")} ${taken} ${say("files_count")}`);
  }

  async #givePreset(file) {
    await this.#give(file, "/api/preset");
  }

  async #givePlugins(file) {
    await this.#give(file, "/api/plugins");
  }

  async #give(file, path) {
    try {
      this.hand.take(await tell(path, await file.text(), "PUT"));
      this.hand.tellUser(`${say("loaded")} ${isolated(file.name)}`);
    } catch (error) {
      this.hand.failed(error);
    }
  }
}

// All files of a drop; of folders the audio in them, in the order of their names.
async function filesOf(transfer) {
  const entries = [...transfer.items ?? []].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry, found, isInside = false) {
  if (HIDDEN.test(entry.name)) return;
  if (entry.isFile) {
    if (!isInside || AUDIO.test(entry.name)) found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  const inside = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    inside.push(...some);
  }
  inside.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  for (const item of inside) await collect(item, found, true);
}
