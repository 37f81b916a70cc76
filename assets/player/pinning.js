// The picker: words that shall stand in a slot of the next run. It shows while a slot of the diffusion lane is locked,
// sends what is typed to the server, and hears back what the settings hold. Only on the page: an exported player has no
// server. Comes after stage.js and uses its `stage`, `trigger` and `watch`.

const PINNABLE = "diffusion";
const PIN = /^\s*([0-9]{1,9})\s*:([^]+)/;

class Picker {
  constructor(stage) {
    this.stage = stage;
    this.pins = new Map(); // slot, counted from 1 -> words
    this.slot = null; // the one the form speaks of
    this.build();
    // The lock changes by a click on a slot or on Close, by a key, or when another run takes the stage.
    stage.lanesRoot.addEventListener("click", () => this.follow());
    stage.inspector.root.addEventListener("click", () => this.follow());
    document.addEventListener("keydown", () => this.follow());
    document.addEventListener("twotower:pins", ({ detail }) => this.hear(detail));
    this.follow();
  }

  build() {
    this.list = el("p", "tt-pins");
    this.list.setAttribute("role", "status");
    this.stage.lanesRoot.before(this.list);
    this.root = el("form", "tt-pinning");
    this.name = el("label", "tt-pin-name", "");
    this.words = el("input", "tt-pin-words");
    Object.assign(this.words, { type: "text", autocomplete: "off", spellcheck: false, maxLength: 400 });
    this.name.append(el("span", ""), this.words);
    this.set = el("button", "tt-button tt-pin-set", "Pin");
    this.drop = el("button", "tt-button tt-pin-drop", "Unpin");
    this.drop.type = "button";
    this.said = el("p", "tt-pin-said");
    this.root.append(this.name, this.set, this.drop, this.said);
    this.stage.inspector.root.append(this.root);
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      trigger("pin", { slot: this.slot, text: this.words.value });
    });
    this.drop.addEventListener("click", () => trigger("unpin", { slot: this.slot }));
    this.words.addEventListener("input", () => this.show());
    // Letters typed here are no keys of the player's; Escape lets go of the slot as everywhere.
    this.root.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation());
  }

  follow() {
    const { locked } = this.stage.inspector;
    const slot = locked?.lane.look.lane === PINNABLE ? locked.position + 1 : null;
    if (slot !== this.slot) this.words.value = this.pins.get(slot) ?? "";
    this.slot = slot;
    this.stage.inspector.root.dataset.pinning = slot !== null;
    this.show();
  }

  // What the settings hold by now, a line a pin.
  hear(text) {
    const before = this.pins.get(this.slot);
    this.pins = new Map(text.split("\n").map((line) => PIN.exec(line)).filter(Boolean).map(([, slot, words]) => [Number(slot), words]));
    const now = this.pins.get(this.slot);
    if (now !== before) this.words.value = now ?? "";
    this.show();
  }

  show() {
    const { slot } = this;
    const pinned = this.pins.get(slot);
    this.root.hidden = slot === null;
    setText(this.name.firstChild, `Pin text from slot ${slot} on`);
    this.set.disabled = this.words.value === "" || this.words.value === pinned;
    this.drop.disabled = pinned === undefined;
    setText(this.said, pinned === undefined
      ? "The next run starts with it in place, and diffusion writes around it. A space before it begins a new word."
      : `Pinned for the next run: “${spelled(pinned)}”.`);
    const all = [...this.pins].sort(([one], [other]) => one - other).map(([at, words]) => `slot ${at} “${spelled(words)}”`);
    this.list.hidden = !all.length;
    setText(this.list, `Pinned for the next run, in the diffusion lane: ${all.join(", ")}.`);
  }
}

const picker = new Picker(stage);
watch("value", () => picker.follow());
