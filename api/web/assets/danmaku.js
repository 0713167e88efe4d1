// Comments that fly over the picture.
import Danmaku from "./vendor/danmaku.js";
import { signal } from "./vendor/ui.js";
import { recall, remember } from "./state.js";

const MOST = 60; // comments a second; more are left out

export const settings = signal({ on: recall("danmaku") !== "off", speed: Number(recall("danmaku.speed")) || 140, opacity: Number(recall("danmaku.opacity")) || 0.9 });

export function change(part) {
  settings.value = { ...settings.value, ...part };
  remember("danmaku", settings.value.on ? "" : "off");
  remember("danmaku.speed", String(settings.value.speed));
  remember("danmaku.opacity", String(settings.value.opacity));
}

/** Stage shows comments in an element. */
export class Stage {
  #danmaku; #resize; #window = 0; #count = 0;

  constructor(element) {
    this.#danmaku = new Danmaku({ container: element, engine: "dom", comments: [], speed: settings.value.speed });
    this.#resize = new ResizeObserver(() => this.#danmaku.resize());
    this.#resize.observe(element);
  }

  /** show lets a text fly. mine marks the user's own comment. */
  show(text, mine) {
    const now = performance.now();
    if (now - this.#window > 1000) {
      this.#window = now;
      this.#count = 0;
    }
    if (!settings.value.on || document.visibilityState === "hidden" || ++this.#count > MOST) return;
    this.#danmaku.speed = settings.value.speed;
    this.#danmaku.emit({
      mode: "rtl",
      render: () => {
        const line = document.createElement("div");
        line.className = mine ? "fly mine" : "fly";
        line.dir = "auto";
        line.textContent = text.length > 80 ? text.slice(0, 80) + "…" : text;
        return line;
      },
    });
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
