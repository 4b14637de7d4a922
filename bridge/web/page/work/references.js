// The songs whose sound the mix should have: one, or two with a share each.

import { by, make, write } from "../core/dom.js";
import { say } from "../core/texts.js";

export class References {
  constructor(studio) {
    this.studio = studio;
    this.share = by("reference-share");
    this.share.addEventListener("input", () => this.#sayShare());
    this.share.addEventListener("change", () => this.#weigh());
  }

  // Shares that are refused go back to what counts.
  async #weigh() {
    if (await this.studio.act("weights", { value: Number(this.share.value) / 100 })) return;
    this.share.dataset.told = "";
    this.draw();
  }

  draw() {
    const { references } = this.studio.state.material;
    const names = references.map(({ name }) => name);
    const key = JSON.stringify([names, say("remove")]);
    if (this.key !== key) {
      this.key = key;
      by("reference-list").replaceChildren(...names.map((name, index) => this.#item(name, index, names.length > 1 ? `${index + 1} ` : "")));
    }
    by("references-are").hidden = !references.length;
    by("reference-blend").hidden = references.length !== 2;
    if (references.length !== 2) return;
    if (document.activeElement !== this.share || this.share.dataset.told !== String(references[1].share)) this.share.value = Math.round(100 * references[1].share);
    this.share.dataset.told = String(references[1].share);
    this.#sayShare();
  }

  #item(name, index, number) {
    const item = make("li");
    const remove = make("button", { "aria-label": `${say("remove")} ${name}`, title: say("remove") }, "×");
    remove.addEventListener("click", () => this.studio.act("remove reference", { value: index, name }));
    item.append(number, make("bdi", { title: name }, name), " ", remove);
    return item;
  }

  #sayShare() {
    const [one, other] = this.studio.state.material.references;
    const share = Number(this.share.value);
    write(by("reference-share-value"), `${100 - share} % / ${share} %`);
    this.share.setAttribute("aria-valuetext", `${100 - share} % ${one.name}, ${share} % ${other.name}`);
  }
}
