// Comments that fly over the picture.
import Danmaku from "./vendor/danmaku.js";
import { signal } from "./vendor/ui.js";
import { recall, remember } from "./state.js";

const MOST = 60; // comments a second; more are left out
const KEPT = 600; // newest comments that can be removed
const FLOWN = 200; // comments that the library has started, and would keep forever

export const settings = signal({ on: recall("danmaku") !== "off", speed: Number(recall("danmaku.speed")) || 140, opacity: Number(recall("danmaku.opacity")) || 0.9 });

export function change(part) {
  settings.value = { ...settings.value, ...part };
  remember("danmaku", settings.value.on ? "" : "off");
  remember("danmaku.speed", String(settings.value.speed));
  remember("danmaku.opacity", String(settings.value.opacity));
}

/** Stage shows comments in an element. */
export class Stage {
  #danmaku; #resize; #window = 0; #count = 0; #flying = []; // the newest comments: { line, node, removed }

  constructor(element) {
    this.#danmaku = new Danmaku({ container: element, engine: "dom", comments: [], speed: settings.value.speed });
    this.#resize = new ResizeObserver(() => this.#danmaku.resize());
    this.#resize.observe(element);
  }

  /** show lets a comment fly. mine marks the user's own comment. */
  show(/** @type {{ text: string }} */ line, mine) {
    const now = performance.now();
    if (now - this.#window > 1000) {
      this.#window = now;
      this.#count = 0;
    }
    if (!settings.value.on || document.visibilityState === "hidden" || ++this.#count > MOST) return;
    this.#danmaku.speed = settings.value.speed;
    const { comments, _: library } = this.#danmaku;
    if (library.position > FLOWN) {
      comments.splice(0, library.position);
      library.position = 0;
    }
    const flight = { line, node: null, removed: false };
    this.#flying = [...this.#flying.slice(1 - KEPT), flight];
    this.#danmaku.emit({
      mode: "rtl",
      render: () => {
        const node = document.createElement("div");
        node.className = mine ? "fly mine" : "fly";
        node.dir = "auto";
        if (!flight.removed) node.textContent = line.text.length > 80 ? line.text.slice(0, 80) + "…" : line.text;
        flight.node = new WeakRef(node); // a node that has flown is not kept
        return node;
      },
    });
  }

  /** remove takes the comments for which wanted returns true off the picture. */
  remove(wanted) {
    for (const flight of this.#flying.filter((f) => wanted(f.line))) {
      flight.removed = true;
      flight.node?.deref()?.replaceChildren();
    }
  }

  setOn(on) {
    if (on) this.#danmaku.show();
    else this.#danmaku.hide();
  }

  destroy() {
    this.#resize.disconnect();
    this.#danmaku.destroy();
  }
}
